"""Messages of HL7 version 2 written by hand, as monitors write them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from telehealth.interop.hl7.inspection import inspect
from telehealth.interop.hl7.parse import parse
from telehealth.interop.hl7.reading import read
from telehealth.interop.hl7.rows import Reading
from telehealth.vitals.reported import Reported

RECEIVED = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
SHARED = Path(__file__).parents[4] / "shared" / "data"
HEADER = (
    "MSH|^~\\&|MON^0011223344556677^EUI-64|WARD|||20260101120000+0000||ORU^R01^ORU_R01|42|P|2.6|||AL|NE||UNICODE UTF-8"
)
REQUEST = "OBR|1||42^MON|182777000^monitoring of patient^SCT|||20260101115958+0000"
HR = "147842^MDC_ECG_CARD_BEAT_RATE^MDC"
SPO2 = "150456^MDC_PULS_OXIM_SAT_O2^MDC"
BPM = "264864^MDC_DIM_BEAT_PER_MIN^MDC"
PERCENT = "262688^MDC_DIM_PERCENT^MDC"
ECG_II = "131330^MDC_ECG_ELEC_POTL_II^MDC"


def row(code: str, value: str, unit: str = "", *, kind: str = "NM", place: str = "1.1.1.1", **more: str) -> str:
    """Return an OBX; `more` are fields by number (f8, f11, f14, f17, f18)."""
    fields = {1: "1", 2: kind, 3: code, 4: place, 5: value, 6: unit, 11: "R"}
    fields |= {int(name[1:]): text for name, text in more.items()}
    return "OBX|" + "|".join(fields.get(n, "") for n in range(1, max(fields) + 1))


def message(*rows: str, header: str = HEADER, request: str = REQUEST) -> bytes:
    return "\r".join((header, request, *rows, "")).encode()


def wave(samples: str, *attributes: str, code: str = ECG_II, unit: str = "266418^MDC_DIM_MILLI_VOLT^MDC") -> list[str]:
    """Return the rows of a wave at 250 Hz; further attributes stand at 1.1.1.2.n."""
    rate = row("0^MDC_ATTR_SAMP_RATE^MDC", "250", "264640^MDC_DIM_HZ^MDC", place="1.1.1.2.1")
    return [row(code, samples, unit, kind="NA", place="1.1.1.2"), rate, *attributes]


WAVE_REQUEST = "OBR|2||43^MON|69121^MDC_OBS_WAVE_CTS^MDC|||20260101115958.000+0000|20260101115959.000+0000"


def reported(data: bytes, reading: Reading | None = None) -> Reported:
    return read(parse(data), reading or Reading())


def shown(data: bytes, reading: Reading | None = None) -> dict[str, Any]:
    return inspect(data, reading or Reading(), RECEIVED)


def recorded(found: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
    return [(one["mdc"], one["value"], one["unit"]) for one in found["recorded"]]


def reasons(found: dict[str, Any]) -> list[str]:
    return [one["reason"] for one in found["quarantined"]]
