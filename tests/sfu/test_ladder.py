"""Steps down when a link does not carry what it should, and steps up by trial."""

import pytest

from telehealth.consultations.model import Rung
from telehealth.sfu.ladder import DOWN_AFTER_S, DRAINS_S, TRY_UP_AFTER_S, TRY_UP_AT_MOST_S, Ladder, Measured
from telehealth.sfu.offer import Kind

GOOD = Measured(2_000_000, 0.0)


class Walk:
    """A ladder that is judged ten times a second."""

    def __init__(self) -> None:
        self.ladder = Ladder()
        self.now = 0.0
        self.steps: list[Rung] = []

    def measures(self, measured: Measured, seconds: float) -> Rung:
        end = self.now + seconds
        while self.now < end:
            if self.ladder.judge(measured, self.now):
                self.steps.append(self.ladder.rung)
            self.now += 0.1
        return self.ladder.rung


@pytest.fixture
def walk() -> Walk:
    return Walk()


def test_a_good_link_stays_on_top(walk: Walk) -> None:
    assert walk.measures(GOOD, 100) is Rung.VIDEO
    assert walk.measures(Measured(None, 0.0), 100) is Rung.VIDEO
    assert walk.steps == []


@pytest.mark.parametrize(("estimate", "rung"), [(300_000, Rung.REDUCED), (100_000, Rung.STILLS), (40_000, Rung.AUDIO)])
def test_it_goes_straight_to_the_rung_that_fits_within_five_seconds(walk: Walk, estimate: int, rung: Rung) -> None:
    walk.measures(Measured(estimate, 0.0), DOWN_AFTER_S + 0.2)
    assert walk.steps == [rung]


def test_a_moment_of_weakness_changes_nothing(walk: Walk) -> None:
    for _ in range(20):
        walk.measures(Measured(100_000, 0.0), DOWN_AFTER_S - 0.3)
        walk.measures(GOOD, 0.3)
    assert walk.steps == []


def test_heavy_loss_costs_one_rung_at_a_time_and_voice_goes_last(walk: Walk) -> None:
    walk.measures(Measured(None, 0.45), 20)
    assert walk.steps == [Rung.REDUCED, Rung.STILLS, Rung.AUDIO]
    walk.measures(Measured(None, 0.6), 5)
    assert walk.ladder.rung is Rung.VITALS
    assert not walk.ladder.carries(Kind.AUDIO)


def test_where_half_is_lost_small_pictures_are_not_even_tried(walk: Walk) -> None:
    walk.measures(Measured(None, 0.8), DOWN_AFTER_S + 0.2)
    assert walk.steps == [Rung.STILLS]


def test_it_climbs_one_rung_at_a_time_when_the_link_is_calm(walk: Walk) -> None:
    walk.measures(Measured(40_000, 0.0), 2)
    walk.measures(Measured(None, 0.0), 3.3 * TRY_UP_AFTER_S)
    assert walk.steps == [Rung.AUDIO, Rung.STILLS, Rung.REDUCED, Rung.VIDEO]


def test_full_pictures_need_room_that_reduced_ones_show(walk: Walk) -> None:
    walk.measures(Measured(300_000, 0.0), 60)
    assert walk.steps == [Rung.REDUCED]
    walk.measures(Measured(500_000, 0.0), 1)
    assert walk.ladder.rung is Rung.VIDEO


def test_a_trial_that_fails_makes_the_next_wait_longer(walk: Walk) -> None:
    walk.measures(Measured(100_000, 0.0), 2)
    trials = []
    for _ in range(6):
        since = walk.now
        while walk.steps[-1] is Rung.STILLS:
            walk.measures(Measured(None, 0.0), 0.1)
        trials.append(round(walk.now - since, 1))
        while walk.steps[-1] is Rung.REDUCED:
            walk.measures(Measured(100_000, 0.0), 0.1)
    assert trials == sorted(trials)
    assert trials[0] < 9
    assert trials[1] > 1.8 * trials[0]
    assert max(trials) < TRY_UP_AT_MOST_S + 1


