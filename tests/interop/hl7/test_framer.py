"""Octets in pieces of any size become messages, and what is no MLLP is named."""

import random

import pytest

from telehealth.interop.hl7.framer import MAX_STRAY, Fault, Framer, framed

ONE, TWO = b"MSH|one\rOBX|1", b"MSH|two"


def fed(framer: Framer, data: bytes, step: int) -> list[bytes | Fault]:
    found: list[bytes | Fault] = []
    for at in range(0, len(data), step):
        found += framer.feed(data[at : at + step])
    return found


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (framed(ONE), [ONE]),
        (framed(ONE) + framed(TWO), [ONE, TWO]),
        (b"\r\n noise" + framed(ONE), [ONE]),
        (framed(ONE) + b"\r\n" + framed(TWO), [ONE, TWO]),
        (b"\x0b" + ONE + b"\x1c" + framed(TWO), [ONE, TWO]),
        (b"\x0bMSH|a\x1cb\x1c\r", [b"MSH|a\x1cb"]),
        (b"\x0bMSH|cut" + framed(TWO), [Fault("no_end"), TWO]),
        (ONE + b"\x1c\r" + framed(TWO), [Fault("no_start")]),
        (b"\x0b" + b"x" * 101 + b"\x1c\r" + framed(TWO), [Fault("too_large")]),
    ],
    ids=["one", "two", "noise", "line ends between", "no CR", "FS inside", "no end", "no start", "too large"],
)
def test_octets_become_messages(data: bytes, expected: list[bytes | Fault], step: int) -> None:
    assert fed(Framer(limit=100), data, step) == expected


def test_a_message_without_its_last_octet_ends_with_silence() -> None:
    framer = Framer()
    assert framer.feed(b"\x0b" + ONE + b"\x1c") == [] and framer.waiting
    assert framer.idle() == [ONE] and framer.repairs == 1
    assert framer.idle() == [] and not framer.inside


def test_somebody_who_speaks_something_else_is_not_listened_to_for_ever() -> None:
    framer = Framer()
    assert framer.feed(b"x" * MAX_STRAY) == []
    assert framer.feed(b"x") == [Fault("no_start")]
    assert framer.feed(framed(ONE)) == []


def test_a_hundred_megabytes_are_never_held() -> None:
    framer = Framer(limit=1000)
    found = framer.feed(b"\x0b")
    for _ in range(100):
        found += framer.feed(b"x" * 1_000_000)
    assert found == [Fault("too_large")]


def test_ten_thousand_streams_give_messages_or_faults() -> None:
    chance = random.Random(1)
    parts = (b"\x0b", b"\x1c", b"\r", b"\x1c\r", b"MSH|", b"\x00\xff", b"x" * 50)
    for _ in range(10_000):
        framer = Framer(limit=120)
        data = b"".join(chance.choice(parts) for _ in range(chance.randint(0, 12)))
        cut = chance.randint(0, len(data))
        pieces = framer.feed(data[:cut]) + framer.feed(data[cut:])
        assert pieces == Framer(limit=120).feed(data)
        assert all(isinstance(piece, bytes | Fault) for piece in pieces + framer.idle())
