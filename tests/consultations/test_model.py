from dataclasses import replace

import pytest

from telehealth.consultations.model import Encounter, EncounterStatus
from telehealth.errors import Conflict, Gone
from tests.builders import DOCTOR, ENCOUNTER, NOON, OTHER_DOCTOR, PARAMEDIC, PATIENT, an_encounter

ARRIVED = an_encounter(status=EncounterStatus.ARRIVED)
IN_PROGRESS = an_encounter(status=EncounterStatus.IN_PROGRESS, begun_at=NOON)


def test_an_encounter_goes_from_planned_to_finished() -> None:
    planned = an_encounter()
    assert planned.arrived() == ARRIVED
    assert ARRIVED.begun(NOON) == IN_PROGRESS
    finished = IN_PROGRESS.finished(NOON)
    assert (finished.status, finished.ended_at, finished.ended) == (EncounterStatus.FINISHED, NOON, True)


def test_what_is_in_progress_neither_arrives_nor_begins_again() -> None:
    assert IN_PROGRESS.arrived() is IN_PROGRESS
    assert IN_PROGRESS.begun(NOON) is IN_PROGRESS


def test_what_is_in_progress_is_ended_not_cancelled() -> None:
    assert ARRIVED.cancelled(NOON).status is EncounterStatus.CANCELLED
    with pytest.raises(Conflict):
        IN_PROGRESS.cancelled(NOON)


def test_one_practitioner_takes_it() -> None:
    nobodys = an_encounter(practitioner_id=None)
    assert nobodys.taken_by(DOCTOR).taken_by(DOCTOR).practitioner_id == DOCTOR
    with pytest.raises(Conflict):
        nobodys.taken_by(DOCTOR).taken_by(OTHER_DOCTOR)


@pytest.mark.parametrize("ended", [EncounterStatus.FINISHED, EncounterStatus.CANCELLED])
def test_what_has_ended_stays_so(ended: EncounterStatus) -> None:
    over: Encounter = replace(ARRIVED, status=ended)
    for change in (over.arrived, lambda: over.begun(NOON), lambda: over.finished(NOON), lambda: over.cancelled(NOON)):
        with pytest.raises(Gone):
            change()
    with pytest.raises(Gone):
        over.taken_by(DOCTOR)


def test_it_belongs_to_those_who_take_part_and_to_itself() -> None:
    assert an_encounter(paramedic_id=PARAMEDIC).owners == {ENCOUNTER, PATIENT, DOCTOR, PARAMEDIC}
    assert an_encounter(practitioner_id=None).owners == {ENCOUNTER, PATIENT}
