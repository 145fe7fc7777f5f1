"""MLLP over real sockets: one message at a time, and no sender harms the others."""

import asyncio
import ssl
from pathlib import Path

import pytest

from telehealth.errors import Unavailable
from telehealth.ingest.mllp import MllpOptions, MllpServer
from telehealth.interop.hl7.framer import framed
from telehealth.server import self_signed
from tests.builders import ENCOUNTER
from tests.doubles import NOON
from tests.ingest.monitor import Monitor, Station
from tests.interop.hl7.wire import BPM, HEADER, HR, message, row

BEAT = message(row(HR, "75", BPM))


def beat(number: int) -> bytes:
    at = f"202601011159{number % 60:02}+0000"
    return message(row(HR, str(60 + number), BPM, f14=at), header=HEADER.replace("|42|", f"|{number}|"))


async def test_a_monitor_is_answered_message_by_message(station: Station) -> None:
    await station.a_device()
    async with station.listening() as server:
        monitor = await Monitor.connected(server.port)
        for number in range(5):
            assert f"\rMSA|CA|{number}|" in await monitor.ask(beat(number))
        await monitor.close()


async def test_octets_one_by_one_and_messages_in_one_go_are_all_answered(station: Station) -> None:
    await station.a_device()
    async with station.listening() as server:
        monitor = await Monitor.connected(server.port)
        for octet in framed(beat(1)):
            await monitor.send(bytes((octet,)))
        assert "MSA|CA|1|" in await monitor.answer()
        await monitor.send(framed(beat(2)) + framed(beat(3)) + b"\x0b" + beat(4) + b"\x1c")
        answers = [await monitor.answer() for _ in range(3)]
        assert [text.split("MSA|CA|")[1][0] for text in answers] == ["2", "3", "4"]
        frames = await station.ward.stores.vital_frames.since(ENCOUNTER, NOON.replace(year=2025), limit=10)
        assert len(frames) == 4
        await monitor.close()


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (b"MSH|no start\x1c\r", "no start"),
        (b"\x0b" + b"x" * 5_000, "too large"),
        (b"GET / HTTP/1.1\r\n" * 5_000, "no start"),
    ],
    ids=["no start", "too large", "http"],
)
async def test_what_is_no_mllp_is_answered_and_closed(station: Station, octets: bytes, told: str) -> None:
    async with station.listening(message_bytes=4_096) as server:
        monitor = await Monitor.connected(server.port)
        await monitor.send(octets)
        assert told in await monitor.answer()
        assert await monitor.ended()


async def test_a_message_that_was_cut_off_does_not_take_the_next_with_it(station: Station) -> None:
    await station.a_device()
    async with station.listening() as server:
        monitor = await Monitor.connected(server.port)
        await monitor.send(b"\x0bMSH|^~\\&|cut" + framed(BEAT))
        assert "had no end" in await monitor.answer()
        assert "MSA|CA|42|" in await monitor.answer()
        assert "MSA|AE||" in await monitor.ask(b"not a message")
        assert "MSA|CA|42|" in await monitor.ask(BEAT)
        await monitor.close()


async def test_an_address_that_is_not_allowed_is_closed(station: Station) -> None:
    async with station.listening(allowed=("10.0.0.0/8",)) as server:
        monitor = await Monitor.connected(server.port)
        assert await monitor.ended()
    assert station.counted("socket_closes") == {"mllp/not_allowed": 1.0}


async def test_there_are_only_so_many_connections(station: Station) -> None:
    async with station.listening(connections=3) as server:
        monitors = [await Monitor.connected(server.port) for _ in range(3)]
        for monitor in monitors:
            assert "MSA" in await monitor.ask(b"x")
        assert server.connections == 3
        one_more = await Monitor.connected(server.port)
        assert await one_more.ended()
        await monitors[0].close()
        await asyncio.wait_for(_until(lambda: server.connections == 2), 5)
        again = await Monitor.connected(server.port)
        assert "MSA" in await again.ask(b"x")
        for monitor in (*monitors[1:], again):
            await monitor.close()


async def _until(holds: object) -> None:
    assert callable(holds)
    while not holds():
        await asyncio.sleep(0.01)


async def test_a_silent_connection_is_closed_and_watchers_learn_that_the_device_is_gone(station: Station) -> None:
    await station.a_device()
    async with station.listening(silence_s=0.1) as server:
        monitor = await Monitor.connected(server.port)
        await monitor.ask(BEAT)
        assert await monitor.ended()
        await asyncio.wait_for(_until(lambda: len(station.ward.heard("device")) == 2), 5)
    assert [b'"connected":true' in event.body for event in station.ward.heard("device")] == [True, False]


async def test_a_server_that_stops_closes_its_connections(station: Station) -> None:
    async with station.listening() as server:
        monitor = await Monitor.connected(server.port)
        assert "MSA" in await monitor.ask(b"x")
    assert await monitor.ended()
    assert server.connections == 0


async def test_an_address_that_is_taken_is_told(station: Station) -> None:
    async with station.listening() as server:
        second = MllpServer(MllpOptions("127.0.0.1", server.port), station.inbox(), station.reports, station.metrics)
        with pytest.raises(Unavailable) as refusal:
            await second.start()
        assert refusal.value.code == "address_in_use"


async def test_it_speaks_tls(station: Station, tmp_path: Path) -> None:
    await station.a_device()
    certificate = tmp_path / "certificate.pem"
    certificate.write_bytes(self_signed("127.0.0.1"))
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(certificate)
    theirs = ssl.create_default_context(cafile=str(certificate))
    async with station.listening(tls=ours) as server:
        monitor = await Monitor.connected(server.port, theirs)
        assert "MSA|CA|42|" in await monitor.ask(BEAT)
        await monitor.close()
        plain = await Monitor.connected(server.port)
        await plain.send(framed(BEAT))
        assert await plain.ended()
