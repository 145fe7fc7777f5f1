"""Glucose meters and continuous glucose sensors: their layouts, and what they mean."""

from datetime import datetime, timedelta
from types import MappingProxyType

from telehealth.errors import Invalid
from telehealth.interop.gatt.layout import Field, Fields, Form
from telehealth.interop.gatt.measurement import (
    Measurement,
    Verdict,
    invalid,
    notes_of,
    present,
    questionable,
    reading,
    verdict_of,
)
from telehealth.vitals.model import Quality

_CAPILLARY, _GENERIC, _PLASMA = 160184, 160020, 160368

GLUCOSE = (
    Field("sequence", Form.U16),
    Field("time", Form.TIME),
    Field("offset", Form.I16, bit=0),
    Field("concentration", Form.SFLOAT, bit=1),
    Field("kind", Form.U8, bit=1),
    Field("status", Form.U16, bit=3),
)
_STATUS = MappingProxyType(
    invalid(
        {
            1: "sensor_malfunction",
            2: "sample_too_small",
            3: "strip_error",
            4: "wrong_strip",
            5: "above_range",
            6: "below_range",
            9: "read_interrupted",
            10: "general_fault",
        }
    )
    | questionable({7: "too_warm", 8: "too_cold"})
)
_NOTES = MappingProxyType({0: "battery_low", 11: "time_fault"})
_CONTROL_SOLUTION = 10
_KINDS = MappingProxyType({1: _CAPILLARY, 2: _PLASMA, 4: _PLASMA, 6: _PLASMA, 8: _PLASMA})
_LOCATIONS = MappingProxyType({1: "finger", 2: "alternate", 3: "earlobe", 4: "control_solution"})


def glucose(characteristic: str, fields: Fields) -> Measurement:
    """2A18: kg/L becomes mg/dL, mol/L becomes mmol/L."""
    number, kind = fields.number("concentration"), fields.whole("kind")
    verdict = verdict_of(fields.whole("status"), _STATUS)
    if kind & 0xF == _CONTROL_SOLUTION or kind >> 4 == 4:
        verdict = Verdict(Quality.INVALID, "control_solution").worse(verdict)
    mdc = _KINDS.get(kind & 0xF, _GENERIC)
    unit, power = ("mmol/L", 3) if fields.has(2) else ("mg/dL", 5)
    location = _LOCATIONS.get(kind >> 4, "")
    details = {"sequence": fields.whole("sequence"), "offset_min": fields.whole("offset"), "location": location}
    return Measurement(
        characteristic,
        () if number is None else (reading(mdc, number, unit, verdict, power=power),),
        local_time=_taken_at(fields),
        notes=notes_of(fields.whole("status"), _NOTES),
        details=present(details, (True, fields.has(0), location != "")),
    )


def _taken_at(fields: Fields) -> datetime | None:
    """Return what the meter's display showed: its base time never changes, the offset is how people set it."""
    base = fields.time()
    try:
        return None if base is None else base + timedelta(minutes=fields.whole("offset"))
    except OverflowError:
        raise Invalid("The sensor's date and time do not exist.", code="bad_time") from None


CGM = (
    Field("concentration", Form.SFLOAT),
    Field("offset", Form.U16),
    Field("status", Form.U8, bit=7),
    Field("calibration", Form.U8, bit=6),
    Field("warning", Form.U8, bit=5),
    Field("trend", Form.SFLOAT, bit=0),
    Field("quality", Form.SFLOAT, bit=1),
)
CGM_WITH_CHECK = (*CGM, Field("check", Form.U16))

_CGM_STATUS = MappingProxyType(
    invalid({0: "session_stopped", 2: "wrong_sensor", 3: "sensor_malfunction", 5: "general_fault"})
)
_CGM_CALIBRATION = MappingProxyType(questionable({3: "calibration_required", 4: "too_warm", 5: "too_cold"}))
_CGM_WARNING = MappingProxyType(invalid({6: "below_range", 7: "above_range"}))
_CGM_NOTES = MappingProxyType({1: "battery_low", 4: "device_alert"})


def records(data: bytes) -> list[bytes]:
    """Return the records of a 2AA7 value, each with its length before it; Invalid (bad_length)."""
    found: list[bytes] = []
    at = 0
    while at < len(data):
        size = data[at]
        if size < 6 or at + size > len(data):
            raise Invalid("A record is shorter or longer than it says.", code="bad_length")
        found.append(data[at : at + size])
        at += size
    if not found:
        raise Invalid("There is no record.", code="bad_length")
    return found


def require_check(record: bytes) -> None:
    """Refuse a record whose last two octets are not its check sum; Invalid (bad_check)."""
    if int.from_bytes(record[-2:], "little") != check_sum(record[:-2]):
        raise Invalid("The check sum of a record is wrong.", code="bad_check")


def check_sum(data: bytes) -> int:
    """Return the CRC of the CGM profile: x^16 + x^12 + x^5 + 1, from 0xFFFF, bits of each octet from the lowest."""
    crc = 0xFFFF
    for octet in data:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
    return crc


def continuous_glucose(characteristic: str, fields: Fields) -> Measurement:
    """2AA7, in mg/dL; the time is in minutes since the session began, which only the sensor knows."""
    status, calibration, warning = (fields.whole(name) for name in ("status", "calibration", "warning"))
    verdict = verdict_of(status, _CGM_STATUS).worse(verdict_of(warning, _CGM_WARNING))
    verdict = verdict.worse(verdict_of(calibration, _CGM_CALIBRATION))
    number, trend, quality = (fields.number(name) for name in ("concentration", "trend", "quality"))
    details = {
        "session_min": fields.whole("offset"),
        "trend_mg_dl_min": trend.value if trend else None,
        "quality_percent": quality.value if quality else None,
    }
    return Measurement(
        characteristic,
        () if number is None else (reading(_GENERIC, number, "mg/dL", verdict),),
        notes=notes_of(status, _CGM_NOTES),
        details=present(details, (True, fields.has(0), fields.has(1))),
    )
