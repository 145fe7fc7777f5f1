"""`python -m benchmarks.survival`: a million samples through cuts and kills; the last line is one JSON object."""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.survival.trial import Plan, trial


def main(arguments: list[str]) -> int:
    """Run the trial; 1 if anything was lost, doubled or changed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.survival", description=__doc__)
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--server-kills", type=int, default=20)
    parser.add_argument("--gateway-kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", default="", help="URL; SQLite in a fresh folder by default")
    parser.add_argument("--json", type=Path, help="write the result to this file, too")
    given = parser.parse_args(arguments)
    plan = Plan(given.samples, given.cuts, given.server_kills, given.gateway_kills, given.seed)
    with tempfile.TemporaryDirectory(prefix="telehealth-survival-") as folder:
        result = asyncio.run(trial(plan, Path(folder), database=given.database))
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n")
    sys.stdout.write(json.dumps(result) + "\n")
    return int(bool(result["lost"] or result["duplicated"] or result["wrong"] or not result["in_order"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
