"""The layouts of the characteristics as tables, and one reader and one writer for all of them.

A characteristic is an octet of flags and then fields, little-endian, some of them only with a flag. What is read can be
written again, octet for octet.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from telehealth.errors import Invalid
from telehealth.interop.gatt.numbers import Number, medical_float, medical_float_raw, sfloat, sfloat_raw

MAX_BYTES = 512
"""Longest value of an attribute (Bluetooth Core, Vol 3, Part F, 3.2.9)."""


FIRST_YEAR = 1582
"""The first that a date and time can name."""


class Form(Enum):
    """How a field is written."""

    U8 = "u8"
    U16 = "u16"
    I16 = "i16"
    U24 = "u24"
    SFLOAT = "sfloat"
    FLOAT = "float"
    TIME = "time"
    U16S = "u16 to the end"


_OCTETS = MappingProxyType(
    {Form.U8: 1, Form.U16: 2, Form.I16: 2, Form.U24: 3, Form.SFLOAT: 2, Form.FLOAT: 4, Form.TIME: 7}
)


class LocalTime(NamedTuple):
    """A date and time of the sensor's own clock, without a zone; zeros are unknown."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int

    def as_datetime(self) -> datetime | None:
        """Return it without a zone, None if it is not set; Invalid (bad_time) if there is no such time."""
        if 0 in (self.year, self.month, self.day):
            return None
        if self.year < FIRST_YEAR:
            raise Invalid("The sensor's date and time do not exist.", code="bad_time")
        try:
            return datetime(*self)  # noqa: DTZ001 - the sensor tells no zone, and none is made up.
        except ValueError:
            raise Invalid("The sensor's date and time do not exist.", code="bad_time") from None


Value = int | Number | LocalTime | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Attributes:
        bit: It is there if this flag is set; None: always.
        wide_bit: This flag makes a U8 a U16.
    """

    name: str
    form: Form
    bit: int | None = None
    wide_bit: int | None = None

    def form_in(self, flags: int) -> Form | None:
        """Return how it is written with these flags, None if it is not there."""
        if self.bit is not None and not flags >> self.bit & 1:
            return None
        return Form.U16 if self.wide_bit is not None and flags >> self.wide_bit & 1 else self.form


@dataclass(frozen=True, slots=True)
class Fields:
    """What was read: the flags and the fields that were there, in their order."""

    flags: int
    values: Mapping[str, Value]

    def has(self, bit: int) -> bool:
        return bool(self.flags >> bit & 1)

    def whole(self, name: str) -> int:
        """Return a field of whole numbers; 0 if it was not there."""
        value = self.values.get(name, 0)
        return value if isinstance(value, int) else 0

    def number(self, name: str) -> Number | None:
        value = self.values.get(name)
        return value if isinstance(value, Number) else None

    def time(self, name: str = "time") -> datetime | None:
        value = self.values.get(name)
        return value.as_datetime() if isinstance(value, LocalTime) else None

    def list_of(self, name: str) -> tuple[int, ...]:
        value = self.values.get(name, ())
        return tuple(part for part in value if isinstance(part, int)) if isinstance(value, tuple) else ()


def read(layout: tuple[Field, ...], data: bytes) -> Fields:
    """Return the fields of one record; Invalid (bad_length) if it is shorter or longer than its flags say."""
    if not 1 <= len(data) <= MAX_BYTES:
        raise _bad_length()
    flags, at = data[0], 1
    values: dict[str, Value] = {}
    for field in layout:
        form = field.form_in(flags)
        if form is None:
            continue
        length = len(data) - at if form is Form.U16S else _OCTETS[form]
        part = data[at : at + length]
        if len(part) < length or (form is Form.U16S and (length == 0 or length % 2)):
            raise _bad_length()
        values[field.name] = _value(form, part)
        at += length
    if at != len(data):
        raise _bad_length()
    return Fields(flags, values)


def write(layout: tuple[Field, ...], fields: Fields) -> bytes:
    """Return the record that `read` reads as these fields."""
    parts = [bytes([fields.flags])]
    for field in layout:
        form = field.form_in(fields.flags)
        if form is not None:
            parts.append(b"".join(_octets(form, fields.values[field.name])))
    return b"".join(parts)


def _value(form: Form, part: bytes) -> Value:
    raw = int.from_bytes(part, "little", signed=form is Form.I16)
    if form is Form.SFLOAT:
        return sfloat(raw)
    if form is Form.FLOAT:
        return medical_float(raw)
    if form is Form.TIME:
        return LocalTime(int.from_bytes(part[:2], "little"), *part[2:])
    if form is Form.U16S:
        return tuple(int.from_bytes(part[n : n + 2], "little") for n in range(0, len(part), 2))
    return raw


def _octets(form: Form, value: Value) -> Iterator[bytes]:
    if isinstance(value, Number):
        raw = sfloat_raw(value) if form is Form.SFLOAT else medical_float_raw(value)
        yield raw.to_bytes(_OCTETS[form], "little")
    elif isinstance(value, LocalTime):
        yield value.year.to_bytes(2, "little") + bytes(value[1:])
    elif isinstance(value, tuple):
        yield from (part.to_bytes(2, "little") for part in value)
    else:
        yield value.to_bytes(_OCTETS[form], "little", signed=form is Form.I16)


def _bad_length() -> Invalid:
    return Invalid("The value is shorter or longer than its flags say.", code="bad_length")
