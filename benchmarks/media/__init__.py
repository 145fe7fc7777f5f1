"""Compares ways to carry consultations: CPU, latency and memory under one load on one machine."""
