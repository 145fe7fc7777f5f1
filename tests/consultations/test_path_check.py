"""The trial before joining: for whoever may enter the room, with the relays they would have inside."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import pytest

from telehealth.access import Principal
from telehealth.consultations.messages import IceServer
from telehealth.consultations.model import Admission
from telehealth.consultations.path_check import PathCheck
from telehealth.errors import Forbidden, Gone, NotFound
from telehealth.ids import ParticipantId
from telehealth.storage.stores import Stores
from tests.builders import (
    ENCOUNTER,
    NOON,
    OTHER_DOCTOR,
    a_participant,
    an_encounter,
    the_admin,
    the_doctor,
    the_guest,
    the_patient,
)
from tests.doubles import FakeClock, counted_ids
from tests.memory import memory_stores, populate


class Trials:
    """Offers that tell for whom they are. Implements MediaTrials."""

    def __init__(self) -> None:
        self.persons: list[str] = []

    async def try_path(self, person: str) -> str:
        self.persons.append(person)
        return f"offer for {person}"


def relay_for(participant: ParticipantId) -> list[IceServer]:
    return [IceServer(urls=("turn:turn.example",), username=f"1:{participant}", credential="c")]


@dataclass
class Clinic:
    stores: Stores
    trials: Trials
    check: PathCheck

    async def seat(self, who: Principal, admission: Admission) -> None:
        seat = a_participant(subject=who.subject, role=who.role, admission=admission)
        await self.stores.encounters.seat(seat)


@pytest.fixture
async def clinic() -> AsyncGenerator[Clinic]:
    async with memory_stores(FakeClock()) as stores:
        await populate(stores)
        await stores.encounters.add(an_encounter())
        trials = Trials()
        yield Clinic(stores, trials, PathCheck(stores.encounters, trials, relay_for, counted_ids()))


async def test_staff_try_with_relays_before_they_have_a_seat(clinic: Clinic) -> None:
    trial = await clinic.check.open(the_doctor(), ENCOUNTER)
    assert trial.sdp == f"offer for {the_doctor().subject}"
    assert [server.urls for server in trial.ice_servers] == [("turn:turn.example",)]
    assert not trial.relay_later


@pytest.mark.parametrize("who", [the_patient(), the_guest()], ids=["patient", "guest"])
async def test_one_who_waits_gets_no_relay_but_hears_that_there_are_some(clinic: Clinic, who: Principal) -> None:
    unseated = await clinic.check.open(who, ENCOUNTER)
    await clinic.seat(who, Admission.WAITING)
    waiting = await clinic.check.open(who, ENCOUNTER)
    for trial in (unseated, waiting):
        assert (trial.ice_servers, trial.relay_later) == ((), True)


async def test_who_was_let_in_tries_as_the_participant_they_are(clinic: Clinic) -> None:
    await clinic.seat(the_patient(), Admission.ADMITTED)
    trial = await clinic.check.open(the_patient(), ENCOUNTER)
    assert [server.username for server in trial.ice_servers] == [f"1:{a_participant().id}"]
    assert not trial.relay_later


async def test_without_relays_none_is_promised(clinic: Clinic) -> None:
    check = PathCheck(clinic.stores.encounters, clinic.trials, lambda participant: (), counted_ids())
    trial = await check.open(the_patient(), ENCOUNTER)
    assert (trial.ice_servers, trial.relay_later) == ((), False)


async def test_who_may_not_enter_opens_nothing(clinic: Clinic) -> None:
    with pytest.raises(NotFound):
        await clinic.check.open(the_doctor(subject=OTHER_DOCTOR), ENCOUNTER)
    with pytest.raises(Forbidden):
        await clinic.check.open(the_admin(), ENCOUNTER)
    assert clinic.trials.persons == []


async def test_after_the_end_there_is_nothing_to_try(clinic: Clinic) -> None:
    was = an_encounter()
    await clinic.stores.encounters.save(was.finished(NOON), was=was)
    with pytest.raises(Gone):
        await clinic.check.open(the_doctor(), ENCOUNTER)
    assert clinic.trials.persons == []
