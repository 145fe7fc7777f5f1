"""Availability and appointments: Schedule, Slot, Appointment."""
