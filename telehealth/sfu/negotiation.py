"""Offers to one browser and its answers: which media line carries what (RFC 8829 §5.2.2, recycling of lines)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from telehealth.consultations.ports import OfferedTrack
from telehealth.ids import ParticipantId
from telehealth.sfu.answer import Answer, AnsweredLine
from telehealth.sfu.limits import MEDIA_LINES, REOFFER_S, REOFFERS
from telehealth.sfu.offer import Direction, Kind, OfferedLine
from telehealth.sfu.publication import Publication


class _State(StrEnum):
    OPEN = "open"
    ENDING = "ending"
    FREE = "free"


@dataclass(slots=True)
class _Line:
    """A place in the SDP. It is offered as rejected before another publication may have it."""

    mid: str
    kind: Kind
    publication: Publication | None
    state: _State = _State.OPEN


class Negotiation:
    """The lines of one transport, the offer that waits for its answer, and what was agreed last."""

    def __init__(self, owner: ParticipantId) -> None:
        self._owner = owner
        self._lines: list[_Line] = []
        self._agreed: tuple[OfferedLine, ...] = ()
        self._accepted: dict[str, AnsweredLine] = {}
        self._offered_at = 0.0
        self._offers = 0
        self._again = False
        self.offered: tuple[OfferedLine, ...] | None = None
        self.number = 0

    def next_offer(self, publications: Iterable[Publication], *, anew: bool = False) -> tuple[OfferedLine, ...] | None:
        """Return the lines to offer now, or None: nothing has changed, or an answer must come first.

        Args:
            publications: Those of the owner, and all others of the room.
            anew: Offer although nothing has changed here: the browser has.
        """
        if self.offered is not None:
            self._again = self._again or anew
            return None
        for publication in publications:
            self._place(publication)
        planned = tuple(self._planned(line) for line in self._lines)
        if planned == self._agreed and not (anew or self._again):
            return None
        self._again = False
        return planned

    def begin(self, number: int, lines: tuple[OfferedLine, ...], now: float) -> None:
        """Note that these lines are offered under this number."""
        self.number = number
        self.offered = lines
        self._offered_at = now
        self._offers += 1

    def overdue(self, now: float) -> bool:
        """Tell whether to offer the same again because no answer came; a few times, then never."""
        return self.offered is not None and self._offers <= REOFFERS and now - self._offered_at > REOFFER_S

    def accept(self, answer: Answer) -> None:
        """Take the answer to the outstanding offer."""
        if self.offered is None:
            return
        ended = {line.mid for line in self.offered if line.direction is Direction.ENDED}
        for line in self._lines:
            if line.state is _State.ENDING and line.mid in ended:
                line.state = _State.FREE
                line.publication = None
        self._agreed = self.offered
        self._accepted = {line.mid: line for line in answer.lines}
        self.offered = None
        self._offers = 0

    def sends(self, publication: Publication) -> AnsweredLine | None:
        """Return the line on which the browser sends this publication of its own, or None."""
        line = self._accepted.get(publication.mid)
        return line if line is not None and line.sends else None

    def receives(self, publication: Publication) -> bool:
        """Tell whether the browser has agreed to receive this publication."""
        line = self._accepted.get(publication.mid)
        return line is not None and line.receives

    def tracks(self) -> tuple[OfferedTrack, ...]:
        """Return what each live line of the outstanding offer is."""
        live = {line.mid for line in self.offered or () if line.direction in (Direction.SEND, Direction.RECEIVE)}
        return tuple(
            OfferedTrack(line.mid, line.publication.participant, line.publication.source, line.publication.layer)
            for line in self._lines
            if line.publication is not None and line.mid in live
        )

    def _place(self, publication: Publication) -> None:
        if any(line.publication is publication for line in self._lines):
            return
        if publication.participant != self._owner and not publication.live:
            return
        for line in self._lines:
            if line.state is _State.FREE and line.kind is publication.kind:
                line.mid, line.publication, line.state = publication.mid, publication, _State.OPEN
                return
        if len(self._lines) < MEDIA_LINES:
            self._lines.append(_Line(publication.mid, publication.kind, publication))

    def _planned(self, line: _Line) -> OfferedLine:
        publication = line.publication
        if publication is not None and publication.ended:
            line.state = _State.ENDING
        if publication is None or publication.ended:
            return OfferedLine(line.mid, line.kind, Direction.ENDED)
        if publication.participant == self._owner:
            direction = Direction.RECEIVE if publication.wanted else Direction.INACTIVE
            return OfferedLine(line.mid, line.kind, direction)
        # A paused line still names its SSRC: Chromium tears the stream down otherwise, and does not connect the track
        # to it again when the same SSRC comes back.
        direction = Direction.SEND if publication.live else Direction.INACTIVE
        return OfferedLine(line.mid, line.kind, direction, publication.participant, publication.last_ssrc)
