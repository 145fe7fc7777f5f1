"""The watch over one patient: sources, faults, late and simulated data, device alarms, scores."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from telehealth.ids import AlarmId, DeviceId
from telehealth.vitals.alarm import AlarmPolicy, AlarmState, Change, Priority
from telehealth.vitals.device_alarm import DeviceAlarm, Inactivation, Phase
from telehealth.vitals.limits import Limit, SetLimit
from telehealth.vitals.model import Quality, Report, Sample
from telehealth.vitals.patient_watch import MAX_CATCHING_UP, Known, Outcome, PatientWatch
from telehealth.vitals.pews import PewsTable
from telehealth.vitals.scores import Score, ScoreKind
from telehealth.vitals.scoring import Entered, Entry
from telehealth.vitals.track import DEVICE_ALARM_S, MAX_DEVICE_ALARMS, AlarmChanged
from telehealth.vitals.vital_signs import Vital
from tests.doubles import NOON, counted_ids

ECG, PLETH_RATE, SPO2, RESP, TEMP, SYS, ART = 147842, 149530, 150456, 151562, 150344, 150021, 150033
PULSE, BODY_TEMP = 149514, 150364
MONITOR, OTHER = DeviceId("d1"), DeviceId("d2")
WELL = {ECG: 75.0, PLETH_RATE: 75.0, SPO2: 97.0, RESP: 16.0, TEMP: 36.8}
Values = Mapping[int, float | None]


class Bed:
    """A watch, and the seconds that pass."""

    def __init__(self, *, demonstration: bool = False, table: PewsTable | None = None, **known: Any) -> None:
        self.watch = PatientWatch(counted_ids(), AlarmPolicy(), demonstration, Known(**known), NOON, table)
        self.second = 0.0
        self.changes: list[AlarmChanged] = []
        self.scores: list[Score] = []

    @property
    def now(self) -> Any:
        return NOON + timedelta(seconds=self.second)

    def seconds(self, count: int, values: Values | None, **how: Any) -> "Bed":
        """Let seconds pass, each with a report of these values (None: with no report)."""
        for _ in range(count):
            self.second += 1
            if values is not None:
                self.report(values, **how)
            self._took(self.watch.tick(self.now))
        return self

    def report(
        self,
        values: Values,
        *,
        late_s: float = 0.0,
        device: DeviceId = MONITOR,
        demo: bool = False,
        quality: Quality = Quality.GOOD,
        spot: bool = False,
    ) -> None:
        taken_at = self.now - timedelta(seconds=late_s)
        samples = tuple(
            Sample(mdc, value, "", value, "", taken_at, self.now, Quality.INVALID if value is None else quality)
            for mdc, value in values.items()
        )
        self._took(self.watch.report(Report(device, taken_at, self.now, demo, samples, spot), self.now))

    def said(self, phase: Phase, priority: Priority | None = Priority.HIGH, **changes: Any) -> None:
        alarm = {"instance": "7", "text": "VFIB", "device_id": MONITOR} | changes
        self._took(self.watch.device_alarm(DeviceAlarm(phase=phase, priority=priority, at=self.now, **alarm)))

    def _took(self, outcome: Outcome) -> None:
        self.changes += outcome.alarms
        self.scores += outcome.scores

    @property
    def told(self) -> list[tuple[str, str]]:
        """What happened to which alarm, without updates."""
        return [(c.change.value, c.alarm.text) for c in self.changes if c.change is not Change.UPDATED]

    @property
    def open_texts(self) -> list[str]:
        return [alarm.text for alarm in self.watch.open_alarms]


def test_a_value_beyond_its_limit_alarms_after_its_delay() -> None:
    bed = Bed().seconds(10, WELL).seconds(10, WELL | {SPO2: 86.0})
    assert bed.told == []
    assert bed.seconds(1, WELL | {SPO2: 86.0}).told == [("raised", "** SpO2 LOW 86 < 90")]


def test_heart_rate_and_pulse_are_one_event() -> None:
    bed = Bed().seconds(5, WELL).seconds(20, WELL | {ECG: 132.0, PLETH_RATE: 131.0})
    assert [text for what, text in bed.told if what == "raised"] == ["** HR HIGH 132 > 120"]
    # The leads fall off: the pulse goes on speaking for the same condition.
    bed.seconds(8, WELL | {ECG: None, PLETH_RATE: 131.0})
    assert [text for what, text in bed.told if what == "raised"] == ["** HR HIGH 132 > 120", "* ECG LEADS OFF"]
    assert "** HR HIGH 132 > 120" in bed.open_texts


def test_cuff_and_line_are_one_event_and_the_cuff_waits_for_nothing() -> None:
    bed = Bed()
    bed.report({SYS: 85.0})
    assert bed.told == [("raised", "** SYS LOW 85 < 90")]
    bed.seconds(10, {ART: 84.0})
    assert len(bed.watch.open_alarms) == 1
    bed.seconds(10, {ART: 120.0})
    assert bed.told[-1][0] == "ended"


def test_the_cuff_s_alarm_holds_until_its_next_value() -> None:
    bed = Bed()
    bed.report({SYS: 85.0})
    bed.seconds(600, WELL)
    assert bed.open_texts == ["** SYS LOW 85 < 90"]
    bed.report({SYS: 118.0})
    assert bed.told[-1] == ("ended", "** SYS LOW 85 < 90")


def test_a_probe_that_falls_off_is_a_fault_and_ends_what_it_measured() -> None:
    bed = Bed().seconds(20, WELL | {SPO2: 86.0}).seconds(6, WELL | {SPO2: None})
    assert bed.told[1:] == [("raised", "* SpO2 PROBE OFF"), ("ended", "** SpO2 LOW 86 < 90")]
    assert bed.changes[-1].alarm.reason == "no_data"
    bed.seconds(3, WELL)
    assert bed.told[-1] == ("ended", "* SpO2 PROBE OFF")


def test_a_probe_that_was_never_there_is_no_fault() -> None:
    assert Bed().seconds(60, WELL | {SPO2: None}).told == []


def test_a_silent_device_is_lost_after_fifteen_seconds_and_its_alarms_end() -> None:
    bed = Bed().seconds(20, WELL | {SPO2: 86.0}).seconds(14, None)
    assert len(bed.told) == 1
    bed.seconds(2, None)
    assert ("raised", "** LINK LOST") in bed.told
    assert ("ended", "** SpO2 LOW 86 < 90") in bed.told
    assert bed.seconds(1, WELL).told[-1] == ("ended", "** LINK LOST")


def test_a_gap_shorter_than_that_neither_ends_nor_raises() -> None:
    bed = Bed().seconds(20, WELL | {SPO2: 86.0}).seconds(8, None).seconds(2, WELL | {SPO2: 86.0})
    assert [what for what, _ in bed.told] == ["raised"]
    pending = Bed().seconds(8, WELL | {SPO2: 86.0}).seconds(8, None).seconds(5, WELL | {SPO2: 86.0})
    assert pending.told == []


def test_a_spot_device_is_never_lost() -> None:
    bed = Bed()
    bed.report({SYS: 120.0})
    assert bed.seconds(120, None).told == []


def test_who_types_a_value_is_no_line_that_can_be_lost() -> None:
    bed = Bed()
    bed.report({SPO2: 97.0, RESP: 16.0, PULSE: 70.0, BODY_TEMP: 37.0}, spot=True)
    assert bed.seconds(120, None).told == []


def test_a_single_value_of_a_gateway_makes_no_line_and_two_within_seconds_do() -> None:
    bed = Bed()
    bed.report({SPO2: 97.0})
    assert bed.seconds(300, None).told == []
    bed.report({SPO2: 97.0})
    bed.seconds(1, {SPO2: 97.0}).seconds(20, None)
    assert bed.told == [("raised", "** LINK LOST")]


def test_a_typed_value_alarms_at_once_and_until_the_next_or_until_it_is_too_old() -> None:
    bed = Bed()
    bed.report({SPO2: 86.0}, spot=True)
    assert bed.told == [("raised", "** SpO2 LOW 86 < 90")]
    bed.seconds(60, None)
    bed.report({SPO2: 95.0}, spot=True)
    assert bed.told[1:] == [("ended", "** SpO2 LOW 86 < 90")]
    bed.report({BODY_TEMP: 39.5}, spot=True, late_s=200)
    bed.seconds(3000, None)
    assert bed.open_texts == ["** TEMP HIGH 39.5 > 39.0"]
    bed.seconds(700, None)
    assert bed.open_texts == []


def test_of_typed_values_the_last_one_is_scored_not_what_was_corrected() -> None:
    bed = Bed(entries=[entered(Entry.CONSCIOUSNESS, "A"), entered(Entry.OXYGEN, "no")])
    bed.report({BODY_TEMP: 39.5}, spot=True)
    bed.second += 20
    bed.report({BODY_TEMP: 37.5, SPO2: 97.0, RESP: 16.0, PULSE: 70.0, SYS: 120.0}, spot=True)
    (score,) = news2(list(bed.watch.score_now(bed.now, "").scores))
    assert (score.total, score.complete) == (0, True)
    assert next(one.value for one in score.inputs if one.name == "temperature") == "37.5"


def test_what_speaks_now_is_scored_before_what_spoke_minutes_ago() -> None:
    bed = Bed().seconds(10, {ECG: 75.0}).seconds(120, {ECG: None, PLETH_RATE: 115.0})
    (score,) = news2(list(bed.watch.score_now(bed.now, "").scores))
    assert next((one.value, one.source) for one in score.inputs if one.name == "heart_rate") == ("115", "Pleth")


def test_a_device_that_staff_took_away_is_not_lost_and_takes_its_alarms_along() -> None:
    bed = Bed().seconds(20, WELL | {SPO2: 86.0})
    bed.changes += bed.watch.forget(MONITOR, bed.now).alarms
    bed.seconds(60, None)
    assert bed.told[1:] == [("ended", "** SpO2 LOW 86 < 90")]
    assert bed.changes[-1].alarm.reason == "device_gone"


def test_a_doubtful_value_counts_when_a_second_one_agrees() -> None:
    bed = Bed()
    bed.report({SYS: 52.0})
    bed.report({SYS: 240.0}, quality=Quality.QUESTIONABLE, late_s=-1)
    assert bed.told == [("raised", "*** SYS LOW 52 < 70")]
    slow = Bed().seconds(10, WELL)
    slow.seconds(1, WELL | {ECG: 15.0}, quality=Quality.QUESTIONABLE).seconds(
        9, WELL | {ECG: 15.0}, quality=Quality.QUESTIONABLE
    )
    assert slow.told == [("raised", "*** HR LOW 15 < 40")]


def test_real_and_simulated_data_never_meet() -> None:
    bed = Bed(demonstration=True).seconds(30, WELL)
    for _ in range(30):
        bed.seconds(1, WELL)
        bed.report(WELL | {SPO2: 80.0}, device=OTHER, demo=True)
    assert [(alarm.text, alarm.demo) for alarm in bed.watch.open_alarms] == [("*** SpO2 LOW 80 < 85", True)]
    assert all(score.demo == any(one.value == "80" for one in score.inputs) for score in bed.scores)


def test_simulated_data_drive_nothing_where_there_is_no_demonstration() -> None:
    bed = Bed().seconds(100, WELL | {SPO2: 80.0}, demo=True)
    bed.said(Phase.START, demo=True)
    assert (bed.told, bed.scores) == ([], [])


def test_what_comes_late_is_told_with_its_own_time_and_disturbs_nothing() -> None:
    bed = Bed().seconds(10, WELL)
    for second in range(40):
        bed.seconds(1, WELL)
        bed.report(WELL | {SPO2: 86.0 if second < 20 else 97.0}, late_s=600)
    first, last = bed.changes[0], bed.changes[-1]
    assert [c.change for c in bed.changes if c.change is not Change.UPDATED] == [Change.RAISED, Change.ENDED]
    assert first.alarm.late and last.alarm.late and not first.alarm.signals(bed.now)
    assert first.alarm.since == NOON + timedelta(seconds=11 - 600)
    assert bed.watch.open_alarms == []


def test_what_is_late_and_never_gets_better_ends_with_the_backlog() -> None:
    bed = Bed()
    for _ in range(20):
        bed.seconds(1, WELL)
        bed.report(WELL | {SPO2: 86.0}, late_s=600)
    bed.seconds(31, WELL)
    assert (bed.changes[-1].change, bed.changes[-1].alarm.reason) == (Change.ENDED, "late")
    assert bed.watch.open_alarms == []


def test_a_cuff_value_of_two_minutes_ago_is_not_late() -> None:
    bed = Bed()
    bed.report({SYS: 80.0}, late_s=120)
    assert [alarm.late for alarm in bed.watch.open_alarms] == [False]


def test_only_so_many_devices_catch_up_at_once() -> None:
    bed = Bed()
    for number in range(MAX_CATCHING_UP + 5):
        bed.report({SYS: 80.0}, late_s=3600, device=DeviceId(f"d{number}"))
    assert len(bed.watch.open_alarms) == MAX_CATCHING_UP


def test_a_device_s_alarm_is_its_own() -> None:
    bed = Bed()
    bed.said(Phase.START, Priority.LOW)
    bed.said(Phase.CONTINUE, Priority.LOW)
    bed.said(Phase.UPDATE, Priority.LOW, inactivation=Inactivation.AUDIO_PAUSED)
    assert bed.watch.open_alarms[0].bedside == "audio-paused"
    bed.said(Phase.ESCALATE, Priority.HIGH)
    bed.said(Phase.END, Priority.HIGH)
    assert bed.told == [("raised", "* VFIB"), ("escalated", "*** VFIB"), ("ended", "*** VFIB")]


def test_a_sign_of_life_is_no_alarm_and_one_that_is_never_ended_ends_by_itself() -> None:
    bed = Bed()
    bed.said(Phase.START, None)
    assert bed.told == []
    bed.said(Phase.START)
    bed.seconds(int(DEVICE_ALARM_S) + 1, None)
    assert bed.told[-1] == ("ended", "*** VFIB")


def test_a_device_has_at_most_so_many_alarms_of_its_own() -> None:
    bed = Bed()
    for number in range(MAX_DEVICE_ALARMS + 10):
        bed.said(Phase.START, instance=str(number))
    assert len(bed.watch.open_alarms) == MAX_DEVICE_ALARMS


def test_a_limit_that_is_moved_ends_what_it_no_longer_covers() -> None:
    bed = Bed().seconds(20, WELL | {SPO2: 88.0})
    wider = SetLimit(Limit(Vital.SPO2, low=84.0, very_low=80.0, delay_s=10.0), "d" * 32, "Dr Ifeoma Okafor", bed.now)
    bed.changes += bed.watch.set_limits([wider], bed.now).alarms
    assert bed.changes[-1].alarm.reason == "limit_changed"
    assert not bed.watch.set_limits([wider], bed.now)


def test_after_a_restart_it_goes_on_with_what_was_open() -> None:
    before = Bed().seconds(20, WELL | {SPO2: 86.0})
    (alarm,) = before.watch.open_alarms
    after = Bed(alarms=[alarm])
    after.seconds(5, WELL | {SPO2: 86.0})
    assert after.watch.open_alarms[0].id == alarm.id
    assert after.told == []
    forgotten = Bed(alarms=[alarm]).seconds(2, None)
    assert forgotten.told == [("ended", alarm.text)]


def test_a_pause_of_an_alarm_holds_after_a_restart() -> None:
    before = Bed().seconds(20, WELL | {SPO2: 86.0})
    (alarm,) = before.watch.open_alarms
    before.watch.snooze(alarm.id, before.now, "d" * 32, 300)
    after = Bed(alarms=before.watch.open_alarms)
    after.second = before.second
    after.seconds(10, WELL).seconds(20, WELL | {SPO2: 86.0})
    assert [what for what, _ in after.told] == ["ended", "raised"]
    assert not after.watch.open_alarms[0].signals(after.now)


def test_a_transducer_that_is_zeroed_is_held_for_ten_seconds_and_no_longer() -> None:
    bed = Bed().seconds(10, {ART: 120.0}).seconds(12, {ART: 2.0}).seconds(5, {ART: 118.0})
    assert bed.told == []
    bed.seconds(17, {ART: 2.0})
    assert bed.told == [("raised", "*** SYS LOW 2 < 70")]


def test_an_alarm_of_nobody_here_is_not_found() -> None:
    assert Bed().watch.acknowledge(AlarmId("x"), NOON, "d" * 32, "") is None


def test_everything_ends_with_the_encounter() -> None:
    bed = Bed().seconds(20, WELL | {SPO2: 80.0})
    bed.said(Phase.START)
    assert {c.alarm.state for c in bed.watch.end_all(bed.now, "encounter_ended").alarms} == {AlarmState.ENDED}
    assert bed.watch.open_alarms == []


# Scores


def news2(scores: list[Score]) -> list[Score]:
    return [score for score in scores if score.kind is ScoreKind.NEWS2]


def entered(entry: Entry, value: str, second: float = 0.0) -> Entered:
    return Entered(entry, value, NOON + timedelta(seconds=second), "d" * 32, "Dr Ifeoma Okafor")


def test_a_score_without_what_people_must_see_is_incomplete() -> None:
    (score,) = news2(Bed().seconds(60, WELL).scores)
    assert not score.complete
    assert score.missing == ("oxygen", "systolic", "consciousness")
    assert next(one for one in score.inputs if one.name == "heart_rate").source == "ECG"


def test_it_is_issued_anew_when_it_has_been_another_for_a_minute() -> None:
    known = [entered(Entry.CONSCIOUSNESS, "A"), entered(Entry.OXYGEN, "no")]
    bed = Bed(entries=known)
    bed.report({SYS: 120.0})
    bed.seconds(30, WELL)
    assert [score.total for score in news2(bed.scores)] == [0]
    # The median of a minute turns after half of it; from then on it must last.
    bed.seconds(85, WELL | {RESP: 22.0})
    assert [score.total for score in news2(bed.scores)] == [0]
    bed.seconds(10, WELL | {RESP: 22.0})
    assert [score.total for score in news2(bed.scores)] == [0, 2]


def test_who_gets_worse_and_worse_is_scored_all_the_same() -> None:
    bed = Bed(entries=[entered(Entry.CONSCIOUSNESS, "A"), entered(Entry.OXYGEN, "no")])
    bed.report({SYS: 120.0})
    bed.seconds(30, WELL)
    for second in range(240):
        bed.seconds(1, WELL | {SPO2: 97.0 - second / 16, RESP: 16.0 + second / 16})
    totals = [score.total for score in news2(bed.scores)]
    assert totals == sorted(totals) and totals[-1] >= 5
    assert len(totals) <= 5


def test_jitter_issues_nothing() -> None:
    bed = Bed().seconds(30, WELL)
    for _ in range(150):
        bed.seconds(1, WELL | {SPO2: 95.0}).seconds(1, WELL)
    assert len(news2(bed.scores)) == 1


def test_whoever_asks_gets_every_score_of_the_moment() -> None:
    bed = Bed().seconds(3, WELL)
    bed.report({SYS: 100.0})
    outcome = bed.watch.score_now(bed.now, "Dr Ifeoma Okafor")
    assert [score.kind for score in outcome.scores] == [ScoreKind.NEWS2, ScoreKind.MEWS, ScoreKind.SHOCK_INDEX]
    assert {score.asked_by for score in outcome.scores} == {"Dr Ifeoma Okafor"}


def test_an_input_that_is_too_old_is_missing() -> None:
    bed = Bed(entries=[entered(Entry.CONSCIOUSNESS, "A"), entered(Entry.OXYGEN, "no")])
    bed.report({SYS: 120.0})
    bed.second = 3700
    bed.seconds(5, WELL)
    (score,) = news2(list(bed.watch.score_now(bed.now, "").scores))
    assert score.missing == ("systolic",)


def test_the_second_scale_is_used_only_where_it_was_signed() -> None:
    signed = [entered(Entry.SPO2_SCALE, "2"), entered(Entry.OXYGEN, "no")]
    bed = Bed(entries=signed).seconds(3, WELL | {SPO2: 90.0})
    (score,) = news2(list(bed.watch.score_now(bed.now, "").scores))
    assert (score.variant, next(one.points for one in score.inputs if one.name == "spo2")) == (
        "RCP 2017, SpO2 scale 2",
        0,
    )


def test_a_temperature_that_was_entered_later_counts() -> None:
    bed = Bed(entries=[entered(Entry.TEMPERATURE, "39.2", 100)]).seconds(3, WELL)
    (score,) = news2(list(bed.watch.score_now(bed.now, "").scores))
    assert next((one.value, one.points) for one in score.inputs if one.name == "temperature") == ("39.2", 2)


def test_a_child_has_no_news2() -> None:
    bed = Bed(months=100).seconds(60, WELL)
    assert news2(bed.scores) == []
    assert bed.watch.band.name == "8–12 years"
