"""The media plane in a process of its own, as the server sees it.

Packets then wait for nothing that the server does, and what reads what strangers send is told no keys and no names.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace

from telehealth.clock import Clock, SystemClock
from telehealth.consultations.model import Rung, Source
from telehealth.consultations.ports import (
    MediaClock,
    MediaEvent,
    MediaListener,
    MediaOffered,
    MediaRungChanged,
    MediaState,
    MediaStateChanged,
)
from telehealth.errors import NotFound, Unavailable
from telehealth.ids import EncounterId, ParticipantId, RecordingId
from telehealth.sfu.counters import NOTHING_COUNTED, MediaStatistics
from telehealth.sfu.crossing import (
    COUNTED_S,
    Answer,
    Close,
    CloseRoom,
    Cut,
    Done,
    Film,
    FilmBroken,
    Lock,
    Message,
    Open,
    Piece,
    Publish,
    Refused,
    Request,
    TryPath,
    Unpublish,
)
from telehealth.sfu.media_settings import ProcessSettings
from telehealth.sfu.recorder import Keep
from telehealth.sfu.spawning import Spawned, restarting, spawn
from telehealth.tasks import Tasks, surviving

logger = logging.getLogger(__name__)

SILENT_LOOKS = 10
"""It is replaced when it has not done so at so many looks, one a second."""
ANSWER_S = 4.0
"""How long a request may wait for a process, and for its outcome."""
ASKED = 4_096
"""So many requests may be under way."""
AGAIN_S = 0.2
AGAIN_AT_MOST_S = 10.0
"""How long to wait before it is started anew: twice as long each time, until one has lasted."""
LASTED_S = 60.0


@dataclass(slots=True)
class _Wished:
    """What a participant's place is to have besides microphone and camera, in a process that begins anew, too."""

    sources: set[Source] = field(default_factory=set)
    rung: Rung | None = None


@dataclass(frozen=True, slots=True)
class _Filmed:
    keep: Keep
    broken: Callable[[], None]


@asynccontextmanager
async def media_process(settings: ProcessSettings) -> "AsyncIterator[MediaProcess]":
    """Carry media in a process of its own as long as the block lasts. Implements sfu.carrier.Carry."""
    process = MediaProcess(settings, SystemClock())
    await process.start()
    try:
        yield process
    finally:
        await process.aclose()


