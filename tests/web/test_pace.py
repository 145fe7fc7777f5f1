"""Whether a reader keeps up, by questions that go along with what is sent."""

import zlib

import pytest

from telehealth.web.sockets.deflate import Deflater
from telehealth.web.sockets.pace import ASK_S, BEHIND_S, Pace
from telehealth.web.sockets.wire import COMPRESSED, framed, opened, ping
from tests.doubles import FakeClock


def asked(pace: Pace) -> bytes:
    question = pace.question()
    assert question is not None
    return question


def test_one_question_is_open_at_a_time_and_the_next_comes_no_sooner_than_due() -> None:
    clock = FakeClock()
    pace = Pace(clock)
    first = asked(pace)
    clock.advance(ASK_S)
    assert pace.question() is None
    pace.answered(first)
    second = asked(pace)
    assert second != first
    pace.answered(second)
    assert pace.question() is None


def test_who_does_not_answer_is_behind_until_the_answer_and_slow_from_then_on() -> None:
    clock = FakeClock()
    pace = Pace(clock)
    question = asked(pace)
    clock.advance(BEHIND_S - 0.01)
    assert (pace.behind, pace.slow) == (False, False)
    clock.advance(0.02)
    pace.answered(b"")
    pace.answered(b"else")
    assert (pace.behind, pace.slow) == (True, True)
    pace.answered(question)
    assert (pace.behind, pace.slow) == (False, True)


def test_a_long_way_is_not_taken_for_a_slow_reader() -> None:
    clock = FakeClock()
    pace = Pace(clock)
    for _ in range(3):
        question = asked(pace)
        clock.advance(0.59)
        pace.answered(question)
    asked(pace)
    clock.advance(1.1)
    assert (pace.behind, pace.slow) == (False, False)
    clock.advance(0.1)
    assert (pace.behind, pace.slow) == (True, True)


@pytest.mark.parametrize("message", ["", "é" * 40, b"\x00\xff" * 40_000, framed(b"ready-made"), framed("x" * 300)])
def test_what_is_made_smaller_is_the_same_message(message: str | bytes) -> None:
    deflater = Deflater()
    reader = zlib.decompressobj(-zlib.MAX_WBITS)
    for _ in range(3):
        first, body = opened(deflater.framed(message))
        assert first == opened(message)[0] | COMPRESSED
        assert reader.decompress(body + b"\x00\x00\xff\xff") == opened(message)[1]


def test_numbers_that_come_again_and_again_shrink_to_a_quarter() -> None:
    deflater = Deflater()
    messages = [
        f'{{"id":"{n}-0","type":"numerics","values":[{{"mdc":147842,"value":{80 + n % 3}}}]}}' for n in range(50)
    ]
    small = sum(len(deflater.framed(message)) for message in messages)
    assert small < sum(map(len, messages)) / 4


def test_a_question_is_a_ping() -> None:
    assert ping(b"1234") == b"\x89\x041234"
