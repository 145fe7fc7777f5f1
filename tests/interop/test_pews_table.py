"""The table of a site's PEWS: read, scored by, and refused with a reason."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telehealth.errors import Invalid
from telehealth.interop.pews_table import MAX_BYTES, pews_table
from telehealth.vitals.pews import pews
from telehealth.vitals.scores import Band, Consciousness, ScoreKind
from telehealth.vitals.scoring import Entry
from tests.vitals.test_patient_watch import ECG, RESP, SPO2, WELL, Bed, entered

RAW = (Path(__file__).parents[1] / "vectors" / "pews.json").read_bytes()
TABLE = pews_table(RAW)


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    table = json.loads(RAW)
    change(table)
    return json.dumps(table).encode()


def test_an_age_has_its_band_or_none() -> None:
    found = [TABLE.band_of(months) for months in (0, 11, 12, 59, 60, None)]
    assert found == [TABLE.bands[0], TABLE.bands[0], TABLE.bands[1], TABLE.bands[1], None, None]


@pytest.mark.parametrize(
    ("resp_rate", "spo2", "oxygen", "level", "total", "band"),
    [
        (40, 97, False, Consciousness.ALERT, 0, Band.LOW),
        (60, 94, False, Consciousness.ALERT, 2, Band.LOW),
        (51, 97, True, Consciousness.ALERT, 3, Band.MEDIUM),
        (61, 97, True, Consciousness.ALERT, 6, Band.HIGH),
        (40, 97, None, None, 0, Band.UNKNOWN),
        (None, 91, None, Consciousness.VOICE, 6, Band.HIGH),
    ],
)
def test_a_child_is_scored_by_the_table(
    *,
    resp_rate: float | None,
    spo2: float,
    oxygen: bool | None,
    level: Consciousness | None,
    total: int,
    band: Band,
) -> None:
    result = pews(TABLE, TABLE.bands[0], {"resp_rate": resp_rate, "spo2": spo2}, oxygen=oxygen, consciousness=level)
    assert (result.total, result.band) == (total, band)


def test_a_child_at_the_bedside_gets_the_site_s_score_and_no_news2() -> None:
    bed = Bed(months=6, entries=[entered(Entry.OXYGEN, "no")], table=TABLE)
    bed.seconds(20, WELL | {RESP: 55.0, SPO2: 93.0, ECG: 150.0})
    (score,) = [score for score in bed.scores if score.kind is not ScoreKind.SHOCK_INDEX]
    assert (score.kind, score.variant, score.total, score.missing) == (
        ScoreKind.PEWS,
        "Invented PEWS 2026",
        2,
        ("consciousness",),
    )
    assert {one.name: one.value for one in score.inputs}["resp_rate"] == "55"
    assert ScoreKind.PEWS not in {score.kind for score in Bed(months=70, table=TABLE).seconds(20, WELL).scores}
    assert ScoreKind.PEWS not in {score.kind for score in Bed(months=6).seconds(20, WELL).scores}


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.pop("name"),
        lambda table: table.update(name=""),
        lambda table: table.update(medium=9),
        lambda table: table.update(bands=[]),
        lambda table: table["bands"].reverse(),
        lambda table: table["bands"][0].update(to_months=13),
        lambda table: table["bands"][0].update(to_months=0),
        lambda table: table["bands"][0].update(work_of_breathing=[[None, 1]]),
        lambda table: table["bands"][0].update(spo2=[[94, 1], [91, 4], [None, 0]]),
        lambda table: table["bands"][0].update(spo2=[[91, 4], [94, 1]]),
        lambda table: table["bands"][0].update(spo2=[[None, 4], [None, 1]]),
        lambda table: table["bands"][0].update(spo2=[]),
        lambda table: table["bands"][0].update(consciousness={"A": 0}),
        lambda table: table["bands"][0].update(oxygen="2"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused_with_the_reason(change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(Invalid) as refusal:
        pews_table(changed(change))
    assert refusal.value.code == "bad_pews_table"
    assert "can't be used: " in refusal.value.text


def test_a_table_of_any_length_is_not_read() -> None:
    with pytest.raises(Invalid):
        pews_table(RAW + b" " * MAX_BYTES)


@given(st.binary(max_size=200))
def test_whatever_is_no_table_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid):
        pews_table(raw)
