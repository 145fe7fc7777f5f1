"""A full link is known by its queue or by heavy loss, and then what arrives is what fits."""

import pytest

from telehealth.rtp.bottleneck import DRAINS_S, RAISED, Bottleneck


class Way:
    """A link on which a second passes with each look, and one stream of pictures."""

    def __init__(self) -> None:
        self.link = Bottleneck()
        self.now = 0.0
        self.octets = 0
        self.link.settle({1: 0}, 0.0, 0.0)

    def passes(
        self, bitrate_bps: int, *, loss: float = 0.0, round_trip_s: float = 0.05, seconds: int = 1
    ) -> Bottleneck:
        for _ in range(seconds):
            self.now += 1.0
            self.octets += bitrate_bps // 8
            self.link.measured(round_trip_s, self.now)
            self.link.settle({1: self.octets}, loss, self.now)
        return self.link


@pytest.fixture
def way() -> Way:
    return Way()


def test_as_long_as_the_link_is_not_full_nothing_is_estimated(way: Way) -> None:
    link = way.passes(800_000, loss=0.2, seconds=60)
    assert (link.full, link.estimate_bps) == (False, None)
    assert link.pictures_bps == pytest.approx(800_000)


def test_a_queue_shows_by_round_trips_that_are_long_one_after_the_other(way: Way) -> None:
    way.passes(800_000, seconds=5)
    assert not way.passes(800_000, round_trip_s=0.4, seconds=RAISED - 1).full
    assert not way.passes(800_000).suspected
    link = way.passes(800_000, round_trip_s=0.4, seconds=RAISED)
    assert (link.suspected, link.full) == (True, True)
    assert link.estimate_bps == pytest.approx(680_000)


def test_what_is_asked_and_not_answered_counts_as_long(way: Way) -> None:
    way.passes(800_000, seconds=5)
    for _ in range(RAISED + 1):
        way.link.asked(way.now)
    assert way.link.full
    way.link.settle({1: way.octets + 100_000}, None, way.now + 1)
    assert way.link.estimate_bps == pytest.approx(68_000)


def test_a_long_way_is_no_queue(way: Way) -> None:
    assert not way.passes(800_000, round_trip_s=0.3, seconds=20).full
    assert not way.passes(800_000, round_trip_s=0.44, seconds=5).full


def test_a_way_that_became_longer_for_good_costs_one_cut(way: Way) -> None:
    way.passes(800_000, seconds=5)
    assert way.passes(800_000, round_trip_s=0.4, seconds=RAISED).estimate_bps == pytest.approx(680_000)
    link = way.passes(680_000, round_trip_s=0.4, seconds=int(DRAINS_S) + 2)
    assert not link.full
    later = way.passes(680_000, round_trip_s=0.4, seconds=20).estimate_bps
    assert later is not None
    assert later > 2_000_000


def test_what_arrives_of_a_flood_is_what_fits(way: Way) -> None:
    way.passes(400_000, seconds=2)
    assert way.passes(400_000, loss=0.5).estimate_bps == pytest.approx(170_000)


def test_it_is_not_cut_again_before_the_publisher_can_have_followed(way: Way) -> None:
    way.passes(400_000, seconds=2)
    cut = way.passes(400_000, loss=0.5).estimate_bps
    assert way.passes(100_000, loss=0.5).estimate_bps == cut
    later = way.passes(100_000, loss=0.5, seconds=int(DRAINS_S) + 1).estimate_bps
    assert later == pytest.approx(42_500)


def test_it_grows_again_while_nothing_is_in_the_way(way: Way) -> None:
    way.passes(400_000, seconds=2)
    way.passes(400_000, loss=0.5)
    link = way.passes(170_000, seconds=10)
    assert link.estimate_bps is not None
    assert 400_000 < link.estimate_bps < 600_000
    link.restart()
    assert link.estimate_bps is None


def test_of_hardly_any_pictures_nothing_is_concluded(way: Way) -> None:
    assert way.passes(10_000, loss=0.6, seconds=5).estimate_bps is None


def test_an_estimate_far_above_what_is_sent_is_no_limit(way: Way) -> None:
    link = way.passes(200_000)
    assert link.limits(220_000)
    assert not link.limits(300_000)


def test_a_stream_that_is_new_counts_from_then_on(way: Way) -> None:
    way.link.settle({2: 1_000_000}, 0.0, way.now + 1)
    assert way.link.pictures_bps == 0.0
    way.link.settle({2: 1_010_000}, 0.0, way.now + 2)
    assert way.link.pictures_bps == pytest.approx(80_000)


def misses(way: Way, answers: int) -> Bottleneck:
    """Ask so often that nothing is answered in time."""
    for _ in range(answers):
        way.now += 0.3
        way.link.asked(way.now)
        way.link.waited(0.25, way.now)
    return way.link


def test_an_answer_that_could_be_here_is_missed_at_once_and_only_once(way: Way) -> None:
    way.link.waited(60.0, 0.0)  # Nothing is known yet of how long it takes.
    way.passes(800_000, seconds=5)
    way.link.asked(way.now)
    way.link.waited(0.19, way.now)
    assert not way.link.suspected
    way.link.waited(0.21, way.now)
    way.link.waited(0.4, way.now)
    assert (way.link.suspected, way.link.full) == (True, False)
    way.link.measured(0.45, way.now, newest=False)
    assert not way.link.full
    way.link.measured(0.05, way.now)
    assert not way.link.suspected


def test_a_link_is_choked_when_nothing_is_answered_though_nothing_was_lost_before(way: Way) -> None:
    way.passes(800_000, seconds=5)
    assert not misses(way, RAISED - 1).choked
    link = misses(way, 1)
    assert (link.choked, link.queued) == (True, True)
    link.measured(0.4, way.now, newest=False)
    assert (link.choked, link.full, link.queued) == (False, True, True)


@pytest.mark.parametrize(("loss", "back", "enough"), [(0.12, 0.0, 4), (0.1, 0.1, 5), (0.2, 0.2, 7)])
def test_where_much_gets_lost_more_answers_must_be_missing(way: Way, loss: float, back: float, enough: int) -> None:
    way.passes(800_000, seconds=1)
    for _ in range(20):
        way.now += 1.0
        way.link.settle({}, loss, way.now, back=back)
    link = misses(way, enough - 1)
    assert (link.choked, link.queued) == (False, False)
    assert misses(way, 1).choked


def test_the_first_round_trip_is_waited_for(way: Way) -> None:
    assert way.link.unmeasured
    assert not way.passes(800_000).unmeasured


def test_a_hint_makes_it_look_sooner_until_the_next_answer(way: Way) -> None:
    way.passes(800_000)
    way.link.hint()
    assert (way.link.suspected, way.link.full) == (True, False)
    assert not way.passes(800_000).suspected
