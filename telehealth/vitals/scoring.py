"""Scoring: when a score is issued, and of what: medians of a minute and what people entered, each with its age."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from telehealth.ids import NewId, ScoreId
from telehealth.vitals.latest import Latest, Reading
from telehealth.vitals.mews import VARIANT as MEWS_VARIANT
from telehealth.vitals.mews import mews
from telehealth.vitals.news2 import LEAST_MONTHS, MAX_AGE_S, News2Inputs, news2
from telehealth.vitals.pews import PewsBand, PewsTable, pews
from telehealth.vitals.scores import Consciousness, Result, Score, ScoreInput, ScoreKind, rounded
from telehealth.vitals.shock_index import ADULT_MONTHS, belong_together, shock_index
from telehealth.vitals.vital_signs import SIGNS, Vital

STABLE_S = 60.0
FIRST_S = 10.0
"""The first score need not wait for the minute: it replaces none."""

_VITALS = (Vital.RESP_RATE, Vital.SPO2, Vital.SYSTOLIC, Vital.HEART_RATE, Vital.TEMPERATURE)
_SHOCK_STEP = 0.1


class Entry(StrEnum):
    """What people enter because no device tells it."""

    CONSCIOUSNESS = "consciousness"
    OXYGEN = "oxygen"
    TEMPERATURE = "temperature"
    SPO2_SCALE = "spo2_scale"


@dataclass(frozen=True, slots=True)
class Entered:
    """A value that a person entered: a letter of ACVPU, `yes` or `no`, degrees Celsius, `1` or `2`."""

    entry: Entry
    value: str
    at: datetime
    by: str
    by_name: str


Entries = Mapping[Entry, Entered]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A score that differs from the issued one: since when it is the same, and since when it is higher than that."""

    score: Score
    since: datetime
    worse_since: datetime | None


class Scoring:
    """Issues the scores of one track; `table`: the site's own for children, if it has one."""

    def __init__(self, new_id: NewId, *, demo: bool, table: PewsTable | None = None) -> None:
        self._new_id = new_id
        self._table = table
        self._demo = demo
        self._waiting: dict[ScoreKind, _Candidate] = {}
        self._issued: dict[ScoreKind, Score] = {}

    def adopt(self, score: Score) -> None:
        """Know what was issued before this process began."""
        self._issued.setdefault(score.kind, score)

    def tick(self, latest: Latest, entries: Entries, months: int | None, at: datetime) -> list[Score]:
        """Return the scores that differ from those issued before, and have been the same, or worse, for a minute."""
        issued = []
        for score in self._computed(latest, entries, months, at):
            if score.kind is ScoreKind.MEWS:
                continue
            known = self._issued.get(score.kind)
            if known is not None and _same(known, score):
                self._waiting.pop(score.kind, None)
                continue
            candidate = _candidate(self._waiting.get(score.kind), known, score, at)
            self._waiting[score.kind] = candidate
            if _is_due(candidate, at, FIRST_S if known is None else STABLE_S):
                issued.append(self._issue(score))
        return issued

    def now(self, latest: Latest, entries: Entries, months: int | None, at: datetime, *, asked_by: str) -> list[Score]:
        """Return every score of this moment, because somebody asked."""
        computed = self._computed(latest, entries, months, at)
        return [self._issue(replace(score, asked_by=asked_by)) for score in computed]

    def _issue(self, score: Score) -> Score:
        self._waiting.pop(score.kind, None)
        self._issued[score.kind] = replace(score, id=ScoreId(self._new_id()))
        return self._issued[score.kind]

    def _computed(self, latest: Latest, entries: Entries, months: int | None, at: datetime) -> list[Score]:
        readings = {vital: latest.steady(vital, at, max_age_s=MAX_AGE_S[vital.value]) for vital in _VITALS}
        if not any(readings.values()):
            return []
        entered = {e: known for e, known in entries.items() if _young(known, at)}
        material = Material(readings, entered)
        found = []
        if months is None or months >= LEAST_MONTHS:
            scale = f"SpO2 scale {material.spo2_scale}"
            found.append(self._score(ScoreKind.NEWS2, f"RCP 2017, {scale}", news2(material.news2()), material, at))
            found.append(self._score(ScoreKind.MEWS, MEWS_VARIANT, material.mews(), material, at))
        band = self._table.band_of(months) if self._table is not None else None
        if self._table is not None and band is not None:
            found.append(self._score(ScoreKind.PEWS, self._table.name, material.pews(self._table, band), material, at))
        if (ratio := material.shock_index(months)) is not None:
            variant = "HR / SYS" if months is None or months >= ADULT_MONTHS else "HR / SYS, SIPA"
            found.append(self._score(ScoreKind.SHOCK_INDEX, variant, ratio, material, at))
        return found

    def _score(self, kind: ScoreKind, variant: str, result: Result, material: "Material", at: datetime) -> Score:
        inputs = tuple(material.input(name, points) for name, points in result.points.items())
        return Score(ScoreId(""), kind, variant, at, result.total, result.band, inputs, self._demo)


