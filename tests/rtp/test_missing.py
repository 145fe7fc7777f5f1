"""Gaps, and when to ask for them."""

from telehealth.rtp.missing import LIMIT, RETRY_S, TRIES, Missing


def test_a_gap_is_asked_for_at_once_and_again_until_it_is_given_up() -> None:
    missing = Missing()
    missing.received(65534, 0.0)
    assert missing.received(1, 0.0)
    assert missing.due(0.0) == [65535, 0]
    assert missing.due(RETRY_S / 2) == []
    asked = sum(bool(missing.due(attempt * RETRY_S + 0.001 * attempt)) for attempt in range(1, 20))
    assert asked == TRIES - 1
    assert len(missing) == 0


def test_what_comes_late_is_not_asked_for() -> None:
    missing = Missing()
    missing.received(1, 0.0)
    assert missing.received(4, 0.0)
    assert not missing.received(2, 0.0)
    assert missing.due(0.0) == [3]


def test_in_order_there_is_nothing_to_ask() -> None:
    missing = Missing()
    assert not any(missing.received(number & 0xFFFF, 0.0) for number in range(65530, 65550))
    assert missing.due(1.0) == []


def test_a_hole_too_wide_is_left_to_a_keyframe() -> None:
    missing = Missing()
    missing.received(0, 0.0)
    missing.received(2, 0.0)
    assert not missing.received(2 + LIMIT + 1, 0.0)
    assert len(missing) == 0


def test_no_more_gaps_are_remembered_than_the_limit() -> None:
    missing = Missing()
    missing.received(0, 0.0)
    for number in range(2, 1000, 2):
        missing.received(number, 0.0)
    assert len(missing) == LIMIT
