import pytest

from telehealth.vitals.model import Quality, RawValue
from telehealth.vitals.readings import judge
from tests.doubles import NOON

GOOD, QUESTIONABLE, INVALID = Quality.GOOD, Quality.QUESTIONABLE, Quality.INVALID


def raw(mdc: int, value: float | None, unit: str = "", quality: Quality = GOOD) -> RawValue:
    return RawValue(value, unit, quality, mdc=mdc)


@pytest.mark.parametrize(
    ("value", "kept", "quality", "faults"),
    [
        (raw(147842, 75.0, "/min"), 75.0, GOOD, ()),
        (raw(147842, 260.0, "/min"), 260.0, QUESTIONABLE, ()),
        (raw(147842, 351.0, "/min"), None, INVALID, ("impossible_value",)),
        (raw(147842, -1.0, "/min"), None, INVALID, ("impossible_value",)),
        (raw(147842, 0.0, "/min"), None, INVALID, ()),
        (raw(147842, 0.0, "/min", QUESTIONABLE), 0.0, QUESTIONABLE, ()),
        (raw(147842, None), None, INVALID, ()),
        (raw(147842, 75.0, "/min", INVALID), None, INVALID, ()),
        (raw(147842, 75.0, "/min", QUESTIONABLE), 75.0, QUESTIONABLE, ()),
        (raw(150456, 0.0, "%"), None, INVALID, ()),
        (raw(150456, 101.0, "%"), None, INVALID, ("impossible_value",)),
        (raw(150456, 0.97, "1"), 97.0, GOOD, ()),
        (raw(151562, 0.0, "/min"), None, INVALID, ()),
        (raw(150344, 98.6, "[degF]"), 37.0, GOOD, ()),
        (raw(150344, 98.6, "Cel"), None, INVALID, ("impossible_value",)),
        (raw(150021, 16.0, "kPa"), 120.00992, GOOD, ()),
        (raw(150087, 0.0, "mm[Hg]"), 0.0, GOOD, ()),
    ],
    ids=str,
)
def test_a_value_is_judged(value: RawValue, kept: float | None, quality: Quality, faults: tuple[str, ...]) -> None:
    judged = judge([value], NOON, NOON)
    (sample,) = judged.samples
    assert (sample.value, sample.quality, judged.faults) == (kept, quality, faults)
    assert (sample.original_value, sample.original_unit) == (value.value, value.unit)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (raw(147842, 75.0), "unit_required"),
        (raw(147842, 75.0, "%"), "unknown_unit"),
        (raw(147842, 75.0, "bpm"), "unknown_unit"),
        (raw(99, 75.0, "/min"), "unknown_parameter"),
        (RawValue(75.0, "/min", GOOD, loinc="1-8"), "unknown_parameter"),
    ],
    ids=str,
)
def test_a_value_that_cannot_be_taken_is_left_out_alone(value: RawValue, code: str) -> None:
    judged = judge([value, raw(150456, 97.0, "%")], NOON, NOON)
    assert [sample.mdc for sample in judged.samples] == [150456]
    assert judged.faults == (code,)


def test_of_two_values_of_one_parameter_the_first_stands() -> None:
    judged = judge([raw(147842, 75.0, "/min"), raw(147842, 80.0, "/min")], NOON, NOON)
    assert [sample.value for sample in judged.samples] == [75.0]
    assert judged.faults == ("bad_message",)


@pytest.mark.parametrize(
    ("pressures", "quality"),
    [
        ((120.0, 80.0, 93.0), GOOD),
        ((80.0, 120.0, 93.0), QUESTIONABLE),
        ((120.0, 80.0, 130.0), QUESTIONABLE),
        ((120.0, 80.0, 70.0), QUESTIONABLE),
        ((100.0, 100.0, 100.0), QUESTIONABLE),
        ((120.0, None, 93.0), GOOD),
    ],
    ids=str,
)
def test_pressures_that_contradict_each_other_are_questioned(
    pressures: tuple[float | None, ...], quality: Quality
) -> None:
    values = [raw(mdc, value, "mm[Hg]") for mdc, value in zip((150021, 150022, 150023), pressures, strict=True)]
    samples = judge(values, NOON, NOON).samples
    assert {sample.quality for sample in samples if sample.value is not None} == {quality}
