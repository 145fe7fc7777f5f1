"""Dispatch: from three taps in an ambulance to one doctor in the room."""

import asyncio
from typing import Any

import pytest

from telehealth.access import Principal
from telehealth.bus import WORKLIST, Event, room_topic
from telehealth.consultations.messages import parse_case
from telehealth.consultations.model import EncounterKind, EncounterStatus
from telehealth.dispatch.model import Acuity, AgeBand, Case, CaseStatus, Complaint, NewCase, RingState
from telehealth.errors import AlreadyAccepted, Forbidden, Gone, Invalid, NotFound, TelehealthError
from telehealth.ids import CaseId, UserId
from tests.builders import DOCTOR, OTHER_DOCTOR, PARAMEDIC, a_user, the_admin, the_doctor, the_paramedic, the_patient
from tests.dispatch.conftest import Post

CASE = CaseId("80" * 16)
NEW = NewCase(CASE, Complaint.CHEST_PAIN, Acuity.RED, AgeBand.ADULT)
COLLEAGUE = the_doctor(subject=OTHER_DOCTOR)
OTHER_CREW = the_paramedic(subject="e1" * 16)


async def code_of(refused: Any) -> str:
    with pytest.raises(TelehealthError) as error:
        await refused
    return error.value.code


async def opened(post: Post) -> Case:
    return await post.dispatch.open_case(the_paramedic(), NEW)


async def ringing(post: Post) -> Case:
    """Return a case that rings both doctors."""
    await opened(post)
    for doctor in (the_doctor(), COLLEAGUE):
        await post.dispatch.set_on_call(doctor, on=True)
    return await post.dispatch.ring(the_paramedic(), CASE)


async def states(post: Post) -> dict[UserId, RingState]:
    return {ring.practitioner_id: ring.state for ring in await post.stores.cases.rings(CASE)}


async def test_a_case_opens_with_an_encounter_of_an_unknown_patient_that_waits(post: Post) -> None:
    case = await opened(post)
    assert (case.id, case.complaint, case.acuity, case.age_band) == (CASE, *list_of(NEW))
    encounter = await post.stores.encounters.get(case.encounter_id)
    assert (encounter.kind, encounter.status) == (EncounterKind.AMBULANCE, EncounterStatus.ARRIVED)
    assert (encounter.paramedic_id, encounter.practitioner_id) == (PARAMEDIC, None)
    patient = await post.stores.patients.get(encounter.patient_id)
    assert (patient.name, patient.identified) == ("", False)
    assert post.audit.actions == ["case.opened"]


def list_of(new: NewCase) -> list[str]:
    return [new.complaint, new.acuity, new.age_band]


async def test_a_case_told_twice_is_one_case(post: Post) -> None:
    assert len({case.encounter_id for case in await asyncio.gather(*(opened(post) for _ in range(10)))}) == 1
    assert len(await post.dispatch.mine(the_paramedic())) == 1


async def test_another_crew_cannot_have_the_same_id(post: Post) -> None:
    await opened(post)
    with pytest.raises(NotFound):
        await post.dispatch.open_case(OTHER_CREW, NEW)


@pytest.mark.parametrize("bad", ["", "short", "x" * 65, "a" * 20 + "/", "a" * 20 + "\n", "ä" * 20])
async def test_an_id_that_is_none_is_refused(post: Post, bad: str) -> None:
    with pytest.raises(Invalid) as refused:
        await post.dispatch.open_case(the_paramedic(), NewCase(CaseId(bad)))
    assert refused.value.code == "bad_id"


async def test_a_case_rings_everybody_on_call(post: Post) -> None:
    case = await ringing(post)
    assert case.status is CaseStatus.RINGING
    assert await states(post) == {DOCTOR: RingState.RINGING, OTHER_DOCTOR: RingState.RINGING}
    told = parse_case(post.bus.of(room_topic(case.encounter_id))[-1].body)
    assert (told.id, told.status, told.complaint, told.acuity) == (CASE, "ringing", "chest_pain", "red")
    assert {(ring.name, ring.state) for ring in told.rings} == {
        ("Dr Ifeoma Okafor", "ringing"),
        ("Dr Mei Tanaka", "ringing"),
    }
    assert post.bus.of(WORKLIST)[-1] == Event("changed", b"")


