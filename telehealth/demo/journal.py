"""A monitor's journal: what was measured and not yet acknowledged, in a file that survives the monitor's sudden death.

What is new since the line opened goes out first; then, a little at a time, what was there before, oldest first. Beyond
the limit the oldest waves are given up, then the oldest numerics: their indexes tell that something is missing.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from telehealth.errors import Invalid
from telehealth.vitals.model import NUMERICS_CHANNEL

_SCHEMA = """
CREATE TABLE IF NOT EXISTS frames (
    place INTEGER PRIMARY KEY AUTOINCREMENT, channel INTEGER NOT NULL, sequence INTEGER NOT NULL, body BLOB NOT NULL,
    UNIQUE (channel, sequence));
CREATE TABLE IF NOT EXISTS state (
    one INTEGER PRIMARY KEY CHECK (one = 1), boot TEXT NOT NULL, what TEXT NOT NULL, begin_ms REAL NOT NULL,
    chunk INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS counters (channel INTEGER PRIMARY KEY, sequence INTEGER NOT NULL);
"""
_KEEP_STATE = "INSERT OR REPLACE INTO state VALUES (1, :boot, :what, :begin_ms, :chunk)"

_FORGET = "DELETE FROM frames WHERE channel = ? AND sequence <= ? AND place BETWEEN ? AND ?"
_NEXT = "SELECT place, channel, sequence, body FROM frames WHERE place > ? AND place <= ? ORDER BY place LIMIT ?"
# Waves first: numbers are few, and say more.
_OLDEST = tuple(
    f"DELETE FROM frames WHERE place IN (SELECT place FROM frames WHERE {which} ORDER BY place LIMIT ?)"  # noqa: S608
    for which in (f"channel <> {NUMERICS_CHANNEL}", "true")
)
_END = 2**62


@dataclass(frozen=True, slots=True)
class Place:
    """Where a monitor is in what it measures.

    Attributes:
        boot: Name of its counters.
        what: What it measures: another source cannot go on with the same counters.
        begin_ms: When it began, by its own clock.
        chunk: How many stretches it has measured.
    """

    boot: str
    what: str
    begin_ms: float
    chunk: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A frame or a message of numerics as it is sent live."""

    channel: int
    sequence: int
    body: bytes


class Journal:
    """Frames until they are acknowledged. One monitor uses it at a time.

    Args:
        limit: Most frames.
        path: The file; None keeps all in memory.

    Attributes:
        lost: How many were given up.
    """

    def __init__(self, limit: int, path: Path | None = None) -> None:
        self._limit = limit
        try:
            self._file = sqlite3.connect(path or ":memory:", isolation_level=None)
            self._file.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + _SCHEMA)
            self._count = self._one("SELECT count(*) FROM frames")
        except sqlite3.Error as failure:
            raise Invalid("The journal can't be opened.", code="bad_journal") from failure
        self._mark = self._live = self._late = 0
        self.lost = 0

    def __len__(self) -> int:
        return self._count

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; another monitor may open it."""
        self._file.close()

    @property
    def place(self) -> Place | None:
        """Where the monitor was, None for a new journal."""
        row = self._file.execute("SELECT boot, what, begin_ms, chunk FROM state").fetchone()
        return None if row is None else Place(*row)

    @property
    def sequences(self) -> dict[int, int]:
        """The last sequence that was given out, by channel."""
        return dict(self._file.execute("SELECT channel, sequence FROM counters").fetchall())

    def add(self, kept: Sequence[Kept], place: Place | None = None) -> None:
        """Keep what was measured in a stretch, and that it was: all of it or nothing."""
        self._file.execute("BEGIN IMMEDIATE")
        with self._file:
            rows = [(one.channel, one.sequence, one.body) for one in kept]
            self._file.executemany("INSERT INTO frames (channel, sequence, body) VALUES (?, ?, ?)", rows)
            counters = [(one.channel, one.sequence) for one in kept]
            self._file.executemany("INSERT OR REPLACE INTO counters VALUES (?, ?)", counters)
            if place is not None:
                fields = {"boot": place.boot, "what": place.what, "begin_ms": place.begin_ms, "chunk": place.chunk}
                self._file.execute(_KEEP_STATE, fields)
            self._count += len(kept)
            if self._count > self._limit:
                self._give_up_oldest(self._count - self._limit)

    def open_line(self) -> None:
        """Consider nothing as sent: the line is a new one. What is there now is back-fill."""
        self._mark = self._live = self._one("SELECT coalesce(max(place), 0) FROM frames")
        self._late = 0

    def next_live(self, limit: int) -> list[Kept]:
        """Return what was measured since the line opened and not sent on it, and consider it sent."""
        found, self._live = self._next(self._live, _END, limit)
        return found

    def next_late(self, limit: int) -> list[Kept]:
        """Return the oldest of what was measured before the line opened and not sent on it; consider it sent."""
        found, self._late = self._next(self._late, self._mark, limit)
        return found

    def acknowledge(self, last: Mapping[int, int], filled: Mapping[int, int] | None = None) -> None:
        """Forget what was sent on this line and is stored: live and back-fill up to these sequences, by channel."""
        live = [(channel, sequence, self._mark + 1, self._live) for channel, sequence in last.items()]
        late = [(channel, sequence, 1, min(self._late, self._mark)) for channel, sequence in (filled or {}).items()]
        with self._forgetting():
            for which in (*live, *late):
                self._count -= self._file.execute(_FORGET, which).rowcount

    def give_up(self, channel: int, sequence: int) -> None:
        """Forget a frame that the server will never take."""
        with self._forgetting():
            gone = self._file.execute("DELETE FROM frames WHERE channel = ? AND sequence = ?", (channel, sequence))
            self._count -= gone.rowcount

    @contextmanager
    def _forgetting(self) -> Iterator[None]:
        """Run a transaction that need not reach the disk: what is sent again is stored once anyway."""
        self._file.execute("PRAGMA synchronous = NORMAL")
        self._file.execute("BEGIN IMMEDIATE")
        try:
            with self._file:
                yield
        finally:
            self._file.execute("PRAGMA synchronous = FULL")

    def _give_up_oldest(self, count: int) -> None:
        for oldest in _OLDEST:
            gone = self._file.execute(oldest, (count,)).rowcount
            self._count -= gone
            self.lost += gone
            count -= gone
            if count <= 0:
                return

    def _next(self, after: int, until: int, limit: int) -> tuple[list[Kept], int]:
        rows = self._file.execute(_NEXT, (after, until, limit)).fetchall()
        return [Kept(channel, sequence, body) for _, channel, sequence, body in rows], rows[-1][0] if rows else after

    def _one(self, query: str, *values: int) -> int:
        return int(self._file.execute(query, values).fetchone()[0])


def as_late(frames: Iterable[Kept]) -> list[bytes]:
    """Return the frames marked as back-fill."""
    return [_late(one.body) for one in frames]


def _late(body: bytes) -> bytes:
    if body[:1] == b"{":
        return body.replace(b'"backfill":false', b'"backfill":true')
    return body[:26] + bytes([body[26] | 4]) + body[27:]
