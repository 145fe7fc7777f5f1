"""Persistence: SQLAlchemy Core, migrations, field encryption."""
