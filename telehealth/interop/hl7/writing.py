"""IHE PCD-01 messages, written: what a monitor sends (for the simulator, and to try what we read against)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from telehealth.interop.hl7.parse import STANDARD, escaped
from telehealth.interop.hl7.times import written
from telehealth.interop.stretch import Stretch
from telehealth.vitals.codes import PARAMETERS, WAVES
from telehealth.vitals.model import MISSING, Quality, RawValue

SENTINEL = 32767
"""What stands for a missing sample, as many monitors have it."""

_PROFILE = "IHE_PCD_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: the application's name and its EUI-64."""

    name: str
    eui64: str


def observation_message(
    sender: Sender, control_id: str, at: datetime, values: Sequence[RawValue], stretches: Sequence[Stretch]
) -> bytes:
    """Return an ORU^R01 with numerics measured at `at`, and waves; values without one are sent as such."""
    name, eui = escaped(sender.name, STANDARD), sender.eui64
    lines = [
        f"MSH|^~\\&|{name}^{eui}^EUI-64||||{written(at)}||ORU^R01^ORU_R01|{control_id}|P|2.6|||AL|NE||UNICODE UTF-8"
        f"|||{_PROFILE}",
        "PID|||",
        f"OBR|1||{control_id}^{name}^{eui}^EUI-64|182777000^monitoring of patient^SCT|||{written(at)}",
        f"OBX|1||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|1.0.0.0|||||||X|||||||{eui}^^{eui}^EUI-64",
    ]
    lines += [_value(n, value) for n, value in enumerate(values, start=2)]
    for n, stretch in enumerate(stretches, start=2):
        lines += _wave(n, control_id, stretch)
    return ("\r".join(lines) + "\r").encode()


def _value(number: int, value: RawValue) -> str:
    parameter = PARAMETERS[value.mdc]
    code = f"{parameter.mdc}^{parameter.reference}^MDC"
    marks = {Quality.GOOD: "", Quality.QUESTIONABLE: "QUES", Quality.INVALID: "INV"}[value.quality]
    said = "" if value.value is None else f"{value.value:.9f}".rstrip("0").rstrip(".")
    unit = f"{value.unit}^{value.unit}^UCUM" if said else ""
    return f"OBX|{number}|NM|{code}|1.1.1.{number}|{said or '---'}|{unit}||{marks}|||R"


def _wave(number: int, control_id: str, stretch: Stretch) -> list[str]:
    channel = stretch.channel
    raw = memoryview(stretch.samples).cast("h")
    samples = "^".join(str(SENTINEL if n == MISSING else n) for n in raw)
    starts_s = stretch.starts_at.timestamp()
    last = datetime.fromtimestamp(starts_s + max(0, len(raw) - 1) / channel.rate_hz, stretch.starts_at.tzinfo)
    place = f"1.{number}.1.1"
    code = f"{channel.mdc}^{WAVES[channel.mdc].reference}^MDC"
    return [
        f"OBR|{number}||{control_id}.{number}|69121^MDC_OBS_WAVE_CTS^MDC|||{_finely(stretch.starts_at)}|{_finely(last)}",
        f"OBX|1|NA|{code}|{place}|{samples}|{channel.unit}^{channel.unit}^UCUM|||||R|||{_finely(stretch.starts_at)}",
        f"OBX|2|NM|68320^MDC_ATTR_SAMP_RATE^MDC|{place}.1|{channel.rate_hz!r}|264640^MDC_DIM_HZ^MDC|||||R",
        f"OBX|3|NM|67917^MDC_ATTR_NU_MSMT_RES^MDC|{place}.2|{channel.gain:.9f}|{channel.unit}^{channel.unit}^UCUM|||||R",
        f"OBX|4|NM|197378^MDC_EVT_DATA_MISSING^MDC|{place}.3|{SENTINEL}||||||R",
    ]


def _finely(at: datetime) -> str:
    """Return the instant with microseconds: at fractional rates a millisecond is more than a sample may be off."""
    return at.astimezone(UTC).strftime("%Y%m%d%H%M%S.%f+0000")
