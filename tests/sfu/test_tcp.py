"""Connections to the media port: framed datagrams, and nothing for strangers."""

import asyncio
from contextlib import aclosing

import pytest
import uvloop
from aioice.stun import Class, Message, Method, parse_message

from telehealth.clock import SystemClock
from telehealth.errors import Unavailable
from telehealth.ids import ParticipantId
from telehealth.rtp.tcp_framing import Frames, frame
from telehealth.sfu.counters import Counters, Drop
from telehealth.sfu.limits import FORGET_S, TCP_FIRST_CHECK_S, TCP_PER_HOST, TCP_STALLED_S, TCP_WAITING_BYTES
from telehealth.sfu.media_settings import MediaSettings
from telehealth.sfu.plane import ForwardingPlane
from telehealth.sfu.stun import Address
from telehealth.sfu.tcp import TcpPort, _Stream
from tests.doubles import FakeClock
from tests.sfu.peers import ROOM, Listener, until

ANA = ParticipantId("ana")


def check(offer: str) -> bytes:
    ufrag = offer.split("a=ice-ufrag:")[1].split()[0]
    password = offer.split("a=ice-pwd:")[1].split()[0]
    message = Message(Method.BINDING, Class.REQUEST)
    message.attributes["USERNAME"] = f"{ufrag}:them"
    message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(password.encode())
    return bytes(message)


async def test_a_check_over_tcp_is_answered_and_its_path_ends_with_the_connection(still_plane: ForwardingPlane) -> None:
    heard = Listener(still_plane)
    await still_plane.open(ROOM, ANA)
    offer = heard.offers["ana"][0].sdp
    assert " tcptype passive" in offer
    reader, writer = await asyncio.open_connection("127.0.0.1", still_plane.port)
    request = frame(check(offer))
    for piece in (request[:1], request[1:30], request[30:]):
        writer.write(piece)
        await writer.drain()
    [answer] = Frames().feed(await asyncio.wait_for(reader.read(2048), 5))
    assert parse_message(answer).message_class is Class.RESPONSE
    current = still_plane._rooms[ROOM].seats[ANA].current
    assert current is not None
    chosen: object = current.transport.address
    assert chosen == ("tcp:127.0.0.1", writer.get_extra_info("sockname")[1])
    writer.close()
    await until(lambda: not current.transport.paths)
    assert current.transport.address != chosen
    assert len(still_plane._tcp) == 0


def test_a_check_over_tcp_is_answered_on_the_event_loop_of_the_server_too() -> None:
    async def play() -> None:
        async with aclosing(ForwardingPlane(MediaSettings(host="127.0.0.1"), SystemClock())) as plane:
            heard = Listener(plane)
            await plane.start()
            await plane.open(ROOM, ANA)
            reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
            writer.write(frame(check(heard.offers["ana"][0].sdp)))
            [answer] = Frames().feed(await asyncio.wait_for(reader.read(2048), 5))
            assert parse_message(answer).message_class is Class.RESPONSE
            assert len(plane._tcp) == 1
            writer.close()

    uvloop.run(play())


