"""A file with values of Bluetooth characteristics, as `telehealth inspect gatt` shows it.

One value a line, `2A37: 16 4B 40 03`, or JSON: an object `{"characteristic": "2A37", "bytes": "16 4B …"}` a line, one
object, or a list of such. The characteristic's number may be written as the whole UUID.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from telehealth.errors import Invalid
from telehealth.interop import inspection
from telehealth.interop.gatt.decoder import decode
from telehealth.interop.gatt.measurement import Measurement
from telehealth.vitals.reported import DEMO, Observed, Reported

MAX_VALUES = 10_000

_UUID = r"(?:0x)?(?:0000)?(?P<number>[0-9A-Fa-f]{4})(?:-0000-1000-8000-00805[Ff]9[Bb]34[Ff][Bb])?"
_CHARACTERISTIC = re.compile(_UUID)
_LINE = re.compile(_UUID + r"\s*[:=,\s]\s*(?P<octets>[0-9A-Fa-fx\s:-]*)")
_FORMS = "There must be lines such as `2A37: 16 4B`, or JSON with characteristic and bytes."


def inspect(data: bytes, received_at: datetime) -> dict[str, Any]:
    """Return what of the values would be recorded, and what not and why. Never raises."""
    shown: dict[str, Any] = {"recorded": [], "quarantined": [], "alarms": [], "repairs": {}}
    for number, value in enumerate(_values(data), start=1):
        if value is None:
            _quarantine(shown, "bad_message", _FORMS, f"value {number}")
            continue
        characteristic, octets = value
        try:
            measurements = decode(characteristic, bytes.fromhex(octets))
        except Invalid as error:
            _quarantine(shown, error.code, error.text, characteristic)
            continue
        except ValueError:
            _quarantine(shown, "bad_message", "The octets are not hexadecimal.", characteristic)
            continue
        for measurement in measurements:
            _show(shown, measurement, received_at)
    return shown


def _show(shown: dict[str, Any], measurement: Measurement, received_at: datetime) -> None:
    told = inspection.inspected(_reported(measurement), received_at)
    # The sensor tells no zone: its time is shown as it is, and is nobody's instant until its clock was read.
    local = measurement.local_time
    for one in told["recorded"]:
        one["taken_at"] = local.isoformat() if local else one["taken_at"]
        one["flags"].append("no_time_zone" if local else "time_of_reception")
    shown["recorded"] += told["recorded"]
    shown["quarantined"] += told["quarantined"]
    for reading in measurement.readings:
        if reading.value is None:
            text = f"The sensor says that it has no value: {reading.reason}."
            _quarantine(shown, reading.reason, text, f"{measurement.characteristic}/{reading.mdc}")
    if not measurement.readings:
        text = "It carries no value of a vital sign that is to be kept."
        _quarantine(shown, (*measurement.notes, "no_value")[0], text, measurement.characteristic)


def _reported(measurement: Measurement) -> Reported:
    demo = (DEMO,) if measurement.demo else ()
    notes = tuple(note for note in measurement.notes if note != DEMO)
    observed = tuple(
        Observed(
            one.mdc,
            one.value,
            one.unit,
            None,
            one.quality,
            flags=(*((one.reason,) if one.reason else ()), *notes, *demo),
        )
        for one in measurement.readings
        if one.value is not None
    )
    return Reported(observed=observed)


def _quarantine(shown: dict[str, Any], reason: str, text: str, what: str) -> None:
    shown["quarantined"].append({"reason": reason, "text": text, "what": what})


def _values(data: bytes) -> Iterator[tuple[str, str] | None]:
    """Yield (characteristic, octets in hexadecimal); None for what has neither form."""
    text = data.decode("utf-8", "replace").strip()
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        lines = [line.strip() for line in text.splitlines()]
        yield from (_line(line) for line in lines[:MAX_VALUES] if line and not line.startswith("#"))
        return
    listed = found if isinstance(found, list) else [found]
    yield from (_entry(one) for one in listed[:MAX_VALUES])


def _line(line: str) -> tuple[str, str] | None:
    if line.startswith("{"):
        try:
            return _entry(json.loads(line))
        except (ValueError, RecursionError):
            return None
    match = _LINE.fullmatch(line)
    return (match["number"].upper(), _bare(match["octets"])) if match else None


def _entry(one: Any) -> tuple[str, str] | None:
    if not isinstance(one, dict):
        return None
    characteristic, octets = one.get("characteristic", one.get("uuid")), one.get("bytes", one.get("hex"))
    if not isinstance(characteristic, str) or not isinstance(octets, str):
        return None
    match = _CHARACTERISTIC.fullmatch(characteristic.strip())
    return (match["number"].upper() if match else characteristic.upper()[:8], _bare(octets))


def _bare(octets: str) -> str:
    return re.sub(r"[\s:-]|0x", "", octets)
