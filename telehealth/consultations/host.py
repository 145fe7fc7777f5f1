"""The live rooms of this node: they open when somebody comes and are forgotten when nobody is there."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from telehealth.accounts.model import Ticket
from telehealth.bus import REVOCATIONS, Delivery, EventId, Gap, Topic, room_topic
from telehealth.consultations.carrying_out import IceServers, RoomPorts
from telehealth.consultations.effects import (
    CaseProgressed,
    CloseCode,
    EncounterEnded,
    Input,
    Revoked,
    Tick,
)
from telehealth.consultations.gate import Gate
from telehealth.consultations.live_room import LiveRoom
from telehealth.consultations.messages import IceServer, Refusal, parse_case, serialise
from telehealth.consultations.ports import MediaEvent, Outbox, SlowConsumer
from telehealth.consultations.signalling import end_reason, refusal
from telehealth.errors import (
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    RoomFull,
    TelehealthError,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from telehealth.ids import ConnectionId, EncounterId, ParticipantId
from telehealth.tasks import Tasks

logger = logging.getLogger(__name__)

TICK_S = 1.0
"""How often deadlines are looked at."""
RETRY_S = 1.0
"""How long to wait for a bus that does not answer."""

_BEGINNING = EventId(0, 0)
_CLOSE_CODES: tuple[tuple[type[TelehealthError], CloseCode], ...] = (
    (Gone, CloseCode.ENDED),
    (Forbidden, CloseCode.FORBIDDEN),
    (NotFound, CloseCode.NOT_FOUND),
    (Unauthenticated, CloseCode.UNAUTHENTICATED),
    (RoomFull, CloseCode.TOO_MANY),
    (TooMany, CloseCode.TOO_MANY),
)


@dataclass(frozen=True, slots=True)
class RoomLimits:
    """Bounds of the rooms on one node.

    Attributes:
        rooms: Live rooms at once.
        idle_s: How long an empty room is remembered.
        call_s: How long a store, the media plane or the bus may take.
    """

    rooms: int = 500
    idle_s: float = 60.0
    call_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Connection:
    """One socket in a room."""

    id: ConnectionId
    encounter: EncounterId
    gate: Gate


@dataclass(frozen=True, slots=True)
class _Hosted:
    room: LiveRoom
    tasks: Tasks


def no_ice_servers(participant: ParticipantId) -> Sequence[IceServer]:
    """Return none: the server has a public address, or is on this machine."""
    return ()


class RoomHost:
    """Lets connections into rooms and passes on what they say."""

    def __init__(
        self, ports: RoomPorts, *, ice_servers: IceServers = no_ice_servers, limits: RoomLimits | None = None
    ) -> None:
        self._ports = ports
        self._ice_servers = ice_servers
        self._limits = limits or RoomLimits()
        self._rooms: dict[EncounterId, _Hosted] = {}
        self._tasks = Tasks()
        self._started = False
        self._closed = False
        ports.media.listen(self._media_changed)
        ports.recorder.listen(self._media_changed)

    @property
    def rooms(self) -> int:
        """Number of live rooms."""
        return len(self._rooms)

    async def connect(self, ticket: Ticket, outbox: Outbox) -> Connection:
        """Seat the holder of a ticket; what they are to hear goes to the outbox from now on.

        Raises:
            TelehealthError: There is no way in. The outbox has been told, and closed with the code that fits.
        """
        connection = Connection(
            ConnectionId(self._ports.new_id()), ticket.encounter_id, Gate(self._ports.clock.monotonic())
        )
        try:
            room = await self._room(ticket.encounter_id)
            await room.join(ticket, connection.id, outbox)
        except TelehealthError as error:
            _turn_away(outbox, error)
            await self._forget_unless_loaded(ticket.encounter_id)
            raise
        logger.info("room %s: connection %s", connection.encounter, connection.id)
        return connection

    async def receive(self, connection: Connection, text: str) -> None:
        """Take one text message; return when all that it leads to is done. Answers go to the outbox."""
        hosted = self._rooms.get(connection.encounter)
        if hosted is None:
            return
        verdict = connection.gate.judge(text, self._ports.clock.monotonic())
        try:
            if isinstance(verdict, CloseCode):
                await hosted.room.hang_up(connection.id, verdict)
            elif isinstance(verdict, Refusal):
                await hosted.room.say(connection.id, verdict)
            else:
                await hosted.room.receive(connection.id, verdict)
        except TelehealthError as error:
            logger.warning("room %s: connection %s: %s", connection.encounter, connection.id, error.code)

    async def disconnect(self, connection: Connection) -> None:
        """Take notice that the socket is gone; the seat stays."""
        hosted = self._rooms.get(connection.encounter)
        if hosted is not None:
            with contextlib.suppress(TelehealthError):
                await hosted.room.hang_up(connection.id)

    async def tick(self) -> None:
        """Let deadlines pass, and forget rooms where nobody has been for a while."""
        now = self._ports.clock.monotonic()
        # All at once: a room whose store is slow holds up no other.
        async with asyncio.TaskGroup() as group:
            for hosted in list(self._rooms.values()):
                if hosted.room.is_due(now):
                    group.create_task(self._quietly(hosted.room, Tick()))
                elif hosted.room.idle and (hosted.room.over or now - hosted.room.quiet_since >= self._limits.idle_s):
                    group.create_task(self._forget(hosted))

    async def aclose(self) -> None:
        """Disconnect everybody (they come back to the next server) and end all that runs."""
        self._closed = True
        await self._tasks.aclose()
        for hosted in list(self._rooms.values()):
            await self._forget(hosted)

    def _media_changed(self, event: MediaEvent) -> None:
        hosted = self._rooms.get(event.encounter)
        if hosted is not None:
            hosted.room.media_changed(event)

    async def _room(self, encounter: EncounterId) -> LiveRoom:
        """Return the live room, as a new one if need be. Nothing is awaited between finding and returning it."""
        if self._closed:
            raise Unavailable("The server stops: come back in a moment.")
        self._start()
        while encounter not in self._rooms and len(self._rooms) >= self._limits.rooms:
            idle = next((hosted for hosted in self._rooms.values() if hosted.room.idle), None)
            if idle is None:
                raise TooMany("There are too many consultations at once: try again in a moment.")
            await self._forget(idle)
        return (self._rooms.get(encounter) or self._open(encounter)).room

    def _open(self, encounter: EncounterId) -> _Hosted:
        room = LiveRoom(encounter, self._ports, self._ice_servers, timeout_s=self._limits.call_s)
        hosted = _Hosted(room, Tasks())
        self._rooms[encounter] = hosted
        hosted.tasks.start(room.run(), f"room {encounter}")
        hosted.tasks.start(self._follow(room_topic(encounter), _BEGINNING, room), f"topic of room {encounter}")
        return hosted

    async def _forget(self, hosted: _Hosted) -> None:
        self._rooms.pop(hosted.room.encounter, None)
        hosted.room.stop()
        await hosted.tasks.aclose()

    def _start(self) -> None:
        if self._started:
            return
        self._started = True
        self._tasks.start(self._tick_for_ever(), "ticks of rooms")
        self._tasks.start(self._follow(REVOCATIONS, None, None), "revocations in rooms")

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            try:
                await self.tick()
            except Exception:
                # Without this task no deadline would pass, in any room.
                logger.exception("a tick of rooms failed")

    async def _follow(self, topic: Topic, after: EventId | None, room: LiveRoom | None) -> None:
        """Hear what a topic tells, for as long as it takes; for one room, or for all when it tells of revocations."""
        while True:
            try:
                async with self._ports.bus.subscribe(topic, after=after) as deliveries:
                    async for delivery in deliveries:
                        await (self._revoke(delivery) if room is None else self._hear(room, delivery))
                        # Only now: what could not be dealt with comes again.
                        after = delivery.id if isinstance(delivery, Delivery) else after
            except TelehealthError as error:
                logger.warning("topic %s: %s", topic, error.code)
            except Exception:
                # Without this task nobody would hear that a visit has ended, or that somebody's right was taken.
                logger.exception("topic %s: following failed; trying again", topic)
            await asyncio.sleep(RETRY_S)

    async def _hear(self, room: LiveRoom, delivery: Delivery | Gap) -> None:
        if isinstance(delivery, Delivery) and delivery.event.kind == "case_changed":
            try:
                case = parse_case(delivery.event.body)
            except Invalid:
                logger.warning("room %s: an event is not understood", room.encounter)
                return
            await self._quietly(room, CaseProgressed(case))
            if case.status != "closed":
                return
        elif isinstance(delivery, Delivery) and delivery.event.kind != "encounter_ended":
            return
        # The store decides whether it has ended: after a gap, too.
        encounter = await self._ports.encounters.get(room.encounter)
        if encounter.ended:
            await self._quietly(room, EncounterEnded(end_reason(encounter)))

    async def _revoke(self, delivery: Delivery | Gap) -> None:
        if isinstance(delivery, Gap):
            logger.warning("revocations were missed; tokens and tickets run out by themselves")
            return
        subject = delivery.event.body.decode(errors="replace")
        async with asyncio.TaskGroup() as group:
            for hosted in list(self._rooms.values()):
                if hosted.room.has(subject):
                    group.create_task(self._quietly(hosted.room, Revoked(subject)))

    async def _quietly(self, room: LiveRoom, event: Input) -> None:
        """Let it happen; if it can't, the next occasion must do."""
        try:
            await room.happen(event)
        except TelehealthError as error:
            logger.warning("room %s: %s: %s", room.encounter, type(event).__name__, error.code)

    async def _forget_unless_loaded(self, encounter: EncounterId) -> None:
        hosted = self._rooms.get(encounter)
        if hosted is not None and hosted.room.idle and not hosted.room.loaded:
            await self._forget(hosted)


def _turn_away(outbox: Outbox, error: TelehealthError) -> None:
    code = next((code for kind, code in _CLOSE_CODES if isinstance(error, kind)), CloseCode.COME_BACK)
    with contextlib.suppress(SlowConsumer):
        outbox.put(serialise(refusal(error, "hello")))
    outbox.close(code)
