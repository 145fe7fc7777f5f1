"""The rules of an appointment, without any store."""

from datetime import timedelta

import pytest

from telehealth.errors import Conflict, Gone
from telehealth.scheduling.model import AppointmentStatus
from tests.builders import NOON, OTHER_DOCTOR, a_slot, an_appointment


def test_a_moved_appointment_has_the_times_of_the_slot_and_the_next_version() -> None:
    slot = a_slot(starts_at=NOON + timedelta(days=8))
    moved = an_appointment().moved(slot, NOON)
    assert (moved.starts_at, moved.ends_at, moved.version) == (slot.starts_at, slot.ends_at, 2)


def test_an_appointment_stays_with_its_practitioner() -> None:
    with pytest.raises(Conflict):
        an_appointment().moved(a_slot(practitioner_id=OTHER_DOCTOR), NOON)


@pytest.mark.parametrize("status", [AppointmentStatus.ARRIVED, AppointmentStatus.FULFILLED, AppointmentStatus.NOSHOW])
def test_what_has_taken_place_is_not_cancelled(status: AppointmentStatus) -> None:
    with pytest.raises(Conflict) as refused:
        an_appointment(status=status).cancelled(NOON)
    assert refused.value.code == "too_late"


def test_what_is_cancelled_is_gone() -> None:
    with pytest.raises(Gone):
        an_appointment().cancelled(NOON).cancelled(NOON)
