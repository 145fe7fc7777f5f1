"""Signals: whether the alarms of a patient are heard and seen here (words of IEC 60601-1-8).

What a snooze is for one alarm, a pause is for all of a patient: the sound, or sound and picture, are off for a time or
until somebody turns them on again. The conditions are watched, stored and listed as before, and nothing changes at the
bedside.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from telehealth.access import Action, Principal, reach
from telehealth.errors import Conflict, Invalid

PAUSES_S = (60, 120, 300)
"""How long sound, or sound and picture, can be paused, in seconds."""


class SignalState(StrEnum):
    """Whether alarms are heard and seen."""

    ON = "on"
    AUDIO_PAUSED = "audio_paused"
    ALARM_PAUSED = "alarm_paused"
    AUDIO_OFF = "audio_off"
    ALARM_OFF = "alarm_off"

    @property
    def paused(self) -> bool:
        """Whether it ends by itself."""
        return self in (SignalState.AUDIO_PAUSED, SignalState.ALARM_PAUSED)

    @property
    def off(self) -> bool:
        """Whether it lasts until somebody ends it."""
        return self in (SignalState.AUDIO_OFF, SignalState.ALARM_OFF)


_ACTIONS = MappingProxyType(
    {
        SignalState.ON: (Action.MANAGE_ALARMS, Action.TURN_OFF_ALARMS),
        SignalState.AUDIO_PAUSED: (Action.MANAGE_ALARMS,),
        SignalState.ALARM_PAUSED: (Action.PAUSE_ALARMS,),
        SignalState.AUDIO_OFF: (Action.TURN_OFF_ALARMS,),
        SignalState.ALARM_OFF: (Action.TURN_OFF_ALARMS,),
    }
)


def action_for(principal: Principal, state: SignalState) -> Action:
    """Return the action that the principal must be allowed in order to set the state."""
    actions = _ACTIONS[state]
    return next((action for action in actions if reach(principal.role, action) is not None), actions[0])


@dataclass(frozen=True, slots=True)
class Signals:
    """How the signals of a patient stand, and who has set them so.

    Attributes:
        until: When a pause ends; None for the other states.
        set_at: None as long as nobody has set anything.
    """

    state: SignalState = SignalState.ON
    until: datetime | None = None
    set_by: str = ""
    set_by_name: str = ""
    set_at: datetime | None = None

    def at(self, now: datetime) -> "Signals":
        """Return how they stand now: a pause that has run out is over."""
        return Signals() if self.until is not None and now >= self.until else self

    def changed(self, wanted: "Signals", now: datetime) -> "Signals":
        """Return the wanted ones; Conflict (`alarms_off`): what is off is not turned on by a pause that runs out."""
        if self.at(now).state.off and wanted.state.paused:
            raise Conflict("Alarms are turned off here: turn them on before you pause them.", code="alarms_off")
        return wanted


@dataclass(frozen=True, slots=True)
class SignalsWanted:
    """What somebody asks for; `seconds` of a pause, 0 of the rest."""

    state: SignalState
    seconds: int = 0

    def set_by(self, subject: str, name: str, now: datetime) -> Signals:
        """Return the signals as they are from now on; Invalid (`bad_pause`) for a pause of another length."""
        if self.state.paused and self.seconds not in PAUSES_S:
            raise Invalid("Alarms can be paused for 60, 120 or 300 seconds.", code="bad_pause")
        until = now + timedelta(seconds=self.seconds) if self.state.paused else None
        return Signals(self.state, until, subject, name, now)
