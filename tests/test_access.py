"""The permission table: complete, as documented, and closed to whatever it does not grant."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telehealth.access import PERMISSIONS, Action, Principal, Reach, Role, reach, require, require_role
from telehealth.errors import Forbidden, NotFound
from tests.builders import ENCOUNTER, PATIENT, the_admin, the_doctor, the_guest, the_patient

API_DOC = Path(__file__).parents[1] / "docs" / "api.md"

# Written down a second time, on purpose: whoever widens the table must do so in two places. P patient, D practitioner,
# E paramedic, A admin, X device; a capital letter for any object, a small one for one's own.
TABLE = """
read_own_account    p d e a
manage_users        A
read_audit          A
rotate_keys         A
list_practitioners  P D E A
read_slots          P D A
edit_availability   d A
book_appointment    p d A
list_appointments   p d A
read_appointment    p d A
change_appointment  p d A
ask_to_be_seen      p
read_worklist       d
take_from_queue     D
read_encounter      p d e
enter_room          p d e
invite              d e
read_vitals         p d e
manage_alarms       d e
pause_alarms        d
turn_off_alarms     A
read_timeline       d e
open_case           e
read_case           d e
ring_case           e
answer_case         d
close_case          d e
go_on_call          d
manage_devices      A
list_devices        D E A
associate_device    d e A
enrol_device        E A
send_vitals         x
add_reading         p d e
read_recording      d
"""
LETTERS = {
    "p": Role.PATIENT,
    "d": Role.PRACTITIONER,
    "e": Role.PARAMEDIC,
    "a": Role.ADMIN,
    "x": Role.DEVICE,
}


def _table() -> dict[str, dict[Role, Reach]]:
    rows = [line.split() for line in TABLE.strip().splitlines()]
    return {
        action: {LETTERS[letter.lower()]: Reach.ANY if letter.isupper() else Reach.OWN for letter in letters}
        for action, *letters in rows
    }


@pytest.mark.parametrize("action", Action)
def test_an_action_is_granted_to_these_roles_and_no_other(action: Action) -> None:
    assert PERMISSIONS[action] == _table()[action.value]


def test_the_table_has_a_row_for_each_action_and_nothing_else() -> None:
    assert set(PERMISSIONS) == set(Action)
    assert set(_table()) == {action.value for action in Action}


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        PERMISSIONS[Action.READ_AUDIT] = {}  # type: ignore[index]


def test_each_action_of_a_route_in_the_documentation_exists() -> None:
    documented = set(re.findall(r"^\| `[A-Z]+ /[^|]*\| ([a-z_]+) \|", API_DOC.read_text(), re.MULTILINE))
    assert documented
    assert documented - {"public"} <= {action.value for action in Action}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_what_no_row_grants_is_forbidden_whoever_owns_it(role: Role, action: Action) -> None:
    somebody = Principal(subject="s", role=role)
    if reach(role, action) is None:
        with pytest.raises(Forbidden):
            require(somebody, action, owners={"s"})
    else:
        assert require_role(somebody, action) is reach(role, action)
        require(somebody, action, owners={"s"})


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_a_foreign_object_looks_missing_to_whoever_reaches_only_their_own(role: Role, action: Action) -> None:
    somebody = Principal(subject="s", role=role)
    granted = reach(role, action)
    if granted is Reach.OWN:
        with pytest.raises(NotFound):
            require(somebody, action, owners={"t"})
        with pytest.raises(NotFound):
            require(somebody, action, owners=())
    elif granted is Reach.ANY:
        require(somebody, action, owners={"t"})


def test_a_patient_owns_what_their_patient_record_owns() -> None:
    require(the_patient(), Action.READ_ENCOUNTER, owners={PATIENT})


def test_a_guest_reaches_the_encounter_they_were_invited_to() -> None:
    require(the_guest(patient=PATIENT), Action.ENTER_ROOM, owners={ENCOUNTER, PATIENT})


def test_a_guest_who_is_the_patient_reaches_no_other_encounter_of_that_patient() -> None:
    with pytest.raises(NotFound):
        require(the_guest(patient=PATIENT), Action.ENTER_ROOM, owners={"another", PATIENT})


def test_administrators_see_no_consultation() -> None:
    for action in (Action.READ_ENCOUNTER, Action.ENTER_ROOM, Action.READ_VITALS, Action.READ_TIMELINE):
        with pytest.raises(Forbidden):
            require_role(the_admin(), action)


@given(st.sets(st.text(min_size=1)), st.text(min_size=1))
def test_nobody_is_among_owners_who_are_others(owners: set[str], subject: str) -> None:
    assert the_doctor(subject=subject).is_one_of(owners) is (subject in owners)
