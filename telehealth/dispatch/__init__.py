"""Ambulance cases: Case, on-call practitioners, ringing."""
