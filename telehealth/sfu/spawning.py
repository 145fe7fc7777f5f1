"""How the media process is started, and ended."""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from contextlib import suppress
from dataclasses import dataclass

from telehealth.errors import Unavailable
from telehealth.sfu.crossing import Crossing, Ready, Refused
from telehealth.sfu.media_settings import ProcessSettings

START_S = 20.0
STOP_S = 5.0

_TOLD = frozenset({"HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ", "VIRTUAL_ENV"})
"""The variables that it gets: others may hold secrets, and it needs none."""


@dataclass(frozen=True, slots=True)
class Spawned:
    """A media process that serves.

    Attributes:
        port: The port that it has bound.
    """

    process: Process
    crossing: Crossing
    port: int

    async def aclose(self) -> None:
        """Let it say goodbye to everybody, and end; end it if that takes too long."""
        # Its end of the stream ends, which is how it knows.
        await self.crossing.aclose()
        try:
            async with asyncio.timeout(STOP_S):
                await self.process.wait()
        except TimeoutError:
            self.kill()
            await self.process.wait()

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        with suppress(ProcessLookupError):
            self.process.kill()


async def spawn(settings: ProcessSettings) -> Spawned:
    """Start a media process; Unavailable if it can't serve."""
    ours, theirs = socket.socketpair()
    with theirs:
        descriptor = theirs.fileno()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            # Whatever lies in the working directory is not looked at.
            "-P",
            "-m",
            "telehealth.sfu.child",
            str(descriptor),
            settings.text(),
            pass_fds=(descriptor,),
            stdin=DEVNULL,
            stdout=DEVNULL,
            env={name: value for name, value in os.environ.items() if name in _TOLD or name.startswith("LC_")},
            # In our session: Linux weighs sessions against each other (sched_autogroup),
            # and packets would wait a tenth of a second for a busy core.
            start_new_session=False,
        )
    crossing = await Crossing.over(ours)
    try:
        async with asyncio.timeout(START_S):
            return Spawned(process, crossing, await _port(crossing))
    except BaseException as error:
        with suppress(ProcessLookupError):
            process.kill()
        await crossing.aclose()
        await process.wait()
        if isinstance(error, TimeoutError):
            raise restarting() from error
        raise


def restarting() -> Unavailable:
    """Return the refusal of what needs a media process while there is none."""
    return Unavailable("Sound and pictures are being restarted: try again in a moment.", code="media_restarting")


async def _port(crossing: Crossing) -> int:
    match await crossing.hear():
        case (_, Ready(port)):
            return port
        case (_, Refused() as refused):
            raise Unavailable(refused.text, code=refused.code)
        case _:
            raise Unavailable("The media process can't be started.", code="media_process")
