"""A monitor of many leads with a wave that tests can compute: square beats at known instants, gaps and late frames."""

import asyncio
import json
import struct
import time
from types import TracebackType
from typing import Any, Self

import aiohttp

from tests.browser.devices import now

LEADS = {
    "I": 131329, "II": 131330, "III": 131389, "aVR": 131390, "aVL": 131391, "aVF": 131392,
    "V1": 131331, "V2": 131332, "V3": 131333, "V4": 131334, "V5": 131335, "V6": 131336,
}  # fmt: skip
GAIN = 0.005
BACKFILL = 4


class LeadMonitor:
    """Sends square beats of one millivolt on each lead while the context lasts.

    Args:
        period_ms: From beat to beat; a beat begins whenever the wall clock is a multiple of it.
        beat_ms: How long a beat lasts.

    Attributes:
        held_back: While true frames are kept instead of being sent; `fill` sends them as back-fill.
        off: Leads of which nothing but the mark that samples are missing is sent.
    """

    def __init__(
        self,
        base_url: str,
        credential: str,
        *,
        leads: int = 12,
        rate: int = 500,
        period_ms: int = 800,
        beat_ms: int = 60,
        chunk_ms: int = 200,
    ) -> None:
        self._url = base_url.replace("http", "ws", 1) + "/ws/device"
        self._credential = credential
        self._leads = list(LEADS.items())[:leads]
        self._rate, self._period_ms, self._beat_ms = rate, period_ms, beat_ms
        self._chunk = rate * chunk_ms // 1000
        self._task: asyncio.Task[None] | None = None
        self._kept: list[bytes] = []
        self._sequence = 0
        self.held_back = False
        self.fill_now = False
        self.off: set[str] = set()
        self.numerics = True

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
            common = {"unit": "mV", "rate": self._rate, "gain": GAIN, "offset": 0}
            channels = [
                {"ch": n, "mdc": mdc, "label": label, **common} for n, (label, mdc) in enumerate(self._leads, start=1)
            ]
            hello = {"type": "hello", "version": 1, "boot": f"leads-{time.monotonic_ns()}", "sent_at": now()}
            await socket.send_json({**hello, "channels": channels})
            welcome = await socket.receive_json(timeout=5)
            assert welcome["type"] == "welcome", welcome
            await asyncio.gather(self._send(socket), self._listen(socket))

    async def _send(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        began = now()
        told = 0.0
        for number in range(100_000):
            first = number * self._chunk
            starts_at = began + first / self._rate * 1000
            await asyncio.sleep(max(0.0, (starts_at + self._chunk / self._rate * 1000 - now()) / 1000))
            self._sequence += 1
            for channel, (label, _) in enumerate(self._leads, start=1):
                await self._frame(socket, channel, label, (first, starts_at))
            if self.fill_now:
                self.fill_now = False
                for frame in self._kept:
                    await socket.send_bytes(frame)
                self._kept.clear()
            if self.numerics and now() - told >= 1000:
                told = now()
                await socket.send_str(json.dumps(self._numerics(number)))

    async def _frame(
        self, socket: aiohttp.ClientWebSocketResponse, channel: int, label: str, at: tuple[int, float]
    ) -> None:
        starts_at = at[1]
        if label in self.off:
            head = self._head(channel, at, kind=2)
            await socket.send_bytes(head)
            return
        wave = [self.raw_at(starts_at + n / self._rate * 1000) for n in range(self._chunk)]
        samples = struct.pack(f"<{self._chunk}h", *wave)
        if self.held_back:
            self._kept.append(self._head(channel, at, flags=BACKFILL) + samples)
        else:
            await socket.send_bytes(self._head(channel, at) + samples)

    def _head(self, channel: int, at: tuple[int, float], *, kind: int = 1, flags: int = 0) -> bytes:
        return struct.pack("<BBHIQdHBB", 1, kind, channel, self._sequence, at[0], at[1], self._chunk, flags, 0)

    def raw_at(self, at_ms: float) -> int:
        """Return the sample of an instant: 0, or 1 mV during a beat."""
        return round(1 / GAIN) if at_ms % self._period_ms < self._beat_ms else 0

    def _numerics(self, number: int) -> dict[str, Any]:
        rate = {"mdc": 147842, "value": 60_000 // self._period_ms, "unit": "/min", "quality": "good"}
        oxygen = {"mdc": 150456, "value": 97, "unit": "%", "quality": "good"}
        return {"type": "numerics", "seq": number + 1, "taken_at": now(), "values": [rate, oxygen]}

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for _ in socket:
            pass