async def test_with_nobody_on_call_the_crew_is_told_so(post: Post) -> None:
    await opened(post)
    assert await code_of(post.dispatch.ring(the_paramedic(), CASE)) == "nobody_on_call"
    await post.dispatch.set_on_call(the_doctor(), on=True)
    await post.dispatch.set_on_call(the_doctor(), on=False)
    assert await code_of(post.dispatch.ring(the_paramedic(), CASE)) == "nobody_on_call"
    assert (await post.stores.cases.get(CASE)).status is CaseStatus.OPEN
    assert post.audit.actions == ["case.opened", "on_call.begun", "on_call.ended"]


async def test_a_disabled_doctor_is_not_rung(post: Post) -> None:
    await opened(post)
    await post.dispatch.set_on_call(the_doctor(), on=True)
    await post.stores.users.save(a_user(disabled=True))
    assert await code_of(post.dispatch.ring(the_paramedic(), CASE)) == "nobody_on_call"


async def test_who_accepts_has_the_case_and_its_encounter(post: Post) -> None:
    case = await ringing(post)
    accepted = await post.dispatch.accept(the_doctor(), CASE)
    assert (accepted.status, accepted.accepted_by) == (CaseStatus.ACCEPTED, DOCTOR)
    assert (await post.stores.encounters.get(case.encounter_id)).practitioner_id == DOCTOR
    assert await states(post) == {DOCTOR: RingState.ACCEPTED, OTHER_DOCTOR: RingState.MISSED}
    told = parse_case(post.bus.of(room_topic(case.encounter_id))[-1].body)
    assert told.status == "accepted"
    assert await post.dispatch.accept(the_doctor(), CASE) == accepted
    with pytest.raises(AlreadyAccepted):
        await post.dispatch.accept(COLLEAGUE, CASE)


