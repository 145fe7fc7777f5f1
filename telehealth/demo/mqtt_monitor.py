"""`telehealth simulate mqtt`: a monitor that publishes parcels: each second its numbers and its waves.

It goes on measuring without a broker; what was not acknowledged is published again, and stored once.
"""

import asyncio
import json
import logging
import secrets
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from telehealth.clock import Clock, SystemClock, to_ms
from telehealth.demo.patient import SyntheticPatient
from telehealth.demo.seconds import ParcelWriter, seconds_of
from telehealth.demo.source import Source
from telehealth.errors import Invalid, Unavailable

logger = logging.getLogger(__name__)

KEPT = 1_200
"""Parcels kept without an acknowledgement: twenty minutes."""

RETRY_S = 1.0
TIMEOUT_S = 10.0
_PORTS = {"mqtt": 1883, "mqtts": 8883}

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class MqttMonitorOptions:
    """What the command line says."""

    url: str
    device: str
    tenant: str = "clinic"
    scenario: str = "stable"
    seed: int = 1
    password: str = field(default="", repr=False)


async def simulate_mqtt(options: MqttMonitorOptions, report: Report = logger.info) -> None:
    """Be such a monitor until cancelled; Invalid for an address that is none, Unavailable without the extra `mqtt`."""
    source = SyntheticPatient(options.scenario, seed=options.seed)
    await MqttMonitor(options, source, report=report).run()


class MqttMonitor:
    """One monitor, from switching on to switching off.

    Attributes:
        published: How many parcels the broker has acknowledged.
    """

    def __init__(
        self, options: MqttMonitorOptions, source: Source, *, report: Report = logger.info, clock: Clock | None = None
    ) -> None:
        parts = urlsplit(options.url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise Invalid("The broker's address must begin with mqtt:// or mqtts://.", code="bad_url")
        self._options = options
        self._host, self._port = parts.hostname, parts.port or _PORTS[parts.scheme]
        self._tls = ssl.create_default_context() if parts.scheme == "mqtts" else None
        self._source = source
        self._report = report
        self._clock = clock or SystemClock()
        self._parcels = ParcelWriter(f"mqtt-{secrets.token_hex(6)}")
        self._waiting: deque[dict[str, object]] = deque(maxlen=KEPT)
        self._fresh = asyncio.Event()
        self.published = 0

    async def run(self) -> None:
        """Measure and publish for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._measure())
            tasks.create_task(self._keep_connected())

    async def _measure(self) -> None:
        async for second in seconds_of(self._source, self._clock):
            self._waiting.append(self._parcels.parcel(second))
            self._fresh.set()

    async def _keep_connected(self) -> None:
        try:
            import aiomqtt
        except ImportError as error:
            raise Unavailable("MQTT needs the extra `mqtt`: pip install 'telehealth[mqtt]'.", code="no_mqtt") from error
        while True:
            client = aiomqtt.Client(
                self._host,
                self._port,
                username=self._options.device if self._options.password else None,
                password=self._options.password or None,
                identifier=f"simulated-{self._options.device}",
                protocol=aiomqtt.ProtocolVersion.V5,
                timeout=TIMEOUT_S,
                tls_context=self._tls,
            )
            try:
                async with client:
                    self._report("connected")
                    await self._publish_all(client.publish)
            except (aiomqtt.MqttError, OSError) as error:
                self._report(f"no connection ({type(error).__name__}); trying again in {RETRY_S:g} s")
            await asyncio.sleep(RETRY_S)

    async def _publish_all(self, publish: Callable[..., object]) -> None:
        topic = f"t/{self._options.tenant}/d/{self._options.device}/numerics"
        while True:
            await self._fresh.wait()
            while self._waiting:
                parcel = {**self._waiting[0], "sent_at": to_ms(self._clock.now())}
                done = publish(topic, json.dumps(parcel), qos=1)
                assert asyncio.iscoroutine(done)
                await done
                # Acknowledged: the broker has it, and gives it to the server when it can.
                self._waiting.popleft()
                self.published += 1
            self._fresh.clear()
