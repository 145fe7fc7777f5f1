"""One live room: things happen to it one after the other, and what follows is carried out before the next."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from telehealth.accounts.model import Ticket
from telehealth.consultations.carrying_out import Executor, IceServers, RoomPorts
from telehealth.consultations.effects import (
    Close,
    CloseCode,
    CloseMedia,
    CloseRoomMedia,
    Dropped,
    Following,
    Input,
    Joined,
    Received,
    Required,
    Send,
    StartRecording,
    StopRecording,
    TellEnded,
    TellRevoked,
    TellWorklists,
)
from telehealth.consultations.messages import ClientMessage, Message, Welcome, serialise
from telehealth.consultations.model import Admission, Encounter, Participant, TimelineEntry
from telehealth.consultations.ports import MediaEvent, Outbox, SlowConsumer
from telehealth.consultations.rights import RIGHTS, is_host
from telehealth.consultations.room import Room, opened
from telehealth.consultations.signalling import refusal, step
from telehealth.errors import Forbidden, Gone, TelehealthError, TooMany, Unavailable
from telehealth.ids import ConnectionId, EncounterId, ParticipantId

logger = logging.getLogger(__name__)

MAX_JOBS = 256
"""Things that can wait for a room; a connection has one under way, or two while it ends."""
_PAGE = 500
_PAGES = 20

_Work = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Job:
    """Work for the actor, and who waits for its end, if anybody does."""

    work: _Work
    done: asyncio.Future[None] | None = None

    @property
    def abandoned(self) -> bool:
        return self.done is not None and self.done.done()

    def succeed(self) -> None:
        if self.done is not None and not self.done.done():
            self.done.set_result(None)

    def fail(self, error: TelehealthError) -> None:
        if self.done is not None and not self.done.done():
            self.done.set_exception(error)


class LiveRoom:
    """The actor of one encounter's room. `run` does the work; the first to come makes it load from the store."""

    def __init__(self, encounter: EncounterId, ports: RoomPorts, ice_servers: IceServers, *, timeout_s: float) -> None:
        self.encounter = encounter
        self.quiet_since = ports.clock.monotonic()
        self._ports = ports
        self._ice_servers = ice_servers
        self._executor = Executor(encounter, ports, timeout_s=timeout_s)
        self._room: Room | None = None
        self._outboxes: dict[ConnectionId, Outbox] = {}
        self._jobs: deque[_Job] = deque()
        # Of each kind only the newest counts, so the seats bound this.
        self._media: dict[tuple[ParticipantId, type[MediaEvent]], MediaEvent] = {}
        self._wake = asyncio.Event()
        self._busy = False

    @property
    def idle(self) -> bool:
        """Whether nobody is here and nothing is under way."""
        occupied = self._room is not None and self._room.occupied
        return not (self._busy or self._jobs or self._outboxes or occupied)

    @property
    def loaded(self) -> bool:
        return self._room is not None

    @property
    def over(self) -> bool:
        """Whether its encounter has ended."""
        return self._room is not None and bool(self._room.ended)

    def has(self, subject: str) -> bool:
        """Say whether this subject has a seat here."""
        return self._room is not None and any(seat.participant.subject == subject for seat in self._room.seats)

    def is_due(self, now: float) -> bool:
        """Say whether a deadline of the room has passed."""
        seats = () if self._room is None else self._room.seats
        return any(seat.media_until is not None and seat.media_until <= now for seat in seats)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while job := self._next_job():
                self._busy = True
                try:
                    await self._do(job)
                finally:
                    self._busy = False
                self.quiet_since = self._ports.clock.monotonic()

    async def join(self, ticket: Ticket, connection: ConnectionId, outbox: Outbox) -> None:
        """Give the holder of the ticket their seat; a TelehealthError if they get none."""
        try:
            await self._submit(lambda: self._join(ticket, connection, outbox))
        except asyncio.CancelledError:
            # The socket is gone while we were at it, and nobody else will say so.
            self._enqueue(_Job(lambda: self._hang_up(connection, None)))
            raise

    async def receive(self, connection: ConnectionId, message: ClientMessage) -> None:
        """Take a message, and return when all that it leads to is done."""
        await self._submit(lambda: self._receive(connection, message))

    async def happen(self, event: Input) -> None:
        """Take what comes from elsewhere."""
        await self._submit(lambda: self._apply(event))

    async def say(self, connection: ConnectionId, message: Message) -> None:
        """Say something to one connection only."""
        await self._submit(lambda: self._say(connection, message))

    async def hang_up(self, connection: ConnectionId, code: CloseCode | None = None) -> None:
        """Take notice that a connection is gone; with a code, end it."""
        await self._submit(lambda: self._hang_up(connection, code))

    def media_changed(self, event: MediaEvent) -> None:
        """Take what the media plane tells."""
        self._media[event.participant, type(event)] = event
        self._wake.set()

    def stop(self) -> None:
        """Close all connections; whoever waits for an answer hears that there will be none."""
        for outbox in self._outboxes.values():
            outbox.close(CloseCode.COME_BACK)
        self._outboxes.clear()
        while self._jobs:
            self._jobs.popleft().fail(Unavailable("The server stops: come back in a moment."))

    async def _submit(self, work: _Work) -> None:
        if len(self._jobs) >= MAX_JOBS:
            raise TooMany("This room has too much to do.", code="room_busy")
        done = asyncio.get_running_loop().create_future()
        self._enqueue(_Job(work, done))
        await done

    def _enqueue(self, job: _Job) -> None:
        self._jobs.append(job)
        self._wake.set()

    def _next_job(self) -> _Job | None:
        if self._media:
            event = self._media.pop(next(iter(self._media)))
            return _Job(lambda: self._apply(event))
        return self._jobs.popleft() if self._jobs else None

    async def _do(self, job: _Job) -> None:
        if job.abandoned:
            return
        try:
            await job.work()
        except TelehealthError as error:
            if job.done is None:
                logger.warning("room %s: %s", self.encounter, error.code)
            job.fail(error)
        except asyncio.CancelledError:
            job.fail(Unavailable("The server stops: come back in a moment."))
            raise
        except Exception:
            logger.exception("room %s: a job failed", self.encounter)
            job.fail(Unavailable("Something went wrong here: try again."))
        job.succeed()

    async def _join(self, ticket: Ticket, connection: ConnectionId, outbox: Outbox) -> None:
        if ticket.role not in RIGHTS:
            raise Forbidden("Your role has no place in a consultation.")
        async with self._executor.in_time():
            encounter = await self._ports.encounters.get(self.encounter)
            if self._room is None:
                self._room = await self._load(encounter)
            participant = self._newcomer(ticket, encounter)
            if not encounter.ended:
                participant = await self._ports.encounters.seat(participant)
        self._outboxes[connection] = outbox
        try:
            await self._apply(Joined(connection, participant, encounter))
        except BaseException:
            self._outboxes.pop(connection, None)
            raise
        if connection not in self._outboxes:
            raise Gone("There is no way in any more.", code="no_entry")

    def _newcomer(self, ticket: Ticket, encounter: Encounter) -> Participant:
        participant = Participant(
            id=ParticipantId(self._ports.new_id()),
            encounter_id=self.encounter,
            subject=ticket.subject,
            role=ticket.role,
            name=ticket.name,
            admission=Admission.WAITING,
            since=self._ports.clock.now(),
        )
        return participant.admitted() if is_host(encounter, participant) else participant

    async def _load(self, encounter: Encounter) -> Room:
        patient = await self._ports.patients.get(encounter.patient_id)
        seats = await self._ports.encounters.seats(self.encounter)
        timeline: list[TimelineEntry] = []
        for _ in range(_PAGES):
            after = timeline[-1].number if timeline else 0
            page = await self._ports.encounters.timeline(self.encounter, after=after, limit=_PAGE)
            timeline += page
            if len(page) < _PAGE:
                break
        return opened(encounter, patient.name, tuple(seats), tuple(timeline))

    async def _receive(self, connection: ConnectionId, message: ClientMessage) -> None:
        try:
            await self._apply(Received(connection, message))
        except TelehealthError as error:
            await self._say(connection, refusal(error, message.type))

    async def _say(self, connection: ConnectionId, message: Message) -> None:
        for event in self._send(connection, message):
            await self._apply(event)

    async def _hang_up(self, connection: ConnectionId, code: CloseCode | None) -> None:
        outbox = self._outboxes.pop(connection, None)
        if outbox is None:
            return
        if code is not None:
            outbox.close(code)
        await self._apply(Dropped(connection))

    async def _apply(self, event: Input) -> None:
        """Let the event happen, and what follows from it; the room stays as it was if something required fails."""
        events = deque([event])
        while events:
            if self._room is None:
                return
            room, effects = step(self._room, events.popleft(), self._executor.moment())
            for effect in effects:
                if isinstance(effect, Required):
                    events += await self._executor.require(effect)
            self._room = room
            for effect in effects:
                if not isinstance(effect, Required):
                    events += await self._follow(effect)

    async def _follow(self, effect: Following) -> Sequence[Input]:
        match effect:
            case Send(connection, message):
                return self._send(connection, message)
            case Close(connection, code):
                outbox = self._outboxes.pop(connection, None)
                if outbox is not None:
                    outbox.close(code)
            case StartRecording():
                return await self._executor.start_recording(effect)
            case StopRecording():
                await self._executor.stop_recording(effect)
            case CloseMedia() | CloseRoomMedia() | TellEnded() | TellRevoked() | TellWorklists():
                await self._executor.follow(effect)
        return ()

    def _send(self, connection: ConnectionId, message: Message) -> Sequence[Input]:
        outbox = self._outboxes.get(connection)
        if outbox is None:
            return ()
        if isinstance(message, Welcome) and message.admission is Admission.ADMITTED:
            servers = tuple(self._ice_servers(ParticipantId(message.participant)))
            message = message.model_copy(update={"ice_servers": servers})
        try:
            outbox.put(serialise(message))
        except SlowConsumer:
            del self._outboxes[connection]
            outbox.close(CloseCode.TOO_SLOW)
            return (Dropped(connection),)
        return ()
