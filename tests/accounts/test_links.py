"""Invitations, sign-in links and device credentials: who gets in, and when that ends."""

from datetime import timedelta
from typing import Any

import pytest

from telehealth.access import Principal, Role
from telehealth.accounts.model import Me, Purpose, Ticket
from telehealth.bus import REVOCATIONS, Event
from telehealth.errors import Forbidden, Gone, Invalid, TelehealthError, Unauthenticated
from telehealth.ids import DeviceId, EncounterId, UserId
from telehealth.vitals.model import Device
from tests.accounts.conftest import Office
from tests.builders import DOCTOR, ENCOUNTER, NOON, PATIENT, an_encounter, the_admin, the_doctor

HOUR = timedelta(hours=1)
DEVICE = DeviceId("de" * 16)


async def refused(asked: Any) -> tuple[type[TelehealthError], str, str]:
    with pytest.raises(TelehealthError) as error:
        await asked
    return type(error.value), error.value.code, error.value.text


async def invited(office: Office, *, hours: float = 24) -> str:
    """Return the secret of an invitation of the patient to ENCOUNTER, which is stored."""
    await office.stores.encounters.add(an_encounter())
    until = office.clock.now() + hours * HOUR
    return await office.accounts.invite(ENCOUNTER, Role.PATIENT, " Ana Ruiz ", PATIENT, until)


async def test_who_opens_an_invitation_is_the_guest_of_that_encounter(office: Office) -> None:
    opened = await office.accounts.open_invitation(await invited(office), None)
    guest = Principal(opened.invitation.id, Role.PATIENT, PATIENT, ENCOUNTER)
    assert await office.accounts.principal(opened.pair.access) == guest
    assert await office.accounts.me(guest) == Me(guest.subject, Role.PATIENT, "Ana Ruiz", "", PATIENT, ENCOUNTER)
    event = office.audit.events[-1]
    assert (event.action, event.actor, event.patient) == ("invitation.opened", guest.subject, PATIENT)


async def test_a_secret_has_160_bits_and_is_not_stored(office: Office) -> None:
    secret = await invited(office)
    assert len(secret) == 27
    assert (await office.accounts.open_invitation(secret, None)).invitation.secret_hash != secret.encode()


async def test_the_same_browser_may_open_it_again_and_another_may_not(office: Office) -> None:
    secret = await invited(office)
    first = await office.accounts.open_invitation(secret, None)
    again = await office.accounts.open_invitation(secret, first.browser)
    assert again.browser == first.browser
    for other in (None, "", "another browser", "x" * 500):
        kind, code, _ = await refused(office.accounts.open_invitation(secret, other))
        assert (kind, code) == (Forbidden, "invitation_bound")


async def test_a_browser_that_has_a_cookie_already_keeps_it(office: Office) -> None:
    opened = await office.accounts.open_invitation(await invited(office), "cookie of an earlier visit")
    assert opened.browser == "cookie of an earlier visit"


async def test_unknown_expired_and_revoked_invitations_look_the_same(office: Office) -> None:
    revoked = await invited(office)
    await office.accounts.revoke_invitations(ENCOUNTER)
    expired = await office.accounts.invite(ENCOUNTER, Role.PATIENT, "Bo", None, office.clock.now() + HOUR)
    office.clock.advance(3600)
    answers = {await refused(office.accounts.open_invitation(s, None)) for s in (revoked, expired, "", "?", "x" * 999)}
    assert [(kind, code) for kind, code, _ in answers] == [(Gone, "invitation_invalid")]


async def test_a_guests_tokens_end_with_the_invitation(office: Office) -> None:
    opened = await office.accounts.open_invitation(await invited(office, hours=0.1), None)
    end = office.clock.now() + 0.1 * HOUR
    assert (opened.pair.access_expires_at, opened.pair.refresh_expires_at) == (end, end)
    office.clock.advance(360)
    assert (await refused(office.accounts.principal(opened.pair.access)))[1] == "unauthenticated"
    assert (await refused(office.accounts.refresh(opened.pair.refresh)))[1] == "unauthenticated"


async def test_a_guest_refreshes_for_twelve_hours_at_most(office: Office) -> None:
    opened = await office.accounts.open_invitation(await invited(office), None)
    assert opened.pair.refresh_expires_at == office.clock.now() + 12 * HOUR
    pair = await office.accounts.refresh(opened.pair.refresh)
    assert (await office.accounts.principal(pair.access)).encounter == ENCOUNTER


async def test_revoking_ends_what_guests_have_at_once(office: Office) -> None:
    opened = await office.accounts.open_invitation(await invited(office), None)
    await office.accounts.principal(opened.pair.access)
    other = Ticket(DOCTOR, Role.PRACTITIONER, Purpose.WORKLIST, EncounterId(""), None, "Dr Okafor")
    await office.accounts.issue_ticket(other)
    await office.accounts.revoke_invitations(ENCOUNTER)
    assert (await refused(office.accounts.principal(opened.pair.access)))[1] == "unauthenticated"
    assert (await refused(office.accounts.refresh(opened.pair.refresh)))[1] == "unauthenticated"


