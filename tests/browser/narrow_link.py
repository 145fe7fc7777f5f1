"""One link for all traffic of some people and devices, media and sockets, and what comes through it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from playwright.async_api import BrowserContext, Page

from benchmarks.loss.impairment import Impairment, Link, Relay, TcpRelay
from tests.browser.acts import COUNT_CONNECTIONS
from tests.browser.stage import Demo
from tests.browser.test_network_switch import BY_RELAY

WIDE = Link(delay_s=0.02)
NOTE_LAGS = """
(() => {
  const ID = 16, BEGINS = ID + 16, FRAME_MS = 200;
  window.__lags = [];
  const Original = WebSocket;
  window.WebSocket = class extends Original {
    constructor(url, ...rest) {
      super(url, ...rest);
      this.addEventListener('message', async ({ data }) => {
        if (typeof data === 'string' || !url.toString().includes('/ws/vitals')) return;
        const now = Date.now();
        const octets = data instanceof ArrayBuffer ? data : await data.arrayBuffer();
        window.__lags.push({ now, lag: now - new DataView(octets).getFloat64(BEGINS, true) - FRAME_MS });
      });
    }
  };
})();
"""
"""Since when each wave has been over when it comes; device and page have one clock here."""
WORST_LAG = """
(since) => {
  const { now, lag } = window.__lags.at(-1) ?? { now: since, lag: 0 };
  const later = window.__lags.filter((wave) => wave.now >= since).map((wave) => wave.lag);
  return Math.max(lag + Date.now() - now - 200, ...later) / 1000;
}
"""
"""Of the waves that came since then, and of what is shown now if none comes any more."""
VOICE = """
async () => {
  const heard = { packets: 0, samples: 0, concealed: 0 };
  for (const connection of window.__connections) {
    if (connection.connectionState === 'closed') continue;
    for (const report of (await connection.getStats()).values()) {
      if (report.type !== 'inbound-rtp' || report.kind !== 'audio') continue;
      heard.packets += report.packetsReceived;
      heard.samples += report.totalSamplesReceived;
      heard.concealed += report.concealedSamples - report.silentConcealedSamples;
    }
  }
  return heard;
}
"""


@dataclass(frozen=True)
class NarrowLink:
    """Carries what goes to its addresses; narrow at first in neither direction."""

    relay: Relay
    sockets: TcpRelay
    media_port: int
    http_port: int

    def narrow(self, *, up_bps: float = 0, down_bps: float = 0) -> None:
        """Let only so much through from now on; 0 is no limit."""
        self.relay.up.link = replace(WIDE, bitrate_bps=up_bps)
        self.relay.down.link = replace(WIDE, bitrate_bps=down_bps)

    def address(self, url: str) -> str:
        """Return the address of the same page, or of the same server, through the link."""
        return url.replace(f":{self.http_port}", f":{self.sockets.port}")

    async def take(self, context: BrowserContext) -> None:
        """Let the media of the pages to come go through it, too."""
        ports = f"window.__server_port = {self.media_port}; window.__relay_port = {self.relay.port};"
        await context.add_init_script(COUNT_CONNECTIONS + ports + BY_RELAY)


@asynccontextmanager
async def narrow_link(demo: Demo) -> AsyncIterator[NarrowLink]:
    """Open a link to the demo."""
    http, media = int(demo["base_url"].rsplit(":", 1)[1]), int(demo.links["media_port"])
    up, down = Impairment(WIDE, 1), Impairment(WIDE, 2)
    relay = await Relay(("127.0.0.1", media), up, down).start()
    sockets = await TcpRelay(("127.0.0.1", http), up, down).start()
    try:
        yield NarrowLink(relay, sockets, media, http)
    finally:
        relay.close()
        await sockets.aclose()


async def concealed(page: Page, before: dict[str, Any]) -> float:
    """Return the share, 0 … 1, of the sound since then that had to be invented."""
    now = await page.evaluate(VOICE)
    return float((now["concealed"] - before["concealed"]) / max(1, now["samples"] - before["samples"]))
