"""Ordered topics with a bounded history: what happened, told to whoever watches, with resume.

Two implementations behave alike (cluster.local_bus and cluster.redis_bus); one contract suite runs on both.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import NewType, Protocol

from telehealth.ids import EncounterId

Topic = NewType("Topic", str)
WORKLIST = Topic("worklist")
REVOCATIONS = Topic("revocations")


def room_topic(encounter: EncounterId) -> Topic:
    """Return the topic of what happens in a room."""
    return Topic(f"encounter:{encounter}:room")


def vitals_topic(encounter: EncounterId) -> Topic:
    """Return the topic of what the devices of an encounter send."""
    return Topic(f"encounter:{encounter}:vitals")


@dataclass(frozen=True, slots=True, order=True)
class EventId:
    """Position in a topic: milliseconds since 1970 and a counter within; later events are greater."""

    ms: int
    n: int

    def __str__(self) -> str:
        return f"{self.ms}-{self.n}"

    @classmethod
    def parse(cls, text: str) -> "EventId":
        """Read what __str__ wrote; ValueError if it is anything else."""
        ms, dash, n = text.partition("-")
        if not (dash and ms.isascii() and ms.isdigit() and n.isascii() and n.isdigit()):
            raise ValueError("not an event id")
        if len(ms) > 15 or len(n) > 15:
            raise ValueError("not an event id")
        return cls(int(ms), int(n))


@dataclass(frozen=True, slots=True)
class Event:
    """A fact: its kind, in snake_case and past tense, and its body (JSON in UTF-8, or a binary frame)."""

    kind: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event as it reaches a listener."""

    id: EventId
    event: Event


@dataclass(frozen=True, slots=True)
class Gap:
    """The listener fell behind the history: what came before the next delivery must be read from storage."""


class Bus(Protocol):
    """Publishes events and lets listeners follow a topic."""

    async def publish(self, topic: Topic, event: Event) -> EventId:
        """Append to the topic; return the event's id. Unavailable if the bus cannot take it."""
        ...

    async def publish_all(self, topic: Topic, events: Sequence[Event]) -> Sequence[EventId]:
        """Append the events in order, nothing between them; return their ids. Unavailable as for publish."""
        ...

    def subscribe(
        self, topic: Topic, *, after: EventId | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[Delivery | Gap]]:
        """Follow a topic: what was missed since `after`, then what comes, in order.

        Without `after`, only what is published once the context is entered. A listener whose `after` is no
        longer in the history, or who reads too slowly for the bounded queue, gets a Gap and then goes on.
        """
        ...
