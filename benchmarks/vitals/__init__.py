"""What the vitals plane of one server carries."""
