import pytest
from hypothesis import given
from hypothesis import strategies as st

from telehealth.errors import Invalid
from telehealth.vitals.units import UNITS, convert


@pytest.mark.parametrize(
    ("value", "unit", "to", "expected"),
    [
        (16.0, "kPa", "mm[Hg]", 120.00992),
        (98.6, "[degF]", "Cel", 37.0),
        (310.15, "K", "Cel", 37.0),
        (5.5, "mmol/L", "mg/dL", 99.088),
        (0.97, "1", "%", 97.0),
        (1500.0, "uV", "mV", 1.5),
        (75.0, "{beat}/min", "/min", 75.0),
        (75.0, "MDC_DIM_BEAT_PER_MIN", "/min", 75.0),
        (75.0, "264864", "/min", 75.0),
        (1.25, "Hz", "/min", 75.0),
    ],
)
def test_a_value_is_converted(value: float, unit: str, to: str, expected: float) -> None:
    assert convert(value, unit, to) == pytest.approx(expected, abs=1e-9)


@given(st.floats(-1e6, 1e6), st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)))
def test_a_conversion_can_be_undone_or_is_refused(value: float, unit: str, to: str) -> None:
    if UNITS[unit].quantity != UNITS[to].quantity:
        with pytest.raises(Invalid) as refusal:
            convert(value, unit, to)
        assert refusal.value.code == "unknown_unit"
    else:
        assert convert(convert(value, unit, to), to, unit) == pytest.approx(value, rel=1e-9, abs=1e-6)


def test_a_unit_is_never_guessed() -> None:
    with pytest.raises(Invalid) as refusal:
        convert(37.0, "", "Cel")
    assert refusal.value.code == "unit_required"


@pytest.mark.parametrize("unit", ["bpm", "mmHg", "°C", "C", "cel", "MM[HG]"])
def test_a_name_that_only_looks_like_a_unit_is_refused(unit: str) -> None:
    with pytest.raises(Invalid) as refusal:
        convert(37.0, unit, "Cel")
    assert refusal.value.code == "unknown_unit"
