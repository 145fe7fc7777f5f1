"""The running server that monitors of these tests connect to."""

from tests.web.conftest import house

__all__ = ["house"]
