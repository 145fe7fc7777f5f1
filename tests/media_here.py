"""A media plane in the process of the tests: they start many servers, and a process for each would take its second."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from telehealth.clock import SystemClock
from telehealth.ids import EncounterId, RecordingId
from telehealth.sfu.filming import Filming
from telehealth.sfu.media_settings import ProcessSettings
from telehealth.sfu.plane import ForwardingPlane
from telehealth.sfu.recorder import Keep


class MediaHere(ForwardingPlane):
    """Implements sfu.carrier.Carrier by the plane that the media process has."""

    restarts = 0

    def __init__(self, settings: ProcessSettings) -> None:
        clock = SystemClock()
        super().__init__(settings.media, clock)
        self._filming = Filming(self, clock)

    def film(self, encounter: EncounterId, recording: RecordingId, keep: Keep, broken: Callable[[], None]) -> None:
        self._filming.film(encounter, recording, keep, broken)

    def cut(self, recording: RecordingId) -> Awaitable[None]:
        return self._filming.cut(recording)

    async def check(self) -> None:
        """It is where the one who asks is."""
        await asyncio.sleep(0)


@asynccontextmanager
async def media_here(settings: ProcessSettings) -> AsyncIterator[MediaHere]:
    """Implements sfu.carrier.Carry."""
    plane = MediaHere(settings)
    await plane.start()
    try:
        yield plane
    finally:
        await plane.aclose()
