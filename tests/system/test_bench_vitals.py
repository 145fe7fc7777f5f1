"""The measurement of vitals runs, counts and prints what it promises; its figures mean nothing at this size."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = [
    "--devices=3",
    "--seconds=2",
    "--warm=0.5",
    "--backlog=0.5",
    "--crowd=12",
    "--crowd-seconds=1",
    "--no-mosquitto",
]
PROMISED = {
    "devices",
    "lost",
    "duplicated",
    "live_p99_ms",
    "backlog_s",
    "backlog_live_p99_ms",
    "rss_growth_mib",
    "mosquitto_ratio",
}


@pytest.mark.timeout(120)
async def test_a_small_ward_is_measured_and_loses_nothing(tmp_path: Path) -> None:
    where = tmp_path / "result.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.vitals", *SMALL, "--json", str(where)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    result = json.loads(said.decode().splitlines()[-1])
    assert process.returncode == 0
    assert set(result) >= PROMISED
    assert json.loads(where.read_text()) == result
    assert (result["devices"], result["lost"], result["duplicated"], result["refused"]) == (3, 0, 0, 0)
    assert result["crowd"]["lost"] == 0
    assert result["mosquitto_ratio"] is None
    assert result["live_p99_ms"] > 0
