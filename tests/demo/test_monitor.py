import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from telehealth.clock import to_ms
from telehealth.demo import monitor
from telehealth.demo.journal import Journal, Kept, Place
from telehealth.demo.monitor import MonitorClient, MonitorOptions, device_socket_url, simulate_monitor
from telehealth.demo.patient import SyntheticPatient
from telehealth.demo.source import Source
from telehealth.errors import Forbidden, Invalid, Unauthenticated, Unavailable
from telehealth.interop.vital_frames import encode_frame
from telehealth.vitals.model import WaveBlock
from tests.demo.scripted_server import ScriptedServer, ShortSource
from tests.doubles import NOON


class Starter(Protocol):
    """Starts the server, and returns a monitor that is connected to the source."""

    async def __call__(
        self, server: ScriptedServer, source: Source, journal: Journal | None = None
    ) -> MonitorClient: ...


class HastyClock:
    """A clock by which it is always late, so that nobody waits. Implements clock.Clock."""

    def __init__(self) -> None:
        self._monotonic = 0.0

    def now(self) -> datetime:
        return NOON

    def monotonic(self) -> float:
        self._monotonic += 10.0
        return self._monotonic


NOON_MS = to_ms(NOON)
WHAT = "1:131330:250:0.005"


def a_block(sequence: int) -> WaveBlock:
    return WaveBlock(1, sequence, (sequence - 1) * 50, NOON_MS, b"\x01\x00" * 50)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_BACKOFF_S", "LAST_BACKOFF_S", "UNBOUND_S", "BUSY_S"):
        monkeypatch.setattr(monitor, name, 0.001)


@pytest.fixture
async def start() -> AsyncIterator[Starter]:
    async with aiohttp.ClientSession() as http:
        servers: list[TestServer] = []

        async def started(server: ScriptedServer, source: Source, journal: Journal | None = None) -> MonitorClient:
            at = TestServer(server.app())
            servers.append(at)
            await at.start_server()
            options = MonitorOptions(str(at.make_url("")), "d1.secret")
            return MonitorClient(http, options, source, clock=HastyClock(), journal=journal)

        yield started
        for at in servers:
            await at.close()


async def test_all_that_is_measured_arrives_in_order_and_once(start: Starter) -> None:
    server = ScriptedServer()
    client = await start(server, ShortSource(20))
    await client.run()
    assert sorted(server.stored[1]) == list(range(1, 21))
    indexes = {block.sequence: block.first_index for block in server.blocks}
    assert indexes == {n + 1: n * 50 for n in range(20)}
    assert server.tokens == ["Bearer d1.secret"]
    assert len(client.journal) == 0


async def test_a_frame_is_dated_by_its_first_sample_without_accumulated_rounding(start: Starter) -> None:
    server = ScriptedServer()
    await (await start(server, ShortSource(20))).run()
    starts = sorted(block.starts_at_ms for block in server.blocks)
    assert [at - starts[0] for at in starts] == [n * 200.0 for n in range(20)]


async def test_what_a_cut_line_lost_is_sent_again_and_what_was_stored_is_not(start: Starter) -> None:
    server = ScriptedServer([("cut", n) for n in (3, 0, 5, 1, 2)])
    await (await start(server, ShortSource(40))).run()
    assert {channel: sorted(stored) for channel, stored in server.stored.items()} == {1: list(range(1, 41))}
    assert len({hello.boot for hello in server.hellos}) == 1


async def test_a_monitor_that_dies_goes_on_where_its_journal_ends(start: Starter, tmp_path: Path) -> None:
    server = ScriptedServer([("cut", 2), ("close", 1012)])
    with Journal(1_000, tmp_path / "journal") as journal:
        first = await start(server, ShortSource(20), journal)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await first.run()
            raise TimeoutError  # It was done in time: then nothing is left to the second.
    with Journal(1_000, tmp_path / "journal") as journal:
        second = await start(server, ShortSource(60), journal)
        await second.run()
        assert len(journal) == 0
    assert sorted(server.stored[1]) == list(range(1, 61))
    assert len({hello.boot for hello in server.hellos}) == 1
    assert sorted(block.first_index for block in {b.sequence: b for b in server.blocks}.values()) == [
        n * 50 for n in range(60)
    ]


async def test_what_was_kept_is_marked_as_back_fill(start: Starter, tmp_path: Path) -> None:
    server = ScriptedServer()
    with Journal(1_000, tmp_path / "journal") as journal:
        place = Place("b", WHAT, NOON_MS - 60_000, 300)
        journal.add([Kept(1, n, encode_frame(a_block(n))) for n in range(1, 301)], place)
        await (await start(server, ShortSource(320), journal)).run()
    assert sorted(server.stored[1]) == list(range(1, 321))
    assert {block.sequence for block in server.blocks if block.late} >= set(range(1, 301))
    assert {hello.boot for hello in server.hellos} == {"b"}


