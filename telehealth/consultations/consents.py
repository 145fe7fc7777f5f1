"""Who has agreed to being recorded."""

from dataclasses import dataclass, replace
from enum import StrEnum


class RecordingState(StrEnum):
    """Whether a room is recorded."""

    OFF = "off"
    ASKING = "asking"
    ON = "on"


@dataclass(frozen=True, slots=True)
class Consents:
    """What a room's people said to being recorded.

    Attributes:
        by: Participant who asked; empty when it was never asked.
        accepted: Participants who agreed to this request.
        refused: Participant who ended it by refusing or withdrawing, if one did.
    """

    state: RecordingState = RecordingState.OFF
    by: str = ""
    accepted: frozenset[str] = frozenset()
    refused: str = ""

    @property
    def off(self) -> bool:
        return self.state is RecordingState.OFF

    def ended(self, refused: str = "") -> "Consents":
        """Return them when it is over: nobody's consent outlives the request it was given to."""
        return Consents(by=self.by, refused=refused)

    def with_accepted(self, participant: str) -> "Consents":
        """Return them with one more who agreed."""
        return replace(self, accepted=self.accepted | {participant})


NOT_ASKED = Consents()
