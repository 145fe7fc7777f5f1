import json
import math
import random
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telehealth.bus import EventId
from telehealth.errors import Invalid
from telehealth.interop.vital_frames import MAX_SAMPLES, decode_frame, encode_frame, for_watcher, from_watcher_message
from telehealth.vitals.model import FrameFlag, WaveBlock
from tests.interop.hostile_inputs import VECTORS

GOOD = WaveBlock(3, 7, 350, 1_767_261_600_000.0, struct.pack("<4h", 1, -1, -32768, 32767), FrameFlag.DEMO)
FRAMES = sorted((VECTORS / "frames").glob("*.json"))

blocks = st.builds(
    lambda channel, sequence, first, at, samples, flags: WaveBlock(
        channel, sequence, first, at, struct.pack(f"<{len(samples)}h", *samples), FrameFlag(flags)
    ),
    channel=st.integers(1, 0xFFFF),
    sequence=st.integers(0, 0xFFFF_FFFF),
    first=st.integers(0, 2**63 - 1),
    at=st.floats(0, 4_102_444_800_000.0).map(abs),
    samples=st.lists(st.integers(-32768, 32767), min_size=1, max_size=100),
    flags=st.integers(0, 15),
)


def header(**changes: object) -> bytes:
    fields = {"v": 1, "kind": 1, "ch": 3, "seq": 7, "first": 350, "at": 1e12, "count": 2, "flags": 0, "reserved": 0}
    return struct.pack("<BBHIQdHBB", *(fields | changes).values())


@given(blocks)
def test_a_block_survives_the_way_through_a_frame(block: WaveBlock) -> None:
    assert decode_frame(encode_frame(block)) == block


@given(blocks, st.integers(0, 2**63), st.integers(0, 2**63))
def test_a_block_survives_the_way_to_a_watcher(block: WaveBlock, ms: int, n: int) -> None:
    assert from_watcher_message(for_watcher(EventId(ms, n), encode_frame(block))) == (EventId(ms, n), block)


def test_a_gap_carries_how_many_are_missing_and_no_samples() -> None:
    gap = WaveBlock(3, 8, 354, 1e12, b"", gap=True, missing=250)
    assert len(encode_frame(gap)) == 28
    assert decode_frame(encode_frame(gap)) == gap
    assert gap.count == 250


def test_the_layout_is_that_of_the_protocol() -> None:
    data = encode_frame(GOOD)
    assert data[:28] == header(count=4, flags=1, at=1_767_261_600_000.0)
    assert data[28:] == b"\x01\x00\xff\xff\x00\x80\xff\x7f"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        header()[:27],
        header() + b"\0" * 3,
        header() + b"\0" * 6,
        header(),
        header(v=2) + b"\0" * 4,
        header(v=0) + b"\0" * 4,
        header(kind=0) + b"\0" * 4,
        header(kind=3) + b"\0" * 4,
        header(kind=2) + b"\0" * 4,
        header(ch=0) + b"\0" * 4,
        header(first=2**63) + b"\0" * 4,
        header(at=math.nan) + b"\0" * 4,
        header(at=math.inf) + b"\0" * 4,
        header(at=-math.inf) + b"\0" * 4,
        header(at=-1.0) + b"\0" * 4,
        header(at=-0.0) + b"\0" * 4,
        header(at=4_102_444_800_001.0) + b"\0" * 4,
        header(count=0),
        header(kind=2, count=0),
        header(kind=2, count=4097),
        header(count=4097) + b"\0" * 8194,
        header(flags=16) + b"\0" * 4,
        header(reserved=1) + b"\0" * 4,
    ],
    ids=lambda data: f"{data[:28].hex()}+{max(0, len(data) - 28)}",
)
def test_a_frame_that_deviates_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid) as refusal:
        decode_frame(data)
    assert refusal.value.code == "bad_frame"


@pytest.mark.parametrize(
    "block",
    [
        WaveBlock(0, 0, 0, 0.0, b"\0\0"),
        WaveBlock(1, 2**32, 0, 0.0, b"\0\0"),
        WaveBlock(1, 0, -1, 0.0, b"\0\0"),
        WaveBlock(1, 0, 0, math.nan, b"\0\0"),
        WaveBlock(1, 0, 0, 0.0, b"\0\0\0"),
        WaveBlock(1, 0, 0, 0.0, b""),
        WaveBlock(1, 0, 0, 0.0, b"\0\0" * (MAX_SAMPLES + 1)),
        WaveBlock(1, 0, 0, 0.0, b"\0\0", gap=True, missing=1),
        WaveBlock(1, 0, 0, 0.0, b"\0\0", missing=1),
    ],
    ids=lambda block: f"{block.channel}-{block.count}",
)
def test_a_block_that_no_frame_can_carry_is_not_written(block: WaveBlock) -> None:
    with pytest.raises(Invalid):
        encode_frame(block)


def test_a_watcher_message_without_a_whole_id_is_refused() -> None:
    with pytest.raises(Invalid):
        from_watcher_message(b"\0" * 15)


def test_ten_thousand_byte_strings_are_refused_or_come_back_exactly() -> None:
    chance = random.Random(11)
    good, gap = encode_frame(GOOD), encode_frame(WaveBlock(3, 8, 354, 1e12, b"", gap=True, missing=250))
    refused = read = 0
    for n in range(10_000):
        data = bytearray(chance.choice((good, gap)) if n % 3 else chance.randbytes(chance.randint(0, 60)))
        for _ in range(chance.randint(0, 3)):
            if data:
                data[chance.randrange(len(data))] = chance.randrange(256)
        if chance.random() < 0.1:
            data = data[: chance.randint(0, len(data))]
        try:
            block = decode_frame(bytes(data))
        except Invalid as error:
            assert error.code == "bad_frame"
            refused += 1
        else:
            assert encode_frame(block) == data
            read += 1
    assert refused > 1_000
    assert read > 1_000


@pytest.mark.parametrize("path", FRAMES, ids=lambda path: path.stem)
def test_a_frame_shared_with_the_browser_reads_the_same_here(path: Path) -> None:
    vector = json.loads(path.read_text())
    data = bytes.fromhex(vector["hex"])
    if vector["expected"] is None:
        with pytest.raises(Invalid):
            from_watcher_message(data)
        return
    event, block = from_watcher_message(data)
    assert vector["expected"] == {
        "id": str(event),
        "channel": block.channel,
        "sequence": block.sequence,
        "first": block.first_index,
        "starts_at": block.starts_at_ms,
        "count": block.count,
        "gap": block.gap,
        "demo": bool(block.flags & FrameFlag.DEMO),
        "questionable": bool(block.flags & FrameFlag.QUESTIONABLE),
        "backfill": bool(block.flags & FrameFlag.BACKFILL),
        "samples": [s for (s,) in struct.iter_unpack("<h", block.samples)],
    }


def test_there_are_frames_shared_with_the_browser() -> None:
    assert len(FRAMES) >= 6