async def test_a_journal_of_another_source_is_refused_while_it_holds_something(start: Starter, tmp_path: Path) -> None:
    with Journal(10, tmp_path / "journal") as journal:
        journal.add([Kept(1, 1, b"x")], Place("b", "something else", NOON_MS, 1))
        with pytest.raises(Invalid) as refusal:
            await start(ScriptedServer(), ShortSource(1), journal)
        assert refusal.value.code == "other_journal"
        journal.give_up(1, 1)
        await (await start(ScriptedServer(), ShortSource(3), journal)).run()


async def test_a_monitor_that_is_bound_to_nobody_tries_again(start: Starter) -> None:
    server = ScriptedServer([("close", 4404), ("close", 4404), ("close", 4429), ("close", 1012)])
    await (await start(server, ShortSource(3))).run()
    assert len(server.hellos) == 5
    assert sorted(server.stored[1]) == [1, 2, 3]


@pytest.mark.parametrize("script", [("close", 4409), ("replace", 2)])
async def test_a_replaced_monitor_stops_and_does_not_come_back(start: Starter, script: tuple[str, int]) -> None:
    server = ScriptedServer([script])
    await (await start(server, ShortSource(10**9))).run()
    assert len(server.hellos) == 1


@pytest.mark.parametrize(("code", "error"), [(4400, Invalid), (4401, Unauthenticated), (4403, Forbidden)])
async def test_a_monitor_that_is_not_wanted_says_why_and_stops(
    start: Starter, code: int, error: type[Exception]
) -> None:
    server = ScriptedServer([("close", code)])
    with pytest.raises(error):
        await (await start(server, ShortSource(10**9))).run()


async def test_a_refused_frame_is_not_sent_again(start: Starter) -> None:
    server = ScriptedServer(refused={(1, 3)})
    client = await start(server, ShortSource(10))
    await client.run()
    assert sorted(server.stored[1]) == [1, 2, *range(4, 11)]
    assert [block.sequence for block in server.blocks].count(3) == 1
    assert len(client.journal) == 0


async def test_while_it_is_unplugged_nothing_is_measured_and_it_says_so(start: Starter) -> None:
    server = ScriptedServer()
    await (await start(server, ShortSource(12, unplugged=range(4, 8)))).run()
    assert sorted(block.sequence for block in server.blocks if block.gap) == [5, 6, 7, 8]
    assert {block.count for block in server.blocks} == {50}
    assert sorted(server.stored[1]) == list(range(1, 13))


async def test_a_synthetic_patient_s_numerics_arrive_with_units(start: Starter) -> None:
    class AMinute:
        def __init__(self) -> None:
            self._patient = SyntheticPatient("stable", seed=1)
            self.channels = self._patient.channels

        def chunk(self, number: int) -> object:
            return self._patient.chunk(number) if number < 50 else None

    server = ScriptedServer()
    await (await start(server, AMinute())).run()  # type: ignore[arg-type]  # its chunks are the patient's.
    assert sorted(message.sequence for message in server.numerics) == list(range(1, 10))
    assert all(value.unit for message in server.numerics for value in message.values)
    assert set(server.stored) == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("url", "socket"),
    [
        ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/ws/device"),
        ("http://127.0.0.1:8080/", "ws://127.0.0.1:8080/ws/device"),
        ("https://clinic.example", "wss://clinic.example/ws/device"),
        ("wss://clinic.example/ws/device", "wss://clinic.example/ws/device"),
    ],
)
def test_the_device_socket_is_found_from_the_server_s_address(url: str, socket: str) -> None:
    assert device_socket_url(url) == socket


@pytest.mark.parametrize("url", ["", "127.0.0.1:8080", "ftp://host", "http://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        device_socket_url(url)


async def test_an_unknown_scenario_is_refused() -> None:
    with pytest.raises(Invalid) as refusal:
        await simulate_monitor(MonitorOptions("http://127.0.0.1:1", "t", scenario="asleep"))
    assert refusal.value.code == "no_scenario"


@pytest.mark.parametrize("record", ["nowhere", "nowhere.hea"])
async def test_a_record_that_is_not_there_is_refused(tmp_path: Path, record: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await simulate_monitor(MonitorOptions("http://127.0.0.1:1", "t", record=tmp_path / record))
    assert refusal.value.code == "no_record"


async def test_without_the_extra_a_replay_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "telehealth.demo.replay", None)
    with pytest.raises(Unavailable) as refusal:
        await simulate_monitor(MonitorOptions("http://127.0.0.1:1", "t", record="made"))
    assert "telehealth[replay]" in refusal.value.text


async def test_it_asks_for_the_time(start: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "CLOCK_EVERY_S", 0.0)
    server = ScriptedServer()
    await (await start(server, ShortSource(200))).run()
    assert server.clocks_asked > 0


async def test_a_server_that_is_not_there_is_tried_again() -> None:
    reports: list[str] = []
    options = MonitorOptions("http://127.0.0.1:1", "t", report=reports.append)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await simulate_monitor(options)
    assert len(reports) > 2
    assert reports[0].startswith("no connection")


def test_a_credential_is_not_shown() -> None:
    assert "secret" not in repr(MonitorOptions("http://127.0.0.1:1", "d1.secret"))
