"""An owner of tasks: what runs in the background ends with whoever started it."""

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)


class Tasks:
    """Background work of one object."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    def start(self, work: Coroutine[None, None, None], name: str) -> None:
        """Run the work until it ends or `aclose`, after which nothing starts; an error that ends it is logged."""
        if self._closed:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s failed", task.get_name(), exc_info=error)

    async def settle(self) -> None:
        """Wait until all that was started has ended by itself."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def aclose(self) -> None:
        """Cancel what still runs, and wait for its end."""
        self._closed = True
        for task in self._running:
            task.cancel()
        await self.settle()


@contextmanager
def surviving(what: str) -> Iterator[None]:
    """Let a fault of ours be logged and end there: for loops on which others hang, too."""
    try:
        yield
    except Exception:
        logger.exception("%s failed", what)
