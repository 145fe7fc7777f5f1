"""Group commit: who is written with whom, and who hears of whose failure."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy.exc import DataError

from telehealth.errors import Unavailable
from telehealth.storage.group_commit import GroupCommit


class Table:
    """Remembers each transaction; refuses a batch with a negative row, and everything while away."""

    def __init__(self) -> None:
        self.transactions: list[list[int]] = []
        self.attempts = 0
        self.away = False
        self.open = asyncio.Event()
        self.open.set()

    async def write(self, rows: Sequence[int]) -> Sequence[bool]:
        self.attempts += 1
        await asyncio.sleep(0)  # As any real one, it gives others a turn.
        await self.open.wait()
        if self.away:
            raise Unavailable("away")
        if any(row < 0 for row in rows):
            raise DataError("", None, Exception())
        self.transactions.append(list(rows))
        return [row % 2 == 0 for row in rows]


async def test_a_caller_alone_is_written_at_once() -> None:
    table = Table()
    assert await GroupCommit(table.write).add([1, 2, 3]) == [False, True, False]
    assert table.transactions == [[1, 2, 3]]


async def test_who_comes_while_a_transaction_runs_is_written_by_the_next_together() -> None:
    table = Table()
    commits = GroupCommit(table.write)
    results = await asyncio.gather(*(commits.add([2 * number, 2 * number + 1]) for number in range(50)))
    assert results == [[True, False]] * 50
    assert len(table.transactions) <= 2
    assert sorted(row for rows in table.transactions for row in rows) == list(range(100))


async def test_a_transaction_has_a_limit() -> None:
    table = Table()
    commits = GroupCommit(table.write, limit=10)
    await asyncio.gather(*(commits.add([number]) for number in range(100)))
    assert max(len(rows) for rows in table.transactions) == 10
    assert sorted(row for rows in table.transactions for row in rows) == list(range(100))


async def test_a_bad_row_fails_its_own_caller_only() -> None:
    table = Table()
    commits = GroupCommit(table.write)
    results = await asyncio.gather(*(commits.add([row]) for row in (2, -1, 4)), return_exceptions=True)
    assert [type(result) for result in results] == [list, DataError, list]
    assert sorted(table.transactions) == [[2], [4]]


async def test_a_database_that_is_away_is_asked_once_for_all() -> None:
    table = Table()
    table.away = True
    commits = GroupCommit(table.write)
    results = await asyncio.gather(*(commits.add([row]) for row in range(20)), return_exceptions=True)
    assert {type(result) for result in results} == {Unavailable}
    assert table.attempts <= 2
    table.away = False
    assert await commits.add([2]) == [True]


async def test_a_caller_cancelled_while_writing_for_others_takes_nobody_with_it() -> None:
    table = Table()
    table.open.clear()
    commits = GroupCommit(table.write)
    async with asyncio.TaskGroup() as group:
        first, leader, follower = (group.create_task(commits.add([row])) for row in (2, 4, 6))
        while table.attempts < 1:
            await asyncio.sleep(0)
        table.open.set()
        await first
        table.open.clear()
        while table.attempts < 2:
            await asyncio.sleep(0)
        leader.cancel()
        while table.attempts < 3:
            await asyncio.sleep(0)
        table.open.set()
    assert leader.cancelled()
    assert follower.result() == [True]
    assert table.transactions == [[2], [6]]


async def test_a_transaction_waits_a_moment_after_another_for_more_to_come() -> None:
    table = Table()
    commits = GroupCommit(table.write, gather_s=0.05)
    await commits.add([0])
    async with asyncio.TaskGroup() as group:
        for number in range(1, 20):
            group.create_task(commits.add([number]))
            await asyncio.sleep(0)
    assert [len(rows) for rows in table.transactions] == [1, 19]


async def test_a_failure_is_raised_where_it_belongs() -> None:
    with pytest.raises(DataError):
        await GroupCommit(Table().write).add([-1])
