"""All that the server needs of a media plane."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from telehealth.consultations.ports import MediaPlane, MediaTrials
from telehealth.sfu.counters import MediaStatistics
from telehealth.sfu.media_settings import ProcessSettings
from telehealth.sfu.recorder import Films


class Carrier(MediaPlane, MediaTrials, Films, Protocol):
    """A media plane that serves."""

    @property
    def port(self) -> int:
        """The port that is bound."""
        ...

    @property
    def restarts(self) -> int:
        """How often what carries had to be started anew."""
        ...

    def statistics(self) -> MediaStatistics:
        """Return totals since what carries was started, and present numbers."""
        ...

    async def check(self) -> None:
        """Return if it can carry now; Unavailable otherwise."""
        ...


Carry = Callable[[ProcessSettings], AbstractAsyncContextManager[Carrier]]
"""Starts a media plane; Unavailable if it can't serve. It ends with the block."""
