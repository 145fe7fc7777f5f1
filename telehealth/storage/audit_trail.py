"""The stored audit trail: one chain per node, and an anchor file that the database's writer cannot rewrite with it.

The chain finds an edit, a removal or an insertion. A removal at the end leaves a shorter chain that is good in itself:
the anchor, a file to which the newest seal of the node is appended now and then, shows that there was more. Keep the
file where whoever can write to the database can't.
"""

import asyncio
import hmac
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.exc import IntegrityError

from telehealth.audit import GENESIS, AuditEntry, AuditEvent, first_broken, seal
from telehealth.clock import Clock
from telehealth.errors import Unavailable
from telehealth.storage.database import Database
from telehealth.storage.tables import audit_entries

logger = logging.getLogger(__name__)

_ATTEMPTS = 3
_BATCH = 1_000
_NODES = 1_000
_ANCHOR_LINE = 4_096

_c = audit_entries.c


@dataclass(frozen=True, slots=True)
class Anchor:
    """The newest entry of a node at some moment: its number and its seal."""

    node: str
    number: int
    seal: bytes


@dataclass(frozen=True, slots=True)
class ChainResult:
    """What verifying one node's chain gave.

    Attributes:
        entries: Entries read.
        broken_at: Number of the first entry that does not fit what comes before; None if all fit.
        missing_after: Number of the last entry there is, when the anchor knows a later one; else None.
        rewritten: Whether the anchored entry is there with another seal.
    """

    node: str
    entries: int
    broken_at: int | None = None
    missing_after: int | None = None
    rewritten: bool = False

    @property
    def good(self) -> bool:
        return self.broken_at is None and self.missing_after is None and not self.rewritten


