"""When a frame was taken, as told from sender reports."""

import pytest

from telehealth.rtp.sender_clock import KEPT, SenderClock

EPOCH_S = 3_976_000_000.0


def ntp(seconds: float) -> int:
    return int((EPOCH_S + seconds) * (1 << 32))


def test_without_a_report_nothing_is_known() -> None:
    assert SenderClock().news() is None


def test_a_sender_without_a_clock_says_nothing() -> None:
    clock = SenderClock()
    clock.report(0, 90_000, 10.0, 0.02)
    assert clock.news() is None


def test_half_of_the_round_trip_is_the_way_here() -> None:
    clock = SenderClock()
    clock.report(ntp(5.0), 90_000, 100.03, 0.06)
    point = clock.news()
    assert point is not None
    assert point.rtp_timestamp == 90_000
    assert point.at == pytest.approx(100.0, abs=1e-5)


def test_each_report_is_told_once() -> None:
    clock = SenderClock()
    clock.report(ntp(5.0), 90_000, 100.0, 0.0)
    assert clock.news() is not None
    assert clock.news() is None


def test_what_waited_on_the_way_does_not_move_the_clock() -> None:
    clock = SenderClock()
    for second in range(20):
        held_up = 0.4 if second % 5 else 0.0
        clock.report(ntp(second), 90_000 * second, 100.01 + second + held_up, 0.02 + 2 * held_up)
        point = clock.news()
        assert point is not None
        assert point.at == pytest.approx(100.0 + second, abs=1e-4)


def test_a_clock_that_drifts_is_followed_after_a_minute() -> None:
    clock = SenderClock()
    for second in range(600):
        clock.report(ntp(second * 0.9999), 0, 100.0 + second, 0.0)
    point = clock.news()
    assert point is not None
    assert point.at == pytest.approx(699.0, abs=0.0066)


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
def test_a_clock_that_is_set_is_followed_at_once(step: float) -> None:
    clock = SenderClock()
    for second in range(10):
        clock.report(ntp(second), 0, 100.0 + second, 0.0)
    clock.report(ntp(10 + step), 0, 110.0, 0.0)
    point = clock.news()
    assert point is not None
    assert point.at == pytest.approx(110.0, abs=1e-4)


def test_it_remembers_a_bounded_number_of_reports() -> None:
    clock = SenderClock()
    clock.report(ntp(0), 0, 100.0, 0.0)
    for number in range(KEPT):
        clock.report(ntp(number / 100), 0, 100.5 + number / 100, 0.0)
    point = clock.news()
    assert point is not None
    assert point.at == pytest.approx(100.5 + (KEPT - 1) / 100, abs=1e-4)
