"""What we write, we read: values and samples survive the way, bit for bit."""

import struct
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from telehealth.interop.hl7.parse import parse
from telehealth.interop.hl7.reading import read
from telehealth.interop.hl7.rows import Reading
from telehealth.interop.hl7.writing import Sender, observation_message
from telehealth.interop.stretch import Stretch
from telehealth.vitals.codes import PARAMETERS, WAVES
from telehealth.vitals.model import MISSING, Quality, RawChannel, RawValue

SENDER = Sender("A|B^C", "0011223344556677")
AT = datetime(2026, 1, 1, 12, 0, 0, 123_000, tzinfo=UTC)
NUMBERS = st.floats(0, 1000).map(lambda value: round(value, 6))
ECG = RawChannel(1, 131330, "II", "mV", 499.78, 0.005, 0.0)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.sampled_from(sorted(PARAMETERS)), NUMBERS, max_size=10),
    st.lists(st.one_of(st.integers(-1_900, 1_900), st.just(MISSING)), min_size=1, max_size=200),
    st.integers(0, 10**9),
)
def test_a_message_survives_the_way(values: dict[int, float], raw: list[int], microseconds: int) -> None:
    starts_at = AT - timedelta(microseconds=microseconds)
    sent = [RawValue(value, PARAMETERS[mdc].unit, Quality.GOOD, mdc=mdc) for mdc, value in values.items()]
    stretch = Stretch(ECG, starts_at, struct.pack(f"<{len(raw)}h", *raw))
    found = read(parse(observation_message(SENDER, "1", AT, sent, [stretch])), Reading())
    assert found.quarantined == () and dict(found.repairs) == {}
    assert {one.mdc: one.value for one in found.observed} == values
    (wave,) = found.waves
    assert (wave.samples, wave.rate_hz, wave.starts_at) == (stretch.samples, 499.78, starts_at)
    assert found.aliases == (("eui64", "0011223344556677"), ("sender", "A|B^C"))


def test_every_wave_and_every_parameter_can_be_written_and_read() -> None:
    values = [RawValue(50.0, parameter.unit, Quality.GOOD, mdc=mdc) for mdc, parameter in PARAMETERS.items()]
    waves = [Stretch(RawChannel(1, mdc, "x", w.unit, 62.5, 0.001, 0.0), AT, b"\x01\x00") for mdc, w in WAVES.items()]
    found = read(parse(observation_message(SENDER, "1", AT, values, waves)), Reading())
    assert found.quarantined == ()
    assert len(found.observed) == len(PARAMETERS) and len(found.waves) == len(WAVES)


def test_a_value_that_is_not_there_is_said_so() -> None:
    absent = [RawValue(None, "/min", Quality.INVALID, mdc=147842)]
    (one,) = read(parse(observation_message(SENDER, "1", AT, absent, [])), Reading()).observed
    assert (one.value, one.quality) == (None, Quality.INVALID)
