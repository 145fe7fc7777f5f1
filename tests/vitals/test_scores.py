"""Scores: the vectors of the chart, every edge of every band, and what is said when something is missing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telehealth.vitals.mews import mews
from telehealth.vitals.news2 import News2Inputs, news2
from telehealth.vitals.scores import Band, Consciousness
from telehealth.vitals.shock_index import shock_index

WELL = News2Inputs(
    resp_rate=16,
    spo2=97,
    oxygen=False,
    systolic=120,
    heart_rate=70,
    consciousness=Consciousness.ALERT,
    temperature=37.0,
)

# Rate of breathing, SpO2, scale, on oxygen, systolic, pulse, ACVPU, temperature → total, band.
VECTORS = [
    ((16, 97, 1, False, 120, 70, "A", 37.0), 0, Band.LOW),
    ((25, 91, 1, True, 90, 131, "C", 35.0), 20, Band.HIGH),
    ((8, 96, 1, False, 120, 70, "A", 37.0), 3, Band.LOW_MEDIUM),
    ((20, 96, 1, False, 219, 90, "A", 38.0), 0, Band.LOW),
    ((21, 94, 1, False, 105, 95, "A", 38.5), 6, Band.MEDIUM),
    ((24, 93, 1, True, 100, 110, "A", 39.1), 11, Band.HIGH),
    ((12, 88, 2, False, 111, 51, "A", 36.1), 0, Band.LOW),
    ((12, 97, 2, False, 111, 51, "A", 36.1), 0, Band.LOW),
    ((12, 97, 2, True, 111, 51, "A", 36.1), 5, Band.MEDIUM),
    ((18, 92, 2, True, 130, 80, "A", 37.0), 2, Band.LOW),
]


@pytest.mark.parametrize(("given_", "total", "band"), VECTORS)
def test_news2_of_a_vector(
    given_: tuple[float, float, int, bool, float, float, str, float], total: int, band: Band
) -> None:
    resp, spo2, scale, oxygen, systolic, pulse, acvpu, temperature = given_
    result = news2(News2Inputs(resp, spo2, scale, oxygen, systolic, pulse, Consciousness(acvpu), temperature))
    assert (result.total, result.band, result.missing) == (total, band, ())


EDGES: dict[str, list[tuple[float, int]]] = {
    "resp_rate": [(8, 3), (9, 1), (11, 1), (12, 0), (20, 0), (21, 2), (24, 2), (25, 3)],
    "spo2": [(91, 3), (92, 2), (93, 2), (94, 1), (95, 1), (96, 0)],
    "systolic": [(90, 3), (91, 2), (100, 2), (101, 1), (110, 1), (111, 0), (219, 0), (220, 3)],
    "heart_rate": [(40, 3), (41, 1), (50, 1), (51, 0), (90, 0), (91, 1), (110, 1), (111, 2), (130, 2), (131, 3)],
    "temperature": [(35.0, 3), (35.1, 1), (36.0, 1), (36.1, 0), (38.0, 0), (38.1, 1), (39.0, 1), (39.1, 2)],
}


@pytest.mark.parametrize(("name", "value", "points"), [(n, v, p) for n, rows in EDGES.items() for v, p in rows])
def test_news2_at_the_edges_of_each_band(name: str, value: float, points: int) -> None:
    assert news2(replace(WELL, **{name: value})).points[name] == points  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spo2", "oxygen", "points"),
    [
        *(
            (v, oxygen, p)
            for v, p in [(83, 3), (84, 2), (85, 2), (86, 1), (87, 1), (88, 0), (92, 0)]
            for oxygen in (False, True)
        ),
        *((v, False, 0) for v in (93, 95, 97, 100)),
        *((v, True, p) for v, p in [(93, 1), (94, 1), (95, 2), (96, 2), (97, 3), (100, 3)]),
        (90, None, 0),
        (93, None, None),
    ],
)
def test_the_second_scale_asks_whether_it_is_air(
    spo2: float,
    oxygen: bool | None,  # noqa: FBT001 - a row of the table.
    points: int | None,
) -> None:
    assert news2(replace(WELL, spo2=spo2, spo2_scale=2, oxygen=oxygen)).points["spo2"] == points


@pytest.mark.parametrize(
    ("name", "value", "points"),
    [
        ("temperature", 38.04, 0),
        ("temperature", 38.05, 1),
        ("resp_rate", 20.5, 2),
        ("heart_rate", 90.49, 0),
        ("spo2", 95.5, 0),
    ],
)
def test_a_value_is_rounded_before_it_is_scored(name: str, value: float, points: int) -> None:
    assert news2(replace(WELL, **{name: value})).points[name] == points  # type: ignore[arg-type]


@pytest.mark.parametrize("acvpu", [c for c in Consciousness if c is not Consciousness.ALERT])
def test_whoever_is_not_alert_has_three_points(acvpu: Consciousness) -> None:
    assert news2(replace(WELL, consciousness=acvpu)).points["consciousness"] == 3


def test_what_is_missing_is_neither_zero_nor_alert_nor_air() -> None:
    result = news2(replace(WELL, oxygen=None, consciousness=None))
    assert (result.total, result.missing, result.band) == (0, ("oxygen", "consciousness"), Band.UNKNOWN)


def test_a_part_may_be_enough() -> None:
    assert news2(News2Inputs(resp_rate=26)).band is Band.LOW_MEDIUM
    assert news2(News2Inputs(resp_rate=26, systolic=95)).band is Band.MEDIUM
    assert news2(News2Inputs(resp_rate=26, systolic=85, heart_rate=100)).band is Band.HIGH
    assert news2(News2Inputs()).band is Band.UNKNOWN


OPTIONAL = st.none() | st.floats(0, 250)


@given(OPTIONAL, OPTIONAL, st.sampled_from([1, 2]), st.none() | st.booleans(), OPTIONAL, OPTIONAL, OPTIONAL)
def test_knowing_more_never_lowers_a_score(
    resp: float | None,
    spo2: float | None,
    scale: int,
    oxygen: bool | None,  # noqa: FBT001 - a row of the table.
    systolic: float | None,
    pulse: float | None,
    warm: float | None,
) -> None:
    some = News2Inputs(resp, spo2, scale, oxygen, systolic, pulse, None, warm)
    more = news2(replace(some, consciousness=Consciousness.VOICE))
    less = news2(some)
    order = [Band.UNKNOWN, Band.LOW, Band.LOW_MEDIUM, Band.MEDIUM, Band.HIGH]
    assert 0 <= less.total <= more.total <= 20
    assert order.index(less.band) <= order.index(more.band)


def test_mews_adds_its_points() -> None:
    well = {"systolic": 120.0, "heart_rate": 70.0, "resp_rate": 12.0, "temperature": 37.0}
    assert mews(well, Consciousness.ALERT).total == 0
    ill = {"systolic": 78.0, "heart_rate": 131.0, "resp_rate": 8.0, "temperature": 38.5}
    assert (mews(ill, Consciousness.PAIN).total, mews(ill, Consciousness.PAIN).band) == (11, Band.HIGH)
    assert mews({**well, "temperature": None}, None).missing == ("temperature", "consciousness")


@pytest.mark.parametrize(
    ("rate", "systolic", "ratio", "band"),
    [(70, 120, 0.58, Band.LOW), (90, 100, 0.9, Band.LOW), (91, 100, 0.91, Band.MEDIUM), (120, 90, 1.33, Band.HIGH)],
)
def test_the_shock_index_is_a_ratio(rate: float, systolic: float, ratio: float, band: Band) -> None:
    assert (shock_index(rate, systolic).total, shock_index(rate, systolic).band) == (ratio, band)


@pytest.mark.parametrize(
    ("years", "ratio", "band"),
    [
        (2, 1.5, Band.UNKNOWN),
        (4, 1.22, Band.LOW),
        (6, 1.23, Band.HIGH),
        (7, 1.0, Band.LOW),
        (12, 1.01, Band.HIGH),
        (13, 0.9, Band.LOW),
        (16, 0.91, Band.HIGH),
        (17, 0.91, Band.MEDIUM),
    ],
)
def test_a_child_s_shock_index_is_judged_by_its_age(years: int, ratio: float, band: Band) -> None:
    assert shock_index(100 * ratio, 100, months=12 * years).band is band
