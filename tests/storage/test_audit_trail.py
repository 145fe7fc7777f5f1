"""The stored audit trail: what it finds, and what it does when it cannot write."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from telehealth.audit import AuditEvent
from telehealth.errors import Unavailable
from telehealth.storage.audit_trail import AnchorFile, SqlAuditTrail
from telehealth.storage.database import Database
from telehealth.storage.schema import migrate
from tests.doubles import FakeClock

KEY = b"\x09" * 32
EVENT = AuditEvent("encounter.read", "u1", "practitioner", "encounter/e1", patient="p1")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.engine)])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path}/telehealth.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    await migrate(url)
    async with Database.open(url) as opened:
        yield opened


@pytest.fixture
def anchor(tmp_path: Path) -> Path:
    return tmp_path / "anchors" / "audit.jsonl"


def a_trail(database: Database, anchor: Path, *, node: str = "n1", clock: FakeClock | None = None) -> SqlAuditTrail:
    return SqlAuditTrail(database, clock or FakeClock(), node, KEY, anchor=AnchorFile(anchor), anchor_every_s=60)


async def write(database: Database, anchor: Path, count: int, *, node: str = "n1") -> SqlAuditTrail:
    trail = a_trail(database, anchor, node=node)
    for _ in range(count):
        await trail.record(EVENT)
    await trail.aclose()
    return trail


def numbers(anchor: Path) -> list[int]:
    return [json.loads(line)["number"] for line in anchor.read_text().splitlines()]


async def alter(database: Database, statement: str) -> None:
    async with database.write() as connection:
        await connection.execute(text(statement))


async def test_each_event_stands_there_with_number_time_and_outcome(database: Database, anchor: Path) -> None:
    clock = FakeClock()
    trail = a_trail(database, anchor, clock=clock)
    await trail.record(EVENT)
    clock.advance(1.5)
    await trail.record(AuditEvent("user.read", "system", "admin", "user/u2", outcome="not_found"))
    first, second = await trail.entries("n1")
    assert (first.number, first.event) == (1, EVENT)
    assert (second.number, second.at, second.event.outcome) == (2, clock.now(), "not_found")
    assert await trail.entries("n1", after=1, limit=1) == [second]


async def test_concurrent_events_make_one_unbroken_chain(database: Database, anchor: Path) -> None:
    trail = a_trail(database, anchor)
    await asyncio.gather(*(trail.record(EVENT) for _ in range(50)))
    [result] = await trail.verify()
    assert (result.good, result.entries) == (True, 50)


async def test_nodes_have_chains_of_their_own_and_go_on_after_a_restart(database: Database, anchor: Path) -> None:
    await write(database, anchor, 3)
    await write(database, anchor, 2, node="n2")
    trail = await write(database, anchor, 2)
    assert await trail.nodes() == ["n1", "n2"]
    results = await trail.verify()
    assert [(result.node, result.entries, result.good) for result in results] == [("n1", 5, True), ("n2", 2, True)]


async def test_two_processes_of_one_name_do_not_break_the_chain(database: Database, anchor: Path) -> None:
    one, two = a_trail(database, anchor), a_trail(database, anchor)
    for _ in range(3):
        await one.record(EVENT)
        await two.record(EVENT)
    [result] = await one.verify()
    assert (result.good, result.entries) == (True, 6)


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("UPDATE audit_entries SET actor = 'u2' WHERE number = 4", 4),
        ("UPDATE audit_entries SET patient = '' WHERE number = 1", 1),
        ("DELETE FROM audit_entries WHERE number = 5", 5),
        ("DELETE FROM audit_entries WHERE number = 1", 1),
    ],
)
async def test_an_edit_or_a_removal_is_found_at_its_place(
    database: Database, anchor: Path, statement: str, broken_at: int
) -> None:
    trail = await write(database, anchor, 8)
    await alter(database, statement)
    [result] = await trail.verify()
    assert (result.good, result.broken_at) == (False, broken_at)


async def test_an_edit_far_down_a_long_chain_is_found(database: Database, anchor: Path) -> None:
    trail = a_trail(database, anchor)
    await asyncio.gather(*(trail.record(EVENT) for _ in range(1100)))
    await alter(database, "UPDATE audit_entries SET entity = 'x' WHERE number = 1050")
    [result] = await trail.verify()
    assert result.broken_at == 1050


async def test_a_removal_at_the_end_is_found_by_the_anchor(database: Database, anchor: Path) -> None:
    trail = await write(database, anchor, 8)
    await alter(database, "DELETE FROM audit_entries WHERE number > 6")
    [result] = await trail.verify()
    assert (result.good, result.broken_at, result.missing_after) == (False, None, 6)


async def test_a_node_whose_whole_chain_was_removed_is_found(database: Database, anchor: Path) -> None:
    trail = await write(database, anchor, 2)
    await alter(database, "DELETE FROM audit_entries")
    [result] = await trail.verify()
    assert (result.node, result.missing_after, result.good) == ("n1", 0, False)


async def test_a_chain_made_anew_with_the_key_is_found_by_the_anchor(database: Database, anchor: Path) -> None:
    await write(database, anchor, 5)
    await alter(database, "DELETE FROM audit_entries")
    forger = SqlAuditTrail(database, FakeClock(), "n1", KEY)
    for _ in range(5):
        await forger.record(AuditEvent("nothing.happened", "u1", "practitioner", "x"))
    [result] = await a_trail(database, anchor).verify()
    assert (result.good, result.rewritten) == (False, True)


async def test_the_chain_of_one_node_cannot_be_passed_off_as_anothers(database: Database, tmp_path: Path) -> None:
    await write(database, tmp_path / "a", 2)
    await alter(database, "UPDATE audit_entries SET node = 'n9'")
    results = await SqlAuditTrail(database, FakeClock(), "n1", KEY).verify()
    assert [(result.node, result.good) for result in results] == [("n9", False)]


async def test_anchors_are_written_at_intervals_and_at_the_end(database: Database, anchor: Path) -> None:
    clock = FakeClock()
    trail = a_trail(database, anchor, clock=clock)
    for _ in range(10):
        clock.advance(20)
        await trail.record(EVENT)
    assert numbers(anchor) == [3, 6, 9]
    await trail.aclose()
    await trail.aclose()
    assert numbers(anchor) == [3, 6, 9, 10]


async def test_a_damaged_line_of_the_anchor_file_is_passed_over(database: Database, anchor: Path) -> None:
    trail = await write(database, anchor, 2)
    with anchor.open("ab") as file:
        file.write(b'{"node": "n1"\n\xff\xfe\n[]\n{"node": "n1", "number": 99, "seal": "zz"}\n{"node": "n1", "num')
    [result] = await trail.verify()
    assert result.good


async def test_what_cannot_be_recorded_is_unavailable_and_the_chain_goes_on_later(anchor: Path) -> None:
    async with Database.in_memory() as database:
        trail = a_trail(database, anchor)
        await trail.record(EVENT)
        await alter(database, "ALTER TABLE audit_entries RENAME TO away")
        await alter(database, "CREATE VIEW audit_entries AS SELECT * FROM away")
        with pytest.raises(Unavailable):
            await trail.record(EVENT)
        await alter(database, "DROP VIEW audit_entries")
        await alter(database, "ALTER TABLE away RENAME TO audit_entries")
        await trail.record(EVENT)
        [result] = await trail.verify()
        assert (result.good, result.entries) == (True, 2)


async def test_an_anchor_that_cannot_be_written_does_not_stop_the_trail(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    async with Database.in_memory() as database:
        trail = a_trail(database, tmp_path / "file" / "audit.jsonl")
        await trail.record(EVENT)
        await trail.aclose()
        assert len(await trail.entries("n1")) == 1
    assert "anchor" in caplog.text
