"""Vectors that Python and JavaScript share: packets, and inputs that nobody would send, the same at each run."""

import json
import random
from pathlib import Path
from typing import Any

from telehealth.errors import Invalid
from telehealth.interop.gatt.decoder import CHARACTERISTICS, decode, octets_of
from telehealth.interop.gatt.glucose import CGM, GLUCOSE, check_sum
from telehealth.interop.gatt.layout import Field, Fields, Form, LocalTime, Value, write
from telehealth.interop.gatt.numbers import medical_float, sfloat
from telehealth.interop.gatt.sensors import (
    BLOOD_PRESSURE,
    HEART_RATE,
    OXIMETER_CONTINUOUS,
    OXIMETER_SPOT,
    TEMPERATURE,
    WEIGHT,
)

FOLDER = Path(__file__).parents[1] / "vectors" / "gatt"
LAYOUTS: dict[str, tuple[Field, ...]] = {
    "2A37": HEART_RATE,
    "2A5F": OXIMETER_CONTINUOUS,
    "2A5E": OXIMETER_SPOT,
    "2A35": BLOOD_PRESSURE,
    "2A36": BLOOD_PRESSURE,
    "2A1C": TEMPERATURE,
    "2A1E": TEMPERATURE,
    "2A18": GLUCOSE,
    "2AA7": CGM,
    "2A9D": WEIGHT,
}
SPECIAL_SFLOATS = (0x07FF, 0x0800, 0x07FE, 0x0802, 0x0801)
SPECIAL_FLOATS = (0x007FFFFF, 0x00800000, 0x007FFFFE, 0x00800002, 0x00800001)


def outcome(characteristic: str, data: bytes) -> Any:
    """Return what a value means ready for JSON, or the reason why it means nothing."""
    try:
        return [one.as_data() for one in decode(characteristic, data)]
    except Invalid as error:
        return {"error": error.code}


def octets(characteristic: str, chance: random.Random) -> bytes:
    """Return noise, a well-formed value, or one that was damaged on its way."""
    if chance.random() < 0.2:
        return chance.randbytes(chance.randint(0, 24))
    count = chance.choice((1, 1, 1, 2, 3)) if characteristic == "2AA7" else 1
    data = octets_of(characteristic, tuple(_fields(characteristic, chance) for _ in range(count)))
    if chance.random() < 0.25:
        damaged = bytearray(data)
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        data = bytes(damaged[: chance.randint(0, len(damaged))]) if chance.random() < 0.5 else bytes(damaged)
    return data


def _fields(characteristic: str, chance: random.Random) -> Fields:
    layout, flags = LAYOUTS[characteristic], chance.randrange(256)
    values: dict[str, Value] = {}
    for field in layout:
        form = field.form_in(flags)
        if form is not None:
            values[field.name] = _value(form, chance)
    fields = Fields(flags, values)
    if characteristic == "2AA7" and chance.random() < 0.3:
        length = len(write(CGM, fields)) + 3
        checked = bytes([length]) + write(CGM, fields)
        return Fields(flags, {**values, "check": check_sum(checked)})
    return fields


def _value(form: Form, chance: random.Random) -> Value:
    if form is Form.SFLOAT:
        return sfloat(chance.choice((*SPECIAL_SFLOATS, *(chance.randrange(1 << 16) for _ in range(15)))))
    if form is Form.FLOAT:
        return medical_float(chance.choice((*SPECIAL_FLOATS, *(chance.randrange(1 << 32) for _ in range(15)))))
    if form is Form.TIME:
        year = chance.choice((0, 2026, 2024, 1582, 9999, chance.randrange(1 << 16)))
        return LocalTime(
            year, chance.randint(0, 13), chance.randint(0, 31), chance.randint(0, 24), chance.randint(0, 60), 0
        )
    if form is Form.U16S:
        return tuple(chance.randrange(1 << 16) for _ in range(chance.randint(1, 6)))
    width = {Form.U8: 8, Form.U16: 16, Form.U24: 24, Form.I16: 15}[form]
    # Mostly few bits, so that what one status bit says is seen alone.
    return chance.choice((0, 0, 1 << chance.randrange(width), chance.randrange(1 << width), (1 << width) - 1))


def generated(count: int, seed: int) -> list[dict[str, Any]]:
    """Return inputs of every characteristic with what Python makes of them."""
    chance = random.Random(seed)
    found = []
    for n in range(count):
        characteristic = CHARACTERISTICS[n % len(CHARACTERISTICS)]
        data = octets(characteristic, chance)
        found.append({"characteristic": characteristic, "bytes": data.hex(), "decoded": outcome(characteristic, data)})
    return found


def written(name: str) -> list[dict[str, Any]]:
    """Return the vectors of a file."""
    read: list[dict[str, Any]] = json.loads((FOLDER / f"{name}.json").read_text())
    return read
