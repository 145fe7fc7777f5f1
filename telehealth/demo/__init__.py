"""An invented clinic and simulated devices."""
