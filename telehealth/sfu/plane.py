"""The media plane: forwards packets between the participants of rooms, decoding nothing."""

import asyncio
import logging
from collections.abc import Callable

from telehealth.clock import Clock
from telehealth.consultations.model import Rung, Source
from telehealth.consultations.ports import (
    MediaEvent,
    MediaListener,
    MediaOffered,
    MediaRungChanged,
    MediaState,
    MediaStateChanged,
)
from telehealth.errors import Invalid, NotFound, TooMany, Unavailable
from telehealth.ids import EncounterId, ParticipantId
from telehealth.sfu import upkeep
from telehealth.sfu.aiortc_hooks import Certificate
from telehealth.sfu.answer import parse_answer
from telehealth.sfu.counters import Counters, MediaStatistics
from telehealth.sfu.demultiplexer import Demultiplexer
from telehealth.sfu.limits import TWIN_TRIES, UNASKED_S
from telehealth.sfu.media_clock import media_clock
from telehealth.sfu.media_settings import MediaSettings
from telehealth.sfu.offer import Endpoint, offer_text
from telehealth.sfu.publication import Publication
from telehealth.sfu.room import Peer, Room, Seat
from telehealth.sfu.rota import Rota
from telehealth.sfu.tcp import TcpPort
from telehealth.sfu.transport import Transport
from telehealth.sfu.trial import Trials, trial_text
from telehealth.sfu.udp import UdpPort
from telehealth.tasks import Tasks, surviving

logger = logging.getLogger(__name__)


