"""FHIR over HTTP: what devices and their gateways post."""
