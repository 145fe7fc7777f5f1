"""Who was revoked, on whatever node: told to whoever holds connections open."""

import asyncio
import logging
from collections.abc import Callable

from telehealth.bus import REVOCATIONS, Bus, Delivery, Gap
from telehealth.errors import TelehealthError
from telehealth.tasks import Tasks

logger = logging.getLogger(__name__)

AGAIN_S = 0.5


class Revocations:
    """Follows revocations from `start` to `aclose`.

    Args:
        bus: Where they are told.
        told: Called with whose right ended; with None if that may be anybody: the bus was not heard for a while.
    """

    def __init__(self, bus: Bus, told: Callable[[str | None], None]) -> None:
        self._bus = bus
        self._told = told
        self._tasks = Tasks()

    async def start(self) -> None:
        """Begin; return once it has begun or was tried."""
        tried = asyncio.Event()
        self._tasks.start(self._follow(tried), "revocations")
        await tried.wait()

    async def aclose(self) -> None:
        """Follow them no longer."""
        await self._tasks.aclose()

    async def _follow(self, tried: asyncio.Event) -> None:
        while True:
            try:
                async with self._bus.subscribe(REVOCATIONS) as revocations:
                    tried.set()
                    async for delivery in revocations:
                        self._told(None if isinstance(delivery, Gap) else _subject(delivery))
            except TelehealthError as error:
                logger.warning("revocations can't be followed: %s; trying again", error.code)
            except Exception:
                # Nobody may keep a connection because of a fault of ours.
                logger.exception("revocations can't be followed; trying again")
            self._told(None)
            tried.set()
            await asyncio.sleep(AGAIN_S)


def _subject(delivery: Delivery) -> str:
    return delivery.event.body.decode("utf-8", "replace")
