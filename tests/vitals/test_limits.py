"""Limits: complete for every age, in order, and what a proposal makes of them."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telehealth.errors import Invalid
from telehealth.vitals.limits import (
    ADULT,
    AGE_BANDS,
    AgeBand,
    Limit,
    SetLimit,
    age_in_months,
    band_of,
    default_limits,
    in_force,
    proposed,
)
from telehealth.vitals.vital_signs import SIGNS, Vital
from tests.doubles import NOON


@pytest.mark.parametrize("band", AGE_BANDS, ids=lambda band: band.name)
def test_the_limits_of_every_age_make_sense(band: AgeBand) -> None:
    limits = default_limits(band)
    assert {Vital.HEART_RATE, Vital.SPO2, Vital.RESP_RATE, Vital.SYSTOLIC, Vital.TEMPERATURE} <= set(limits)
    for limit in limits.values():
        assert limit.checked() == limit


@pytest.mark.parametrize(
    ("months", "name"),
    [
        (0, "0–3 months"),
        (2, "0–3 months"),
        (3, "3–6 months"),
        (23, "18–24 months"),
        (24, "2–3 years"),
        (47, "3–4 years"),
        (48, "4–6 years"),
        (215, "15–18 years"),
        (216, "adult"),
        (1200, "adult"),
        (None, "adult"),
    ],
)
def test_an_age_has_its_band(months: int | None, name: str) -> None:
    assert band_of(months).name == name


def test_an_age_is_counted_in_completed_months() -> None:
    born = date(2024, 3, 15)
    assert age_in_months(born, date(2024, 4, 14)) == 0
    assert age_in_months(born, date(2024, 4, 15)) == 1
    assert age_in_months(born, date(2026, 3, 14)) == 23
    assert age_in_months(born, date(2024, 1, 1)) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"low": 95.0, "high": 90.0},
        {"very_low": 91.0, "low": 90.0},
        {"low": 101.0},
        {"low": -1.0},
        {"low": 90.0, "high": 90.0},
        {"delay_s": 61.0},
        {"urgent_delay_s": -1.0},
    ],
    ids=str,
)
def test_limits_that_make_no_sense_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(Invalid) as refusal:
        replace(Limit(Vital.SPO2), **changes).checked()  # type: ignore[arg-type]
    assert refusal.value.code == "bad_limit"


def test_a_patient_s_own_limit_takes_the_place_of_the_age_s() -> None:
    own = SetLimit(Limit(Vital.SPO2, low=86.0), "d" * 32, "Dr Ifeoma Okafor", NOON)
    limits = in_force(ADULT, [own])
    assert limits[Vital.SPO2] is own
    assert limits[Vital.HEART_RATE].set_by == ""


def test_a_proposal_follows_the_values_and_keeps_the_order() -> None:
    found = proposed(default_limits(ADULT), {Vital.HEART_RATE: 80.0, Vital.SYSTOLIC: 100.0, Vital.SPO2: 97.0})
    assert (found[Vital.HEART_RATE].low, found[Vital.HEART_RATE].high) == (64, 100)
    assert (found[Vital.SYSTOLIC].low, found[Vital.SYSTOLIC].high) == (78, 124)
    assert Vital.SPO2 not in found


@given(st.dictionaries(st.sampled_from(list(SIGNS)), st.floats(0, 350), max_size=9), st.sampled_from(AGE_BANDS))
def test_every_proposal_makes_sense(values: dict[Vital, float], band: AgeBand) -> None:
    for limit in proposed(default_limits(band), values).values():
        assert limit.checked() == limit


def test_no_parameter_belongs_to_two_vitals() -> None:
    sources = [mdc for sign in SIGNS.values() for mdc in sign.sources]
    assert len(sources) == len(set(sources))


def test_a_birthday_makes_an_adult() -> None:
    born = date(2008, 1, 1)
    assert band_of(age_in_months(born, date(2026, 1, 1))) is ADULT
    assert band_of(age_in_months(born, date(2026, 1, 1) - timedelta(days=1))) is not ADULT
