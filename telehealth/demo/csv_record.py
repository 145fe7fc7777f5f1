"""Recordings as text: a row of names, then a row for each sample, with a column of times or a rate in front.

    # rate_hz: 116.99          instead of a column of times, or where its stamps are coarse
    Time [s], II [mV], PLETH
    0.000, 0.125, 511

The rate is what the times of the whole file come to, never that of a rounded step: it need not be whole. Rows that are
missing by the times, empty cells and NaN are gaps.
"""

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from types import MappingProxyType

import numpy as np

from telehealth.demo.derived_numerics import Signal
from telehealth.demo.recording import MAX_SIGNALS, NUMERICS_BELOW_HZ, Digits, Recording, trace_of, track_of
from telehealth.errors import Invalid

MAX_BYTES = 64 * 1024 * 1024
MAX_ROWS = 20_000_000
"""Rows with those that are missing."""

_BLOCK = 250
_LEAST_ROWS = 10
_MAX_PLACES = 9
_LARGEST = 1e12
_RATE = re.compile(r"#\s*rate_hz\s*[:=]\s*(?P<rate>\d{1,5}(?:\.\d{1,12})?)\s*", re.ASCII | re.IGNORECASE)
_HEADING = re.compile(r"(?P<name>.*?)\s*(?:[\[(](?P<unit>[^\])]*)[\])])?\s*")
_SECONDS = MappingProxyType({"s": 1.0, "sec": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0})
_TIMES = MappingProxyType({"time": "", "t": "", "elapsed time": "", "time_s": "s", "time_ms": "ms", "timer": "ms"})
"""Names of the column of times, and their unit if the name itself tells it (`timer`: milliseconds, as heartpy)."""

_ALIASES = MappingProxyType({"hr": "PPG"})
"""What others call a wave: heartpy's `hr` is the signal from which it finds the rate."""


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    unit: str
    values: Signal
    digits: tuple[Digits, ...]


def read_csv(path: Path) -> Recording:
    """Return the recording.

    Raises:
        Invalid: `no_record`: it is not there, too large, or no such table; `no_rate`: neither its times nor its header
            tell the rate; `no_waveform`: it holds nothing that we can send.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Invalid(f"The recording {path.name} is too large.", code="no_record")
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"The recording {path.name} can't be read.", code="no_record") from error
    comments = list(takewhile(lambda line: line.startswith("#"), lines))
    try:
        columns = _columns(lines[len(comments) :], path.name)
    except csv.Error as error:
        raise Invalid(f"The recording {path.name} is no table.", code="no_record") from error
    found = _recording(columns, _declared_rate(comments))
    if not found.length_s:
        raise Invalid(f"The recording {path.name} holds nothing that can be sent.", code="no_waveform")
    return found


def _declared_rate(comments: Sequence[str]) -> float | None:
    rates = [float(found["rate"]) for line in comments if (found := _RATE.fullmatch(line.strip()))]
    return rates[0] if rates and rates[0] > 0 else None


def _columns(lines: Sequence[str], name: str) -> list[_Column]:
    heading = lines[0] if lines else ""
    delimiter = max(",;\t", key=heading.count)
    names = next(csv.reader([heading], delimiter=delimiter), [])
    cells: list[list[str]] = [[] for _ in names]
    for row in csv.reader((line for line in lines[1:] if line.strip()), delimiter=delimiter):
        for n, column in enumerate(cells):
            column.append(row[n].strip() if n < len(row) else "")
    if not cells or not any(char.isalpha() for char in heading) or len(cells[0]) < _LEAST_ROWS:
        raise Invalid(f"The recording {name} is no table with a row of names and rows of numbers.", code="no_record")
    return [_column(heading, column) for heading, column in zip(names, cells, strict=True)]


def _column(heading: str, cells: Sequence[str]) -> _Column:
    found = _HEADING.fullmatch(heading.strip())
    name, unit = (found["name"], found["unit"] or "") if found else (heading, "")
    values = np.array([_number(cell) for cell in cells], dtype=np.float64)
    return _Column(name, unit, values, _digits(values, max(map(_places, cells))))


def _number(cell: str) -> float:
    """Return the number in the cell; NaN for none, and for what is no number."""
    try:
        number = float(cell)
    except ValueError:
        return math.nan
    return number if abs(number) < _LARGEST else math.nan


def _places(cell: str) -> int:
    """Return how many decimals the number is written with."""
    digits, _, exponent = cell.lower().partition("e")
    shift = int(exponent) if re.fullmatch(r"[+-]?\d{1,3}", exponent, re.ASCII) else 0
    return max(0, len(digits.partition(".")[2]) - shift)


def _digits(values: Signal, places: int) -> tuple[Digits, ...]:
    """Return digits of the numbers' own last decimal, with which they come back as they are written."""
    if places > _MAX_PLACES or bool(np.isnan(values).all()):
        return ()
    step = 10.0**-places
    middle = round(float(np.nanmin(values) + np.nanmax(values)) / 2, places)
    return Digits(step, 0.0), Digits(step, middle)


