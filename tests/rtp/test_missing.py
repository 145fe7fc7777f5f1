"""Gaps, and when to ask for them."""

from telehealth.rtp.missing import LEAST_RETRY_S, LIMIT, TRIES, Missing


def test_a_gap_is_asked_for_at_once_and_again_until_it_is_given_up() -> None:
    missing = Missing(give_up_s=10.0)
    missing.set_round_trip(0.1)
    missing.received(65534, 0.0)
    assert missing.received(1, 0.0)
    assert missing.due(0.0) == [65535, 0]
    assert not missing.received(2, 0.029)
    assert missing.due(0.029) == []
    assert missing.received(3, 0.03)
    asked = sum(bool(missing.due(0.05 * attempt + 0.001 * attempt)) for attempt in range(1, 40))
    assert asked == TRIES - 1
    assert len(missing) == 0
    assert missing.given_up == 2


def test_a_gap_that_is_too_old_is_given_up() -> None:
    missing = Missing(give_up_s=0.5)
    missing.received(1, 0.0)
    missing.received(3, 0.0)
    assert missing.due(0.0) == [2]
    assert missing.due(0.6) == []
    assert missing.given_up == 1
    assert missing.due(9.0) == []


def test_on_a_long_way_three_requests_go_out_for_each_repetition_that_the_sender_may_give() -> None:
    missing = Missing(give_up_s=1.0)
    missing.set_round_trip(0.32)
    missing.received(1, 0.0)
    missing.received(3, 0.0)
    asked = [now // 10 * 10 for now in range(1000) if missing.due(now / 1000)]
    assert asked == [0, 40, 80, 340, 380, 420, 680, 720, 760]


def test_tries_are_a_quarter_of_a_short_round_trip_apart_but_not_too_close() -> None:
    missing = Missing(give_up_s=1.0)
    missing.set_round_trip(0.001)
    missing.received(1, 0.0)
    missing.received(3, 0.0)
    missing.due(0.0)
    assert missing.due(LEAST_RETRY_S - 0.001) == []
    assert missing.due(LEAST_RETRY_S) == [2]


def test_what_comes_late_is_not_asked_for() -> None:
    missing = Missing(give_up_s=1.0)
    missing.received(1, 0.0)
    assert missing.received(4, 0.0)
    assert missing.lacks(2)
    missing.received(2, 0.0)
    assert not missing.lacks(2)
    assert missing.due(0.0) == [3]


def test_in_order_there_is_nothing_to_ask() -> None:
    missing = Missing(give_up_s=1.0)
    assert not any(missing.received(number & 0xFFFF, 0.0) for number in range(65530, 65550))
    assert not missing.received(13, 0.0)
    assert missing.due(1.0) == []


def test_a_hole_too_wide_is_left_to_a_keyframe() -> None:
    missing = Missing(give_up_s=1.0)
    missing.received(0, 0.0)
    missing.received(2, 0.0)
    assert not missing.received(2 + LIMIT + 1, 0.0)
    assert len(missing) == 0
    assert missing.given_up == LIMIT + 1


def test_no_more_gaps_are_remembered_than_the_limit() -> None:
    missing = Missing(give_up_s=1.0)
    missing.received(0, 0.0)
    for number in range(2, 1000, 2):
        missing.received(number, 0.0)
    assert len(missing) == LIMIT


def test_where_packets_overtake_each_other_a_gap_waits_a_little() -> None:
    missing = Missing(give_up_s=1.0)
    missing.set_round_trip(0.1)
    missing.received(1, 0.0)
    missing.received(3, 0.0)
    missing.due(0.0)
    missing.received(2, 0.008)  # Much sooner than an answer could come.
    assert not missing.received(5, 0.008)
    assert missing.due(0.008) == []
    assert missing.due(0.0185) == [4]


def test_where_they_do_not_any_more_it_is_asked_for_sooner_again() -> None:
    missing = Missing(give_up_s=1.0)
    missing.set_round_trip(0.1)
    missing.received(1, 0.0)
    missing.received(3, 0.0)
    missing.received(2, 5.0)
    for number in range(5, 1000, 2):
        missing.received(number, float(number))
        missing.received(number - 1, number + 0.1)
    missing.received(1001, 2000.0)
    assert missing.due(2000.0001) == [1000]
