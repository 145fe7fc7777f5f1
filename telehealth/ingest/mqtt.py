"""MQTT 3.1.1 and 5: we are a client of the clinic's broker, and take what devices publish there (OASIS MQTT 5.0).

The session outlives the connection (no clean start, QoS 1): what was published while we were away comes afterwards. A
message is acknowledged after it is stored, in the order in which it came, so the broker keeps what we could not store.
"""

import asyncio
import logging
import ssl
from dataclasses import dataclass

import aiomqtt
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from telehealth.ingest.mqtt_inbox import MqttInbox, Postponed
from telehealth.tasks import Tasks

logger = logging.getLogger(__name__)

WAITS_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
WINDOW = 64
"""Messages that are on their way into the database at once; the broker holds back the rest."""

SESSION_S = 86_400
KEEPALIVE_S = 15
TIMEOUT_S = 10.0
QOS = 1


@dataclass(frozen=True, slots=True)
class MqttOptions:
    """Where the broker is, and who we are there.

    Attributes:
        version: 5, or 3 for 3.1.1.
        identity: The same at each start, or the broker takes us for somebody new.
    """

    host: str
    port: int
    version: int
    identity: str
    username: str = ""
    password: str = ""
    tls: ssl.SSLContext | None = None


class _Client(aiomqtt.Client):
    """A client that acknowledges when it is told to, and not as soon as a message has come."""

    def acknowledge_by_hand(self) -> None:
        self._client.manual_ack_set(on=True)

    def acknowledge(self, message: aiomqtt.Message) -> None:
        if message.qos > 0:
            self._client.ack(message.mid, message.qos)


class MqttIntake:
    """Stays connected to the broker, and comes back after 1, 2, 4 … 30 s."""

    def __init__(self, options: MqttOptions, inbox: MqttInbox) -> None:
        self._options = options
        self._inbox = inbox
        self._tasks = Tasks()
        self._attempt = 0
        self.connected = asyncio.Event()
        """Set while we are subscribed."""

    def start(self) -> None:
        """Begin; the broker need not be there yet."""
        self._tasks.start(self._run(), "mqtt")

    async def aclose(self) -> None:
        """Leave the broker; the session stays there."""
        await self._tasks.aclose()

    async def _run(self) -> None:
        while True:
            try:
                await self._session()
            except* (aiomqtt.MqttError, OSError) as group:
                logger.warning("the MQTT broker is not reached: %s", type(group.exceptions[0]).__name__)
            except* Postponed as group:
                logger.warning("an MQTT message could not be stored and comes again: %s", _first(group))
            except* Exception as group:
                # Whatever it is, the devices go on publishing: the next connection may do better.
                logger.error("the line to the MQTT broker failed", exc_info=group)
            finally:
                self.connected.clear()
            wait_s = WAITS_S[min(self._attempt, len(WAITS_S) - 1)]
            self._attempt += 1
            await asyncio.sleep(wait_s)

    async def _session(self) -> None:
        client = self._client()
        client.acknowledge_by_hand()
        async with client:
            for rule in self._inbox.rules:
                await client.subscribe(rule.filter, qos=QOS)
            self.connected.set()
            self._attempt = 0
            logger.info("subscribed to %d topics of the MQTT broker", len(self._inbox.rules))
            await self._take_all(client)

    async def _take_all(self, client: _Client) -> None:
        """Store side by side, acknowledge one after the other."""
        window: asyncio.Queue[tuple[aiomqtt.Message, asyncio.Task[None]]] = asyncio.Queue(WINDOW)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_acknowledge(client, window))
            async for message in client.messages:
                if message.retain:
                    # Published before we subscribed, who knows when: shown now, it would pass for new.
                    client.acknowledge(message)
                    continue
                payload = message.payload if isinstance(message.payload, bytes) else str(message.payload).encode()
                task = tasks.create_task(self._inbox.take(message.topic.value, payload))
                await window.put((message, task))

    def _client(self) -> _Client:
        options = self._options
        five = options.version == 5
        properties = None
        if five:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = SESSION_S
            properties.ReceiveMaximum = WINDOW
        return _Client(
            options.host,
            options.port,
            username=options.username or None,
            password=options.password or None,
            identifier=options.identity,
            protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
            clean_session=None if five else False,
            clean_start=False if five else MQTT_CLEAN_START_FIRST_ONLY,
            properties=properties,
            keepalive=KEEPALIVE_S,
            timeout=TIMEOUT_S,
            tls_context=options.tls,
            max_queued_incoming_messages=4 * WINDOW,
        )


async def _acknowledge(client: _Client, window: asyncio.Queue[tuple[aiomqtt.Message, asyncio.Task[None]]]) -> None:
    # In the order in which they came (MQTT 5.0, 4.6).
    while True:
        message, task = await window.get()
        await task
        client.acknowledge(message)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