def _recording(columns: Sequence[_Column], declared_hz: float | None) -> Recording:
    timed = next((n for n, column in enumerate(columns) if column.name.lower() in _TIMES), None)
    signals = [column for n, column in enumerate(columns) if n != timed][:MAX_SIGNALS]
    rows = len(columns[0].values)
    if timed is None or (declared_hz and _coarse(columns[timed].values)):
        rate_hz, places = declared_hz, np.arange(rows)
    else:
        rate_hz, places = _paced(_seconds(columns[timed]), declared_hz)
    if not rate_hz:
        text = "The recording tells no rate: give it a column `Time [s]`, or a first line `# rate_hz: …`."
        raise Invalid(text, code="no_rate")
    if rate_hz < NUMERICS_BELOW_HZ:
        tracks = [track_of(column.name, column.unit, _placed(column.values, places)) for column in signals]
        return Recording(numerics=tuple(track for track in tracks if track), rows_hz=rate_hz)
    traces = (
        trace_of(
            n,
            _ALIASES.get(column.name.lower(), column.name),
            column.unit,
            rate_hz,
            _placed(column.values, places),
            column.digits,
        )
        for n, column in enumerate(signals, start=1)
    )
    return Recording(tuple(traces))


def _placed(values: Signal, places: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Signal:
    """Return the values where they belong, and NaN between them where rows are missing."""
    placed = np.full(int(places[-1]) + 1, np.nan)
    placed[places] = values
    return placed


def _seconds(column: _Column) -> Signal:
    unit = column.unit or _TIMES[column.name.lower()]
    if unit not in _SECONDS:
        text = "The column of times tells no unit: call it `Time [s]` or `Time [ms]`."
        raise Invalid(text, code="no_rate")
    return column.values * _SECONDS[unit]


def _coarse(times: Signal) -> bool:
    """Say whether the stamps are too coarse to tell one sample from the next."""
    return bool(np.median(np.diff(times)) == 0)


def _paced(times: Signal, declared_hz: float | None) -> tuple[float, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Return the rate, and the place of each row, counted in samples from the first."""
    steps = np.diff(times)
    if np.isnan(times).any() or (steps < 0).any() or _coarse(times):
        text = "The column of times has holes, goes back, or is too coarse to tell the rate."
        raise Invalid(text, code="no_rate")
    # Over many rows the rounding of the stamps is small; in the median of such blocks, so are the gaps.
    block = min(_BLOCK, max(1, len(steps) // 4))
    period_s = float(np.median(times[block:] - times[:-block])) / block
    # A step is a gap if it is longer than the stamps' own unevenness could make it.
    uneven_s = float(np.quantile(np.abs(steps - period_s), 0.9))
    gaps = steps > period_s + max(0.6 * period_s, 3 * uneven_s)
    if gaps.all():
        raise Invalid("The column of times is too uneven to tell the rate.", code="no_rate")
    rate_hz = declared_hz or float(np.count_nonzero(~gaps) / steps[~gaps].sum())
    strides = np.where(gaps, np.maximum(2, np.round(steps * rate_hz)), 1)
    if strides.sum() > MAX_ROWS:
        raise Invalid("The recording has too long a gap.", code="no_record")
    return rate_hz, np.concatenate(([0], np.cumsum(strides))).astype(np.int64)
