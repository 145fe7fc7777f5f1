"""From rows to what is printed and kept: medians of the repetitions, ratios, one line of JSON."""

import platform
from collections.abc import Sequence
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.media.measuring import Row, median

HEADLINE_ROOMS = 25
OURS = "telehealth"
_NUMBERS = tuple(f.name for f in fields(Row) if f.name not in ("system", "rooms", "size", "profile", "repetition"))


def medians(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Join the repetitions of each case, in the order in which they first came; the quieter half of them counts.

    Quieter for all: a repetition stands or falls with the busiest of its systems, so that none is compared in better
    conditions than another.
    """
    cases: dict[tuple[str, int, int], list[Row]] = {}
    for row in rows:
        cases.setdefault((row.system, row.rooms, row.size), []).append(row)
    joined = []
    for (system, rooms, size), found in cases.items():
        kept = _quieter([row for row in rows if (row.rooms, row.size) == (rooms, size)])
        counted = [row for row in found if row.repetition in kept]
        entry = {"system": system, "rooms": rooms, "size": size, "profile": found[0].profile, "runs": len(found)}
        entry |= {name: median([getattr(one, name) for one in counted]) for name in _NUMBERS}
        joined.append(entry)
    return joined


def _quieter(rows: Sequence[Row]) -> set[int]:
    """Return the half of the repetitions of a case in which least else ran beside any of its systems."""
    busiest: dict[int, float] = {}
    for row in rows:
        busiest[row.repetition] = max(busiest.get(row.repetition, 0.0), row.others)
    return set(sorted(busiest, key=lambda number: busiest[number])[: (len(busiest) + 1) // 2])


def with_added(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Say what each system adds to the echo's latency under the load closest to its own."""
    echoes = [row for row in rows if row["system"] == "echo"]
    found = []
    for row in rows:
        echo = min(echoes, key=lambda one: abs(one["sent_per_s"] - row["sent_per_s"]), default=None)
        more: dict[str, float | None] = {}
        for name in ("p50_ms", "p99_ms"):
            known = row[name] is not None and echo is not None
            more[f"added_{name}"] = max(0.0, row[name] - echo[name]) if known and echo is not None else None
        found.append({**row, **more})
    return found


def summary(rows: Sequence[dict[str, Any]], idle: dict[str, float]) -> dict[str, Any]:
    """Return the figures that are compared from one change to the next: rooms of two."""
    pairs = [row for row in rows if row["size"] == 2]
    ours = _nearest([row for row in pairs if row["system"] == OURS])
    others = [row for row in pairs if row["system"].startswith("janus") and ours and row["rooms"] == ours["rooms"]]
    # Janus may be configured in two ways: the cheaper one counts.
    janus = min(others, key=lambda row: row["cpu_us_per_packet"], default=None)
    relay = next((row for row in rows if row["system"] == "MediaRelay"), None)
    if ours is None:
        return {}
    theirs = janus or dict.fromkeys(ours)
    cost, their_cost = ours["cpu_us_per_packet"], theirs["cpu_us_per_packet"]
    per_room = ours["cpu_cores"] / ours["rooms"]
    carried = [row["forwarded_per_s"] for row in rows if row["system"] == OURS and row["delivered"] > 0.995]
    return {
        "rooms": ours["rooms"],
        "cpu_us_per_packet": _round(cost),
        "janus_cpu_us_per_packet": _round(their_cost),
        "ratio_to_janus": _round(cost / their_cost if their_cost else None),
        "relay_consultations_ratio": _round(relay["cpu_cores"] / per_room if relay and per_room else None),
        "consultations_per_core": _round(1 / per_room if per_room else None),
        "packets_per_s_core": _round(1e6 / cost if cost else None),
        "carried_packets_per_s": _round(max(carried, default=None)),
        "added_p50_ms": _round(ours["added_p50_ms"]),
        "added_p99_ms": _round(ours["added_p99_ms"]),
        "janus_added_p50_ms": _round(theirs["added_p50_ms"]),
        "janus_added_p99_ms": _round(theirs["added_p99_ms"]),
        "kib_per_idle_participant": _round(idle.get(OURS)),
        "janus_kib_per_idle_participant": _round(idle.get("janus")),
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    head = f"{'system':<16}{'rooms':>6}{'size':>5}{'fwd/s':>9}{'deliv':>8}{'core':>7}{'µs/pkt':>8}"
    text = [head + f"{'added p50':>11}{'p99 ms':>9}{'KiB each':>10}{'late ms':>9}{'others':>8}"]
    for row in rows:
        text.append(
            f"{row['system']:<16}{row['rooms']:>6}{row['size']:>5}{row['forwarded_per_s']:>9.0f}"
            f"{row['delivered']:>8.1%}{row['cpu_cores']:>7.1%}{row['cpu_us_per_packet']:>8.1f}"
            f"{_shown(row['added_p50_ms']):>11}{_shown(row['added_p99_ms']):>9}"
            f"{row['active_kib']:>10.0f}{row['late_ms']:>9.1f}{row['others']:>8.2f}"
        )
    return "\n".join(text)


def machine() -> dict[str, str]:
    """Say what it ran on."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    packages = ("aiortc", "aioice", "pylibsrtp", "uvloop")
    return {
        "cpu": f"{len(models)} × {models[0].partition(':')[2].strip()}" if models else platform.machine(),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def _nearest(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    return min(rows, key=lambda row: abs(row["rooms"] - HEADLINE_ROOMS), default=None)


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3 if value < 10 else 1)


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
