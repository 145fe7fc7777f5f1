"""Vital signs: Device, Sample, Waveform, Observation."""
