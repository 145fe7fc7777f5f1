"""Nothing is lost, doubled or changed when links, the server and the gateway fail. At full size: bench-survival."""

from pathlib import Path

import pytest

from benchmarks.survival.trial import Plan, trial

SMALL = Plan(samples=64_000, cuts=3, server_kills=2, gateway_kills=1, seed=3)


@pytest.mark.timeout(120)
async def test_samples_survive_cut_links_and_sudden_deaths_of_server_and_gateway(tmp_path: Path) -> None:
    result = await trial(SMALL, tmp_path)
    assert (result["cuts"], result["server_kills"], result["gateway_kills"]) == (3, 2, 1)
    assert result["samples"] >= SMALL.samples
    assert (result["lost"], result["duplicated"], result["wrong"], result["numerics_lost"]) == (0, 0, 0, 0)
    assert result["in_order"]
