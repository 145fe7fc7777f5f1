"""Who is in a room, what they publish, and who gets it."""

import logging
from collections.abc import Callable, Iterator

from telehealth.consultations.model import Layer, Rung, Source
from telehealth.consultations.ports import MediaState
from telehealth.errors import Conflict, NotFound, RoomFull
from telehealth.ids import EncounterId, ParticipantId
from telehealth.rtp.packet import extension
from telehealth.rtp.token_bucket import TokenBucket
from telehealth.sfu.ladder import Ladder
from telehealth.sfu.limits import (
    ANSWERS_BURST,
    ANSWERS_PER_S,
    LAYER_IDLE_S,
    OPENS_BURST,
    OPENS_PER_S,
    PARTICIPANTS_PER_ROOM,
    PUBLICATIONS_PER_PARTICIPANT,
    SSRCS_PER_ROOM,
)
from telehealth.sfu.negotiation import Negotiation
from telehealth.sfu.offer import MID_ID, REPAIRS, Kind
from telehealth.sfu.projection import Projection
from telehealth.sfu.publication import Publication
from telehealth.sfu.transport import Transport

logger = logging.getLogger(__name__)


class Peer:
    """A transport of a participant, and what was negotiated on it."""

    __slots__ = ("negotiation", "repairing", "sending", "transport")

    def __init__(self, participant: ParticipantId, transport: Transport) -> None:
        self.transport = transport
        self.negotiation = Negotiation(participant)
        self.sending: dict[str, int] = {}
        self.repairing: dict[str, int] = {}


class Seat:
    """A participant's place: one transport in use, and at most one on its way to replace it."""

    def __init__(self, participant: ParticipantId, now: float) -> None:
        self.participant = participant
        self.current: Peer | None = None
        self.pending: Peer | None = None
        self.state: MediaState | None = None
        self.publications: dict[Source, Publication] = {}
        self.negotiations = 0
        self.ladder = Ladder()
        self.answers = TokenBucket(ANSWERS_PER_S, ANSWERS_BURST, now)
        self.opens = TokenBucket(OPENS_PER_S, OPENS_BURST, now)

    @property
    def newest(self) -> Peer | None:
        """The one that signalling is about."""
        return self.pending or self.current

    @property
    def peers(self) -> list[Peer]:
        return [peer for peer in (self.current, self.pending) if peer is not None]

    @property
    def viewer(self) -> Transport | None:
        """The transport that others' packets go to, if any."""
        if self.current is None or not self.current.transport.connected or self.state is MediaState.LOST:
            return None
        return self.current.transport

    def watches(self, publication: Publication) -> bool:
        return (
            self.viewer is not None
            and self.current is not None
            and publication.participant != self.participant
            and self.current.negotiation.receives(publication)
            and self.ladder.carries(publication.kind)
        )

    @property
    def sent(self) -> list[Publication]:
        """All that the participant sends or may send, also small sizes."""
        smalls = [publication.small for publication in self.publications.values() if publication.small is not None]
        return [*self.publications.values(), *smalls]

    def feed(self) -> bool:
        """Connect the publications to what the current transport sends; tell whether others are to hear of it."""
        changed = False
        for publication in self.sent:
            ssrc = self.current.sending.get(publication.mid) if self.current and publication.wanted else None
            if ssrc != publication.ssrc and publication.layer is Layer.FULL:
                changed = True
            publication.feed(self.current.transport if self.current and ssrc is not None else None, ssrc)
        return changed


