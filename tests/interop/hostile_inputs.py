"""Inputs that nobody would send, made from ones that somebody would; the same at each run."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parents[1] / "vectors"
ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    "",
    "x" * 70_000,
    "a\u0000b",
    "\ud800",
    0,
    -1,
    2**31,
    2**32,
    2**63,
    10**400,
    1e308,
    -0.0,
    float("nan"),
    float("inf"),
    [],
    {},
    [[]],
    {"type": "hello"},
    "1767261600000-3",
    "good",
)


def texts_like(folder: str, count: int, seed: int) -> Iterator[str | bytes]:
    """Yield as many texts: the vectors of the folder with values, names and bytes changed."""
    chance = random.Random(seed)
    originals = [path.read_text() for path in sorted((VECTORS / folder).rglob("*.json"))]
    for n in range(count):
        original = chance.choice(originals)
        kind = n % 4
        if kind == 0:
            yield _damaged(chance, original.encode())
        elif kind == 1:
            yield json.dumps(chance.choice(ODD_VALUES))
        else:
            tree = json.loads(original)
            for _ in range(chance.randint(1, 3)):
                _change(chance, tree)
            yield json.dumps(tree)


def _damaged(chance: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(0, 4)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed[: chance.randint(0, len(changed))] if chance.random() < 0.3 else changed)


def _change(chance: random.Random, tree: Any) -> None:
    while True:
        keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        if not keys:
            return
        key = chance.choice(keys)
        child = tree[key]
        if isinstance(child, dict | list) and child and chance.random() < 0.7:
            tree = child
            continue
        act = chance.random()
        if act < 0.15:
            del tree[key]
        elif act < 0.25 and isinstance(tree, dict):
            tree[f"{key}x"] = child
        else:
            tree[key] = copy.deepcopy(chance.choice(ODD_VALUES))
        return
