"""The outbox of a socket: bounded, in order, and closed for whoever reads too slowly."""

import asyncio
from collections.abc import Sequence

import pytest

from telehealth.consultations.ports import SlowConsumer
from telehealth.web.sockets import outbox as module
from telehealth.web.sockets.outbox import MAX_BYTES, MAX_FRAMES, SLOW, Outbox
from telehealth.web.sockets.wire import Frame, Framed, framed


class PatientWire:
    """Takes everything. Implements sockets.outbox.Wire."""

    def __init__(self) -> None:
        self.sent: list[Frame] = []
        self.code: int | None = None

    full = False

    def write(self, frames: Sequence[Frame]) -> None:
        self.sent += frames

    async def drained(self) -> None:
        assert not self.full

    async def close(self, code: int) -> None:
        self.code = code


class StuckWire(PatientWire):
    """Never takes anything. Implements sockets.outbox.Wire."""

    full = True

    async def drained(self) -> None:
        await asyncio.Event().wait()


class BrokenWire(PatientWire):
    """Has lost its other end. Implements sockets.outbox.Wire."""

    def write(self, frames: Sequence[Frame]) -> None:
        raise ConnectionResetError


async def test_frames_leave_in_order_and_then_the_code() -> None:
    outbox, wire = Outbox(), PatientWire()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(outbox.write_to(wire))
        outbox.put("one")
        await asyncio.sleep(0)
        outbox.put(b"two")
        outbox.put("three")
        outbox.close(4410)
        outbox.close(1000)
        outbox.put("too late")
    assert wire.sent == ["one", b"two", "three"]
    assert wire.code == 4410


@pytest.mark.parametrize(("frame", "count"), [("x", MAX_FRAMES + 1), ("x" * (MAX_BYTES // 4), 5)])
async def test_beyond_the_limit_it_closes_and_forgets(frame: str, count: int) -> None:
    outbox, wire = Outbox(), PatientWire()
    for _ in range(count - 1):
        outbox.put(frame)
    with pytest.raises(SlowConsumer):
        outbox.put(frame)
    await outbox.write_to(wire)
    assert (wire.sent, wire.code) == ([], SLOW)


async def test_waves_are_dropped_before_facts_and_become_one_gap() -> None:
    outbox, wire = Outbox(gap="gap"), PatientWire()
    for number in range(1_000):
        outbox.put_wave(b"%d" % number)
        if number % 100 == 0:
            outbox.put(f"fact {number}")
    outbox.close(1000)
    await outbox.write_to(wire)
    facts = [frame for frame in wire.sent if isinstance(frame, str) and frame.startswith("fact")]
    waves = [frame for frame in wire.sent if isinstance(frame, bytes)]
    assert facts == [f"fact {number}" for number in range(0, 1_000, 100)]
    assert waves == sorted(waves, key=int)
    assert waves[-1] == b"999"
    assert wire.sent.index("gap") < wire.sent.index(waves[0])
    assert len(wire.sent) <= MAX_FRAMES


async def test_waves_are_bounded_in_bytes_too() -> None:
    outbox, wire = Outbox(gap="gap"), PatientWire()
    for _ in range(100):
        outbox.put_wave(b"x" * 16_000)
    outbox.close(1000)
    await outbox.write_to(wire)
    assert sum(len(frame) for frame in wire.sent) <= MAX_BYTES // 2 + 16_000


async def test_who_does_not_read_is_closed_as_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALL_S", 0.01)
    outbox, wire = Outbox(), StuckWire()
    outbox.put("never read")
    await outbox.write_to(wire)
    assert (wire.code, outbox.code) == (SLOW, SLOW)


async def test_a_close_does_not_wait_for_ever_for_what_is_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FLUSH_S", 0.01)
    outbox, wire = Outbox(), StuckWire()
    outbox.put("never read")
    outbox.close(4410)
    await outbox.write_to(wire)
    assert wire.code == 4410


async def test_a_lost_connection_ends_it() -> None:
    outbox, wire = Outbox(), BrokenWire()
    outbox.put("x")
    await outbox.write_to(wire)
    assert outbox.code == 1006


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_a_message_is_framed_as_one_unmasked_frame(size: int) -> None:
    frame = framed(b"x" * size)
    assert frame[0] == 0x82
    header = 2 if size < 126 else 4 if size < 65_536 else 10
    assert int.from_bytes(frame[1 if header == 2 else 2 : header], "big") == size
    assert frame[header:] == b"x" * size
    text = framed("\u00e9")
    assert text == b"\x81\x02" + "\u00e9".encode()
    assert framed(text) is text
    assert isinstance(text, Framed)


async def test_what_waits_leaves_together() -> None:
    outbox, wire = Outbox(), PatientWire()
    writes: list[int] = []

    class Counted(PatientWire):
        def write(self, frames: Sequence[Frame]) -> None:
            writes.append(len(frames))

    for _ in range(300):
        outbox.put("x")
    outbox.close(1000)
    await outbox.write_to(Counted())
    assert (sum(writes), max(writes), len(writes), wire.sent) == (300, 128, 3, [])
