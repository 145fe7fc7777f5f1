"""Clients that speak badly, slowly or not at all, against the server as it really listens."""

import asyncio
import base64
import gzip
import os
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from telehealth import server as server_module
from telehealth.server import Running, running
from telehealth.web.sockets import line
from tests.web.house import settings_for


@pytest.fixture
async def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    monkeypatch.setattr(server_module, "IDLE_S", 0.5)
    async with running(settings_for(tmp_path, HTTP_PORT="0")) as started:
        yield started


def address(live: Running) -> tuple[str, int]:
    host, _, port = live.base_url.removeprefix("http://").partition(":")
    return host, int(port)


async def exchange(live: Running, raw: bytes, *, limit_s: float = 5.0) -> bytes:
    """Send bytes and return all that comes until the server closes."""
    reader, writer = await asyncio.open_connection(*address(live))
    try:
        writer.write(raw)
        async with asyncio.timeout(limit_s):
            return await all_from(reader)
    finally:
        writer.close()


async def all_from(reader: asyncio.StreamReader) -> bytes:
    """Return what came until the end; who closes with bytes unread ends with a reset, which takes nothing back."""
    came = b""
    try:
        while block := await reader.read(65_536):
            came += block
    except ConnectionError:
        pass
    return came


SMUGGLING = {
    "two lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a strange coding": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "a folded header": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
    "a nul": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
    "a negative length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "a signed length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na",
    "a chunk of no size": b"POST /api/v1/queue HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "another version": b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    "a method of words": b"GET ME / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a header of 1 MB": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n",
    "an address of 1 MB": b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "40,000 headers": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X%d: y\r\n" % n for n in range(40_000)) + b"\r\n",
}


@pytest.mark.parametrize("raw", SMUGGLING.values(), ids=SMUGGLING.keys())
async def test_w8_what_is_no_plain_http_is_refused_and_the_connection_closed(live: Running, raw: bytes) -> None:
    answer = await exchange(live, raw)
    status = answer.split(b" ")[1] if answer else b"closed"
    assert status in {b"400", b"401", b"403", b"404", b"405", b"414", b"431", b"closed"}
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert b"Traceback" not in answer


@pytest.mark.parametrize("part", [b"", b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"GET /"])
async def test_w7_silence_and_half_a_header_are_cut_off(live: Running, part: bytes) -> None:
    assert (await exchange(live, part, limit_s=4.0)).split(b" ")[1:2] in ([], [b"400"], [b"408"])


async def test_w9_a_body_that_unpacks_to_more_than_the_limit_is_refused(live: Running) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    head = (
        "POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        f"Content-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
    )
    answer = await exchange(live, head.encode() + bomb)
    assert answer.split(b" ")[1] in {b"413", b"400"}


async def handshake(live: Running) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(*address(live))
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET /ws/room HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 101 " in head
    assert b"permessage-deflate" not in head
    return reader, writer


def frame(opcode: int, payload: bytes, *, fin: bool = True, masked: bool = True) -> bytes:
    length = len(payload)
    size = struct.pack("!B", length | 128 * masked) if length < 126 else struct.pack("!BH", 126 | 128 * masked, length)
    return bytes([opcode | 128 * fin]) + size + (b"\0\0\0\0" if masked else b"") + payload


FRAMES = {
    "invalid UTF-8": (frame(1, b"\xff\xfe"), {1007}),
    "a reserved opcode": (frame(3, b"x"), {1002}),
    "a reserved bit": (bytes([0x81 | 0x40, 0x81]) + b"\0\0\0\0x", {1002}),
    "a long ping": (frame(9, b"x" * 126), {1002}),
    "a ping in parts": (frame(9, b"x", fin=False), {1002}),
    "a continuation of nothing": (frame(0, b"x"), {1002}),
    "a frame of 2^62": (bytes([0x82, 0xFF]) + struct.pack("!Q", 2**62) + b"\0\0\0\0", {1009, 1002}),
    "binary in a room": (frame(2, b"x"), {4400}),
}


@pytest.mark.parametrize(("raw", "codes"), FRAMES.values(), ids=FRAMES.keys())
async def test_w6_a_frame_against_the_rules_closes_with_the_code_for_it(
    live: Running, raw: bytes, codes: set[int]
) -> None:
    reader, writer = await handshake(live)
    writer.write(raw)
    async with asyncio.timeout(5):
        answer = await all_from(reader)
    writer.close()
    assert answer[0] == 0x88
    assert struct.unpack_from("!H", answer, 2)[0] in codes


async def test_ten_thousand_fragments_stay_within_the_limit_of_a_message(live: Running) -> None:
    reader, writer = await handshake(live)
    async with asyncio.TaskGroup() as group:
        # Listening from the start: a reset that meets nobody who reads takes the answer with it.
        answering = group.create_task(asyncio.wait_for(all_from(reader), 5))
        await asyncio.sleep(0)
        writer.write(frame(1, b"x", fin=False) + frame(0, b"xxxxxxxxxx", fin=False) * 10_000)
    answer = answering.result()
    writer.close()
    assert struct.unpack_from("!H", answer, 2)[0] == 1009


async def test_many_silent_sockets_are_gone_after_the_time_for_a_hello(
    live: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "HELLO_S", 0.3)
    opened = [await handshake(live) for _ in range(100)]
    async with asyncio.timeout(8):
        for reader, writer in opened:
            answer = await reader.readexactly(4)
            assert struct.unpack_from("!H", answer, 2)[0] == 4408
            writer.close()


async def test_the_server_stops_within_ten_seconds_though_somebody_is_there(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with running(settings_for(tmp_path, HTTP_PORT="0")) as live:
        _, writer = await handshake(live)
        _, idle = await asyncio.open_connection(*address(live))
        began = loop.time()
    assert loop.time() - began < 10
    writer.close()
    idle.close()
