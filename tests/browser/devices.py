"""A monitor that sends known numbers, speaking the protocol as docs/protocol.md says and nothing else."""

import asyncio
import json
import math
import struct
import time
from types import TracebackType
from typing import Self

import aiohttp

from telehealth.clock import SystemClock

RATE = 250
CHUNK = 50


class FixedMonitor:
    """Sends the same heart rate each second, and an ECG-like wave, while the context lasts."""

    def __init__(self, base_url: str, credential: str, *, heart_rate: float, spo2: float = 97) -> None:
        self._url = base_url.replace("http", "ws", 1) + "/ws/device"
        self._credential = credential
        self._values = [
            {"mdc": 147842, "value": heart_rate, "unit": "/min", "quality": "good"},
            {"mdc": 150456, "value": spo2, "unit": "%", "quality": "good"},
        ]
        self._task: asyncio.Task[None] | None = None
        self.acknowledged: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        self._task = asyncio.get_running_loop().create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        headers = {"Authorization": f"Bearer {self._credential}"}
        async with aiohttp.ClientSession() as http, http.ws_connect(self._url, headers=headers) as socket:
            channel = {"ch": 1, "mdc": 131330, "label": "II", "unit": "mV", "rate": RATE, "gain": 0.005, "offset": 0}
            hello = {"type": "hello", "version": 1, "boot": f"fixed-{time.monotonic_ns()}", "sent_at": now()}
            await socket.send_json({**hello, "channels": [channel]})
            welcome = await socket.receive_json(timeout=5)
            assert welcome["type"] == "welcome", welcome
            await asyncio.gather(self._send(socket), self._listen(socket))

    async def _send(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        began = now()
        for number in range(10_000):
            first = number * CHUNK
            wave = [wave_at(first + n) for n in range(CHUNK)]
            head = struct.pack("<BBHIQdHBB", 1, 1, 1, number + 1, first, began + first / RATE * 1000, CHUNK, 0, 0)
            await socket.send_bytes(head + struct.pack(f"<{CHUNK}h", *wave))
            if number % 5 == 0:
                numerics = {"type": "numerics", "seq": number // 5 + 1, "taken_at": now(), "values": self._values}
                await socket.send_str(json.dumps(numerics))
            await asyncio.sleep(max(0.0, (began + (first + CHUNK) / RATE * 1000 - now()) / 1000))

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            said = json.loads(message.data)
            if said["type"] == "ack":
                self.acknowledged.update(said["last"])


def now() -> float:
    return SystemClock().now().timestamp() * 1000


def wave_at(index: int) -> int:
    """A spike a second on a slow swell, in raw units."""
    phase = index % RATE
    return round(40 * math.sin(index / 40) + (200 if phase < 8 else 0))