def test_without_calm_it_does_not_climb(walk: Walk) -> None:
    walk.measures(Measured(100_000, 0.0), 2)
    assert walk.measures(Measured(None, 0.2), 100) is Rung.STILLS


def test_loss_that_repair_copes_with_does_not_keep_it_down(walk: Walk) -> None:
    walk.measures(Measured(100_000, 0.0), 2)
    assert walk.measures(Measured(None, 0.1), 100) is Rung.VIDEO


def test_a_lock_holds_against_every_measurement_and_ends_when_it_is_lifted(walk: Walk) -> None:
    walk.ladder.lock(Rung.AUDIO)
    assert walk.measures(GOOD, 100) is Rung.AUDIO
    assert not walk.ladder.carries(Kind.VIDEO)
    assert walk.ladder.carries(Kind.AUDIO)
    walk.ladder.lock(None)
    walk.measures(GOOD, 40)
    assert walk.ladder.rung is Rung.VIDEO


def test_a_queue_on_stills_leaves_the_voice_alone_once_the_old_one_is_gone(walk: Walk) -> None:
    walk.measures(Measured(100_000, 0.0, full=True), DOWN_AFTER_S + 0.2)
    assert walk.measures(Measured(None, 0.0, full=True), DRAINS_S - 0.3) is Rung.STILLS
    assert walk.measures(Measured(None, 0.0, full=True), DOWN_AFTER_S + 0.6) is Rung.AUDIO


def test_it_does_not_climb_before_a_queue(walk: Walk) -> None:
    walk.measures(Measured(40_000, 0.0), 2)
    assert walk.measures(Measured(None, 0.0, full=True), 100) is Rung.AUDIO


def test_a_flood_falls_to_what_fits_of_it(walk: Walk) -> None:
    walk.measures(Measured(200_000, 0.6, full=True), DOWN_AFTER_S + 0.2)
    assert walk.steps == [Rung.REDUCED]


@pytest.mark.parametrize("estimate", [None, 2_000_000])
def test_where_nothing_comes_through_pictures_stop_at_once(walk: Walk, estimate: int | None) -> None:
    assert walk.measures(Measured(estimate, 0.0, full=True, choked=True), 0.1) is Rung.AUDIO
    walk.measures(Measured(None, 0.0, full=True, choked=True), 1)
    walk.measures(Measured(None, 0.0), TRY_UP_AFTER_S + 0.2)
    assert walk.steps == [Rung.AUDIO, Rung.STILLS]
    walk.measures(Measured(None, 0.0, full=True, choked=True), 0.1)
    walk.measures(Measured(None, 0.0), TRY_UP_AFTER_S + 0.2)
    assert walk.steps == [Rung.AUDIO, Rung.STILLS, Rung.AUDIO]


@pytest.mark.parametrize(("room_bps", "rung"), [(40_000, Rung.AUDIO), (100_000, Rung.STILLS), (300_000, Rung.VIDEO)])
def test_what_was_weighed_and_does_not_fit_is_not_even_tried(walk: Walk, room_bps: float, rung: Rung) -> None:
    walk.measures(Measured(40_000, 0.0), 2)
    assert walk.ladder.below_pictures
    assert walk.measures(Measured(None, 0.0, room_bps=room_bps), 10 * TRY_UP_AFTER_S) is rung
    walk.measures(Measured(None, 0.0, room_bps=1e6), 3.3 * TRY_UP_AFTER_S)
    assert walk.ladder.rung is Rung.VIDEO
    assert not walk.ladder.below_pictures


def test_who_chose_a_rung_is_not_weighed(walk: Walk) -> None:
    walk.ladder.lock(Rung.AUDIO)
    assert not walk.ladder.below_pictures
