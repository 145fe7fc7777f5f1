"""Who is in a room, what they publish, and who gets it."""

import logging
from collections.abc import Callable, Iterator

from telehealth.consultations.model import Source
from telehealth.consultations.ports import MediaState
from telehealth.errors import Conflict, NotFound, RoomFull
from telehealth.ids import EncounterId, ParticipantId
from telehealth.rtp.packet import extension
from telehealth.rtp.token_bucket import TokenBucket
from telehealth.sfu.ladder import Ladder
from telehealth.sfu.limits import (
    ANSWERS_BURST,
    ANSWERS_PER_S,
    OPENS_BURST,
    OPENS_PER_S,
    PARTICIPANTS_PER_ROOM,
    PUBLICATIONS_PER_PARTICIPANT,
    SSRCS_PER_ROOM,
    TICK_PARTS,
)
from telehealth.sfu.negotiation import Negotiation
from telehealth.sfu.offer import MID_ID, REPAIRS
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

    def feed(self) -> bool:
        """Connect the publications to what the current transport sends; tell whether anything changed."""
        changed = False
        for publication in self.publications.values():
            ssrc = self.current.sending.get(publication.mid) if self.current and publication.wanted else None
            if ssrc != publication.ssrc:
                changed = True
            publication.feed(self.current.transport if self.current and ssrc is not None else None, ssrc)
        return changed


class Room:
    """The seats of one encounter."""

    def __init__(self, encounter: EncounterId) -> None:
        self.encounter = encounter
        self.part = hash(encounter) % TICK_PARTS
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
        for seat in self.seats.values():
            yield from seat.publications.values()

    def offerable(self, seat: Seat) -> list[Publication]:
        """Return what can stand in an offer to this seat: its own publications first."""
        others = [publication for publication in self.publications() if publication.participant != seat.participant]
        return [*seat.publications.values(), *others]

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
        for publication in seat.publications.values():
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
        for publication in seat.publications.values():
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

    def route(self) -> None:
        """Compute anew who gets what; cheap, and done at every change instead of patching."""
        for seat in self.seats.values():
            for peer in seat.peers:
                peer.transport.routes = {}
                peer.transport.repairs = {}
                peer.transport.watching = {}
        for publication in self.publications():
            seats = [seat for seat in self.seats.values() if seat.watches(publication)] if publication.live else []
            publication.set_viewers(tuple(seat.viewer for seat in seats if seat.viewer is not None))
            if publication.ssrc is None or publication.feeder is None:
                continue
            publication.feeder.routes[publication.ssrc] = publication
            current = self.seats[publication.participant].current
            repair = current.repairing.get(publication.mid) if current else None
            if repair is not None and repair != publication.ssrc:
                publication.feeder.repairs[repair] = publication
            for viewer in publication.viewers:
                viewer.watching[publication.ssrc] = publication
