"""The bus of many nodes: a Redis stream per topic for the history, publish/subscribe for speed.

One script appends to the stream and publishes, so both tell the same order. A node has one subscribing connection for
all its topics. Whenever the server confirms a subscription, the first time and after each reconnection, the node reads
from the stream what it has missed; a position that is no longer there becomes a Gap.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Self, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from telehealth.bus import Delivery, Event, EventId, Gap, Topic
from telehealth.cluster.listener import BEGINNING, Listener
from telehealth.errors import Invalid, Unavailable

HISTORY = 4096
QUEUE = 1024
ANSWER_S = 2.0
"""How long a command may take; a publication or a subscription that takes longer is Unavailable."""

_FORGET_MS = 24 * 3600 * 1000
_PING_S = 5.0
_SILENCE_S = 12.0
_RETRY_S = (0.05, 2.0)
_CONNECTIONS = 32
_PREFIX = "telehealth:"
# Never published to: it keeps the subscribing connection subscribed when nobody listens.
_ALIVE = _PREFIX + "alive"

_PUBLISH = """
local ids = {}
for at = 3, #ARGV, 2 do
  local id = redis.call('XADD', KEYS[1], 'MAXLEN', '=', ARGV[1], '*', 'kind', ARGV[at], 'body', ARGV[at + 1])
  redis.call('PUBLISH', KEYS[1], id .. '\\n' .. ARGV[at] .. '\\n' .. ARGV[at + 1])
  ids[#ids + 1] = id
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return ids
"""

_T = TypeVar("_T")

logger = logging.getLogger(__name__)


class _Following:
    """A topic that somebody on this node follows."""

    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self.last: EventId | None = None
        self.ready = asyncio.Event()

    def deliver(self, delivery: Delivery) -> None:
        if self.last is not None and delivery.id <= self.last:
            return
        self.last = delivery.id
        for listener in self.listeners:
            listener.put(delivery)


class RedisBus:
    """Implements bus.Bus. Close it with `aclose`, or use it as a context manager.

    Args:
        url: redis://, rediss:// or unix:// of a Redis 7 or Valkey.
        history: How many events a topic keeps; a topic to which nothing is published for a day is forgotten.
        queue: How many events may wait for one listener.
    """

    def __init__(self, url: str, *, history: int = HISTORY, queue: int = QUEUE) -> None:
        self._history = history
        self._queue = queue
        # No retries: a publication that is tried again might be there twice.
        options: dict[str, Any] = {
            "socket_timeout": ANSWER_S,
            "socket_connect_timeout": ANSWER_S,
            "retry": Retry(NoBackoff(), 0),
        }
        try:
            pool = BlockingConnectionPool.from_url(url, max_connections=_CONNECTIONS, timeout=ANSWER_S, **options)
        except ValueError as failure:
            raise Invalid("The Redis URL cannot be read.", code="bad_redis_url") from failure
        self._redis = Redis.from_pool(pool)
        self._publish = self._redis.register_script(_PUBLISH)
        self._following: dict[Topic, _Following] = {}
        self._changing = asyncio.Lock()
        self._pubsub: PubSub | None = None
        self._reader: asyncio.Task[None] | None = None
        self._closed = False

    async def publish(self, topic: Topic, event: Event) -> EventId:
        return (await self.publish_all(topic, (event,)))[0]

    async def publish_all(self, topic: Topic, events: Sequence[Event]) -> Sequence[EventId]:
        self._require_open()
        if not events:
            return []
        arguments: list[int | str | bytes] = [self._history, _FORGET_MS]
        for event in events:
            arguments += (event.kind, event.body)
        stored = await _answer(self._publish(keys=[_key(topic)], args=arguments))
        return [EventId.parse(name.decode()) for name in stored]

    @asynccontextmanager
    async def subscribe(
        self, topic: Topic, *, after: EventId | None = None
    ) -> AsyncIterator[AsyncIterator[Delivery | Gap]]:
        self._require_open()
        listener = Listener(self._queue)
        following = await self._follow(topic, listener)
        try:
            with _as_unavailable():
                async with asyncio.timeout(ANSWER_S):
                    await following.ready.wait()
                await self._start(topic, listener, after)
            yield listener
        finally:
            await self._unfollow(topic, following, listener)

    async def check(self) -> None:
        """Return if Redis answers, raise Unavailable if not."""
        await _answer(self._redis.ping())

    async def aclose(self) -> None:
        """End all listeners and give back all connections."""
        self._closed = True
        for following in self._following.values():
            for listener in following.listeners:
                listener.close()
        if self._reader is not None:
            self._reader.cancel()
            with suppress(asyncio.CancelledError):
                await self._reader
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _require_open(self) -> None:
        if self._closed:
            raise Unavailable("The bus is closed.")

    async def _follow(self, topic: Topic, listener: Listener) -> _Following:
        """Let the listener hear from now on what is published to the topic; begin to follow it if nobody did."""
        following = self._following.get(topic)
        fresh = following is None
        if following is None:
            following = self._following[topic] = _Following()
        following.listeners.add(listener)
        if self._reader is None:
            # Owned by this bus: aclose cancels and awaits it.
            self._reader = asyncio.create_task(self._read())  # noqa: TID251
        elif fresh:
            await self._tell(topic, wanted=True)
        return following

    async def _unfollow(self, topic: Topic, following: _Following, listener: Listener) -> None:
        following.listeners.discard(listener)
        if not following.listeners and self._following.get(topic) is following:
            del self._following[topic]
            await self._tell(topic, wanted=False)

    async def _tell(self, topic: Topic, *, wanted: bool) -> None:
        """Subscribe or unsubscribe. If that fails, the reader notices, reconnects and subscribes to what is wanted."""
        if self._pubsub is None:
            return
        try:
            async with self._changing, asyncio.timeout(ANSWER_S):
                if wanted:
                    await self._pubsub.subscribe(_key(topic))
                elif topic not in self._following:
                    await self._pubsub.unsubscribe(_key(topic))
        except (RedisError, OSError) as failure:
            logger.warning("bus: a subscription could not be changed: %s", type(failure).__name__)

    async def _start(self, topic: Topic, listener: Listener, after: EventId | None) -> None:
        """Give the listener what it has missed, and let it go on from there."""
        if after is None:
            listener.start([], await self._newest(topic), gap=False)
            return
        missed, known = await self._since(topic, after)
        listener.start(missed, after if known else BEGINNING, gap=not known)

    async def _newest(self, topic: Topic) -> EventId:
        entries: Any = await self._redis.xrevrange(_key(topic), count=1)
        return EventId.parse(entries[0][0].decode()) if entries else BEGINNING

    async def _since(self, topic: Topic, after: EventId) -> tuple[list[Delivery], bool]:
        """Return what came after, and whether `after` is still in the stream."""
        entries: Any = await self._redis.xrange(_key(topic), min=str(after), count=self._history + 1)
        known = bool(entries) and EventId.parse(entries[0][0].decode()) == after
        found = [_delivery(name, fields) for name, fields in (entries[1:] if known else entries)]
        return found, known

    async def _read(self) -> None:
        """Follow the subscribing connection, and replace it whenever it breaks."""
        wait = _RETRY_S[0]
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    self._pubsub = pubsub
                    async with asyncio.timeout(ANSWER_S):
                        await pubsub.subscribe(_ALIVE, *[_key(topic) for topic in self._following])
                    wait = _RETRY_S[0]
                    await self._listen(pubsub)
            except (RedisError, OSError) as failure:
                logger.warning("bus: the connection to Redis broke: %s", type(failure).__name__)
            except Exception:
                # Nobody else would hear of it, and without this task the node is deaf.
                logger.exception("bus: reading from Redis failed")
            finally:
                self._pubsub = None
                for following in self._following.values():
                    following.ready.clear()
            await asyncio.sleep(wait * random.uniform(0.5, 1.5))  # noqa: S311 - spreads reconnections, no secret.
            wait = min(2 * wait, _RETRY_S[1])

    async def _listen(self, pubsub: PubSub) -> None:
        loop = asyncio.get_running_loop()
        heard_at = loop.time()
        while True:
            message = await pubsub.get_message(timeout=_PING_S)
            if message is not None:
                heard_at = loop.time()
                await self._take(message)
                continue
            if loop.time() - heard_at > _SILENCE_S:
                raise ConnectionResetError("Redis is silent")
            async with self._changing:
                await pubsub.ping()

    async def _take(self, message: dict[str, Any]) -> None:
        if message["type"] not in ("message", "subscribe"):
            return
        topic = Topic(message["channel"].decode().removeprefix(_PREFIX))
        following = self._following.get(topic)
        if following is None:
            return
        if message["type"] == "subscribe":
            await self._catch_up(topic, following)
            return
        name, kind, body = message["data"].split(b"\n", 2)
        following.deliver(Delivery(EventId.parse(name.decode()), Event(kind.decode(), body)))

    async def _catch_up(self, topic: Topic, following: _Following) -> None:
        """Deliver what was published while there was no subscription."""
        if following.last is None:
            following.last = await self._newest(topic)
        else:
            missed, known = await self._since(topic, following.last)
            # Nothing was there at the beginning: then nothing but what is there now has come.
            if not known and following.last != BEGINNING:
                following.last = BEGINNING
                for listener in following.listeners:
                    listener.lose(restart=True)
            for delivery in missed:
                following.deliver(delivery)
        following.ready.set()


def _key(topic: Topic) -> str:
    return _PREFIX + topic


def _delivery(name: bytes, fields: dict[bytes, bytes]) -> Delivery:
    return Delivery(EventId.parse(name.decode()), Event(fields[b"kind"].decode(), fields[b"body"]))


async def _answer(command: Awaitable[_T]) -> _T:
    with _as_unavailable():
        async with asyncio.timeout(ANSWER_S):
            return await command


@contextmanager
def _as_unavailable() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as failure:
        raise Unavailable("The bus does not answer: try again.") from failure
