"""The composition root: keys, settings and what the command line asks of it."""

import base64
import hmac
from pathlib import Path

import pytest

from telehealth.access import Role
from telehealth.accounts.model import NewUser
from telehealth.administration import Verdict, add_user, migrate, verify_audit
from telehealth.app import TURN_SECONDS, turn_servers
from telehealth.config import Settings
from telehealth.errors import Conflict, TelehealthError
from telehealth.ids import ParticipantId
from telehealth.storage.audit_trail import ChainResult
from telehealth.storage.cipher import Undecipherable
from tests.doubles import FakeClock
from tests.web.house import PASSWORD, House, open_house, settings_for

NEW_KEY = base64.b64encode(b"n" * 32).decode()
OLD_KEY = base64.b64encode(b"k" * 32).decode()
NOOR = NewUser("noor@clinic.example", "Noor Haddad", Role.ADMIN, PASSWORD, "Europe/Berlin")
ANA = NewUser("ana@clinic.example", "Ana Ruiz", Role.PATIENT, PASSWORD, "Europe/Berlin")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path)


async def login(house: House, email: str) -> int:
    body = {"email": email, "password": "wrong"}
    return (await house.ask("POST", "/api/v1/auth/login", body=body)).status


async def test_a_user_added_by_command_is_there_and_in_the_audit_trail(settings: Settings) -> None:
    await add_user(settings, NOOR)
    await add_user(settings, ANA)
    with pytest.raises(Conflict):
        await add_user(settings, NOOR)
    verdicts = await verify_audit(settings)
    assert [(verdict.intact, str(verdict)) for verdict in verdicts] == [(True, "node-1: 2 entries, all in order")]
    async with open_house(settings, in_memory=False) as house:
        stored = await house.services.accounts._ports.users.all(10)
        assert {(user.name, user.patient_id is not None) for user in stored} == {
            ("Noor Haddad", False),
            ("Ana Ruiz", True),
        }


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (ChainResult("n", 9, broken_at=4), "entry 4 was changed"),
        (ChainResult("n", 9, missing_after=9), "after 9 are missing"),
        (ChainResult("n", 9, rewritten=True), "rewritten"),
    ],
)
def test_a_verdict_says_what_is_wrong(result: ChainResult, word: str) -> None:
    assert not Verdict(result).intact
    assert word in str(Verdict(result))


async def test_a_new_master_key_reads_what_the_one_before_wrote(tmp_path: Path) -> None:
    await add_user(settings_for(tmp_path), NOOR)
    changed = settings_for(tmp_path, SECRET_KEY=NEW_KEY, PREVIOUS_SECRET_KEYS=OLD_KEY)
    async with open_house(changed, in_memory=False) as house:
        assert [user.name for user in await house.services.accounts._ports.users.all(10)] == ["Noor Haddad"]
        assert await login(house, NOOR.email) == 401
    with pytest.raises(Undecipherable):
        async with open_house(settings_for(tmp_path, SECRET_KEY=NEW_KEY), in_memory=False) as house:
            await house.services.accounts._ports.users.all(10)


def test_migrating_twice_changes_nothing(settings: Settings) -> None:
    migrate(settings)
    migrate(settings)
    assert (settings.data_dir / "telehealth.sqlite3").exists()


def test_turn_credentials_are_each_participant_s_own_and_end(tmp_path: Path) -> None:
    changed = settings_for(tmp_path, TURN_URL="turn:turn.example.org:3478", TURN_SECRET="s3cret")
    clock = FakeClock()
    [server] = turn_servers(changed, clock)(ParticipantId("p1"))
    assert server.urls == ("turn:turn.example.org:3478",)
    assert server.username == f"{int(clock.now().timestamp()) + TURN_SECONDS}:p1"
    assert server.credential == base64.b64encode(hmac.digest(b"s3cret", server.username.encode(), "sha1")).decode()


def test_without_turn_there_are_no_ice_servers(settings: Settings) -> None:
    assert turn_servers(settings, FakeClock())(ParticipantId("p1")) == ()


async def test_no_key_of_the_configuration_stands_in_the_database(tmp_path: Path) -> None:
    await add_user(settings_for(tmp_path), NOOR)
    content = everything_in(tmp_path)
    assert b"k" * 32 not in content
    assert NOOR.email.encode() not in content
    assert NOOR.name.encode() not in content


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_a_paediatric_table_that_cannot_be_used_stops_the_start_with_the_reason(tmp_path: Path) -> None:
    file = tmp_path / "pews.json"
    ours = settings_for(tmp_path).model_copy(update={"pews_table": file})
    with pytest.raises(TelehealthError) as missing:
        async with open_house(ours):
            pass
    file.write_text("{}")
    with pytest.raises(TelehealthError) as broken:
        async with open_house(ours):
            pass
    assert (missing.value.code, broken.value.code) == ("no_pews_table", "bad_pews_table")
    file.write_bytes((Path(__file__).parent / "vectors" / "pews.json").read_bytes())
    async with open_house(ours) as house:
        assert house.services.watch._table is not None