async def test_a_guest_gets_a_ticket(office: Office) -> None:
    opened = await office.accounts.open_invitation(await invited(office), None)
    ticket = Ticket(opened.invitation.id, Role.PATIENT, Purpose.ROOM, ENCOUNTER, PATIENT, "Ana Ruiz")
    text, _ = await office.accounts.issue_ticket(ticket)
    assert await office.accounts.open_ticket(text, Purpose.ROOM) == ticket
    await office.accounts.revoke_invitations(ENCOUNTER)
    assert (await refused(office.accounts.open_ticket(text, Purpose.ROOM)))[0] is Unauthenticated


@pytest.mark.parametrize(
    ("role", "name", "expires_at"),
    [
        (Role.ADMIN, "Bo", NOON + HOUR),
        (Role.DEVICE, "Bo", NOON + HOUR),
        (Role.PATIENT, " ", NOON + HOUR),
        (Role.PATIENT, "x" * 101, NOON + HOUR),
        (Role.PATIENT, "Bo", NOON),
    ],
)
async def test_an_impossible_invitation_is_refused(office: Office, role: Role, name: str, expires_at: Any) -> None:
    with pytest.raises(Invalid):
        await office.accounts.invite(ENCOUNTER, role, name, None, expires_at)


# Sign-in links


async def test_a_sign_in_link_signs_its_user_in_and_leads_on_as_often_as_one_likes(office: Office) -> None:
    secret = await office.accounts.add_sign_in_link(DOCTOR, "/worklist", office.clock.now() + HOUR)
    for _ in range(2):
        pair, path = await office.accounts.enter_by_link(secret)
        assert path == "/worklist"
        assert (await office.accounts.principal(pair.access)).subject == DOCTOR
    assert office.audit.actions == ["session.opened_by_link"] * 2


async def test_unknown_and_expired_links_and_those_of_disabled_users_look_the_same(office: Office) -> None:
    disabled = await office.accounts.add_sign_in_link(DOCTOR, "/worklist", office.clock.now() + 2 * HOUR)
    expired = await office.accounts.add_sign_in_link(DOCTOR, "/worklist", office.clock.now() + HOUR)
    await office.accounts.disable_user(the_admin(), UserId(DOCTOR))
    office.clock.advance(3600)
    answers = {await refused(office.accounts.enter_by_link(s)) for s in (disabled, expired, "unknown", "")}
    assert [(kind, code) for kind, code, _ in answers] == [(Gone, "link_invalid")]


# Devices


@pytest.fixture
async def credential(office: Office) -> str:
    await office.stores.devices.add(Device(DEVICE, "Monitor bay 3", "M-1", simulated=True))
    return await office.accounts.issue_device_credential(DEVICE, by=the_admin())


async def test_a_device_proves_itself(office: Office, credential: str) -> None:
    assert await office.accounts.device_principal(credential) == Principal(DEVICE, Role.DEVICE)
    assert credential.startswith(f"{DEVICE}.")
    assert office.audit.actions == ["device_credential.issued"]


@pytest.mark.parametrize("wrong", ["", ".", "x", "x.y", f"{DEVICE}.", f"{DEVICE}.wrong", ".secret", "a.b.c", "x" * 999])
async def test_a_wrong_credential_is_refused(office: Office, credential: str, wrong: str) -> None:
    with pytest.raises(Unauthenticated):
        await office.accounts.device_principal(wrong)


async def test_a_device_cannot_be_another(office: Office, credential: str) -> None:
    other = DeviceId("df" * 16)
    await office.stores.devices.add(Device(other, "Monitor bay 4", "M-1", simulated=True))
    await office.accounts.issue_device_credential(other)
    with pytest.raises(Unauthenticated):
        await office.accounts.device_principal(f"{other}.{credential.partition('.')[2]}")


async def test_the_old_credential_holds_ten_more_minutes_after_a_rotation(office: Office, credential: str) -> None:
    newer = await office.accounts.rotate_device_credential(DEVICE, by=the_admin())
    office.clock.advance(599)
    newest = await office.accounts.rotate_device_credential(DEVICE)
    assert await office.accounts.device_principal(credential)
    office.clock.advance(1)
    with pytest.raises(Unauthenticated):
        await office.accounts.device_principal(credential)
    assert await office.accounts.device_principal(newer) == await office.accounts.device_principal(newest)


async def test_revoking_ends_all_credentials_of_a_device_and_its_sockets(office: Office, credential: str) -> None:
    newer = await office.accounts.rotate_device_credential(DEVICE)
    await office.accounts.revoke_device(DEVICE, by=the_admin())
    for ended in (credential, newer):
        with pytest.raises(Unauthenticated):
            await office.accounts.device_principal(ended)
    assert office.bus.of(REVOCATIONS) == [Event("revoked", DEVICE.encode())]


async def test_who_may_not_manage_devices_gets_no_credential(office: Office, credential: str) -> None:
    for forbidden in (
        office.accounts.issue_device_credential(DEVICE, by=the_doctor()),
        office.accounts.rotate_device_credential(DEVICE, by=the_doctor()),
        office.accounts.revoke_device(DEVICE, by=the_doctor()),
    ):
        assert (await refused(forbidden))[0] is Forbidden
    assert await office.accounts.device_principal(credential)
