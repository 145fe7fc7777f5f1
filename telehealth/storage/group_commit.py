"""Group commit: what several callers bring while a transaction runs is written by the next one, together.

A commit waits for the disk; a hundred devices that each send one frame would wait a hundred times.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from telehealth.errors import Unavailable

ROWS = 1_000
"""Most rows of one transaction, unless a single caller brings more."""

GATHER_S = 0.015
"""Least time from the beginning of one transaction to that of the next: a short wait saves many commits."""

_Row = TypeVar("_Row")


class _Batch(Generic[_Row]):
    """Rows of several callers; the first of them leads, the others wait until it is done.

    Attributes:
        done: Set when the outcome is known.
        results: What `write` said; None if it was not written as a whole.
        abandoned: Whether its leader was cancelled, or failed in a way of its own.
    """

    def __init__(self) -> None:
        self.rows: list[_Row] = []
        self.done = asyncio.Event()
        self.results: Sequence[bool] | None = None
        self.failure: Unavailable | None = None
        self.abandoned = False


class GroupCommit(Generic[_Row]):
    """Gathers the rows of many callers into few transactions.

    Args:
        write: Writes rows in one transaction; tells of each whether it is new.
        limit: Most rows of one transaction.
        gather_s: Least time between the beginnings of two; who comes after a pause is written at once.
    """

    def __init__(
        self,
        write: Callable[[Sequence[_Row]], Awaitable[Sequence[bool]]],
        limit: int = ROWS,
        *,
        gather_s: float = GATHER_S,
    ) -> None:
        self._write = write
        self._limit = limit
        self._gather_s = gather_s
        self._began = float("-inf")
        self._turn = asyncio.Lock()
        self._open: _Batch[_Row] | None = None

    async def add(self, rows: Sequence[_Row]) -> Sequence[bool]:
        """Return, once these rows are committed, what `write` said of each of them."""
        batch, start = self._open, 0
        if batch is None or len(batch.rows) + len(rows) > self._limit:
            batch = self._open = _Batch()
            batch.rows.extend(rows)
            await self._lead(batch)
        else:
            start = len(batch.rows)
            batch.rows.extend(rows)
            # Not the turn itself: passed from one to the next, it would take a round of the event loop for each.
            await batch.done.wait()
        if batch.failure is not None:
            raise batch.failure
        if batch.results is not None:
            return batch.results[start : start + len(rows)]
        if batch.abandoned:
            return await self.add(rows)
        # A row of another caller's may be at fault.
        async with self._turn:
            return await self._write(rows)

    async def _lead(self, batch: _Batch[_Row]) -> None:
        written = False
        try:
            async with self._turn:
                await self._gather(batch)
                self._close(batch)
                await self._write_whole(batch)
            written = True
        finally:
            self._close(batch)
            batch.abandoned = not written
            batch.done.set()

    async def _gather(self, batch: _Batch[_Row]) -> None:
        """Let others come, too, but only if a transaction began a moment ago and there is room."""
        loop = asyncio.get_running_loop()
        wait_s = self._began + self._gather_s - loop.time()
        if wait_s > 0 and len(batch.rows) < self._limit:
            await asyncio.sleep(wait_s)
        self._began = loop.time()

    def _close(self, batch: _Batch[_Row]) -> None:
        if self._open is batch:
            self._open = None

    async def _write_whole(self, batch: _Batch[_Row]) -> None:
        try:
            batch.results = await self._write(batch.rows)
        except Unavailable as failure:
            # It would be so for each of them: none waits for it again.
            batch.failure = failure
        except SQLAlchemyError:
            return
