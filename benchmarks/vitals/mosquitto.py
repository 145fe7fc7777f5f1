"""The same fan-out through a broker that stores nothing: MQTT 3.1.1, QoS 0, as little of it as that takes."""

import asyncio
import shutil
import socket
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.vitals.bedside import FRAME_S, Latencies, numerics_text, wave_frame
from benchmarks.vitals.server_process import cost_of, pin

_CONNECT, _CONNACK, _PUBLISH, _SUBSCRIBE, _SUBACK = 0x10, 0x20, 0x30, 0x82, 0x90
_STAMP = struct.Struct("<d")


def broker() -> str | None:
    """Return the path of mosquitto, None if it is not installed."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def _string(text: str) -> bytes:
    return struct.pack("!H", len(text)) + text.encode()


def _packet(kind: int, body: bytes) -> bytes:
    length, left = b"", len(body)
    while True:
        left, digit = left // 128, left % 128
        length += bytes([digit | (0x80 if left else 0)])
        if not left:
            return bytes([kind]) + length + body


class _Client(asyncio.Protocol):
    """One connection to the broker; `heard` gets the payload of each message."""

    def __init__(self, name: str, heard: Callable[[bytes], None]) -> None:
        self._name = name
        self._heard = heard
        self._buffer = bytearray()
        self.answered = asyncio.Event()
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        # Protocol level 4, a clean session, no keep-alive.
        self.transport.write(_packet(_CONNECT, _string("MQTT") + b"\x04\x02\x00\x00" + _string(self._name)))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        at = 0
        while (end := _end(self._buffer, at)) is not None:
            start, stop = end
            kind = self._buffer[at] & 0xF0
            if kind == _PUBLISH:
                topic = int.from_bytes(self._buffer[start : start + 2], "big")
                self._heard(bytes(self._buffer[start + 2 + topic : stop]))
            elif kind in (_CONNACK, _SUBACK):
                self.answered.set()
            at = stop
        del self._buffer[:at]

    def publish(self, topic: bytes, payload: bytes) -> None:
        self.transport.write(_packet(_PUBLISH, topic + payload))


def _end(buffer: bytearray, at: int) -> tuple[int, int] | None:
    length, shift, place = 0, 0, at + 1
    while place < len(buffer):
        digit = buffer[place]
        length |= (digit & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if not digit & 0x80:
            return (place, place + length) if place + length <= len(buffer) else None
    return None


async def _client(port: int, name: str, heard: Callable[[bytes], None]) -> _Client:
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(lambda: _Client(name, heard), "127.0.0.1", port)
    async with asyncio.timeout(10):
        await client.answered.wait()
    return client


async def measure(devices: int, watchers: int, seconds: float, core: int) -> dict[str, Any] | None:
    """Send what the devices send through the broker, on the core on which the server was; None without a broker."""
    program = broker()
    if program is None:
        return None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "mosquitto.conf"
        settings.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\nlog_dest none\n"
        )
        process = await asyncio.create_subprocess_exec(program, "-c", str(settings))
        pin(process.pid, {core})
        try:
            return await _fan_out(port, process.pid, devices, watchers, seconds)
        finally:
            process.terminate()
            await process.wait()


async def _fan_out(port: int, pid: int, devices: int, watchers: int, seconds: float) -> dict[str, Any]:
    latencies = Latencies()

    def heard(payload: bytes) -> None:
        latencies.add(perf_counter() - _STAMP.unpack_from(payload)[0])

    for _ in range(100):
        try:
            await _client(port, "probe", heard)
            break
        except OSError:
            await asyncio.sleep(0.05)
    listening = []
    for device in range(devices):
        for number in range(watchers):
            client = await _client(port, f"w{device}-{number}", heard)
            client.answered.clear()
            client.transport.write(_packet(_SUBSCRIBE, b"\x00\x01" + _string(f"v/{device}") + b"\x00"))
            async with asyncio.timeout(10):
                await client.answered.wait()
            listening.append(client)
    sending = [await _client(port, f"d{device}", heard) for device in range(devices)]
    before, began = cost_of(pid), perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for device, client in enumerate(sending):
            tasks.create_task(_send(client, f"v/{device}", seconds, device * FRAME_S / devices))
    await asyncio.sleep(0.5)
    after, lasted = cost_of(pid), perf_counter() - began
    for client in [*listening, *sending]:
        client.transport.abort()
    return {
        "messages": len(latencies.seen),
        "p50_ms": latencies.percentile_ms(0.5),
        "p99_ms": latencies.percentile_ms(0.99),
        "cpu_percent": round(100 * (after.cpu_s - before.cpu_s) / lasted, 1),
    }


async def _send(client: _Client, topic: str, seconds: float, phase_s: float) -> None:
    await asyncio.sleep(phase_s)
    begin, name = perf_counter(), _string(topic)
    for frame in range(1, int(seconds / FRAME_S) + 1):
        await asyncio.sleep(max(0.0, begin + frame * FRAME_S - perf_counter()))
        messages = [wave_frame(channel, frame, 0.0) for channel in (1, 2, 3)]
        if frame % 5 == 0:
            messages.append(numerics_text(frame // 5, frame * 200.0))
        for message in messages:
            client.publish(name, _STAMP.pack(perf_counter()) + message)
