"""From a characteristic's number and octets to what they mean."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

from telehealth.errors import Invalid
from telehealth.interop.gatt import glucose, sensors
from telehealth.interop.gatt.layout import MAX_BYTES, Field, Fields, read, write
from telehealth.interop.gatt.measurement import Measurement

_Meaning = Callable[[str, Fields], Measurement]


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a characteristic is laid out and what it means."""

    layout: tuple[Field, ...]
    meaning: _Meaning


_KINDS = MappingProxyType(
    {
        "2A37": _Kind(sensors.HEART_RATE, sensors.heart_rate),
        "2A5F": _Kind(sensors.OXIMETER_CONTINUOUS, sensors.oximeter),
        "2A5E": _Kind(sensors.OXIMETER_SPOT, sensors.oximeter),
        "2A35": _Kind(sensors.BLOOD_PRESSURE, sensors.blood_pressure),
        "2A36": _Kind(sensors.BLOOD_PRESSURE, sensors.blood_pressure),
        "2A1C": _Kind(sensors.TEMPERATURE, sensors.temperature),
        "2A1E": _Kind(sensors.TEMPERATURE, sensors.temperature),
        "2A18": _Kind(glucose.GLUCOSE, glucose.glucose),
        "2AA7": _Kind(glucose.CGM, glucose.continuous_glucose),
        "2A9D": _Kind(sensors.WEIGHT, sensors.weight),
    }
)
CHARACTERISTICS = tuple(_KINDS)
"""What we understand, by the four digits of its number."""

_RECORDS = "2AA7"


def decode(characteristic: str, data: bytes) -> tuple[Measurement, ...]:
    """Return what the value of a characteristic says: one measurement, or one for each record of a CGM value.

    Raises:
        Invalid: `unknown_characteristic`, `bad_length`, `bad_time`, `bad_check`.
    """
    kind = _kind(characteristic)
    return tuple(kind.meaning(characteristic, fields) for fields in fields_of(characteristic, data))


def fields_of(characteristic: str, data: bytes) -> tuple[Fields, ...]:
    """Return the fields of a value, record by record; raises as `decode` does."""
    kind = _kind(characteristic)
    if len(data) > MAX_BYTES:
        raise Invalid("The value is longer than any.", code="bad_length")
    if characteristic != _RECORDS:
        return (read(kind.layout, data),)
    return tuple(_record(record) for record in glucose.records(data))


def octets_of(characteristic: str, fields: tuple[Fields, ...]) -> bytes:
    """Return the value that `fields_of` reads as these fields."""
    kind = _kind(characteristic)
    if characteristic != _RECORDS:
        return write(kind.layout, fields[0])
    written = [write(glucose.CGM_WITH_CHECK if "check" in one.values else glucose.CGM, one) for one in fields]
    return b"".join(bytes([len(record) + 1]) + record for record in written)


def _record(record: bytes) -> Fields:
    """Read a CGM record; only the sensor knows whether it ends in a check sum, so its length must tell."""
    try:
        return read(glucose.CGM, record[1:])
    except Invalid:
        fields = read(glucose.CGM_WITH_CHECK, record[1:])
    glucose.require_check(record)
    return fields


def _kind(characteristic: str) -> _Kind:
    kind = _KINDS.get(characteristic)
    if kind is None:
        raise Invalid("This characteristic is not known.", code="unknown_characteristic")
    return kind
