"""The rules of a case, without any store."""

from collections.abc import Callable

import pytest

from telehealth.dispatch.model import Case, CaseStatus
from telehealth.errors import AlreadyAccepted, Gone
from tests.builders import DOCTOR, NOON, OTHER_DOCTOR, PARAMEDIC, a_case


def test_a_case_rings_and_is_accepted_once() -> None:
    ringing = a_case().ringing(NOON)
    assert (ringing.status, ringing.rung_at) == (CaseStatus.RINGING, NOON)
    accepted = ringing.accepted(DOCTOR, NOON)
    assert (accepted.status, accepted.accepted_by, accepted.accepted_at) == (CaseStatus.ACCEPTED, DOCTOR, NOON)
    assert accepted.accepted(DOCTOR, NOON) is accepted
    assert accepted.ringing(NOON) is accepted
    with pytest.raises(AlreadyAccepted):
        accepted.accepted(OTHER_DOCTOR, NOON)


def test_a_case_belongs_to_its_crew_and_to_who_accepted_it() -> None:
    assert a_case().owners == {PARAMEDIC}
    assert a_case().accepted(DOCTOR, NOON).owners == {PARAMEDIC, DOCTOR}


@pytest.mark.parametrize("change", [lambda c: c.ringing(NOON), lambda c: c.accepted(DOCTOR, NOON), Case.closed])
def test_a_closed_case_stays_closed(change: Callable[[Case], Case]) -> None:
    with pytest.raises(Gone) as refused:
        change(a_case().closed())
    assert refused.value.code == "case_closed"
