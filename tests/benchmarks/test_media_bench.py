"""The comparison of media planes runs, counts what arrives and ends with its line of JSON; joins leave nothing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.media import report
from benchmarks.media.measuring import Row

ROOT = Path(__file__).parents[2]
KEYS = {
    "rooms",
    "cpu_us_per_packet",
    "janus_cpu_us_per_packet",
    "ratio_to_janus",
    "relay_consultations_ratio",
    "packets_per_s_core",
    "added_p99_ms",
    "janus_added_p99_ms",
    "kib_per_idle_participant",
}

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="CPU time is read from /proc")


def run(module: str, *arguments: str) -> dict[str, Any]:
    """Run a benchmark in a process of its own, since it pins itself; return its last line."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_a_short_comparison_measures_and_reports(tmp_path: Path) -> None:
    quick = ("--rooms", "1", "--sizes", "2", "--seconds", "1", "--idle", "4", "--patience", "0")
    where = ("--host", "127.0.0.1", "--results", str(tmp_path))
    told = run("benchmarks.media", *quick, *where, "--without-relay")
    assert set(told) >= KEYS
    assert told["rooms"] == 1
    assert told["janus_cpu_us_per_packet"] is None
    assert told["cpu_us_per_packet"] > 0
    [kept] = tmp_path.glob("media-*.json")
    [ours] = [row for row in json.loads(kept.read_text())["rows"] if row["system"] == report.OURS]
    assert ours["delivered"] > 0.9
    assert ours["undecryptable"] == 0
    assert "GCM" in ours["profile"]


def test_joins_and_leaves_leave_no_descriptor_task_or_thread() -> None:
    told = run("benchmarks.churn", "--joins", "40")
    assert told["after"] == told["before"]
    assert told["after"]["transports"] == 0


def row(system: str, cpu: float, **more: Any) -> Row:
    same = {"rooms": 25, "size": 2, "cpu_cores": cpu / 100, "p50_ms": 0.1, "p99_ms": 0.3}
    told = {"sent_per_s": 10_000, "forwarded_per_s": 10_000, "delivered": 1.0, "late_ms": 1.0, "generator_cores": 0.2}
    return Row(system=system, cpu_us_per_packet=cpu, undecryptable=0, **{**same, **told, **more})


def test_ratios_compare_the_same_repetitions_and_only_the_quieter_ones() -> None:
    rows = [
        row("echo", 8.0, p99_ms=0.1),
        row(report.OURS, 16.0),
        row("janus", 20.0, p99_ms=0.5),
        row("MediaRelay", 1800.0, rooms=1, cpu_cores=0.64, p99_ms=None),
        row("echo", 8.0, p99_ms=0.1, repetition=1),
        # As quiet as the first for us, but not for the other: neither counts.
        row(report.OURS, 12.0, repetition=1),
        row("janus", 40.0, p99_ms=0.9, others=1.5, repetition=1),
    ]
    told = report.summary(report.with_added(report.medians(rows)), {report.OURS: 137.0})
    assert told["ratio_to_janus"] == 0.8
    assert told["relay_consultations_ratio"] == 100.0
    assert told["added_p99_ms"] == pytest.approx(0.2)
    assert told["janus_added_p99_ms"] == pytest.approx(0.4)
    assert told["packets_per_s_core"] == 62_500.0
    assert told["kib_per_idle_participant"] == 137.0
