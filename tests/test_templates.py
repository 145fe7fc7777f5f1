"""Templates: nothing inline, and every page renders with its least and its fullest data."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from telehealth.web.assets import Assets

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|<style|\sstyle=|\son\w+=|javascript:", re.IGNORECASE
)
ELSEWHERE = re.compile(r"""(?:src|href|action)=["'](?:https?:)?//""", re.IGNORECASE)
PHYSICAL = re.compile(
    r"^\s*(?:margin|padding|border)-(?:left|right)\b|^\s*(?:left|right)\s*:|text-align:\s*(?:left|right)", re.M
)
SCRIPTS_THAT_MARK_UP = re.compile(r"\.innerHTML\b|\.outerHTML\b|insertAdjacentHTML|document\.write\b|\beval\(")

NASTY = '</script><b>O\'Brien & "Söhne"</b>'
ROLES = {
    "home": "patient",
    "book": "patient",
    "worklist": "practitioner",
    "availability": "practitioner",
    "ambulance": "paramedic",
    "admin": "admin",
}
PUBLIC = ["front", "login", "join", "renew", "demo", "about", "error"]
PAGES = [*PUBLIC, *ROLES]


def path_name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def person(role: str, *, name: str = "Ana Ruiz", zone: str = "Europe/Berlin") -> dict[str, str]:
    return {"subject": "0" * 32, "role": role, "name": name, "time_zone": zone}


def render(name: str, user: dict[str, str] | None, *, demo: bool = False, **data: Any) -> str:
    page = {"page": name, "user": user, "demo": demo, "build": "x", **data}
    context = {"page": page, "user": user, "title": "A title", "active": name, "nav": name, "demo": demo}
    return Assets(ROOT / "static", ROOT / "templates").render(f"pages/{name}.html", context)


class Outline(HTMLParser):
    """What a page is made of: ids, headings, references and what points to what."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.headings: list[str] = []
        self.pointers: set[str] = set()
        self.labelled: set[str] = set()
        self.controls: list[dict[str, str | None]] = []
        self.assets: list[str] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.headings += [tag] if tag in {"h1", "h2", "h3"} else []
        for name in ("aria-labelledby", "aria-describedby"):
            self.pointers.update((found.get(name) or "").split())
        self.labelled.update([found["for"] or ""] if tag == "label" and "for" in found else [])
        self.controls += [found] if tag in {"input", "select", "textarea"} else []
        for name in ("src", "href"):
            address = found.get(name) or ""
            self.assets += [address] if address.startswith("/static/") else []


@pytest.mark.parametrize("path", TEMPLATES, ids=path_name)
def test_a_template_carries_no_script_no_style_and_nothing_from_elsewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not INLINE.search(text)
    assert not ELSEWHERE.search(text)


@pytest.mark.parametrize("path", sorted((ROOT / "static/js").rglob("*.js")), ids=path_name)
def test_a_script_never_turns_text_into_markup(path: Path) -> None:
    assert not SCRIPTS_THAT_MARK_UP.search(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", sorted((ROOT / "static/css").rglob("*.css")), ids=path_name)
def test_a_style_sheet_knows_no_left_and_right_and_loads_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not PHYSICAL.search(text)
    assert "url(" not in text
    assert "@import" not in text


@pytest.mark.parametrize("name", PAGES)
def test_a_page_renders_with_its_least_and_its_fullest_data(name: str) -> None:
    role = ROLES.get(name)
    needed: dict[str, Any] = {"status": 500} if name == "error" else {}
    least = render(name, person(role, name="", zone="") if role else None, **needed)
    fullest = render(
        name,
        person(role or "patient", name=NASTY),
        demo=True,
        visit="/rooms/" + "a" * 32,
        next="/home?x=" + NASTY,
        status=404,
    )
    for markup in (least, fullest):
        assert markup.lstrip().lower().startswith("<!doctype html>")
        assert NASTY not in markup
    assert "Return to my visit" in fullest


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_one_way_to_be_read(name: str) -> None:
    role = ROLES.get(name)
    page = Outline(render(name, person(role) if role else None, status=404))
    assert len(page.ids) == len(set(page.ids))
    assert page.pointers <= set(page.ids)
    assert "h1" in page.headings
    for control in page.controls:
        named = control.get("id") in page.labelled or control.get("type") in {"radio", "checkbox"}
        assert named, f"{control} has no label"
    for address in page.assets:
        assert (ROOT / "static" / address.split("/", 3)[3].split("#")[0]).is_file(), address


@pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 429, 500, 503])
def test_an_error_page_says_what_to_do(status: int) -> None:
    markup = render("error", None, status=status)
    assert f"Code {status}" in markup
    assert "To the start page" in markup


def test_the_data_of_a_page_can_be_read_back_and_cannot_break_out() -> None:
    markup = render("login", None, next=NASTY)
    found = re.search(r'<script type="application/json" id="page">(.*?)</script>', markup, re.DOTALL)
    assert found
    assert json.loads(found[1])["next"] == NASTY


@pytest.mark.parametrize(
    ("name", "hook"),
    [
        ("join", "join-button"),
        ("home", "join-button"),
        ("ambulance", "new-case-button"),
        ("ambulance", "ring-button"),
    ],
)
def test_a_page_has_its_hook(name: str, hook: str) -> None:
    role = ROLES.get(name)
    assert f'data-testid="{hook}"' in render(name, person(role) if role else None)


def test_every_icon_that_is_used_is_drawn() -> None:
    sprite = (ROOT / "static/icons/sprite.svg").read_text(encoding="utf-8")
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', sprite))
    used: set[str] = set()
    for path in [*TEMPLATES, *(ROOT / "static/js").rglob("*.js")]:
        used.update(re.findall(r"""\bicon\(["']([\w-]+)["']\)""", path.read_text(encoding="utf-8")))
    assert used
    assert used <= drawn


def test_every_phrase_that_a_script_asks_for_is_in_a_catalogue() -> None:
    catalogues = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "static/js/i18n").glob("*.js"))
    known = set(re.findall(r'"([\w.-]+)":', catalogues))
    asked: set[str] = set()
    for path in (ROOT / "static/js").rglob("*.js"):
        asked.update(re.findall(r"""\btext\("([\w.-]+)\"""", path.read_text(encoding="utf-8")))
    assert asked <= known, sorted(asked - known)
