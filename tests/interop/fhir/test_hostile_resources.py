"""Ten thousand resources that nobody would send: values, or a reason; never anything else."""

import copy
import json
import random
from typing import Any

from tests.interop.fhir.resources import a_bundle, a_component, an_observation, coded, quantity, sampled, shown

ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        "",
        "x" * 5_000,
        "a\u0000b",
        "\ud800",
        0,
        -1,
        2**63,
        1e308,
        -0.0,
        [],
        {},
        [[]],
        [None],
        {"coding": 1},
    ),
    *("2026-01-01T11:00:00Z", "8867-4", "/min", {"value": 5}, "E", "entered-in-error", "1e5", [{"resource": {}}]),
)
ORIGINALS = (
    an_observation(),
    an_observation(
        code=coded(("http://loinc.org", "9268-4")), component=[a_component("8480-6", valueQuantity=quantity(1, "kPa"))]
    ),
    sampled("1 2 E 3"),
    a_bundle("transaction", an_observation(), sampled("4 5")),
    a_bundle("batch", an_observation(identifier=[{"system": "s", "value": "v"}])),
)


def change(chance: random.Random, tree: Any) -> None:
    while isinstance(tree, dict | list) and tree:
        place: Any = chance.choice(list(tree)) if isinstance(tree, dict) else chance.randrange(len(tree))
        if chance.random() < 0.4 or not isinstance(tree[place], dict | list):
            tree[place] = copy.deepcopy(chance.choice(ODD))
            return
        tree = tree[place]


def test_ten_thousand_resources_are_kept_or_refused() -> None:
    chance = random.Random(9)
    for n in range(10_000):
        tree = json.loads(json.dumps(chance.choice(ORIGINALS)))
        for _ in range(chance.randint(1, 4)):
            change(chance, tree)
        data = bytearray(json.dumps(tree).encode())
        if n % 5 == 0:
            data[chance.randrange(len(data))] = chance.randrange(256)
        found = shown(bytes(data))
        json.dumps(found, allow_nan=False)
        assert all(one["text"] and one["reason"] for one in found["quarantined"])
