"""Arithmetic on media packets, without I/O."""