class ForwardingPlane:
    """Implements consultations.ports.MediaPlane, and MediaTrials, on one UDP socket of this process."""

    def __init__(self, settings: MediaSettings, clock: Clock) -> None:
        if not settings.advertised:
            raise Invalid("At least one media address must be advertised.", code="no_media_address")
        self._settings = settings
        self._clock = clock
        self._counters = Counters()
        self._udp = UdpPort(settings.host, settings.port, self._counters, clock)
        self._demultiplexer = Demultiplexer(self._udp.send, self._counters, self._learn)
        self._tcp = TcpPort(settings.host, self._counters, clock, self._demultiplexer.gone)
        self._certificate = Certificate()
        self._rooms: dict[EncounterId, Room] = {}
        self._places: dict[Transport, tuple[Room, Seat, Peer]] = {}
        self._listeners: list[MediaListener] = []
        self._taps: dict[EncounterId, Callable[[Publication, bytes, float], None]] = {}
        self._tasks = Tasks()
        self._farewells = Tasks()
        self._rota = Rota()
        self._trials = Trials(self._demultiplexer, self._transport, self._free)

    @property
    def port(self) -> int:
        """The port that is bound."""
        return self._udp.port

    async def start(self) -> None:
        """Bind the sockets and begin to serve; Unavailable if the port is taken."""
        await self._bind()
        self._tasks.start(self._tick_forever(), "upkeep of rooms")

    async def _bind(self) -> None:
        tries = TWIN_TRIES if self._settings.port == 0 else 1
        for left in reversed(range(tries)):
            # Upkeep goes along with packets, a room at a time: that wakes nobody up, and holds nothing up for long.
            self._udp.open(self._demultiplexer.receive, self._take_turn)
            if "tcp" not in self._settings.protocols:
                return
            try:
                await self._tcp.open(self._udp.port, self._demultiplexer.receive)
            except Unavailable:
                # A free port for datagrams may be taken for connections.
                self._udp.close()
                if not left:
                    raise
            else:
                return

    async def aclose(self) -> None:
        """Say goodbye to everybody and free the socket and all tasks."""
        for encounter in list(self._rooms):
            await self.close_room(encounter)
        self._trials.close()
        await self._farewells.settle()
        await self._tasks.aclose()
        await self._tcp.aclose()
        self._udp.close()

    def listen(self, listener: MediaListener) -> None:
        self._listeners.append(listener)

    def statistics(self) -> MediaStatistics:
        """Return totals since the start and present numbers."""
        counted = self._counters
        return MediaStatistics(
            packets_in=counted.packets_in,
            packets_out=counted.packets_out,
            bytes_in=counted.bytes_in,
            bytes_out=counted.bytes_out,
            resent=counted.resent,
            keyframe_requests=counted.keyframe_requests,
            dropped={reason.value: number for reason, number in counted.dropped.items()},
            transports=len(self._places),
            rooms=len(self._rooms),
            participants=sum(len(room.seats) for room in self._rooms.values()),
            tasks=len(asyncio.all_tasks()),
        )

    async def open(self, encounter: EncounterId, participant: ParticipantId) -> None:
        now = self._clock.monotonic()
        if len(self._places) >= self._settings.max_transports:
            raise Unavailable("This server carries as many consultations as it can.", code="media_full")
        room = self._rooms.get(encounter) or Room(encounter, now)
        room.tap(self._taps.get(encounter))
        seat = room.take_seat(participant, now)
        if not seat.opens.take(1.0, now):
            raise TooMany("The media connection was renewed too often.", code="too_many_transports")
        if encounter not in self._rooms:
            self._rooms[encounter] = room
            self._rota.add(room, now)
        if seat.pending is not None:
            self._shut(seat.pending)
        transport = self._transport()
        peer = Peer(participant, transport)
        if seat.current is None:
            seat.current = peer
            self._set_state(room, seat, MediaState.CONNECTING)
        else:
            seat.pending = peer
        self._places[transport] = (room, seat, peer)
        self._demultiplexer.add(transport)
        self._offer(room, seat)

    async def publish(self, encounter: EncounterId, participant: ParticipantId, source: Source) -> None:
        room, seat = self._find(encounter, participant)
        publication = seat.publications.get(source) or room.publish(seat, source)
        if publication.live:
            return
        publication.wanted = True
        self._offer(room, seat, anew=True)
        self._changed(room, seat)

    async def unpublish(self, encounter: EncounterId, participant: ParticipantId, source: Source) -> None:
        room, seat = self._find(encounter, participant)
        publication = seat.publications.get(source)
        if publication is None:
            return
        publication.wanted = False
        if source is Source.SCREEN:
            # Each share is a new publication; microphone and camera keep their lines, inactive.
            publication.ended = True
            publication.feed(None, None)
            publication.set_viewers(())
            del seat.publications[source]
        self._changed(room, seat, always=True)
        self._offer(room, seat)

    async def answer(self, encounter: EncounterId, participant: ParticipantId, negotiation: int, sdp: str) -> None:
        room, seat = self._find(encounter, participant)
        if not seat.answers.take(1.0, self._clock.monotonic()):
            raise TooMany("Too many answers.", code="too_many_answers")
        peer = seat.newest
        if peer is None or peer.negotiation.offered is None or peer.negotiation.number != negotiation:
            raise Invalid("This answers an offer that is not the latest.", code="stale_negotiation")
        answer = parse_answer(sdp, peer.negotiation.offered)
        transport = peer.transport
        if transport.fingerprints and transport.fingerprints != answer.fingerprints:
            raise Invalid("The certificate changed within one connection.", code="bad_sdp")
        peer.negotiation.accept(answer)
        room.settle(seat, peer)
        transport.remote = answer.credentials
        if not transport.fingerprints:
            transport.fingerprints = answer.fingerprints
            self._tasks.start(self._connect(room, seat, peer), "a handshake")
        self._changed(room, seat)
        self._offer(room, seat)

    async def lock(self, encounter: EncounterId, participant: ParticipantId, rung: Rung | None) -> None:
        room, seat = self._find(encounter, participant)
        seat.ladder.lock(rung)
        self._rung_changed(room, seat)

    def _rung_changed(self, room: Room, seat: Seat) -> None:
        self._route(room)
        ladder = seat.ladder
        logger.info("room %s: link of %s is good for %s", room.encounter, seat.participant, ladder.rung)
        self._emit(MediaRungChanged(room.encounter, seat.participant, ladder.rung, ladder.locked is not None))

    async def close(self, encounter: EncounterId, participant: ParticipantId) -> None:
        room = self._rooms.get(encounter)
        seat = room.seats.pop(participant, None) if room else None
        if room is None or seat is None:
            return
        for publication in seat.sent:
            publication.ended = True
            publication.feed(None, None)
            publication.set_viewers(())
        for peer in seat.peers:
            self._shut(peer)
        if not room.seats:
            room.closed = True
            del self._rooms[encounter]
        self._changed(room, seat, always=True)

    async def close_room(self, encounter: EncounterId) -> None:
        room = self._rooms.pop(encounter, None)
        if room is None:
            return
        room.closed = True
        for seat in room.seats.values():
            for peer in seat.peers:
                self._shut(peer)
        room.seats.clear()

    def tap(self, encounter: EncounterId, tap: Callable[[Publication, bytes, float], None] | None) -> None:
        """Show each packet that is forwarded in the room to this from now on; to none if it is None."""
        self._taps.pop(encounter, None)
        if tap is not None:
            self._taps[encounter] = tap
        if (room := self._rooms.get(encounter)) is not None:
            room.tap(tap)

    async def try_path(self, person: str) -> str:
        return trial_text(self._endpoint(self._trials.open(person)))

    def tick(self) -> None:
        """Do all that is due."""
        now = self._clock.monotonic()
        self._tend_ways(now)
        for room in list(self._rooms.values()):
            self._tend(room, now)

    def _tend_ways(self, now: float) -> None:
        self._tcp.tick(now)
        self._trials.tick(now)

    def _tend(self, room: Room, now: float) -> None:
        elapsed, room.tended_at = now - room.tended_at, now
        for seat in list(room.seats.values()):
            for peer in seat.peers:
                self._attend(peer.transport, elapsed, now, (room, seat, peer))
        for seat in room.rest(now):
            self._offer(room, seat)
        for publication in room.sent():
            upkeep.ask(publication, now, self._counters)
            if (heard := media_clock(room.encounter, publication, self._clock)) is not None:
                self._emit(heard)

    def _attend(self, transport: Transport, elapsed: float, now: float, place: tuple[Room, Seat, Peer]) -> None:
        room, seat, peer = place
        transport.refill(elapsed)
        if upkeep.is_over(transport, now):
            self._drop(room, seat, peer)
            return
        upkeep.probe(transport, now)
        if peer is seat.current and transport.connected:
            self._set_state(room, seat, upkeep.liveness(transport, now))
        if peer is seat.newest and peer.negotiation.overdue(now):
            self._send_offer(room, seat, peer)
        upkeep.report(transport, now)
        if peer is seat.current and seat.state is MediaState.CONNECTED and upkeep.judge(seat.ladder, transport, now):
            self._rung_changed(room, seat)

    async def _tick_forever(self) -> None:
        while True:
            await asyncio.sleep(UNASKED_S)
            with surviving("upkeep of media"):
                self._tend_ways(self._clock.monotonic())
            for _ in range(len(self._rooms)):
                if not self._take_turn(self._clock.monotonic()):
                    break
                await asyncio.sleep(0)

    def _take_turn(self, now: float) -> bool:
        """Tend the room whose turn has come; tell whether one's had."""
        room = self._rota.turn(now)
        if room is None:
            return False
        with surviving("upkeep of media"):
            self._tend(room, now)
        return True

    def _find(self, encounter: EncounterId, participant: ParticipantId) -> tuple[Room, Seat]:
        room = self._rooms.get(encounter)
        if room is None:
            raise NotFound("This participant has no media transport.")
        return room, room.seat(participant)

    def _changed(self, room: Room, seat: Seat, *, always: bool = False) -> None:
        """Follow a change of what a participant sends or receives: routes for all, offers for the others."""
        fed_anew = seat.feed()
        self._route(room)
        if fed_anew or always:
            for other in room.seats.values():
                if other is not seat:
                    self._offer(room, other)

    def _route(self, room: Room) -> None:
        now = self._clock.monotonic()
        for seat in room.route(now):
            self._offer(room, seat)
        for publication in room.sent():
            self._counters.keyframe_requests += publication.ask_for_keyframe(now)

    def _offer(self, room: Room, seat: Seat, *, anew: bool = False) -> None:
        peer = seat.newest
        if peer is None:
            return
        lines = peer.negotiation.next_offer(room.offerable(seat), anew=anew)
        if lines is None:
            return
        seat.negotiations += 1
        peer.negotiation.begin(seat.negotiations, lines, self._clock.monotonic())
        self._emit_offer(room, seat, peer)

    def _send_offer(self, room: Room, seat: Seat, peer: Peer) -> None:
        """Offer the same once more: the first may have been lost with the browser's connection."""
        lines = peer.negotiation.offered
        if lines is not None:
            seat.negotiations += 1
            peer.negotiation.begin(seat.negotiations, lines, self._clock.monotonic())
            self._emit_offer(room, seat, peer)

    def _emit_offer(self, room: Room, seat: Seat, peer: Peer) -> None:
        number = peer.negotiation.number
        sdp = offer_text(self._endpoint(peer.transport), peer.negotiation.offered or (), version=number)
        self._emit(MediaOffered(room.encounter, seat.participant, number, sdp, peer.negotiation.tracks()))

    def _transport(self) -> Transport:
        return Transport(self._certificate, self._udp.send, self._counters, self._clock.monotonic())

    def _endpoint(self, transport: Transport) -> Endpoint:
        settings = self._settings
        fingerprint = self._certificate.fingerprint
        return Endpoint(transport.credentials, fingerprint, settings.advertised, self.port, settings.protocols)

    def _emit(self, event: MediaEvent) -> None:
        for listener in self._listeners:
            listener(event)

    def _set_state(self, room: Room, seat: Seat, state: MediaState) -> None:
        before, seat.state = seat.state, state
        if state is before:
            return
        if MediaState.LOST in (before, state):
            self._route(room)
        logger.info("room %s: media of %s is %s", room.encounter, seat.participant, state)
        self._emit(MediaStateChanged(room.encounter, seat.participant, state))

    async def _connect(self, room: Room, seat: Seat, peer: Peer) -> None:
        if await peer.transport.connect():
            self._connected(room, seat, peer)
            await peer.transport.wait_closed()
        if peer in seat.peers:
            self._drop(room, seat, peer)

    def _connected(self, room: Room, seat: Seat, peer: Peer) -> None:
        if peer is seat.pending:
            if seat.current is not None:
                self._shut(seat.current)
            seat.current, seat.pending = peer, None
        self._set_state(room, seat, MediaState.CONNECTED)
        self._changed(room, seat)

    def _drop(self, room: Room, seat: Seat, peer: Peer) -> None:
        """Give up a transport that failed; what it replaced, or what replaces it, goes on."""
        self._shut(peer)
        if peer is seat.pending:
            seat.pending = None
            return
        seat.current, seat.pending = seat.pending, None
        if seat.current is None:
            self._set_state(room, seat, MediaState.LOST)
        else:
            self._set_state(room, seat, MediaState.CONNECTING)
        self._changed(room, seat)

    def _shut(self, peer: Peer) -> None:
        self._places.pop(peer.transport, None)
        self._demultiplexer.remove(peer.transport)
        self._free(peer.transport)

    def _free(self, transport: Transport) -> None:
        self._farewells.start(transport.aclose(), "a goodbye")

    def _learn(self, transport: Transport, packet: bytes) -> None:
        place = self._places.get(transport)
        if place is not None and place[0].learn(place[1], place[2], packet):
            self._changed(place[0], place[1])
