"""All open sockets of this node: how many there may be, whose they are, and how they end."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from telehealth.accounts.revocations import Revocations
from telehealth.bus import Bus
from telehealth.errors import TooMany
from telehealth.metrics import Metrics
from telehealth.web.sockets.outbox import REPLACED_BY_SERVER, Outbox

REVOKED = 4401
PER_SUBJECT = 20


@dataclass(eq=False, slots=True)
class OpenSocket:
    """One socket; it has subjects once it has said who it is."""

    kind: str
    outbox: Outbox
    subject: str = field(default="")


class OpenSockets:
    """Counts sockets, and closes those whose subject was revoked, on whatever node that happened."""

    def __init__(self, bus: Bus, metrics: Metrics, *, limit: int) -> None:
        self._metrics = metrics
        self._limit = limit
        self._open: set[OpenSocket] = set()
        self._subjects: Counter[str] = Counter()
        self._stopping = False
        self._revocations = Revocations(bus, self._revoked)

    @contextmanager
    def opening(self, kind: str, outbox: Outbox) -> Iterator[OpenSocket]:
        """Count a socket while it is open; TooMany beyond the limit, or when the server stops."""
        if self._stopping or len(self._open) >= self._limit:
            self._metrics.refused.labels("sockets").inc()
            raise TooMany("Too many connections: try again in a moment.")
        socket = OpenSocket(kind, outbox)
        self._open.add(socket)
        gauge = self._metrics.sockets.labels(kind)
        gauge.inc()
        try:
            yield socket
        finally:
            self._open.discard(socket)
            gauge.dec()
            self._metrics.socket_closes.labels(kind, str(outbox.code)).inc()
            if socket.subject:
                self._subjects[socket.subject] -= 1
                self._subjects += Counter()

    def name(self, socket: OpenSocket, subject: str) -> None:
        """Say whose socket it is; TooMany beyond PER_SUBJECT of the same."""
        if self._subjects[subject] >= PER_SUBJECT:
            raise TooMany("You have too many connections.")
        socket.subject = subject
        self._subjects[subject] += 1

    def close_all(self, code: int = REPLACED_BY_SERVER) -> None:
        """Close every socket and take no new ones."""
        self._stopping = True
        for socket in tuple(self._open):
            socket.outbox.close(code)

    async def start(self) -> None:
        """Follow revocations from now on; return once that has begun or was tried."""
        await self._revocations.start()

    async def aclose(self) -> None:
        """Follow revocations no longer."""
        await self._revocations.aclose()

    def _revoked(self, subject: str | None) -> None:
        if subject is None:
            # What was revoked meanwhile is unknown: everybody must show a new ticket.
            self._close_named(REPLACED_BY_SERVER)
        else:
            self._close_named(REVOKED, subject)

    def _close_named(self, code: int, subject: str | None = None) -> None:
        for socket in tuple(self._open):
            if socket.subject and subject in (None, socket.subject):
                socket.outbox.close(code)
