"""The container in which a device sends many messages."""

import json
import random
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telehealth.errors import Invalid
from telehealth.interop.bulk_messages import MAX_BYTES, MAX_MESSAGES, decode_bulk, encode_bulk, is_bulk, room_for
from telehealth.interop.vital_frames import encode_frame
from telehealth.vitals.model import FrameFlag, RawNumerics, WaveBlock
from tests.interop.hostile_inputs import VECTORS

NUMERICS = json.dumps(json.loads((VECTORS / "device/client/numerics.json").read_text())).encode()
BULK = sorted((VECTORS / "bulk").glob("*.json"))


def a_block(sequence: int, samples: int = 50) -> WaveBlock:
    return WaveBlock(1, sequence, sequence * 50, 1e12, b"\x01\x00" * samples, FrameFlag.BACKFILL)


def test_frames_and_numerics_come_out_as_they_went_in() -> None:
    blocks = [a_block(number) for number in range(5)]
    bulk = encode_bulk([*(encode_frame(block) for block in blocks), NUMERICS])
    assert is_bulk(bulk)
    *waves, numerics = decode_bulk(bulk)
    assert waves == blocks
    assert isinstance(numerics, RawNumerics)
    assert all(block.late for block in blocks)
    assert not is_bulk(encode_frame(blocks[0]))


@pytest.mark.parametrize("path", BULK, ids=lambda path: path.stem)
def test_a_vector_is_read_as_it_says(path: Path) -> None:
    vector = json.loads(path.read_text())
    data = bytes.fromhex(vector["hex"])
    if "error" in vector:
        with pytest.raises(Invalid) as refusal:
            decode_bulk(data)
        assert refusal.value.code == vector["error"]
        return
    read = decode_bulk(data)
    assert [[getattr(m, "channel", 0), m.sequence, m.late] for m in read] == vector["messages"]


def test_no_more_is_put_together_than_fits() -> None:
    small, large = encode_frame(a_block(1, 1)), encode_frame(a_block(1, 4096))
    assert room_for([small] * 1000) == MAX_MESSAGES
    assert room_for([large] * 1000) == 7
    assert room_for([]) == 0
    assert len(encode_bulk([large] * 7)) <= MAX_BYTES
    for too_much in ([], [small] * (MAX_MESSAGES + 1), [large] * 8, [b""]):
        with pytest.raises(Invalid):
            encode_bulk(too_much)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_reason_or_read(data: bytes) -> None:
    try:
        assert decode_bulk(b"\x01\x04" + data)
    except Invalid as error:
        assert error.code in {"bad_bulk", "bad_frame", "bad_message"}


def test_ten_thousand_damaged_containers_are_refused_with_a_reason_or_read() -> None:
    chance = random.Random(5)
    whole = encode_bulk([encode_frame(a_block(1, 3)), NUMERICS, encode_frame(a_block(2, 3))])
    refused = 0
    for _ in range(10_000):
        damaged = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            decode_bulk(bytes(damaged[: chance.choice([len(damaged), chance.randrange(len(damaged))])]))
        except Invalid as error:
            assert error.code in {"bad_bulk", "bad_frame", "bad_message"}
            refused += 1
    assert refused > 5_000


def test_a_hello_does_not_travel_in_a_container() -> None:
    hello = (VECTORS / "device/client/hello.json").read_bytes()
    with pytest.raises(Invalid) as refusal:
        decode_bulk(struct.pack("<BBHH", 1, 4, 1, len(hello)) + hello)
    assert refusal.value.code == "bad_bulk"
