"""The media process: carries the packets of one server and does what that says, until it goes.

Started by `sfu.process` as `python -m telehealth.sfu.child FD SETTINGS`: the descriptor of its end of the stream, and
the settings as JSON. It needs no keys, no database and no names: only the ids of rooms and of who is in them.
"""

import asyncio
import logging
import signal
import socket
import sys
from contextlib import aclosing
from typing import assert_never

from telehealth.clock import SystemClock
from telehealth.errors import TelehealthError, Unavailable
from telehealth.logs import configure_logging
from telehealth.runtime import run, spare_the_collector
from telehealth.sfu.crossing import (
    COUNTED_S,
    Answer,
    Close,
    CloseRoom,
    Crossing,
    Cut,
    Done,
    Film,
    FilmBroken,
    Lock,
    Open,
    Publish,
    Ready,
    Refused,
    Request,
    TryPath,
    Unpublish,
)
from telehealth.sfu.filming import Filming
from telehealth.sfu.media_settings import ProcessSettings
from telehealth.sfu.plane import ForwardingPlane
from telehealth.tasks import Tasks

logger = logging.getLogger(__name__)


class Child:
    """Does what the server says with a media plane."""

    def __init__(self, crossing: Crossing, plane: ForwardingPlane, filming: Filming) -> None:
        self._crossing = crossing
        self._plane = plane
        self._filming = filming

    async def work(self) -> None:
        """Do what is asked, one after the other, until the server has gone."""
        self._plane.listen(self._crossing.say)
        self._crossing.say(Ready(self._plane.port))
        async with aclosing(Tasks()) as tasks:
            tasks.start(self._count(), "counting")
            while isinstance(heard := await self._crossing.hear(), tuple):
                number, request = heard
                if not isinstance(request, Request):
                    return
                self._crossing.say(await self._outcome(request), number)

    async def _outcome(self, request: Request) -> Done | Refused:
        try:
            return Done(await self._do(request))
        except TelehealthError as error:
            return Refused.of(error)
        except Exception:
            logger.exception("a request could not be carried out")
            return Refused.of(Unavailable("Something went wrong here: try again.", code="media_failed"))

    async def _do(self, request: Request) -> str:
        plane = self._plane
        match request:
            case Open(encounter, participant):
                await plane.open(encounter, participant)
            case Answer(encounter, participant, negotiation, sdp):
                await plane.answer(encounter, participant, negotiation, sdp)
            case Lock(encounter, participant, rung):
                await plane.lock(encounter, participant, rung)
            case TryPath(person):
                return await plane.try_path(person)
            case Publish() | Unpublish():
                await self._choose(request)
            case Close() | CloseRoom():
                await self._close(request)
            case Film() | Cut():
                await self._film(request)
            case _:
                assert_never(request)
        return ""

    async def _choose(self, request: Publish | Unpublish) -> None:
        change = self._plane.publish if isinstance(request, Publish) else self._plane.unpublish
        await change(request.encounter, request.participant, request.source)

    async def _close(self, request: Close | CloseRoom) -> None:
        match request:
            case Close(encounter, participant):
                await self._plane.close(encounter, participant)
            case CloseRoom(encounter):
                await self._plane.close_room(encounter)

    async def _film(self, request: Film | Cut) -> None:
        if isinstance(request, Cut):
            await self._filming.cut(request.recording, request.at)
            return
        crossing, recording = self._crossing, request.recording
        self._filming.film(
            request.encounter,
            recording,
            lambda data: crossing.show(recording, data),
            lambda: crossing.say(FilmBroken(recording)),
        )

    async def _count(self) -> None:
        """Tell how much was carried; that it comes also tells that we are well."""
        while True:
            await asyncio.sleep(COUNTED_S)
            self._crossing.say(self._plane.statistics())


async def carry(connected: socket.socket, settings: ProcessSettings) -> None:
    """Carry what is sent to the media port until the server has gone."""
    # Whoever stops the server stops us by that; a Ctrl-C reaches both, and goodbyes are still to be said.
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, lambda: None)
    async with aclosing(await Crossing.over(connected)) as crossing:
        clock = SystemClock()
        plane = ForwardingPlane(settings.media, clock)
        try:
            await plane.start()
        except TelehealthError as error:
            crossing.say(Refused.of(error))
            return
        async with aclosing(plane):
            spare_the_collector()
            await Child(crossing, plane, Filming(plane, clock)).work()


def main(descriptor: str, settings: str) -> None:
    known = ProcessSettings.parse(settings)
    configure_logging(known.log_level, known.log_format)
    run(carry(socket.socket(fileno=int(descriptor)), known))


if __name__ == "__main__":
    main(*sys.argv[1:])
