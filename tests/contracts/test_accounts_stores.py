"""The contracts of accounts.ports, on each engine."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from telehealth.access import Role
from telehealth.accounts.model import DeviceCredential, SignInLink
from telehealth.errors import Conflict, NotFound
from telehealth.ids import DeviceId, InvitationId, TokenId, UserId
from telehealth.storage.stores import Stores
from telehealth.vitals.model import Device
from tests.builders import (
    DOCTOR,
    ENCOUNTER,
    NOON,
    OTHER_DOCTOR,
    PATIENT,
    a_refresh_token,
    a_signing_key,
    a_user,
    an_encounter,
    an_invitation,
)

LATER = NOON + timedelta(hours=1)
DEVICE = DeviceId("de" * 16)


async def test_a_user_is_found_by_id_and_by_address_in_any_case(stores: Stores) -> None:
    assert await stores.users.get(DOCTOR) == a_user()
    assert await stores.users.by_email("Ifeoma.Okafor@Clinic.example") == a_user()
    assert await stores.users.by_email("nobody@clinic.example") is None


async def test_an_unknown_user_is_not_found_nor_saved(stores: Stores) -> None:
    with pytest.raises(NotFound):
        await stores.users.get(UserId("unknown"))
    with pytest.raises(NotFound):
        await stores.users.save(a_user(id=UserId("unknown"), email="new@clinic.example"))


async def test_an_address_belongs_to_one_user(stores: Stores) -> None:
    with pytest.raises(Conflict) as refusal:
        await stores.users.add(a_user(id=UserId("another")))
    assert refusal.value.code == "email_taken"
    with pytest.raises(Conflict) as refusal:
        await stores.users.save(a_user(id=OTHER_DOCTOR))
    assert refusal.value.code == "email_taken"


async def test_of_many_registrations_with_one_address_one_succeeds(stores: Stores) -> None:
    users = [a_user(id=UserId(f"u{number}"), email="same@clinic.example") for number in range(8)]
    results = await asyncio.gather(*(stores.users.add(user) for user in users), return_exceptions=True)
    assert results.count(None) == 1
    assert [type(result) for result in results if result is not None] == [Conflict] * 7


async def test_a_saved_user_is_changed_in_all_fields(stores: Stores) -> None:
    changed = a_user(
        email="new@clinic.example",
        name="Dr I. Okafor",
        password_hash="$argon2id$x",
        epoch=3,
        disabled=True,
        patient_id=PATIENT,
    )
    await stores.users.save(changed)
    assert await stores.users.get(DOCTOR) == changed
    assert await stores.users.by_email("ifeoma.okafor@clinic.example") is None


async def test_practitioners_come_by_name_without_the_disabled(stores: Stores) -> None:
    await stores.users.add(a_user(id=UserId("gone"), email="gone@clinic.example", name="Dr Abel", disabled=True))
    assert [user.name for user in await stores.users.practitioners()] == ["Dr Amal Haddad", "Dr Ifeoma Okafor"]
    assert len(await stores.users.all(limit=3)) == 3


async def test_signing_keys_come_oldest_first_and_keep_what_is_saved(stores: Stores) -> None:
    old, young = a_signing_key(), a_signing_key(kid="k2", created_at=LATER, active_from=LATER)
    await stores.keys.add(young)
    await stores.keys.add(old)
    assert await stores.keys.all() == [old, young]
    retired = replace(old, retired_at=LATER)
    await stores.keys.save(retired)
    assert await stores.keys.all() == [retired, young]
    with pytest.raises(NotFound):
        await stores.keys.save(a_signing_key(kid="unknown"))


async def test_of_a_thousand_uses_of_a_refresh_token_exactly_one_wins(stores: Stores) -> None:
    token = a_refresh_token()
    await stores.refresh_tokens.add(token)
    wins = await asyncio.gather(*(stores.refresh_tokens.use(token.id, LATER) for _ in range(1000)))
    assert wins.count(True) == 1
    assert await stores.refresh_tokens.by_hash(token.secret_hash) == replace(token, used_at=LATER)


async def test_a_revoked_refresh_token_cannot_be_used(stores: Stores) -> None:
    first = a_refresh_token()
    second = a_refresh_token(id=TokenId("t2"), secret_hash=b"2" * 32)
    stranger = a_refresh_token(id=TokenId("t3"), secret_hash=b"3" * 32, family=TokenId("f3"), subject="someone")
    for token in (first, second, stranger):
        await stores.refresh_tokens.add(token)
    await stores.refresh_tokens.revoke_family(first.family, LATER)
    uses = [await stores.refresh_tokens.use(token.id, LATER) for token in (first, second, stranger)]
    assert uses == [False, False, True]
    await stores.refresh_tokens.revoke_subject("someone", LATER)
    revoked = await stores.refresh_tokens.by_hash(stranger.secret_hash)
    assert revoked is not None
    assert revoked.revoked_at == LATER
    assert await stores.refresh_tokens.by_hash(b"unknown") is None


async def test_an_invitation_is_bound_to_the_first_browser(stores: Stores) -> None:
    await stores.encounters.add(an_encounter())
    invitation = an_invitation()
    await stores.invitations.add(invitation)
    bound = await asyncio.gather(*(stores.invitations.bind(invitation.id, bytes([n]) * 32) for n in range(10)))
    assert len(set(bound)) == 1
    assert await stores.invitations.get(invitation.id) == replace(invitation, device_hash=bound[0])
    with pytest.raises(NotFound):
        await stores.invitations.bind(InvitationId("unknown"), b"x")


async def test_the_invitations_of_an_encounter_are_revoked_together(stores: Stores) -> None:
    await stores.encounters.add(an_encounter())
    await stores.invitations.add(an_invitation(patient_id=PATIENT, role=Role.PARAMEDIC))
    await stores.invitations.revoke_encounter(ENCOUNTER, LATER)
    found = await stores.invitations.by_hash(b"\x01" * 32)
    assert found == an_invitation(patient_id=PATIENT, role=Role.PARAMEDIC, revoked_at=LATER)
    assert await stores.invitations.by_hash(b"unknown") is None
    with pytest.raises(NotFound):
        await stores.invitations.get(InvitationId("unknown"))


async def test_a_sign_in_link_is_found_by_its_hash(stores: Stores) -> None:
    link = SignInLink(b"s" * 32, DOCTOR, "/dashboard", LATER)
    await stores.invitations.add_link(link)
    assert await stores.invitations.link_by_hash(b"s" * 32) == link
    assert await stores.invitations.link_by_hash(b"t" * 32) is None


async def test_a_credential_is_replaced_with_an_overlap_and_never_prolonged(stores: Stores) -> None:
    await stores.devices.add(Device(DEVICE, "Monitor bay 3"))
    old = DeviceCredential(DEVICE, b"1" * 32, NOON)
    ending = DeviceCredential(DEVICE, b"2" * 32, NOON, expires_at=NOON + timedelta(minutes=1))
    new = DeviceCredential(DEVICE, b"3" * 32, LATER)
    for credential in (old, ending, new):
        await stores.device_credentials.add(credential)
    await stores.device_credentials.expire_others(DEVICE, keep=new.secret_hash, at=LATER)
    expected = [new, replace(old, expires_at=LATER), ending]
    assert await stores.device_credentials.of_device(DEVICE) == expected
    await stores.device_credentials.revoke(DEVICE, LATER)
    assert all(kept.revoked_at == LATER for kept in await stores.device_credentials.of_device(DEVICE))
