"""FHIR R4: observations and bundles of them, on their way in."""
