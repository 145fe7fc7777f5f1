"""Apnoea over a patient's watch: by waves, by a rate of 0 that is vouched for, by the device's word; what is none."""

import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from telehealth.clock import to_ms
from telehealth.demo.patient import SCENARIOS, SyntheticPatient
from telehealth.demo.source import CHUNK_S
from telehealth.errors import Invalid
from telehealth.ids import DeviceId
from telehealth.interop.alarm_messages import alarm_shown
from telehealth.vitals.alarm import Priority
from telehealth.vitals.apnoea import MAX_WAVES, MAX_WORDS, Breathing, BreathState
from telehealth.vitals.device_alarm import Inactivation, Phase
from telehealth.vitals.limits import Limit, SetLimit, default_limits
from telehealth.vitals.model import MISSING, FrameFlag, Quality, WaveBlock
from telehealth.vitals.vital_signs import Vital
from tests.doubles import NOON
from tests.vitals.test_breaths import CHANNEL, RATE, breathing, heart
from tests.vitals.test_patient_watch import ECG, MONITOR, OTHER, RESP, WELL, Bed, Values

APNOEA = "*** APNOEA > 20 s"
EVENT = 199680
CALM = breathing(15)


class Breathers(Bed):
    """A bed whose chest is seen, too."""

    def breathe(
        self, seconds: int, height: Callable[[float], float] | None, values: Values | None = None, **flags: Any
    ) -> "Breathers":
        """Let seconds pass with this height of the chest; None: the samples are missing."""
        for _ in range(seconds):
            raw = [MISSING if height is None else round(height(self.second + n / RATE) / 0.001) for n in range(62)]
            block = WaveBlock(3, 0, 0, to_ms(self.now), struct.pack("<62h", *raw))
            self.watch.waved(CHANNEL, replace(block, **flags))
            self.seconds(1, WELL if values is None else values, demo="flags" in flags)
        return self

    @property
    def apnoeas(self) -> list[tuple[str, str]]:
        return [(what, text) for what, text in self.told if "APNOEA" in text]


def test_twenty_seconds_without_a_breath_are_a_high_alarm_that_stays_until_somebody_has_seen_it() -> None:
    bed = Breathers().breathe(60, CALM).breathe(18, heart)
    assert bed.apnoeas == []
    bed.breathe(6, heart)
    (alarm,) = bed.watch.open_alarms
    assert (alarm.text, alarm.priority, alarm.source) == (APNOEA, Priority.HIGH, "Resp")
    assert 20 <= (alarm.raised_at or NOON).timestamp() - alarm.since.timestamp() <= 22
    assert alarm_shown(alarm).tile == "resp-rate"
    bed.breathe(20, CALM)
    assert bed.apnoeas == [("raised", APNOEA), ("latched", APNOEA)]


@pytest.mark.parametrize(("limit_s", "still", "told"), [(10.0, 12, 1), (40.0, 35, 0), (40.0, 46, 1)])
def test_the_time_is_set_per_patient(limit_s: float, still: int, told: int) -> None:
    own = replace(default_limits(Bed().watch.band)[Vital.RESP_RATE], apnoea_s=limit_s)
    bed = Breathers(limits=[SetLimit(own, "d" * 32, "Dr Ifeoma Okafor", NOON)]).breathe(60, CALM).breathe(still, heart)
    assert len(bed.apnoeas) == told


@pytest.mark.parametrize("seconds", [9.9, 40.1, 0.0])
def test_no_other_time_can_be_set(seconds: float) -> None:
    with pytest.raises(Invalid) as refusal:
        Limit(Vital.RESP_RATE, apnoea_s=seconds).checked()
    assert refusal.value.code == "bad_limit"


def test_a_wave_that_is_missing_doubtful_late_or_of_loose_leads_is_no_apnoea() -> None:
    assert Breathers().breathe(60, CALM).breathe(60, None).apnoeas == []
    for flag in (FrameFlag.QUESTIONABLE, FrameFlag.BACKFILL):
        bed = Breathers(demonstration=True).breathe(60, CALM)
        for _ in range(60):
            block = WaveBlock(3, 0, 0, to_ms(bed.now), bytes(124), flags=flag)
            bed.watch.waved(CHANNEL, block)
            bed.seconds(1, WELL)
        assert bed.apnoeas == []
    loose = Breathers().breathe(60, CALM).breathe(60, heart, WELL | {ECG: None, RESP: None})
    assert loose.told == [("raised", "* ECG LEADS OFF")]


def test_demo_data_drive_no_apnoea_but_in_a_demonstration_and_there_marked() -> None:
    demo: dict[str, Any] = {"flags": FrameFlag.DEMO}
    assert Breathers().breathe(60, CALM, **demo).breathe(30, heart, **demo).told == []
    shown = Breathers(demonstration=True).breathe(60, CALM, **demo).breathe(30, heart, **demo)
    assert [(a.text, a.demo) for a in shown.watch.open_alarms] == [(APNOEA, True)]
    real = Breathers(demonstration=True).breathe(60, CALM)
    for _ in range(40):
        real.watch.waved(replace(CHANNEL, device_id=OTHER), WaveBlock(3, 0, 0, to_ms(real.now), bytes(124), **demo))
        real.breathe(1, CALM)
    assert real.apnoeas == []


def test_a_rate_of_before_does_not_end_what_the_wave_has_shown() -> None:
    bed = Breathers().breathe(60, CALM).breathe(25, heart).breathe(40, None)
    assert bed.open_texts == [APNOEA]
    assert bed.breathe(40, None).apnoeas == [("raised", APNOEA), ("latched", APNOEA)]


