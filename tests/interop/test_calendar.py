from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telehealth.interop.calendar import MAX_TEXT, CalendarEvent, appointment_calendar, calendar_text
from tests.builders import an_appointment

START = datetime(2026, 3, 29, 8, 0, tzinfo=UTC)
VISIT = CalendarEvent(
    uid="a1@telehealth",
    starts_at=START,
    ends_at=START + timedelta(minutes=20),
    summary="Video visit with Dr Ifeoma Okafor",
    url="https://clinic.example/rooms/e1",
)


def properties(text: str) -> dict[str, str]:
    """Unfold and split, as a calendar does."""
    assert text.endswith("\r\n")
    lines = text.replace("\r\n ", "").removesuffix("\r\n").split("\r\n")
    return dict(line.split(":", 1) for line in lines if not line.startswith(("BEGIN", "END")))


def unescaped(value: str) -> str:
    out, rest = "", value
    while rest:
        head, rest = rest[0], rest[1:]
        if head == "\\":
            out, rest = out + {"n": "\n"}.get(rest[0], rest[0]), rest[1:]
        else:
            out += head
    return out


def test_a_visit_stands_in_the_calendar_in_utc() -> None:
    found = properties(calendar_text(VISIT, START - timedelta(days=1)))
    assert found == {
        "VERSION": "2.0",
        "PRODID": "-//telehealth//consultations//EN",
        "METHOD": "PUBLISH",
        "UID": "a1@telehealth",
        "DTSTAMP": "20260328T080000Z",
        "DTSTART": "20260329T080000Z",
        "DTEND": "20260329T082000Z",
        "SEQUENCE": "0",
        "STATUS": "CONFIRMED",
        "SUMMARY": "Video visit with Dr Ifeoma Okafor",
        "URL": "https://clinic.example/rooms/e1",
    }


def test_a_time_of_another_zone_is_the_same_instant() -> None:
    berlin = START.astimezone(timezone(timedelta(hours=2)))
    assert calendar_text(replace(VISIT, starts_at=berlin), START) == calendar_text(VISIT, START)


def test_a_moved_and_cancelled_visit_says_so() -> None:
    found = properties(calendar_text(replace(VISIT, version=3, cancelled=True), START))
    assert (found["SEQUENCE"], found["STATUS"]) == ("2", "CANCELLED")


@pytest.mark.parametrize(
    "text",
    ["x\r\nBEGIN:VALARM", "x\nATTENDEE:mailto:a@b.example", "a;b,c\\n", "x\rEND:VEVENT", "x\u0000\u0007y", "\ud800"],
    ids=repr,
)
def test_nobody_s_words_begin_a_line(text: str) -> None:
    plain = calendar_text(replace(VISIT, description="d"), START).split("\r\n")
    hostile = calendar_text(replace(VISIT, summary=text, description=text, uid=text, url=text), START)
    names = [line.split(":", 1)[0] for line in hostile.split("\r\n")]
    assert set(names) <= {line.split(":", 1)[0] for line in plain}
    assert hostile.count("\n") == hostile.count("\r\n") == hostile.count("\r")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300))
def test_any_words_come_back_and_no_line_is_too_long(words: str) -> None:
    text = calendar_text(replace(VISIT, summary=words), START)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert unescaped(properties(text)["SUMMARY"]) == words


def test_long_words_are_cut() -> None:
    text = calendar_text(replace(VISIT, summary="é" * 10_000), START)
    assert unescaped(properties(text)["SUMMARY"]) == "é" * MAX_TEXT


def test_an_appointment_goes_into_a_calendar_without_its_reason() -> None:
    text = appointment_calendar(an_appointment(reason="Cough"), url="https://clinic.example/rooms/e1")
    assert "Cough" not in text
    assert properties(text)["SUMMARY"] == "Video visit"


def test_a_visit_without_a_place_has_no_url() -> None:
    assert "URL" not in properties(calendar_text(replace(VISIT, url=""), START))
