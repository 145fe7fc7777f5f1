"""Rates: buckets, keyframe requests, bitrate estimates."""

from telehealth.rtp.estimates import INTERVAL_S, LIMIT, STALE_S, Estimates
from telehealth.rtp.keyframes import INTERVAL_S as KEYFRAME_S
from telehealth.rtp.keyframes import KeyframeRequests
from telehealth.rtp.token_bucket import TokenBucket


def test_a_bucket_allows_its_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(rate=10.0, burst=5.0, now=0.0)
    assert [bucket.take(1.0, 0.0) for _ in range(6)] == [True] * 5 + [False]
    assert bucket.take(1.0, 0.1)
    assert not bucket.take(1.0, 0.1)
    assert not bucket.take(6.0, 100.0)
    assert bucket.take(5.0, 100.0)


def test_a_storm_of_wishes_becomes_two_requests_a_second() -> None:
    requests = KeyframeRequests()
    sent = 0
    for millisecond in range(1000):
        requests.want()
        sent += requests.due(millisecond / 1000)
    assert sent == 2


def test_a_wish_that_came_too_early_is_not_forgotten() -> None:
    requests = KeyframeRequests()
    assert not requests.due(0.0)
    requests.want()
    assert requests.due(0.0)
    requests.want()
    assert not requests.due(KEYFRAME_S / 2)
    assert requests.due(KEYFRAME_S)
    requests.came()
    assert not requests.due(10.0)


def test_a_request_that_nothing_follows_is_repeated_a_few_times_not_before_an_answer_can_be_here() -> None:
    requests = KeyframeRequests()
    requests.want()
    asked = [tenth / 10 for tenth in range(100) if requests.due(tenth / 10, round_trip_s=0.6)]
    assert asked == [0.0, 0.9, 1.8, 2.7]
    assert not requests.awaited
    requests.want()
    assert requests.due(10.0)


def test_a_keyframe_that_begins_serves_all_who_want_one() -> None:
    requests = KeyframeRequests()
    requests.want()
    assert requests.due(0.0)
    requests.want()
    requests.came()
    assert not requests.due(1.0)


def test_the_weakest_viewer_decides() -> None:
    estimates = Estimates()
    assert estimates.due(0.0) is None
    estimates.note("bo", 900_000, 0.0)
    estimates.note("cy", 300_000, 0.0)
    assert estimates.due(0.0) == 300_000


def test_a_decrease_is_told_at_once_and_an_increase_within_a_second() -> None:
    estimates = Estimates()
    estimates.note("bo", 900_000, 0.0)
    assert estimates.due(0.0) == 900_000
    estimates.note("bo", 400_000, 0.1)
    assert estimates.due(0.1) == 400_000
    estimates.note("bo", 500_000, 0.2)
    assert estimates.due(0.2) is None
    assert estimates.due(0.1 + INTERVAL_S) == 500_000


def test_old_estimates_and_those_of_who_left_do_not_count() -> None:
    estimates = Estimates()
    estimates.note("bo", 100_000, 0.0)
    estimates.note("cy", 900_000, STALE_S)
    assert estimates.due(STALE_S) == 900_000
    estimates.forget("cy")
    estimates.forget("nobody")
    assert estimates.due(STALE_S + 5.0) is None


def test_so_many_viewers_are_heard() -> None:
    estimates = Estimates()
    for viewer in range(LIMIT):
        estimates.note(viewer, 500_000, 0.0)
    estimates.note("one too many", 1, 0.0)
    assert estimates.due(0.0) == 500_000
