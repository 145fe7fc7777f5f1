"""What we write as FHIR, we read: values and samples survive the way, bit for bit."""

import json
import struct
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from telehealth.interop.fhir.resources import load
from telehealth.interop.fhir.submission import accepted, read_submission, weighed
from telehealth.interop.fhir.writing import batch_bundle
from telehealth.interop.stretch import Stretch
from telehealth.vitals.codes import PARAMETERS, PRIVATE_TERMS, WAVES
from telehealth.vitals.model import MISSING, Quality, RawChannel, RawValue
from telehealth.vitals.reported import Reported

AT = datetime(2026, 1, 1, 12, 0, 0, 123_000, tzinfo=UTC)
NUMBERS = st.floats(0, 1000).map(lambda value: round(value, 6))
ECG = RawChannel(1, 131330, "II", "mV", 500.0, 0.005, 0.0)
PUBLIC = {mdc: parameter for mdc, parameter in PARAMETERS.items() if mdc & 0xFFFF < PRIVATE_TERMS}


def read(values: list[RawValue], stretches: list[Stretch]) -> Reported:
    submission = read_submission(load(json.dumps(batch_bundle(AT, values, stretches)).encode()))
    assert [problem for entry in submission.entries for problem in entry.reported.quarantined] == []
    return accepted(weighed(submission, AT + timedelta(days=365)))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.one_of(st.integers(-1_900, 1_900), st.just(MISSING)), min_size=1, max_size=200),
    st.integers(0, 10**9),
)
def test_samples_survive_the_way(raw: list[int], microseconds: int) -> None:
    stretch = Stretch(ECG, AT - timedelta(microseconds=microseconds), struct.pack(f"<{len(raw)}h", *raw))
    (wave,) = read([], [stretch]).waves
    assert (wave.samples, wave.rate_hz, wave.starts_at) == (stretch.samples, 500.0, stretch.starts_at)
    assert (wave.gain, wave.offset) == (0.005, 0.0)


def test_every_parameter_and_every_wave_can_be_written_and_read() -> None:
    values = [
        RawValue((one.soft.low + one.soft.high) / 2, one.unit, Quality.GOOD, mdc=mdc) for mdc, one in PUBLIC.items()
    ]
    waves = [Stretch(RawChannel(1, mdc, "x", w.unit, 62.5, 0.001, 0.0), AT, b"\x01\x00") for mdc, w in WAVES.items()]
    found = read(values, waves)
    assert {one.mdc: (one.value, one.unit) for one in found.observed} == {v.mdc: (v.value, v.unit) for v in values}
    assert {wave.mdc for wave in found.waves} == set(WAVES)


def test_what_has_no_value_and_what_is_doubtful_is_said_so() -> None:
    values = [
        RawValue(None, "/min", Quality.INVALID, mdc=147842),
        RawValue(97.0, "%", Quality.QUESTIONABLE, mdc=150456),
        RawValue(120.0, "mm[Hg]", Quality.GOOD, mdc=150021),
        RawValue(None, "mm[Hg]", Quality.INVALID, mdc=150022),
    ]
    found = {one.mdc: one for one in read(values, []).observed}
    assert (found[147842].value, found[147842].quality) == (None, Quality.INVALID)
    assert (found[150456].value, found[150456].quality) == (97.0, Quality.QUESTIONABLE)
    assert (found[150021].value, found[150022].value) == (120.0, None)
