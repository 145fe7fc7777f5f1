"""What Bluetooth sensors send is understood, or refused with a reason; nothing that they can send does harm."""

import json
import math
import random
from typing import Any

import pytest

from telehealth.errors import Invalid
from telehealth.interop.gatt.decoder import CHARACTERISTICS, decode, fields_of, octets_of
from telehealth.interop.gatt.numbers import (
    Number,
    Special,
    medical_float,
    medical_float_raw,
    sfloat,
    sfloat_raw,
)
from tests.interop.gatt_vectors import generated, octets, outcome, written

GENERATED = 10_000
PACKETS = written("packets")


@pytest.mark.parametrize("vector", PACKETS, ids=lambda v: f"{v['characteristic']}-{v['says']}")
def test_a_packet_means_what_its_vector_says(vector: dict[str, Any]) -> None:
    assert outcome(vector["characteristic"], bytes.fromhex(vector["bytes"])) == vector["decoded"]


@pytest.mark.parametrize("vector", written("numbers"), ids=lambda v: f"{v['format']}-{v['raw']}")
def test_a_number_is_read_and_written_as_its_vector_says(vector: dict[str, Any]) -> None:
    raw = int(vector["raw"], 16)
    number = sfloat(raw) if vector["format"] == "sfloat" else medical_float(raw)
    assert number.value == vector["value"]
    assert (number.special.value if number.special else "") == vector["special"]
    assert number.decimals == vector["decimals"]
    assert raw == (sfloat_raw(number) if vector["format"] == "sfloat" else medical_float_raw(number))


def test_every_sfloat_survives_a_round_trip() -> None:
    for raw in range(1 << 16):
        number = sfloat(raw)
        assert sfloat_raw(number) == raw
        assert (number.value is None) == (number.special is not None)


def test_ten_thousand_floats_survive_a_round_trip() -> None:
    chance = random.Random(2)
    for raw in (chance.randrange(1 << 32) for _ in range(GENERATED)):
        number = medical_float(raw)
        assert medical_float_raw(number) == raw
        assert number.value is None or math.isfinite(number.value)


@pytest.mark.parametrize(
    "number", [Number(2048), Number(-2049), Number(1, 8), Number(1, -9), Number(0x7FF), Number(-2048)]
)
def test_a_number_without_a_place_in_an_sfloat_is_refused(number: Number) -> None:
    with pytest.raises(Invalid) as refused:
        sfloat_raw(number)
    assert refused.value.code == "bad_number"


def test_a_special_number_has_no_value_at_any_scale() -> None:
    for special in Special:
        assert Number(0, 0, special).scaled(3) is None


@pytest.mark.parametrize("characteristic", CHARACTERISTICS)
def test_ten_thousand_inputs_are_refused_with_a_reason_or_survive_a_round_trip(characteristic: str) -> None:
    chance = random.Random(characteristic)
    understood = 0
    for _ in range(GENERATED):
        data = octets(characteristic, chance)
        try:
            measurements = decode(characteristic, data)
        except Invalid as refused:
            assert refused.code in {"bad_length", "bad_time", "bad_check"}
            continue
        understood += 1
        assert octets_of(characteristic, fields_of(characteristic, data)) == data
        told = json.dumps([one.as_data() for one in measurements], allow_nan=False)
        assert json.loads(told) == [one.as_data() for one in measurements]
        for reading in (one for measurement in measurements for one in measurement.readings):
            assert (reading.value is None) == (reading.quality.value == "invalid")
            assert (reading.reason == "") == (reading.quality.value == "good")
    assert understood > GENERATED / 20


def test_the_inputs_shared_with_the_page_are_these() -> None:
    assert generated(300, seed=7) == written("generated")


def test_what_is_no_characteristic_of_ours_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        decode("2A19", b"\x64")
    assert refused.value.code == "unknown_characteristic"


def test_a_value_longer_than_an_attribute_is_refused() -> None:
    assert outcome("2A37", b"\x10\x4b" + b"\x00\x04" * 300) == {"error": "bad_length"}