@dataclass(frozen=True, slots=True)
class Material:
    """What a score is made of at a moment: readings young enough, and entries."""

    readings: Mapping[Vital, Reading | None]
    entered: Entries

    @property
    def spo2_scale(self) -> int:
        return int(self.entered[Entry.SPO2_SCALE].value) if Entry.SPO2_SCALE in self.entered else 1

    @property
    def oxygen(self) -> bool | None:
        return self.entered[Entry.OXYGEN].value == "yes" if Entry.OXYGEN in self.entered else None

    @property
    def consciousness(self) -> Consciousness | None:
        known = self.entered.get(Entry.CONSCIOUSNESS)
        return None if known is None else Consciousness(known.value)

    def value(self, vital: Vital) -> float | None:
        if vital is Vital.TEMPERATURE and self._entered_temperature is not None:
            return float(self._entered_temperature.value)
        reading = self.readings[vital]
        return None if reading is None else reading.value

    def news2(self) -> News2Inputs:
        return News2Inputs(
            resp_rate=self.value(Vital.RESP_RATE),
            spo2=self.value(Vital.SPO2),
            spo2_scale=self.spo2_scale,
            oxygen=self.oxygen,
            systolic=self.value(Vital.SYSTOLIC),
            heart_rate=self.value(Vital.HEART_RATE),
            consciousness=self.consciousness,
            temperature=self.value(Vital.TEMPERATURE),
        )

    def mews(self) -> Result:
        return mews({vital.value: self.value(vital) for vital in _VITALS}, self.consciousness)

    def pews(self, table: PewsTable, band: PewsBand) -> Result:
        values = {vital.value: self.value(vital) for vital in _VITALS}
        return pews(table, band, values, oxygen=self.oxygen, consciousness=self.consciousness)

    def shock_index(self, months: int | None) -> Result | None:
        """Return it if rate and pressure were measured near each other."""
        rate, pressure = self.readings[Vital.HEART_RATE], self.readings[Vital.SYSTOLIC]
        if rate is None or pressure is None or pressure.value <= 0:
            return None
        if not belong_together(rate.taken_at, pressure.taken_at):
            return None
        return shock_index(rate.value, pressure.value, months)

    def input(self, name: str, points: int | None) -> ScoreInput:
        """Return an input as it is kept."""
        if name in (Entry.OXYGEN, Entry.CONSCIOUSNESS) or (name == Vital.TEMPERATURE and self._entered_temperature):
            known = self.entered.get(Entry(name))
            return _entered(name, points, known)
        vital = Vital(name)
        reading = self.readings[vital]
        if reading is None:
            return ScoreInput(name, "", None)
        sign = SIGNS[vital]
        shown = sign.written(rounded(reading.value, sign.decimals))
        return ScoreInput(name, shown, points, reading.taken_at, reading.source)

    @property
    def _entered_temperature(self) -> Entered | None:
        known, reading = self.entered.get(Entry.TEMPERATURE), self.readings[Vital.TEMPERATURE]
        return known if known is not None and (reading is None or known.at >= reading.taken_at) else None


def _entered(name: str, points: int | None, known: Entered | None) -> ScoreInput:
    if known is None:
        return ScoreInput(name, "", None)
    return ScoreInput(name, known.value, points, known.at, known.by_name)


def _young(known: Entered, at: datetime) -> bool:
    # The scale is a standing order, the others describe a moment.
    return known.entry is Entry.SPO2_SCALE or (at - known.at).total_seconds() <= MAX_AGE_S[known.entry.value]


def _candidate(waiting: _Candidate | None, known: Score | None, score: Score, at: datetime) -> _Candidate:
    worse = known is not None and score.total > known.total
    if waiting is None:
        return _Candidate(score, at, at if worse else None)
    # Before the first issue anything counts: there is nothing to be mistaken for.
    same = known is None or _same(waiting.score, score)
    worse_since = (waiting.worse_since or at) if worse else None
    return _Candidate(score, waiting.since if same else at, worse_since)


def _is_due(candidate: _Candidate, at: datetime, patience_s: float) -> bool:
    """Say whether it has been the same for long enough, or worse: who gets worse and worse is never the same."""
    begins = [candidate.since] if candidate.worse_since is None else [candidate.since, candidate.worse_since]
    return (at - min(begins)).total_seconds() >= patience_s


def _same(one: Score, other: Score) -> bool:
    if one.kind is ScoreKind.SHOCK_INDEX:
        return one.band == other.band and abs(one.total - other.total) < _SHOCK_STEP
    return one.key == other.key


NO_ENTRIES: Entries = MappingProxyType({})
