"""Outbox: frames waiting for one socket, bounded. Who reads too slowly is closed; the others never wait for them."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from telehealth.clock import Clock
from telehealth.consultations.ports import SlowConsumer
from telehealth.web.sockets.wire import Frame

REPLACED_BY_SERVER = 1012
"""The server stops or cannot go on: come back."""
SLOW = 4408

MAX_FRAMES = 1024
MAX_BYTES = 1024 * 1024
STALL_S = 3.0
"""How long the transport's buffer may be full before its reader counts as too slow."""
FRESH_S = 1.2
"""Waves that had to wait longer are left out: who looks at a curve wants to see the present."""
FLUSH_S = 2.0
"""How long what was put before a close may take to leave."""

_TOGETHER = 128


class Wire(Protocol):
    """What an outbox writes to."""

    @property
    def full(self) -> bool:
        """Whether to wait before the next write."""
        ...

    def write(self, frames: Sequence[Frame]) -> None:
        """Send the frames; ConnectionError if nobody is there any more."""
        ...

    async def drained(self) -> None:
        """Return when it is not full; ConnectionError as for write."""
        ...

    async def close(self, code: int) -> None: ...


class Outbox:
    """Implements consultations.ports.Outbox.

    Args:
        gap: What a watcher is told in place of waves that were dropped; None if nothing may be dropped.
        clock: By which waves grow old; None if they do not.
        stall_s: How long the wire may be full before its reader counts as too slow.
    """

    def __init__(self, *, gap: str | None = None, clock: Clock | None = None, stall_s: float | None = None) -> None:
        self._frames: deque[tuple[Frame, float | None]] = deque()
        self._bytes = 0
        self._gap = gap
        self._clock = clock
        self._stall_s = STALL_S if stall_s is None else stall_s
        self._code: int | None = None
        self._waiting: asyncio.Timeout | None = None
        self._wake = asyncio.Event()

    @property
    def code(self) -> int | None:
        """The code it is closed with; None while it is open."""
        return self._code

    def put(self, frame: Frame) -> None:
        """Queue a frame that must not be lost; beyond the limits, close with SLOW and raise SlowConsumer."""
        self._append(frame, None)
        if len(self._frames) > MAX_FRAMES or self._bytes > MAX_BYTES:
            self._empty()
            self.close(SLOW)
            raise SlowConsumer

    def put_wave(self, frame: bytes) -> None:
        """Queue a frame that may be lost: beyond half of the limits, waves that still wait become one gap."""
        if len(self._frames) >= MAX_FRAMES // 2 or self._bytes + len(frame) > MAX_BYTES // 2:
            self._drop_waves()
        self._append(frame, 0.0 if self._clock is None else self._clock.monotonic())

    def close(self, code: int) -> None:
        """Close the socket once what is queued has left; the first code holds."""
        if self._code is None:
            self._code = code
            self._wake.set()
            if self._waiting is not None:
                self._waiting.reschedule(asyncio.get_running_loop().time() + FLUSH_S)

    async def write_to(self, wire: Wire) -> None:
        """Send what is put, until closed; then close the socket."""
        try:
            while self._code is None:
                await self._send_queued(wire, self._stall_s)
                await self._wake.wait()
                self._wake.clear()
            async with asyncio.timeout(FLUSH_S):
                await self._send_queued(wire, FLUSH_S)
        except TimeoutError:
            self.close(SLOW)
        except (ConnectionError, RuntimeError):
            # The other side is gone already: the reader sees it, too.
            self.close(1006)
        self._empty()
        await wire.close(1000 if self._code in (None, 1006) else self._code)

    async def _send_queued(self, wire: Wire, limit_s: float) -> None:
        while self._frames:
            if wire.full:
                await self._wait(wire, limit_s)
            together = [self._frames.popleft()[0] for _ in range(min(_TOGETHER, len(self._frames)))]
            self._bytes -= sum(_size(frame) for frame in together)
            wire.write(together)

    async def _wait(self, wire: Wire, limit_s: float) -> None:
        try:
            async with asyncio.timeout(limit_s) as self._waiting:
                await wire.drained()
        finally:
            self._waiting = None
        if self._clock is not None:
            self._drop_waves(before=self._clock.monotonic() - FRESH_S)

    def _append(self, frame: Frame, droppable_since: float | None) -> None:
        if self._code is not None:
            return
        self._frames.append((frame, droppable_since))
        self._bytes += _size(frame)
        self._wake.set()

    def _drop_waves(self, before: float = float("inf")) -> None:
        kept: deque[tuple[Frame, float | None]] = deque()
        told = False
        for frame, since in self._frames:
            if since is None or since >= before:
                kept.append((frame, since))
                told = told or frame == self._gap
            elif self._gap is not None and not told:
                kept.append((self._gap, None))
                told = True
        self._frames = kept
        self._bytes = sum(_size(frame) for frame, _ in kept)

    def _empty(self) -> None:
        self._frames.clear()
        self._bytes = 0


def _size(frame: Frame) -> int:
    # A character of JSON from us is a byte or few; exactness would cost an encoding.
    return len(frame)
