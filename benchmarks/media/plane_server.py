"""The child process that carries rooms with the media plane of this project, on the event loop of the server."""

import asyncio
import gc
import json
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import uvloop

from benchmarks.media.processes import commands, say
from telehealth.clock import SystemClock
from telehealth.config import load_settings
from telehealth.consultations.ports import MediaEvent, MediaOffered, MediaStateChanged
from telehealth.errors import TelehealthError
from telehealth.ids import EncounterId, ParticipantId
from telehealth.runtime import spare_the_collector
from telehealth.server import running
from telehealth.sfu.media_settings import MediaSettings, ProcessSettings
from telehealth.sfu.plane import ForwardingPlane
from telehealth.sfu.process import MediaProcess, media_process

MAX_TRANSPORTS = 5_000


def tell(event: MediaEvent) -> None:
    match event:
        case MediaOffered():
            say(event="offer", room=event.encounter, name=event.participant, number=event.negotiation, sdp=event.sdp,
                tracks=[[track.mid, track.participant, track.source] for track in event.tracks])  # fmt: skip
        case MediaStateChanged():
            say(event="state", room=event.encounter, name=event.participant, state=event.state)


async def serve(host: str, how: str) -> None:
    """Carry rooms: `alone` here, `apart` in a media process, or as a whole server does that has these settings."""
    async with AsyncExitStack() as stack:
        plane: ForwardingPlane | MediaProcess
        if how == "alone":
            plane = await stack.enter_async_context(_alone(host))
        elif how == "apart":
            plane = await stack.enter_async_context(media_process(ProcessSettings(_media(host), "error")))
        else:
            plane = await stack.enter_async_context(_whole(json.loads(how)))
        spare_the_collector()
        plane.listen(tell)
        async for command in commands():
            try:
                await _do(plane, command)
            except TelehealthError as error:
                say(error=error.code)


def _media(host: str) -> MediaSettings:
    return MediaSettings(host=host, advertised=(host,), max_transports=MAX_TRANSPORTS)


@asynccontextmanager
async def _alone(host: str) -> AsyncIterator[ForwardingPlane]:
    plane = ForwardingPlane(_media(host), SystemClock())
    await plane.start()
    try:
        yield plane
    finally:
        await plane.aclose()


@asynccontextmanager
async def _whole(variables: dict[str, str]) -> AsyncIterator[MediaProcess]:
    """Start a whole server and take the media plane out of it, for rooms that it knows nothing of."""
    async with running(load_settings(variables)) as started:
        (plane,) = (known for known in gc.get_objects() if isinstance(known, MediaProcess))
        assert started.services.media_port == plane.port
        yield plane


async def _do(plane: ForwardingPlane | MediaProcess, command: dict[str, str]) -> None:
    room, name = EncounterId(command.get("room", "")), ParticipantId(command.get("name", ""))
    match command["do"]:
        case "open":
            await plane.open(room, name)
        case "answer":
            await plane.answer(room, name, int(command["number"]), command["sdp"])
        case "close":
            await plane.close(room, name)
        case "collect":
            gc.collect()
    counted = plane.statistics()
    tasks = counted.tasks + (len(asyncio.all_tasks()) if isinstance(plane, MediaProcess) else 0)
    say(packets_in=counted.packets_in, packets_out=counted.packets_out, dropped=dict(counted.dropped),
        transports=counted.transports, rooms=counted.rooms, tasks=tasks)  # fmt: skip


if __name__ == "__main__":
    logging.disable(logging.INFO)
    uvloop.run(serve(sys.argv[1], sys.argv[2]))
