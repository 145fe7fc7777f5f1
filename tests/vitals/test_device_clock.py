import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telehealth.vitals.device_clock import SLEW, STEP_MS, WINDOW_MS, DeviceClock

START = 1_767_261_600_000.0


def test_the_offset_is_the_least_delay_seen() -> None:
    clock = DeviceClock()
    for n, delay in enumerate([80.0, 250.0, 20.0, 400.0]):
        received = START + n * 100
        clock.observe(received - delay - 5_000, received)
    assert clock.offset_ms == 5_020.0


def test_before_anything_was_seen_there_is_no_offset() -> None:
    assert DeviceClock().offset_ms == 0.0


def test_a_least_delay_is_forgotten_after_a_minute() -> None:
    clock = DeviceClock()
    clock.observe(START - 10, START)
    for n in range(1, 62):
        clock.observe(START + n * 1000 - 300, START + n * 1000)
    assert clock.offset_ms == pytest.approx(300.0, abs=STEP_MS)


def test_what_was_kept_through_a_long_silence_is_no_word_on_the_clock() -> None:
    clock = DeviceClock()
    clock.observe(START - 20, START)
    back = START + 600_000
    # Ten minutes of messages, one a second, all at once; then the present again.
    for n in range(600):
        assert not clock.observe(START + n * 1000, back + n)
        assert clock.offset_ms == pytest.approx(20.0, abs=STEP_MS)
    assert not clock.observe(back + 1000 - 30, back + 1000)
    assert clock.offset_ms == pytest.approx(20.0, abs=STEP_MS)


def test_a_clock_that_was_set_back_in_a_silence_is_believed_after_a_minute_of_messages() -> None:
    clock = DeviceClock()
    clock.observe(START - 20, START)
    for n in range(62):
        clock.observe(START + n * 1000, START + 600_000 + n * 1000)
    assert clock.offset_ms == 600_000.0


def test_a_small_change_is_slewed_and_a_large_one_taken_at_once() -> None:
    clock = DeviceClock()
    clock.observe(START - 60, START)
    clock.observe(START + 1000 - 30, START + 1000)
    assert clock.offset_ms == 60.0 - SLEW * 1000
    clock.observe(START + 2000 + 100, START + 2000)
    assert clock.offset_ms == -100.0


def test_a_clock_set_forward_starts_the_estimate_anew() -> None:
    clock = DeviceClock()
    clock.observe(START - 20, START)
    assert clock.observe(START + 1000 + 10_000, START + 1000)
    assert clock.offset_ms == -10_000.0


def test_a_clock_set_back_is_seen_when_two_messages_in_a_row_say_so() -> None:
    clock = DeviceClock()
    clock.observe(START - 20, START, just_sent=True)
    assert not clock.observe(START + 1000 - 10_000, START + 1000, just_sent=True)
    assert clock.offset_ms == 20.0
    assert clock.observe(START + 2000 - 10_000, START + 2000, just_sent=True)
    assert clock.offset_ms == 10_000.0


def test_samples_kept_by_the_device_are_no_jump_of_its_clock() -> None:
    clock = DeviceClock()
    clock.observe(START - 20, START, just_sent=True)
    for n in range(100):
        assert not clock.observe(START - 600_000 + n, START + n)
    assert clock.offset_ms == 20.0


def test_a_late_message_between_prompt_ones_is_no_jump() -> None:
    clock = DeviceClock()
    for n in range(10):
        late = 5_000 if n % 2 else 0
        assert not clock.observe(START + n * 100 - 20 - late, START + n * 100, just_sent=True)
    assert clock.offset_ms == 20.0


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_the_offset_is_never_below_the_least_of_the_window_by_more_than_a_slew(seed: int) -> None:
    chance, clock = random.Random(seed), DeviceClock()
    seen: list[tuple[float, float]] = []
    for n in range(200):
        received, delay = START + n * 1000.0, chance.uniform(0, 1500)
        clock.observe(received - delay, received)
        seen.append((received, delay))
        least = min(d for at, d in seen if at >= received - WINDOW_MS)
        assert clock.offset_ms == pytest.approx(least, abs=STEP_MS)
