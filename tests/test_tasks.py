"""Background work ends with its owner, and its errors are not lost."""

import asyncio

import pytest

from telehealth.tasks import Tasks


async def test_an_error_in_a_task_is_logged_and_its_owner_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    tasks = Tasks()

    async def fail() -> None:
        raise RuntimeError("oh")

    tasks.start(fail(), "a failure")
    await tasks.settle()
    assert "a failure failed" in caplog.text
    tasks.start(asyncio.sleep(1000), "a long one")
    await tasks.aclose()
    tasks.start(fail(), "a failure")  # After the end nothing starts.
    await tasks.settle()