async def test_whoever_proves_nothing_is_dropped_after_a_while_and_hears_nothing(
    still_plane: ForwardingPlane, clock: FakeClock
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", still_plane.port)
    writer.write(frame(b"\x16\xfe\xff" + bytes(60)) + frame(b"") + frame(b"\x80" * 100))
    await until(lambda: still_plane.statistics().dropped["foreign"] == 2)
    clock.advance(TCP_FIRST_CHECK_S + 0.1)
    still_plane.tick()
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    await until(lambda: len(still_plane._tcp) == 0)


async def test_a_connection_ends_a_while_after_its_transport(still_plane: ForwardingPlane, clock: FakeClock) -> None:
    heard = Listener(still_plane)
    await still_plane.open(ROOM, ANA)
    reader, writer = await asyncio.open_connection("127.0.0.1", still_plane.port)
    writer.write(frame(check(heard.offers["ana"][0].sdp)))
    assert await asyncio.wait_for(reader.read(2048), 5)
    await still_plane.close(ROOM, ANA)
    # It keeps sending, but nobody answers any more.
    writer.write(frame(check(heard.offers["ana"][0].sdp)))
    await until(lambda: still_plane.statistics().dropped["stun"] == 1)
    clock.advance(FORGET_S + 0.1)
    still_plane.tick()
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    await until(lambda: len(still_plane._tcp) == 0)


async def test_a_stream_that_is_no_frames_is_dropped(still_plane: ForwardingPlane) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", still_plane.port)
    writer.write(b"\xff\xff GET / HTTP/1.1\r\n\r\n")
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    await until(lambda: still_plane.statistics().dropped["malformed"] == 1)


async def test_connections_of_one_host_are_bounded(still_plane: ForwardingPlane) -> None:
    writers = [(await asyncio.open_connection("127.0.0.1", still_plane.port))[1] for _ in range(TCP_PER_HOST + 3)]
    await until(lambda: still_plane.statistics().dropped["tcp_limit"] == 3)
    assert len(still_plane._tcp) == TCP_PER_HOST
    for writer in writers:
        writer.close()
    await until(lambda: len(still_plane._tcp) == 0)


async def test_a_slow_peer_is_skipped_and_then_dropped_and_costs_a_bounded_buffer() -> None:
    clock, counters = FakeClock(), Counters()
    gone: list[Address] = []
    port = TcpPort("127.0.0.1", counters, clock, gone.append)
    await port.open(0, lambda *_: None)
    assert port._server is not None
    reader, writer = await asyncio.open_connection(*port._server.sockets[0].getsockname()[:2], limit=1024)
    await until(lambda: len(port) == 1)
    [stream] = port._streams
    assert isinstance(stream, _Stream)
    for _ in range(20_000):  # Nobody reads: first the buffers of the system fill up, then ours.
        stream.send(bytes(1200), stream.address)
    assert counters.dropped[Drop.TCP_SLOW] > 0
    assert stream._transport is not None
    assert stream._transport.get_write_buffer_size() <= TCP_WAITING_BYTES + 2
    port.tick(clock.monotonic() + TCP_STALLED_S + 0.1)
    await until(lambda: len(port) == 0)
    assert len(gone) == 1
    writer.close()
    await port.aclose()
    assert reader is not None


async def test_a_port_that_is_taken_for_tcp_is_refused() -> None:
    other = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]
    with pytest.raises(Unavailable):
        await ForwardingPlane(MediaSettings(host="127.0.0.1", port=port), SystemClock()).start()
    other.close()
    await other.wait_closed()


async def test_tcp_can_be_left_out() -> None:
    plane = ForwardingPlane(MediaSettings(host="127.0.0.1", protocols=("udp",)), SystemClock())
    heard = Listener(plane)
    await plane.start()
    await plane.open(ROOM, ANA)
    assert "tcptype" not in heard.offers["ana"][0].sdp
    with pytest.raises(OSError, match=r"refused|failed"):
        await asyncio.open_connection("127.0.0.1", plane.port)
    await plane.aclose()


def test_on_the_loop_that_serves_a_check_is_answered_and_connections_are_bounded() -> None:
    async def tried() -> None:
        plane = ForwardingPlane(MediaSettings(host="127.0.0.1"), SystemClock())
        heard = Listener(plane)
        await plane.start()
        await plane.open(ROOM, ANA)
        opened = [await asyncio.open_connection("127.0.0.1", plane.port) for _ in range(TCP_PER_HOST + 1)]
        try:
            await until(lambda: plane.statistics().dropped["tcp_limit"] == 1)
            reader, writer = opened[0]
            writer.write(frame(check(heard.offers["ana"][0].sdp)))
            [answer] = Frames().feed(await asyncio.wait_for(reader.read(2048), 5))
            assert parse_message(answer).message_class is Class.RESPONSE
        finally:
            for _, writer in opened:
                writer.close()
            await until(lambda: len(plane._tcp) == 0)
            await plane.aclose()

    # As `telehealth serve` does: its transports are other objects than asyncio's.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(tried())
