"""A socket whose reader gets no more than comes through: beyond, what waits does so here, where it can be left out."""

from collections.abc import Sequence

from telehealth.web.sockets.deflate import Deflater
from telehealth.web.sockets.pace import Pace
from telehealth.web.sockets.wire import Frame, SocketWire, ping


class PacedWire:
    """Implements sockets.outbox.Wire.

    Args:
        deflates: Whether compression was agreed; used from the moment when the reader was behind.
    """

    def __init__(self, wire: SocketWire, pace: Pace, *, deflates: bool) -> None:
        self._wire = wire
        self._pace = pace
        self._deflates = deflates
        self._deflater: Deflater | None = None

    @property
    def full(self) -> bool:
        return self._wire.full or self._pace.behind

    def write(self, frames: Sequence[Frame]) -> None:
        if self._pace.slow and self._deflates:
            deflater = self._deflater = self._deflater or Deflater()
            frames = [deflater.framed(frame) for frame in frames]
        question = self._pace.question()
        self._wire.write(frames if question is None else [*frames, ping(question)])

    async def drained(self) -> None:
        while self.full:
            await self._wire.breathe()

    async def close(self, code: int) -> None:
        await self._wire.close(code)
