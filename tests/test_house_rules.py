"""Rules of the house that no linter knows."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
VAGUE = {"utils", "util", "helpers", "common", "misc", "manager", "base", "core", "lib", "session", "stream", "info"}
MACHINE_PATHS = re.compile(r"(?<![\w./])/(?:home|root|Users)/\w")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|NotImplementedError)\b")


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [ROOT / name for name in listed if (ROOT / name).is_file()]


SOURCES = tracked("telehealth/*.py", "static/*.js", "templates/*.html", "static/*.css")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", tracked("telehealth/*.py"), ids=name)
def test_a_module_is_named_by_what_it_holds(path: Path) -> None:
    assert path.stem not in VAGUE


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_source_file_says_nothing_of_its_being_unfinished(path: Path) -> None:
    assert not UNFINISHED.search(path.read_text())


@pytest.mark.parametrize("path", tracked("*.py", "*.js", "*.html", "*.css", "*.md", "Makefile", "*.toml"), ids=name)
def test_no_file_names_a_folder_of_somebody_s_machine(path: Path) -> None:
    assert not MACHINE_PATHS.search(path.read_text())


@pytest.mark.parametrize("path", tracked("telehealth/*.py"), ids=name)
def test_a_source_file_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 600


@pytest.mark.parametrize("path", tracked("static/*.css"), ids=name)
def test_styles_are_safe_for_both_directions_of_writing(path: Path) -> None:
    physical = re.compile(
        r"\b(?:margin|padding|border)-(?:left|right)\b|(?:^|[;{\s])(?:left|right)\s*:|text-align:\s*(?:left|right)"
    )
    assert not physical.search(path.read_text())