def test_when_the_wave_fails_meanwhile_the_alarm_ends_without_data() -> None:
    bed = Breathers().breathe(60, CALM).breathe(25, heart).breathe(40, None, {ECG: 75.0})
    assert bed.apnoeas == [("raised", APNOEA), ("ended", APNOEA)]
    assert bed.changes[-1].alarm.reason == "no_data"


def test_after_a_restart_an_apnoea_goes_on_until_a_breath_is_seen() -> None:
    (alarm,) = Breathers().breathe(60, CALM).breathe(25, heart).watch.open_alarms
    after = Breathers(alarms=[alarm]).breathe(60, heart, {ECG: 75.0})
    assert [one.id for one in after.watch.open_alarms] == [alarm.id]
    after.breathe(40, CALM)
    assert after.told == [("latched", APNOEA)]


def test_a_device_that_goes_on_counting_breaths_corrects_what_we_see() -> None:
    bed = Breathers().breathe(60, CALM).breathe(90, lambda at: CALM(at) / 10)
    assert bed.apnoeas == [("raised", APNOEA), ("latched", APNOEA)]


def test_a_rate_of_zero_is_an_apnoea_only_if_the_device_vouches_for_it_for_as_long() -> None:
    bed = Breathers().seconds(30, WELL)
    bed.seconds(15, WELL | {RESP: 0.0}, quality=Quality.QUESTIONABLE)
    assert bed.told == []
    bed.seconds(6, WELL | {RESP: 0.0}, quality=Quality.QUESTIONABLE)
    assert bed.told == [("raised", APNOEA)]
    bed.seconds(10, WELL)
    assert bed.told[1:] == [("latched", APNOEA)]
    # What is not vouched for has no value when it comes here (readings.judge).
    assert Breathers().seconds(30, WELL).seconds(60, WELL | {RESP: None}).told == []
    rare = Breathers()
    for _ in range(4):
        rare.seconds(1, WELL | {RESP: 0.0}, quality=Quality.QUESTIONABLE).seconds(12, {ECG: 75.0})
    assert rare.told == []


def test_a_good_wave_knows_better_than_a_rate() -> None:
    bed = Breathers().breathe(60, CALM)
    for _ in range(30):
        bed.breathe(1, CALM, {})
        bed.report({RESP: 0.0}, quality=Quality.QUESTIONABLE)
    assert bed.told == []


def test_the_device_s_own_apnoea_counts_at_once_and_is_one_alarm_with_ours() -> None:
    bed = Breathers().breathe(60, CALM)
    bed.said(Phase.START, Priority.MEDIUM, text="Apnea", event_mdc=EVENT)
    (alarm,) = bed.watch.open_alarms
    assert (alarm.text, alarm.source, alarm.priority) == ("*** APNOEA", "Apnea", Priority.HIGH)
    bed.breathe(30, heart)
    bed.said(Phase.CONTINUE, text="Apnea", event_mdc=EVENT, inactivation=Inactivation.AUDIO_PAUSED)
    assert [one.bedside for one in bed.watch.open_alarms] == ["audio-paused"]
    bed.said(Phase.END, text="Apnea", event_mdc=EVENT)
    assert len(bed.watch.open_alarms) == 1
    bed.breathe(20, CALM)
    assert [what for what, _ in bed.apnoeas] == ["raised", "latched"]


def test_the_device_s_apnoea_ends_with_its_word_or_its_silence() -> None:
    bed = Breathers().seconds(5, WELL)
    bed.said(Phase.START, event_mdc=EVENT)
    bed.said(Phase.END, event_mdc=EVENT)
    assert [what for what, _ in bed.told] == ["raised", "latched"]
    silent = Breathers()
    silent.said(Phase.START, event_mdc=EVENT)
    silent.seconds(620, None)
    assert [what for what, _ in silent.told] == ["raised", "ended"]
    gone = Breathers()
    gone.said(Phase.START, event_mdc=EVENT)
    gone.watch.forget(MONITOR, gone.now)
    gone.seconds(20, None)
    assert gone.told[-1][0] == "ended"


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_of_the_patients_we_simulate_one_stops_breathing(scenario: str) -> None:
    patient, bed = SyntheticPatient(scenario, seed=3), Breathers()
    for number in range(500):
        bed.second = number * CHUNK_S
        for run in patient.chunk(number).runs:
            if run.channel == CHANNEL.number and run.samples:
                starts_at_ms = to_ms(NOON) + 1000 * run.first_index / RATE
                bed.watch.waved(CHANNEL, WaveBlock(3, number, run.first_index, starts_at_ms, run.samples))
        if number % 5 == 0:
            bed._took(bed.watch.tick(bed.now))
    assert bed.told == ([("raised", APNOEA), ("latched", APNOEA)] if scenario == "apnoea" else [])


def test_sources_are_bounded() -> None:
    sources = Breathing()
    for number in range(MAX_WAVES + 5):
        sources.wave(replace(CHANNEL, device_id=DeviceId(f"d{number}")), WaveBlock(3, 0, 0, to_ms(NOON), bytes(24)))
    for number in range(MAX_WORDS + 5):
        sources.said(MONITOR, str(number), NOON, "Apnea")
    assert (len(sources._waves), len(sources._said)) == (MAX_WAVES, MAX_WORDS)
    assert sources.look(20.0, NOON).state is BreathState.STILL


def test_a_device_that_is_started_anew_is_followed_by_its_new_channel() -> None:
    bed = Breathers().breathe(60, CALM)
    for _ in range(40):
        bed.watch.waved(replace(CHANNEL, number=9, boot="b2"), WaveBlock(9, 0, 0, to_ms(bed.now), bytes(124)))
        bed.seconds(1, WELL)
    assert bed.told == []
