import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
VECTORS = sorted(
    path for path in (ROOT / "tests" / "vectors").rglob("*.json") if path.parent.name in ("client", "server")
)
EXAMPLE = re.compile(r"^`([a-z]+/(?:client|server)/[a-z_]+)`\n\n```json\n(.*?)\n```", re.MULTILINE | re.DOTALL)
SHOWN = dict(EXAMPLE.findall((ROOT / "docs" / "protocol.md").read_text()))


def name(path: Path) -> str:
    return path.relative_to(ROOT / "tests" / "vectors").with_suffix("").as_posix()


@pytest.mark.parametrize("path", VECTORS, ids=name)
def test_the_protocol_document_shows_the_vector(path: Path) -> None:
    assert json.loads(SHOWN[name(path)]) == json.loads(path.read_text())


def test_the_protocol_document_shows_nothing_else() -> None:
    assert set(SHOWN) == {name(path) for path in VECTORS}


@pytest.mark.parametrize("path", VECTORS, ids=name)
def test_a_vector_is_named_by_the_type_it_shows(path: Path) -> None:
    assert json.loads(path.read_text())["type"] == path.stem
