"""Feedback on arrivals, transport-wide."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telehealth.rtp.transport_cc import MOST_REPORTED, MOST_WAITING, Arrivals, parse_feedback

START = 0.064 * 1000


def told(arrivals: Arrivals) -> dict[int, float | None]:
    packet = arrivals.feedback(1, 2)
    assert packet is not None
    assert len(packet) % 4 == 0
    first, kind, words = struct.unpack_from("!BBH", packet)
    assert (first & 0xDF, kind, 4 + 4 * words) == (0x8F, 205, len(packet))
    return dict(parse_feedback(packet[4:]))


def test_arrivals_and_losses_are_told_to_a_quarter_of_a_millisecond() -> None:
    arrivals = Arrivals()
    for number, at in ((10, 0.0), (11, 0.005), (14, 0.1), (13, 0.11)):
        arrivals.note(number, START + at)
    seen = told(arrivals)
    assert seen[12] is None
    gaps = [seen[number] - (seen[10] or 0) for number in (11, 13, 14)]  # type: ignore[operator]
    assert gaps == pytest.approx([0.005, 0.11, 0.1], abs=0.0003)


def test_nothing_new_is_nothing_to_tell() -> None:
    arrivals = Arrivals()
    assert arrivals.feedback(1, 2) is None
    arrivals.note(1, START)
    assert told(arrivals).keys() == {1}
    assert arrivals.feedback(1, 2) is None


def test_the_next_feedback_goes_on_where_the_last_ended_also_across_the_wrap() -> None:
    arrivals = Arrivals()
    arrivals.note(65533, START)
    told(arrivals)
    arrivals.note(65535, START + 0.1)
    arrivals.note(1, START + 0.1)
    assert told(arrivals).keys() == {65534, 65535, 0, 1}
    arrivals.note(65534, START + 0.2)  # Told as lost: too late.
    assert arrivals.feedback(1, 2) is None


def test_a_jump_wider_than_a_feedback_begins_anew() -> None:
    arrivals = Arrivals()
    arrivals.note(0, START)
    told(arrivals)
    arrivals.note(20_000, START + 0.1)
    assert told(arrivals).keys() == {20_000}


def test_what_waits_and_what_is_told_at_once_is_bounded() -> None:
    arrivals = Arrivals()
    for number in range(2 * MOST_WAITING):
        arrivals.note(number, START)
    assert len(arrivals._seen) == MOST_WAITING
    assert len(told(arrivals)) == MOST_REPORTED


@given(
    st.lists(st.tuples(st.integers(0, 300), st.floats(0, 30)), min_size=1, max_size=200, unique_by=lambda pair: pair[0])
)
def test_whatever_came_is_told_and_nothing_else(came: list[tuple[int, float]]) -> None:
    arrivals = Arrivals()
    for number, at in came:
        arrivals.note(number, START + at)
    seen = told(arrivals)
    assert {number for number, at in seen.items() if at is not None} == {number for number, _ in came}


@pytest.mark.parametrize(
    "body",
    [bytes(15), bytes(10) + b"\x00\x01" + bytes(4), bytes(10) + b"\x00\x01" + bytes(4) + b"\x20\x01"],
)
def test_a_feedback_that_does_not_add_up_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="feedback"):
        parse_feedback(body)


def test_one_bit_symbols_are_understood() -> None:
    body = bytes(8) + struct.pack("!HHL", 5, 3, 0) + struct.pack("!H", 0x8000 | 0b101 << 11) + bytes([4, 8])
    assert parse_feedback(body) == [(5, 0.001), (6, None), (7, 0.003)]


@given(
    st.integers(0, 65_535),
    st.lists(st.integers(0, 300), min_size=1, max_size=60),
    st.floats(0.0, 100_000.0),
)
def test_the_short_way_says_the_same_as_the_long_one(first: int, steps: list[int], start: float) -> None:
    short, long = Arrivals(), Arrivals()
    for arrivals in (short, long):
        arrivals.note((first - 1) & 0xFFFF, start)
        arrivals.feedback(1, 2)
    at = start
    for place, step in enumerate(steps):
        at += step * 0.00025
        for arrivals in (short, long):
            arrivals.note((first + place) & 0xFFFF, at)
    # What came twice counts once, and is no usual case.
    long.note((first + len(steps) - 1) & 0xFFFF, at + 1.0)
    assert short.feedback(1, 2) == long.feedback(1, 2)
