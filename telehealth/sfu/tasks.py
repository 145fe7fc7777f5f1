"""An owner of tasks: whoever starts work through it can end all of it."""

import asyncio
import logging
from collections.abc import Coroutine

logger = logging.getLogger(__name__)


class Tasks:
    """Background work of one object; `aclose` cancels what still runs and waits for its end."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Run it; an error is logged, since nobody awaits the result. After `aclose` nothing starts."""
        if self._closed:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("media task failed", exc_info=error)

    async def settle(self) -> None:
        """Wait until all that was started has ended by itself."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def aclose(self) -> None:
        self._closed = True
        for task in self._running:
            task.cancel()
        await self.settle()