async def test_of_those_who_accept_at_once_one_has_it(post: Post) -> None:
    await ringing(post)
    outcomes = await asyncio.gather(
        *(post.dispatch.accept(doctor, CASE) for doctor in (the_doctor(), COLLEAGUE)), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyAccepted", "Case"]
    winner = next(outcome.accepted_by for outcome in outcomes if isinstance(outcome, Case))
    assert (await post.stores.cases.get(CASE)).accepted_by == winner


async def test_an_accepted_case_rings_no_more(post: Post) -> None:
    await ringing(post)
    accepted = await post.dispatch.accept(the_doctor(), CASE)
    before = len(post.bus.published)
    assert await post.dispatch.ring(the_paramedic(), CASE) == accepted
    assert len(post.bus.published) == before


async def test_who_declines_is_left_alone_until_the_crew_rings_anew(post: Post) -> None:
    await ringing(post)
    await post.dispatch.decline(the_doctor(), CASE)
    assert await states(post) == {DOCTOR: RingState.DECLINED, OTHER_DOCTOR: RingState.RINGING}
    before = len(post.bus.published)
    await post.dispatch.decline(the_doctor(), CASE)
    assert len(post.bus.published) == before
    await post.dispatch.ring(the_paramedic(), CASE)
    assert (await states(post))[DOCTOR] is RingState.RINGING


async def test_who_accepted_cannot_decline_any_more(post: Post) -> None:
    await ringing(post)
    accepted = await post.dispatch.accept(the_doctor(), CASE)
    assert await post.dispatch.decline(the_doctor(), CASE) == accepted
    assert (await states(post))[DOCTOR] is RingState.ACCEPTED


async def test_only_whom_it_rang_can_answer(post: Post) -> None:
    await opened(post)
    for answer in (post.dispatch.accept, post.dispatch.decline):
        with pytest.raises(NotFound):
            await answer(the_doctor(), CASE)
        with pytest.raises(NotFound):
            await answer(the_doctor(), CaseId("unknown"))
        with pytest.raises(Forbidden):
            await answer(the_paramedic(), CASE)


async def test_a_case_is_read_by_its_crew_and_whom_it_rings(post: Post) -> None:
    await opened(post)
    with pytest.raises(NotFound):
        await post.dispatch.get(the_doctor(), CASE)
    case = await ringing(post)
    for reader in (the_paramedic(), the_doctor(), COLLEAGUE):
        assert (await post.dispatch.get(reader, CASE))[0] == case
    for stranger in (OTHER_CREW, the_doctor(subject="d2" * 16)):
        with pytest.raises(NotFound):
            await post.dispatch.get(stranger, CASE)
    with pytest.raises(Forbidden):
        await post.dispatch.get(the_patient(), CASE)
    assert post.audit.events[-1].action == "case.read"


async def test_a_list_holds_what_one_opened_or_is_rung_for(post: Post) -> None:
    case = await ringing(post)
    assert await post.dispatch.mine(the_paramedic()) == [case]
    assert await post.dispatch.mine(the_doctor()) == [case]
    assert await post.dispatch.mine(OTHER_CREW) == []
    with pytest.raises(Forbidden):
        await post.dispatch.mine(the_admin())


async def test_another_crew_can_neither_ring_nor_close(post: Post) -> None:
    await opened(post)
    for refused in (post.dispatch.ring(OTHER_CREW, CASE), post.dispatch.close(OTHER_CREW, CASE)):
        with pytest.raises(NotFound):
            await refused
    with pytest.raises(Forbidden):
        await post.dispatch.ring(the_doctor(), CASE)
    with pytest.raises(NotFound):
        await post.dispatch.close(the_doctor(), CASE)


@pytest.mark.parametrize("closer", [the_paramedic(), the_doctor()])
async def test_closing_ends_the_encounter(post: Post, closer: Principal) -> None:
    case = await ringing(post)
    await post.dispatch.accept(the_doctor(), CASE)
    encounter = await post.stores.encounters.get(case.encounter_id)
    await post.stores.encounters.save(encounter.begun(post.clock.now()), was=encounter)

    closed = await post.dispatch.close(closer, CASE)

    assert closed.status is CaseStatus.CLOSED
    ended = await post.stores.encounters.get(case.encounter_id)
    assert (ended.status, ended.ended_at) == (EncounterStatus.FINISHED, post.clock.now())
    assert await post.dispatch.mine(the_paramedic()) == []
    for refused in (
        post.dispatch.close(the_paramedic(), CASE),
        post.dispatch.ring(the_paramedic(), CASE),
        post.dispatch.accept(the_doctor(), CASE),
    ):
        assert await code_of(refused) == "case_closed"


async def test_closing_before_anybody_came_cancels_the_encounter(post: Post) -> None:
    case = await opened(post)
    await post.dispatch.close(the_paramedic(), CASE)
    assert (await post.stores.encounters.get(case.encounter_id)).status is EncounterStatus.CANCELLED


async def test_a_case_whose_room_was_ended_is_over_and_can_still_be_closed(post: Post) -> None:
    case = await ringing(post)
    encounter = await post.stores.encounters.get(case.encounter_id)
    await post.stores.encounters.save(encounter.finished(post.clock.now()), was=encounter)
    assert await post.dispatch.mine(the_paramedic()) == []
    with pytest.raises(Gone):
        await post.dispatch.ring(the_paramedic(), CASE)
    with pytest.raises(Gone):
        await post.dispatch.accept(the_doctor(), CASE)
    assert (await post.dispatch.close(the_paramedic(), CASE)).status is CaseStatus.CLOSED


async def test_nobody_else_opens_cases_or_goes_on_call(post: Post) -> None:
    with pytest.raises(Forbidden):
        await post.dispatch.open_case(the_doctor(), NEW)
    with pytest.raises(Forbidden):
        await post.dispatch.set_on_call(the_paramedic(), on=True)
