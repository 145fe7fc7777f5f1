"""What most tests use."""

pytest_plugins = ["tests.engines"]
