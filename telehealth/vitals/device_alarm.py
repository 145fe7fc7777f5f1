"""An alarm of the device's own (IHE PCD-04 words): shown as the device's, never as ours, and not changed by us."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from telehealth.ids import DeviceId
from telehealth.vitals.alarm import Priority


class Phase(StrEnum):
    """MDC_ATTR_EVENT_PHASE, those that matter here."""

    START = "start"
    CONTINUE = "continue"
    UPDATE = "update"
    ESCALATE = "escalate"
    END = "end"


class Inactivation(StrEnum):
    """MDC_ATTR_ALARM_INACTIVATION_STATE: what somebody did about it at the bedside."""

    ENABLED = "enabled"
    AUDIO_PAUSED = "audio-paused"
    AUDIO_OFF = "audio-off"
    ALARM_PAUSED = "alarm-paused"
    ALARM_OFF = "alarm-off"
    ACKNOWLEDGED = "alert-acknowledged"


@dataclass(frozen=True, slots=True)
class DeviceAlarm:
    """What a device says of an alarm of its own.

    Attributes:
        instance: The device's id of this alarm; an end names the same one.
        event_mdc: What it is (196648 high, 196670 low, 196680 lead off, …); 0 when the device says it in text alone.
        source_mdc: The parameter it is about, 0 for none.
        text: As the device words it; at most 80 characters are kept.
        priority: None for PN, which is a sign of life and no alarm.
        technical: Whether it is about the measurement rather than the patient.
    """

    device_id: DeviceId
    instance: str
    phase: Phase
    priority: Priority | None
    text: str
    at: datetime
    event_mdc: int = 0
    source_mdc: int = 0
    inactivation: Inactivation = Inactivation.ENABLED
    technical: bool = False
    demo: bool = False