class Room:
    """The seats of one encounter.

    Attributes:
        tended_at: When its last upkeep was.
        closed: True once it is given up.
    """

    def __init__(self, encounter: EncounterId, now: float) -> None:
        self.encounter = encounter
        self.closed = False
        self.tended_at = now
        self.seats: dict[ParticipantId, Seat] = {}
        self._owners: dict[int, str] = {}
        self._mids = 0
        self._tap: Callable[[Publication, bytes, float], None] | None = None

    def take_seat(self, participant: ParticipantId, now: float) -> Seat:
        """Return the participant's seat, with microphone and camera; RoomFull beyond the limit."""
        seat = self.seats.get(participant)
        if seat is None:
            if len(self.seats) >= PARTICIPANTS_PER_ROOM:
                raise RoomFull("No seat is left in this room.")
            seat = self.seats[participant] = Seat(participant, now)
            self.publish(seat, Source.MICROPHONE)
            self.publish(seat, Source.CAMERA)
        return seat

    def seat(self, participant: ParticipantId) -> Seat:
        """Return the participant's seat; NotFound."""
        try:
            return self.seats[participant]
        except KeyError:
            raise NotFound("This participant has no media transport.") from None

    def publish(self, seat: Seat, source: Source) -> Publication:
        """Add a publication; Conflict beyond the limit."""
        if len(seat.publications) >= PUBLICATIONS_PER_PARTICIPANT:
            raise Conflict("There are as many tracks as one participant may send.", code="too_many_tracks")
        self._mids += 1
        publication = Publication(str(self._mids), seat.participant, source)
        publication.tap = self._tap
        seat.publications[source] = publication
        return publication

    def tap(self, tap: Callable[[Publication, bytes, float], None] | None) -> None:
        """Show each packet to this from now on; to none if it is None."""
        self._tap = tap
        for publication in self.publications():
            publication.tap = tap

    def publications(self) -> Iterator[Publication]:
        """Yield what everybody publishes, each once: in its full size."""
        for seat in self.seats.values():
            yield from seat.publications.values()

    def sent(self) -> Iterator[Publication]:
        """Yield what everybody sends, in all sizes."""
        for seat in self.seats.values():
            yield from seat.sent

    def offerable(self, seat: Seat) -> list[Publication]:
        """Return what can stand in an offer to this seat: its own publications first."""
        others = [publication for publication in self.publications() if publication.participant != seat.participant]
        return [*seat.sent, *others]

    def claim(self, ssrc: int, transport: Transport) -> bool:
        """Reserve an SSRC for a transport, for the life of the room.

        Two transports with one SSRC would make us encrypt different packets under one key and one index for whoever
        watches both: with AES-GCM that gives the key stream away (RFC 7714 §9.1).
        """
        owner = self._owners.get(ssrc)
        if owner is not None:
            return owner == transport.credentials.ufrag
        if len(self._owners) >= SSRCS_PER_ROOM:
            return False
        self._owners[ssrc] = transport.credentials.ufrag
        return True

    def settle(self, seat: Seat, peer: Peer) -> None:
        """Take over from the answer with which SSRC the browser sends each of its publications."""
        sending = {}
        repairing = {}
        for publication in seat.sent:
            line = peer.negotiation.sends(publication)
            if line is None:
                continue
            repair = line.repair if line.repair is not None else peer.repairing.get(publication.mid)
            if repair is not None:
                repairing[publication.mid] = repair
            # Not announced: what the packets taught us before, if they have.
            ssrc = line.ssrc if line.ssrc is not None else peer.sending.get(publication.mid)
            if ssrc is None:
                continue
            if self.claim(ssrc, peer.transport):
                sending[publication.mid] = ssrc
            else:
                logger.warning("room %s: %s announced an SSRC that is taken", self.encounter, seat.participant)
        peer.sending = sending
        peer.repairing = repairing

    def learn(self, seat: Seat, peer: Peer, packet: bytes) -> bool:
        """Bind the SSRC of a packet to the publication that its MID names, if the answer left that open."""
        mid = extension(packet, MID_ID)
        for publication in seat.sent:
            line = peer.negotiation.sends(publication)
            if publication.mid_bytes != mid or line is None:
                continue
            ssrc = int.from_bytes(packet[8:12], "big")
            if packet[1] & 0x7F in REPAIRS:
                return peer.repairing.setdefault(publication.mid, ssrc) == ssrc
            if publication.mid in peer.sending:
                continue
            if line.ssrc is None and self.claim(ssrc, peer.transport):
                peer.sending[publication.mid] = ssrc
                return True
        return False

    def route(self, now: float) -> list[Seat]:
        """Compute anew who gets what in which size; cheap, and done at every change instead of patching.

        Returns:
            Those who are to send other sizes than before.
        """
        for seat in self.seats.values():
            for peer in seat.peers:
                peer.transport.routes = {}
                peer.transport.repairs = {}
                peer.transport.watching = {}
        resized = []
        for seat in self.seats.values():
            for publication in list(seat.publications.values()):
                if self._route(publication, now):
                    resized.append(seat)
                self._connect(seat, publication)
                if publication.small is not None:
                    self._connect(seat, publication.small)
        return resized

    def rest(self, now: float) -> list[Seat]:
        """Let small sizes go that nobody has needed for a while; return who sends them."""
        rested = []
        for seat in self.seats.values():
            for publication in seat.publications.values():
                small = publication.small
                idle = small is not None and small.wanted and small.idle_since is not None
                if small is not None and idle and now - (small.idle_since or now) >= LAYER_IDLE_S:
                    small.wanted = False
                    rested.append(seat)
        return rested

    def _route(self, publication: Publication, now: float) -> bool:
        seats = [seat for seat in self.seats.values() if seat.watches(publication)] if publication.live else []
        weak = [seat for seat in seats if publication.kind is Kind.VIDEO and seat.ladder.rung is Rung.REDUCED]
        publication.held = bool(weak) and len(weak) == len(seats)
        needed = bool(weak) and not publication.held and publication.source is Source.CAMERA
        resized = self._size(publication, needed=needed, now=now)
        small = publication.small if publication.small is not None and publication.small.live else None
        plain, projections = [], []
        for seat in seats:
            viewer = seat.viewer
            if viewer is None or publication.ssrc is None:
                continue
            shown = small if small is not None and seat in weak and not publication.held else None
            projection = _projection(viewer, publication) if shown else viewer.projections.get(publication.ssrc)
            viewer.watching[publication.ssrc] = publication
            if projection is None:
                plain.append(viewer)
            else:
                projection.wanted = shown or publication
                projections.append(projection)
        publication.set_viewers(tuple(plain), tuple(projections))
        if publication.small is not None:
            publication.small.set_viewers((), tuple(projections))
        return resized

    def _size(self, publication: Publication, *, needed: bool, now: float) -> bool:
        """Ask for the small size, or note that it is not needed; tell whether its sender must hear of it."""
        small = publication.small
        if not needed:
            if small is not None and small.idle_since is None:
                small.idle_since = now
            return False
        if small is None:
            self._mids += 1
            small = Publication(str(self._mids), publication.participant, publication.source, Layer.SMALL)
            small.wanted = False
            publication.small = small
        small.idle_since = None
        asked, small.wanted = not small.wanted, True
        return asked

    def _connect(self, seat: Seat, publication: Publication) -> None:
        if publication.ssrc is None or publication.feeder is None:
            return
        publication.feeder.routes[publication.ssrc] = publication
        repair = seat.current.repairing.get(publication.mid) if seat.current else None
        if repair is not None and repair != publication.ssrc:
            publication.feeder.repairs[repair] = publication


def _projection(viewer: Transport, publication: Publication) -> Projection | None:
    """Return the viewer's projection of a publication that is live; a new one if there is none and one can be.

    It is kept as long as the viewer's keys: numbers that were used once must not be used for anything else.
    """
    ssrc = publication.ssrc or 0
    known = viewer.projections.get(ssrc)
    newest = publication.newest_packet()
    if known is None and newest is not None:
        known = viewer.projections[ssrc] = Projection(viewer, publication, newest, goes_on=viewer in publication.plain)
    return known
