"""What most tests use."""

import gc

pytest_plugins = ["tests.engines"]


def pytest_unconfigure() -> None:
    # While all modules are still there: pydantic-core's time zones crash an interpreter that frees them at its end.
    gc.collect()
