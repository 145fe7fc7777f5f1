"""A strip as a document: SVG in millimetres, with the grid of ECG paper (1 mm and 5 mm; 25 mm/s, 10 mm/mV)."""

import sys
from array import array
from collections.abc import Iterator
from datetime import timedelta
from html import escape
from statistics import median

from telehealth.vitals.history import Strip, StripRow
from telehealth.vitals.model import MISSING, FrameFlag, WaveBlock, WaveChannel

MM_PER_S = 25.0
MM_PER_MV = 10.0
ROW_MM = 30.0
_LEFT, _TOP, _BOTTOM = 15.0, 12.0, 10.0
_HEAD = 0.8
"""Share of a row that a wave without millivolts fills."""

# Attributes, not a style sheet: our pages' policy allows none inside a document.
_FINE = 'stroke="#f4c4c4" stroke-width=".1"'
_COARSE = 'stroke="#e79a9a" stroke-width=".2"'
_WAVE = 'fill="none" stroke="#111" stroke-width=".25" stroke-linejoin="round"'


def strip_svg(strip: Strip) -> str:
    """Return the strip as an SVG document. It names no patient: who asked for it knows."""
    width, height = strip.seconds * MM_PER_S, max(1, len(strip.rows)) * ROW_MM
    whole_width, whole_height = _LEFT + width + 5, _TOP + height + _BOTTOM
    end = strip.begins_at + timedelta(seconds=strip.seconds)
    demo = any(block.flags & FrameFlag.DEMO for row in strip.rows for block in row.blocks)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole_width:g}mm" height="{whole_height:g}mm" '
        f'viewBox="0 0 {whole_width:g} {whole_height:g}" font-family="sans-serif" font-size="3">',
        f'<rect width="{whole_width:g}" height="{whole_height:g}" fill="#fff"/>',
        *_grid(width, height),
        f'<text x="{_LEFT:g}" y="6">{strip.begins_at:%Y-%m-%d %H:%M:%S}.{strip.begins_at.microsecond // 1000:03d} '
        f"to {end:%H:%M:%S} UTC; {MM_PER_S:g} mm/s (nominal)</text>",
    ]
    if demo:
        parts.append(f'<text fill="#a00" font-size="4" x="{_LEFT:g}" y="11">Demonstration data</text>')
    for number, row in enumerate(strip.rows):
        parts += _row(strip, row, _TOP + number * ROW_MM)
    foot = "Stored samples, neither filtered nor interpolated; each row is shifted to its median. Not for diagnosis."
    parts.append(f'<text x="{_LEFT:g}" y="{whole_height - 3:g}">{foot}</text></svg>')
    return "\n".join(parts)


def _grid(width: float, height: float) -> Iterator[str]:
    for of_five in (False, True):
        lines = [f"M{_LEFT + x:g} {_TOP:g}v{height:g}" for x in range(int(width) + 1) if (x % 5 == 0) is of_five]
        lines += [f"M{_LEFT:g} {_TOP + y:g}h{width:g}" for y in range(int(height) + 1) if (y % 5 == 0) is of_five]
        yield f'<path {_COARSE if of_five else _FINE} d="{"".join(lines)}"/>'


def _row(strip: Strip, row: StripRow, top: float) -> Iterator[str]:
    channel, middle = row.channel, top + ROW_MM / 2
    runs = list(_runs(strip, row))
    values = [value for run in runs for _, value in run]
    zero = median(values) if values else 0.0
    scale, said = _scale(channel, values, zero)
    yield f'<text x="1" y="{middle - 2:g}">{escape(channel.label)}</text>'
    yield f'<text x="1" y="{middle + 2:g}">{said}</text>'
    if channel.unit == "mV":
        # The mark of one millivolt, as machines draw it.
        yield f'<path {_WAVE} d="M{_LEFT - 4:g} {middle:g}h1v-{MM_PER_MV:g}h2v{MM_PER_MV:g}h1"/>'
    for run in runs:
        points = " ".join(f"{x:.2f},{middle - (value - zero) * scale:.2f}" for x, value in run)
        yield f'<polyline {_WAVE} points="{points}"/>'


def _scale(channel: WaveChannel, values: list[float], zero: float) -> tuple[float, str]:
    if channel.unit == "mV":
        return MM_PER_MV, f"{MM_PER_MV:g} mm/mV"
    reach = max((abs(value - zero) for value in values), default=0.0)
    scale = ROW_MM / 2 * _HEAD / reach if reach else 1.0
    return scale, "relative" if channel.unit == "1" else f"{scale:.3g} mm/{escape(channel.unit)}"


def _runs(strip: Strip, row: StripRow) -> Iterator[list[tuple[float, float]]]:
    """Yield stretches without a hole: place in mm and value of each sample. A line never bridges what is missing."""
    channel, run = row.channel, list[tuple[float, float]]()
    right, expected = _LEFT + strip.seconds * MM_PER_S, -1
    begin_ms = strip.begins_at.timestamp() * 1000
    for block in row.blocks:
        if block.first_index != expected and run:
            yield run
            run = []
        expected = block.first_index + block.count
        for number, raw in enumerate(_samples(block)):
            at_ms = block.starts_at_ms - begin_ms + number * 1000.0 / channel.rate_hz
            x = _LEFT + at_ms / 1000 * MM_PER_S
            if raw == MISSING or not _LEFT <= x <= right:
                if run:
                    yield run
                    run = []
                continue
            run.append((x, raw * channel.gain + channel.offset))
    if run:
        yield run


def _samples(block: WaveBlock) -> "array[int]":
    samples = array("h", block.samples)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples
