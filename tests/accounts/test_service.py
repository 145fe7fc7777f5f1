"""Accounts: logging in, refreshing, who a bearer is, users, and what ends when somebody is disabled."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from telehealth.access import Principal, Role
from telehealth.accounts.model import Me, NewUser, Purpose, Ticket, TokenPair, User
from telehealth.accounts.sign_ins import USER_LIFE
from telehealth.accounts.standing import MAX_REMEMBERED, REMEMBERED_S, Standings
from telehealth.bus import REVOCATIONS, Event
from telehealth.errors import Conflict, Forbidden, Invalid, NotFound, TelehealthError, Unauthenticated, Unavailable
from telehealth.ids import EncounterId, UserId
from tests.accounts.conftest import Office
from tests.builders import DOCTOR, PATIENT, a_user, the_admin, the_doctor
from tests.doubles import FakeClock

PASSWORD = "a long enough password"
EMAIL = "Noor.Haddad@Clinic.example"


def somebody(**changes: Any) -> NewUser:
    return replace(NewUser(EMAIL, "Noor Haddad", Role.PRACTITIONER, PASSWORD, "Europe/Berlin"), **changes)


@pytest.fixture
async def noor(office: Office) -> User:
    return await office.accounts.add_user(somebody())


async def log_in(office: Office) -> TokenPair:
    return await office.accounts.login(EMAIL, PASSWORD)


async def code_of(refused: Any) -> str:
    with pytest.raises(TelehealthError) as error:
        await refused
    return error.value.code


async def test_a_login_gives_a_token_of_its_user(office: Office, noor: User) -> None:
    pair = await log_in(office)
    assert await office.accounts.principal(pair.access) == Principal(noor.id, Role.PRACTITIONER)
    assert pair.access_expires_at == office.clock.now() + timedelta(minutes=15)
    assert pair.refresh_expires_at == office.clock.now() + USER_LIFE
    assert office.audit.actions == ["session.opened"]


async def test_the_address_is_taken_in_any_case_and_the_password_only_as_it_is(office: Office, noor: User) -> None:
    assert await office.accounts.login(" noor.haddad@CLINIC.example ", PASSWORD)
    assert await code_of(office.accounts.login(EMAIL, PASSWORD.upper())) == "bad_credentials"


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("nobody@clinic.example", PASSWORD),
        (EMAIL, "not the password"),
        (EMAIL, "short"),
        (EMAIL, ""),
        (EMAIL, "x" * 129),
        (EMAIL, "\ud800" * 20),
        ("\ud800@clinic.example", PASSWORD),
        ("x" * 300, PASSWORD),
        ("ifeoma.okafor@clinic.example", PASSWORD),
    ],
)
async def test_wrong_credentials_all_look_the_same(office: Office, noor: User, email: str, password: str) -> None:
    assert await code_of(office.accounts.login(email, password)) == "bad_credentials"
    assert office.audit.events[-1].outcome == "bad_credentials"


async def test_an_unknown_user_costs_a_hash_too(office: Office) -> None:
    class Counting:
        hashes = 0

        async def hash(self, password: str) -> str:
            return password

        async def verify(self, password_hash: str, password: str) -> bool:
            self.hashes += 1
            return False

    passwords = Counting()
    accounts = type(office.accounts)(replace(office.ports, passwords=passwords), issuer="i")
    await code_of(accounts.login("nobody@clinic.example", PASSWORD))
    await code_of(accounts.login("ifeoma.okafor@clinic.example", "short"))
    assert passwords.hashes == 2


async def test_a_disabled_user_cannot_log_in(office: Office, noor: User) -> None:
    await office.accounts.disable_user(the_admin(), noor.id)
    assert await code_of(log_in(office)) == "bad_credentials"


async def test_without_an_audit_trail_nobody_gets_in(office: Office, noor: User) -> None:
    office.audit.failing = True
    with pytest.raises(Unavailable):
        await log_in(office)


# Refreshing


async def test_a_refresh_gives_the_next_pair(office: Office, noor: User) -> None:
    first = await log_in(office)
    second = await office.accounts.refresh(first.refresh)
    third = await office.accounts.refresh(second.refresh)
    assert len({first.refresh, second.refresh, third.refresh}) == 3
    assert (await office.accounts.principal(third.access)).subject == noor.id


async def test_reuse_ends_the_family_and_no_other(office: Office, noor: User) -> None:
    other = await log_in(office)
    first = await log_in(office)
    second = await office.accounts.refresh(first.refresh)
    assert await code_of(office.accounts.refresh(first.refresh)) == "refresh_reused"
    assert await code_of(office.accounts.refresh(second.refresh)) == "unauthenticated"
    assert await office.accounts.refresh(other.refresh)


async def test_of_a_thousand_refreshes_at_once_one_succeeds_and_the_family_ends(office: Office, noor: User) -> None:
    pair = await log_in(office)

    async def refresh() -> TokenPair | str:
        try:
            return await office.accounts.refresh(pair.refresh)
        except Unauthenticated as refused:
            return refused.code

    outcomes = await asyncio.gather(*(refresh() for _ in range(1000)))

    won = [outcome for outcome in outcomes if isinstance(outcome, TokenPair)]
    assert len(won) == 1
    assert Counter(o for o in outcomes if isinstance(o, str)).keys() <= {"refresh_reused", "unauthenticated"}
    assert await code_of(office.accounts.refresh(won[0].refresh)) == "unauthenticated"


async def test_a_refresh_token_ends_after_seven_days(office: Office, noor: User) -> None:
    pair = await log_in(office)
    office.clock.advance(USER_LIFE.total_seconds())
    assert await code_of(office.accounts.refresh(pair.refresh)) == "unauthenticated"


@pytest.mark.parametrize("secret", ["", "unknown", "x" * 129, "\ud800"])
async def test_an_unknown_refresh_token_is_refused(office: Office, secret: str) -> None:
    assert await code_of(office.accounts.refresh(secret)) == "unauthenticated"


async def test_a_refresh_of_a_disabled_user_is_refused(office: Office, noor: User) -> None:
    pair = await log_in(office)
    await office.stores.users.save(replace(noor, disabled=True))
    assert await code_of(office.accounts.refresh(pair.refresh)) == "unauthenticated"


async def test_a_logout_ends_the_family_and_closes_sockets(office: Office, noor: User) -> None:
    pair = await log_in(office)
    await office.accounts.logout(pair.refresh)
    assert await code_of(office.accounts.refresh(pair.refresh)) == "unauthenticated"
    assert office.bus.of(REVOCATIONS) == [Event("revoked", noor.id.encode())]


async def test_a_logout_with_nobodys_secret_does_nothing(office: Office) -> None:
    await office.accounts.logout("unknown")
    assert office.bus.published == []


# Who a bearer is


async def test_a_disabled_users_token_ends_here_at_once_and_elsewhere_within_five_seconds(
    office: Office, noor: User
) -> None:
    pair, elsewhere = await log_in(office), office.another_node()
    await office.accounts.principal(pair.access)
    await elsewhere.principal(pair.access)

    await office.accounts.disable_user(the_admin(), noor.id)

    assert await code_of(office.accounts.principal(pair.access)) == "unauthenticated"
    assert await elsewhere.principal(pair.access)
    office.clock.advance(REMEMBERED_S)
    assert await code_of(elsewhere.principal(pair.access)) == "unauthenticated"
    assert office.bus.of(REVOCATIONS) == [Event("revoked", noor.id.encode())]
    assert await code_of(office.accounts.refresh(pair.refresh)) == "unauthenticated"


async def test_a_token_of_an_earlier_epoch_is_refused(office: Office, noor: User) -> None:
    pair = await log_in(office)
    await office.stores.users.save(replace(noor, epoch=noor.epoch + 1))
    assert await code_of(office.accounts.principal(pair.access)) == "unauthenticated"


async def test_a_change_of_role_holds_for_tokens_that_are_out(office: Office, noor: User) -> None:
    pair = await log_in(office)
    await office.stores.users.save(replace(noor, role=Role.ADMIN))
    assert (await office.accounts.principal(pair.access)).role is Role.ADMIN


async def test_a_token_of_nobody_is_refused(office: Office, noor: User) -> None:
    assert await code_of(office.accounts.principal("x.y.z")) == "unauthenticated"


async def test_me_tells_a_user_who_they_are(office: Office, noor: User) -> None:
    me = await office.accounts.me(Principal(noor.id, noor.role))
    assert me == Me(noor.id, Role.PRACTITIONER, "Noor Haddad", "Europe/Berlin", None, None)


async def test_me_is_nobody_once_the_user_has_gone(office: Office) -> None:
    assert await code_of(office.accounts.me(the_doctor(subject="gone"))) == "unauthenticated"
    with pytest.raises(Forbidden):
        await office.accounts.me(Principal("device", Role.DEVICE))


async def test_standings_are_remembered_up_to_a_limit(office: Office) -> None:
    class Everybody:
        asked: list[str] = []  # noqa: RUF012 - one test's own.

        async def get(self, user: UserId) -> User:
            self.asked.append(user)
            return a_user(id=user)

    everybody = Everybody()
    standings = Standings(everybody, office.stores.invitations, FakeClock())  # type: ignore[arg-type]
    for number in range(MAX_REMEMBERED + 1):
        await standings.of(str(number))
    everybody.asked.clear()
    await standings.of(str(MAX_REMEMBERED))
    assert everybody.asked == []
    await standings.of("0")
    assert everybody.asked == ["0"]


# Tickets


def a_ticket(**changes: Any) -> Ticket:
    return replace(Ticket(DOCTOR, Role.PRACTITIONER, Purpose.ROOM, EncounterId("e1"), None, "Dr Okafor"), **changes)


async def test_a_ticket_opens_one_kind_of_socket_for_a_minute(office: Office) -> None:
    text, expires_at = await office.accounts.issue_ticket(a_ticket())
    assert await office.accounts.open_ticket(text, Purpose.ROOM) == a_ticket()
    assert await code_of(office.accounts.open_ticket(text, Purpose.VITALS)) == "unauthenticated"
    assert expires_at == office.clock.now() + timedelta(seconds=60)
    office.clock.advance(91)
    assert await code_of(office.accounts.open_ticket(text, Purpose.ROOM)) == "unauthenticated"


async def test_a_ticket_opens_nothing_once_its_user_is_disabled_even_on_another_node(office: Office) -> None:
    elsewhere = office.another_node()
    text, _ = await elsewhere.issue_ticket(a_ticket())
    await office.accounts.disable_user(the_admin(), DOCTOR)
    assert await code_of(elsewhere.open_ticket(text, Purpose.ROOM)) == "unauthenticated"


async def test_nobody_gone_gets_a_ticket(office: Office) -> None:
    assert await code_of(office.accounts.issue_ticket(a_ticket(subject="gone"))) == "unauthenticated"


async def test_a_ticket_from_before_a_change_of_role_is_refused(office: Office) -> None:
    text, _ = await office.accounts.issue_ticket(a_ticket())
    await office.stores.users.save(a_user(role=Role.PARAMEDIC))
    assert await code_of(office.accounts.open_ticket(text, Purpose.ROOM)) == "unauthenticated"


# Users


async def test_an_administrator_creates_a_user(office: Office) -> None:
    user = await office.accounts.create_user(the_admin(), somebody(name=" Noor Haddad "))
    assert (user.email, user.name) == ("noor.haddad@clinic.example", "Noor Haddad")
    assert await log_in(office)
    assert office.audit.events[0].entity == f"user/{user.id}"


async def test_a_patient_user_is_a_patient(office: Office) -> None:
    user = await office.accounts.add_user(somebody(role=Role.PATIENT, patient_id=PATIENT))
    pair = await log_in(office)
    assert await office.accounts.principal(pair.access) == Principal(user.id, Role.PATIENT, PATIENT)


async def test_an_address_is_one_users_only(office: Office, noor: User) -> None:
    with pytest.raises(Conflict) as refused:
        await office.accounts.create_user(the_admin(), somebody(email=EMAIL.lower()))
    assert refused.value.code == "email_taken"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"email": "no address"}, "bad_email"),
        ({"email": "a@b"}, None),
        ({"email": "a@" + "b" * 260}, "bad_email"),
        ({"email": "a b@c.example"}, "bad_email"),
        ({"name": "  "}, "bad_name"),
        ({"name": "x" * 101}, "bad_name"),
        ({"name": "a\nb"}, "bad_name"),
        ({"role": Role.DEVICE}, "bad_role"),
        ({"patient_id": PATIENT}, "bad_role"),
        ({"time_zone": "Mars/Olympus"}, "bad_time_zone"),
        ({"time_zone": "../../etc/passwd"}, "bad_time_zone"),
        ({"time_zone": ""}, "bad_time_zone"),
        ({"time_zone": "a\x00b"}, "bad_time_zone"),
        ({"time_zone": "Europe"}, "bad_time_zone"),
        ({"password": ""}, "weak_password"),
        ({"password": "short"}, "weak_password"),
    ],
)
async def test_what_is_wrong_with_a_new_user_is_said(office: Office, changes: dict[str, Any], code: str | None) -> None:
    creating = office.accounts.create_user(the_admin(), somebody(**changes))
    if code is None:
        assert await creating
        return
    with pytest.raises(Invalid) as refused:
        await creating
    assert refused.value.code == code


async def test_a_seeded_user_may_have_no_password_and_then_none_fits(office: Office) -> None:
    await office.accounts.add_user(somebody(password=""))
    assert await code_of(office.accounts.login(EMAIL, "")) == "bad_credentials"
    assert await code_of(office.accounts.login(EMAIL, "nobody has this password")) == "bad_credentials"


async def test_only_administrators_manage_users_and_keys(office: Office, noor: User) -> None:
    for refused in (
        office.accounts.users(the_doctor()),
        office.accounts.create_user(the_doctor(), somebody()),
        office.accounts.disable_user(the_doctor(), noor.id),
        office.accounts.rotate_keys(the_doctor()),
    ):
        assert await code_of(refused) == "forbidden"


async def test_nobody_disables_themself_or_somebody_unknown(office: Office) -> None:
    assert await code_of(office.accounts.disable_user(the_admin(), UserId(the_admin().subject))) == "own_account"
    with pytest.raises(NotFound):
        await office.accounts.disable_user(the_admin(), UserId("unknown"))


async def test_users_and_practitioners_are_listed(office: Office, noor: User) -> None:
    assert len(await office.accounts.users(the_admin())) == 4
    assert office.audit.actions == ["users.listed"]
    names = [user.name for user in await office.accounts.practitioners(the_doctor())]
    assert names == ["Dr Ifeoma Okafor", "Dr Mei Tanaka", "Noor Haddad"]


async def test_tokens_outlive_a_rotation_of_keys_on_every_node(office: Office, noor: User) -> None:
    pair, elsewhere = await log_in(office), office.another_node()
    await elsewhere.principal(pair.access)
    office.clock.advance(1)
    kid = await office.accounts.rotate_keys(the_admin())
    newer = await log_in(office)
    for token in (pair.access, newer.access):
        assert await office.accounts.principal(token)
        assert await elsewhere.principal(token)
    assert kid in [key["kid"] for key in (await elsewhere.jwks())["keys"]]
    assert office.audit.actions[1] == "keys.rotated"
