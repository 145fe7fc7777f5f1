"""A telemedicine consultation room in which the vital signs are part of the conversation."""