class MediaProcess:
    """Starts the media process, asks it, and starts another when it ends or falls silent.

    Then all transports are lost, which listeners hear as of any lost transport, and whoever opens another goes on.

    Implements sfu.carrier.Carrier.
    """

    def __init__(self, settings: ProcessSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._port = settings.media.port
        self._restarts = 0
        self._child: Spawned | None = None
        self._ready = asyncio.Event()
        self._listeners: list[MediaListener] = []
        self._places: dict[EncounterId, dict[ParticipantId, _Wished]] = {}
        self._films: dict[RecordingId, _Filmed] = {}
        self._asked: dict[int, asyncio.Future[str]] = {}
        self._number = 0
        self._heard = False
        self._statistics = NOTHING_COUNTED
        self._tasks = Tasks()

    @property
    def port(self) -> int:
        """The port that is bound; another process binds the same."""
        return self._port

    @property
    def restarts(self) -> int:
        return self._restarts

    @property
    def pid(self) -> int | None:
        """The process that carries now, if there is one."""
        return self._child.process.pid if self._child else None

    async def start(self) -> None:
        """Start the process; Unavailable if it can't serve."""
        child = await self._spawned()
        self._tasks.start(self._keep_up(child), "keeping media up")

    async def aclose(self) -> None:
        """Let the process say goodbye to everybody, and end."""
        child = self._child
        await self._tasks.aclose()
        self._child = None
        if child is not None:
            await child.aclose()
        self._fail_asked()

    async def check(self) -> None:
        """Return if there is a process that carries; Unavailable otherwise."""
        if self._child is None:
            raise restarting()

    def listen(self, listener: MediaListener) -> None:
        self._listeners.append(listener)

    def statistics(self) -> MediaStatistics:
        """Return totals since the process started, and present numbers: of the last second."""
        return self._statistics

    async def open(self, encounter: EncounterId, participant: ParticipantId) -> None:
        async with self._answering():
            await self._post(Open(encounter, participant))
            wished = self._places.setdefault(encounter, {}).setdefault(participant, _Wished())
            # Both change nothing where they are so already.
            for source in tuple(wished.sources):
                await self._post(Publish(encounter, participant, source))
            if wished.rung is not None:
                await self._post(Lock(encounter, participant, wished.rung))

    async def publish(self, encounter: EncounterId, participant: ParticipantId, source: Source) -> None:
        wished = await self._wish(Publish(encounter, participant, source))
        wished.sources.add(source)

    async def unpublish(self, encounter: EncounterId, participant: ParticipantId, source: Source) -> None:
        wished = await self._wish(Unpublish(encounter, participant, source))
        wished.sources.discard(source)

    async def answer(self, encounter: EncounterId, participant: ParticipantId, negotiation: int, sdp: str) -> None:
        await self._ask(Answer(encounter, participant, negotiation, sdp))

    async def lock(self, encounter: EncounterId, participant: ParticipantId, rung: Rung | None) -> None:
        wished = await self._wish(Lock(encounter, participant, rung))
        wished.rung = rung

    async def close(self, encounter: EncounterId, participant: ParticipantId) -> None:
        places = self._places.get(encounter, {})
        places.pop(participant, None)
        if not places:
            self._places.pop(encounter, None)
        await self._let_go(Close(encounter, participant))

    async def close_room(self, encounter: EncounterId) -> None:
        self._places.pop(encounter, None)
        await self._let_go(CloseRoom(encounter))

    async def try_path(self, person: str) -> str:
        return await self._ask(TryPath(person))

    def film(self, encounter: EncounterId, recording: RecordingId, keep: Keep, broken: Callable[[], None]) -> None:
        self._films[recording] = _Filmed(keep, broken)
        begun = self._post(Film(encounter, recording))
        begun.add_done_callback(lambda done: self._break(recording) if done.exception() else None)

    def cut(self, recording: RecordingId) -> Awaitable[None]:
        # It is said before anything is awaited: nothing that comes later is taken.
        return self._cut(recording, self._post(Cut(recording, self._clock.monotonic())))

    async def _cut(self, recording: RecordingId, done: asyncio.Future[str]) -> None:
        try:
            async with _in_time():
                await done
        finally:
            self._films.pop(recording, None)

    async def _wish(self, request: Publish | Unpublish | Lock) -> _Wished:
        """Ask, and return what the participant's place is to have; NotFound without a place."""
        known = self._places.get(request.encounter, {}).get(request.participant)
        try:
            await self._ask(request)
        except NotFound:
            # In a process that began anew: the page has not come back yet, and it will be so when it does.
            if known is None:
                raise
        return known or _Wished()

    async def _let_go(self, request: Close | CloseRoom) -> None:
        # A process that is gone holds nothing any more.
        if self._child is not None:
            await self._ask(request)

    async def _ask(self, request: Request) -> str:
        async with self._answering():
            return await self._post(request)

    @asynccontextmanager
    async def _answering(self) -> AsyncIterator[None]:
        """Let what is asked inside take no longer than it may, once there is a process."""
        async with _in_time():
            await self._ready.wait()
            yield

    def _post(self, request: Request) -> asyncio.Future[str]:
        """Send a request at once; the future has its outcome."""
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        child = self._child
        if child is None or (len(self._asked) >= ASKED and not isinstance(request, Close | CloseRoom | Cut)):
            done.set_exception(restarting())
            return done
        self._number += 1
        self._asked[self._number] = done
        done.add_done_callback(_seen)
        try:
            child.crossing.say(request, self._number)
        except Unavailable as error:
            self._asked.pop(self._number)
            done.set_exception(error)
        return done

    async def _spawned(self) -> Spawned:
        child = await spawn(replace(self._settings, media=replace(self._settings.media, port=self._port)))
        self._port = child.port
        self._child = child
        self._heard = True
        self._ready.set()
        return child

    async def _keep_up(self, child: Spawned) -> None:
        wait_s = AGAIN_S
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            with surviving("care for the media process"):
                await self._attend(child)
            await self._mourn(child)
            if loop.time() - began > LASTED_S:
                wait_s = AGAIN_S
            started = None
            while started is None:
                await asyncio.sleep(wait_s)
                wait_s = min(AGAIN_AT_MOST_S, 2 * wait_s)
                with surviving("care for the media process"):
                    started = await self._spawned()
            self._restarts += 1
            child = started

    async def _attend(self, child: Spawned) -> None:
        """Hear what the process says until it ends, or is ended because it says nothing."""
        async with aclosing(Tasks()) as tasks:
            tasks.start(self._watch(child), "watching the media process")
            while (heard := await child.crossing.hear()) is not None:
                self._heard = True
                with surviving("care for the media process"):
                    self._take(heard)

    async def _mourn(self, child: Spawned) -> None:
        """Make sure that it is gone, and tell whom that concerns."""
        self._child = None
        self._ready.clear()
        with surviving("care for the media process"):
            self._lose_all()
        with surviving("care for the media process"):
            await child.aclose()
        logger.error("the media process has ended with %s: another is started", child.process.returncode)

    async def _watch(self, child: Spawned) -> None:
        """End a process that says nothing. Looks are counted, not seconds: we may have been held up ourselves."""
        silent = 0
        while silent < SILENT_LOOKS:
            await asyncio.sleep(COUNTED_S)
            silent = 0 if self._heard else silent + 1
            self._heard = False
        logger.error("the media process does not answer")
        child.kill()

    def _take(self, heard: tuple[int, Message] | Piece) -> None:
        match heard:
            case Piece(recording, data):
                filmed = self._films.get(recording)
                if filmed is not None and not filmed.keep(data):
                    filmed.broken()
            case (number, Done(value)):
                if (done := self._waiting(number)) is not None:
                    done.set_result(value)
            case (number, Refused() as refused):
                if (done := self._waiting(number)) is not None:
                    done.set_exception(refused.error())
            case (_, message):
                self._told(message)

    def _waiting(self, number: int) -> asyncio.Future[str] | None:
        done = self._asked.pop(number, None)
        return None if done is None or done.done() else done

    def _told(self, message: Message) -> None:
        match message:
            case MediaStatistics():
                self._statistics = message
            case FilmBroken(recording):
                self._break(recording)
            case MediaOffered() | MediaStateChanged() | MediaClock() | MediaRungChanged():
                self._tell(message)

    def _lose_all(self) -> None:
        self._statistics = NOTHING_COUNTED
        self._fail_asked()
        for recording in list(self._films):
            self._break(recording)
        for encounter, places in list(self._places.items()):
            for participant, wished in list(places.items()):
                self._tell(MediaStateChanged(encounter, participant, MediaState.LOST))
                if wished.rung is None:
                    # What was measured is forgotten, and another process begins at the top.
                    self._tell(MediaRungChanged(encounter, participant, Rung.VIDEO, locked=False))

    def _tell(self, event: MediaEvent) -> None:
        for listener in self._listeners:
            with surviving("care for the media process"):
                listener(event)

    def _break(self, recording: RecordingId) -> None:
        if (filmed := self._films.pop(recording, None)) is not None:
            filmed.broken()

    def _fail_asked(self) -> None:
        asked, self._asked = self._asked, {}
        for done in asked.values():
            if not done.done():
                done.set_exception(restarting())


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(ANSWER_S):
            yield
    except TimeoutError:
        raise Unavailable("The media process does not answer: try again.", code="media_silent") from None


def _seen(done: asyncio.Future[str]) -> None:
    """Let an outcome that nobody waits for any more be forgotten."""
    if not done.cancelled():
        done.exception()