class AnchorFile:
    """A file of JSON lines to which the newest seal of each node is appended."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def append(self, entry: AuditEntry) -> None:
        """Append the entry's place and seal, durably."""
        line = {"node": entry.node, "number": entry.number, "seal": entry.seal.hex(), "at": entry.at.isoformat()}
        await asyncio.to_thread(self._append, json.dumps(line) + "\n")

    async def newest(self) -> dict[str, Anchor]:
        """Return the newest anchor of each node; a line that was cut short by a crash is passed over."""
        return await asyncio.to_thread(self._newest)

    def _append(self, line: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def _newest(self) -> dict[str, Anchor]:
        newest: dict[str, Anchor] = {}
        if not self._path.exists():
            return newest
        with self._path.open(encoding="utf-8", errors="replace") as file:
            while line := file.readline(_ANCHOR_LINE):
                anchor = _read_anchor(line)
                known = newest.get(anchor.node) if anchor is not None else None
                if anchor is not None and (known is None or known.number <= anchor.number):
                    newest[anchor.node] = anchor
        return newest


def _read_anchor(line: str) -> Anchor | None:
    try:
        fields = json.loads(line)
        return Anchor(str(fields["node"]), int(fields["number"]), bytes.fromhex(fields["seal"]))
    except (ValueError, KeyError, TypeError):
        return None


class SqlAuditTrail:
    """Implements audit.AuditTrail.

    Args:
        database: Where the entries go.
        clock: When they are written.
        node: Name of this process; no two that run at the same time share one.
        key: Secret of 32 bytes; each node's seals are made with a key derived from it.
        anchor: Where to anchor the chain; None to go without.
        anchor_every_s: Seconds between two anchors while entries are written.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        node: str,
        key: bytes,
        *,
        anchor: AnchorFile | None = None,
        anchor_every_s: float = 60.0,
    ) -> None:
        self._database = database
        self._clock = clock
        self._node = node
        self._key = key
        self._anchor = anchor
        self._anchor_every_s = anchor_every_s
        self._anchored_at = clock.monotonic()
        self._unanchored: AuditEntry | None = None
        self._head: tuple[int, bytes] | None = None
        self._turn = asyncio.Lock()

    async def record(self, event: AuditEvent) -> None:
        try:
            async with self._turn:
                entry = await self._append(event)
        except IntegrityError as failure:
            raise Unavailable("The audit trail of this node is being written by another process.") from failure
        self._unanchored = entry
        if self._anchor is not None and self._clock.monotonic() - self._anchored_at >= self._anchor_every_s:
            await self._write_anchor()

    async def entries(self, node: str, *, after: int = 0, limit: int = 500) -> Sequence[AuditEntry]:
        """Return the entries of a node that come after this number, in order."""
        statement = select(audit_entries).where(_c.node == node, _c.number > after).order_by(_c.number).limit(limit)
        async with self._database.read() as connection:
            return [_entry(row) for row in (await connection.execute(statement)).all()]

    async def nodes(self) -> Sequence[str]:
        """Return the names of the nodes that have written; at most 1,000."""
        statement = select(_c.node).distinct().order_by(_c.node).limit(_NODES)
        async with self._database.read() as connection:
            return list((await connection.scalars(statement)).all())

    async def verify(self) -> Sequence[ChainResult]:
        """Check each chain against itself and against the anchor."""
        anchors = {} if self._anchor is None else await self._anchor.newest()
        nodes = sorted({*await self.nodes(), *anchors})
        return [await self._verify(node, anchors.get(node)) for node in nodes]

    async def aclose(self) -> None:
        """Anchor what has not been anchored."""
        if self._anchor is not None:
            await self._write_anchor()

    async def _append(self, event: AuditEvent) -> AuditEntry:
        for attempt in range(1, _ATTEMPTS + 1):
            head, self._head = self._head, None  # Known again once the commit has succeeded.
            number, previous = head if head is not None else await self._stored_head()
            at = self._clock.now()
            sealed = seal(self._key_of(self._node), previous, number + 1, at, event)
            entry = AuditEntry(self._node, number + 1, at, event, sealed)
            try:
                async with self._database.write() as connection:
                    await connection.execute(insert(audit_entries).values(**_values(entry)))
            except IntegrityError:
                # Another process of the same name wrote meanwhile: go on after what it wrote.
                if attempt == _ATTEMPTS:
                    raise
                continue
            self._head = (entry.number, entry.seal)
            return entry
        raise AssertionError("unreachable")

    async def _stored_head(self) -> tuple[int, bytes]:
        statement = select(_c.number, _c.seal).where(_c.node == self._node).order_by(_c.number.desc()).limit(1)
        async with self._database.read() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return (0, GENESIS) if row is None else (row.number, row.seal)

    async def _verify(self, node: str, anchor: Anchor | None) -> ChainResult:
        key, number, previous, rewritten = self._key_of(node), 0, GENESIS, False
        while batch := await self.entries(node, after=number, limit=_BATCH):
            broken = first_broken(key, batch, after=number, previous=previous)
            if broken is not None:
                return ChainResult(node, number + len(batch), broken_at=broken)
            if anchor is not None and number < anchor.number <= batch[-1].number:
                rewritten = batch[anchor.number - number - 1].seal != anchor.seal
            number, previous = batch[-1].number, batch[-1].seal
        lost = anchor is not None and anchor.number > number
        return ChainResult(node, number, missing_after=number if lost else None, rewritten=rewritten)

    async def _write_anchor(self) -> None:
        entry, self._unanchored = self._unanchored, None
        if self._anchor is None or entry is None:
            return
        self._anchored_at = self._clock.monotonic()
        try:
            await self._anchor.append(entry)
        except OSError:
            # The entry itself is stored: the next anchor covers it, too.
            logger.exception("audit trail: the anchor file cannot be written")

    def _key_of(self, node: str) -> bytes:
        # A key per node: the chain of one node can't be passed off as another's.
        return hmac.digest(self._key, b"audit|" + node.encode(), "sha256")


def _values(entry: AuditEntry) -> dict[str, Any]:
    event = entry.event
    return {
        "node": entry.node,
        "number": entry.number,
        "at": entry.at,
        "action": event.action,
        "actor": event.actor,
        "role": event.role,
        "entity": event.entity,
        "patient": event.patient,
        "outcome": event.outcome,
        "seal": entry.seal,
    }


def _entry(row: Row[Any]) -> AuditEntry:
    at: datetime = row.at
    event = AuditEvent(row.action, row.actor, row.role, row.entity, row.patient, row.outcome)
    return AuditEntry(row.node, row.number, at, event, row.seal)
