"""The chain of seals: each change of what was written shows, and where."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telehealth.audit import GENESIS, AuditEntry, AuditEvent, event_by, first_broken, seal
from tests.builders import NOON, the_doctor

KEY = b"k" * 32


def a_chain(length: int, key: bytes = KEY) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    previous = GENESIS
    for number in range(1, length + 1):
        event = AuditEvent("encounter.read", f"actor{number}", "practitioner", f"encounter/{number}", patient="p")
        at = NOON + timedelta(seconds=number)
        previous = seal(key, previous, number, at, event)
        entries.append(AuditEntry("n1", number, at, event, previous))
    return entries


def test_an_event_names_who_did_what() -> None:
    event = event_by(the_doctor(), "encounter.read", "encounter/e1", patient="p1")
    assert event == AuditEvent("encounter.read", the_doctor().subject, "practitioner", "encounter/e1", "p1", "ok")


@pytest.mark.parametrize("length", [0, 1, 5])
def test_an_untouched_chain_is_whole(length: int) -> None:
    assert first_broken(KEY, a_chain(length)) is None


@pytest.mark.parametrize("field", ["action", "actor", "role", "entity", "patient", "outcome"])
def test_an_edited_field_breaks_the_chain_at_its_entry(field: str) -> None:
    chain = a_chain(5)
    chain[2] = replace(chain[2], event=replace(chain[2].event, **{field: "other"}))
    assert first_broken(KEY, chain) == 3


def test_an_edited_instant_breaks_the_chain() -> None:
    chain = a_chain(5)
    chain[4] = replace(chain[4], at=NOON)
    assert first_broken(KEY, chain) == 5


def test_a_removed_entry_breaks_the_chain_where_it_was() -> None:
    chain = a_chain(5)
    del chain[1]
    assert first_broken(KEY, chain) == 2


def test_an_entry_that_was_sealed_again_after_removal_breaks_the_chain_after_it() -> None:
    chain = a_chain(5)
    forged = replace(chain[2].event, actor="somebody else")
    chain[2] = replace(chain[2], event=forged, seal=seal(KEY, chain[1].seal, 3, chain[2].at, forged))
    assert first_broken(KEY, chain) == 4


def test_inserted_and_swapped_entries_break_the_chain() -> None:
    chain = a_chain(5)
    assert first_broken(KEY, [*chain[:2], chain[1], *chain[2:]]) == 3
    assert first_broken(KEY, [chain[0], chain[2], chain[1], *chain[3:]]) == 2


def test_another_key_fits_nothing() -> None:
    assert first_broken(b"x" * 32, a_chain(3)) == 1


@given(st.tuples(*[st.text(max_size=20)] * 6), st.tuples(*[st.text(max_size=20)] * 6))
def test_two_events_that_differ_have_different_seals(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    sealed = [seal(KEY, GENESIS, 1, NOON, AuditEvent(*fields)) for fields in (one, other)]
    assert (sealed[0] == sealed[1]) is (one == other)
