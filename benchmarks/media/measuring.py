"""One measurement: a fresh server, rooms filled, a warm-up, then the load, with CPU and latency read beside it."""

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

from benchmarks.media.load import DRAIN_S, Load, Outcome
from benchmarks.media.processes import busy_seconds, cpu_seconds, quiet, resident_kib
from benchmarks.media.systems import System, close_all

Opens = Callable[[], AbstractAsyncContextManager[System]]
WARM_UP_S = 1


@dataclass(frozen=True, slots=True)
class Case:
    """How many rooms of how many, what they send, and how long to wait for a quiet machine."""

    rooms: int
    size: int
    seconds: int
    frames: list[list[bytes]]
    voice: list[bytes]
    stamped: bool = True
    patience_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """What one system did in one case; added latency is what the echo does not show as well.

    Attributes:
        delivered: Datagrams that arrived, of those that should.
        late_ms: How far the generator itself fell behind its schedule at worst.
        active_kib: Memory per participant after the load.
        others: Cores that everything else on the machine kept busy meanwhile.
    """

    system: str
    rooms: int
    size: int
    sent_per_s: float
    forwarded_per_s: float
    delivered: float
    cpu_cores: float
    cpu_us_per_packet: float
    p50_ms: float | None
    p99_ms: float | None
    late_ms: float
    generator_cores: float
    undecryptable: int
    active_kib: float = 0.0
    others: float = 0.0
    profile: str = ""
    repetition: int = 0


async def measure(opens: Opens, case: Case) -> Row:
    async with opens() as system:
        # What is loaded with the first room does not count for each participant.
        extra = await system.fill(1, case.size, first=case.rooms) if case.stamped else ()
        before_kib = resident_kib(system.pid)
        members = await system.fill(case.rooms, case.size)
        load = Load(members, case.frames, case.voice, stamped=case.stamped)
        try:
            await quiet(case.patience_s)
            load.run(WARM_UP_S)
            busy_s, before_s, own_s = busy_seconds(), cpu_seconds(system.pid), time.process_time()
            outcome = load.run(case.seconds)
            used_s, own_s = cpu_seconds(system.pid) - before_s, time.process_time() - own_s
            others = max(0.0, busy_seconds() - busy_s - used_s - own_s) / (outcome.seconds + DRAIN_S)
            used_kib = (resident_kib(system.pid) - before_kib) / len(members)
        finally:
            load.close()
        row = _row(system.name, case, outcome, used_s, own_s)
        row = replace(row, active_kib=used_kib, others=others, profile=members[0].sending.profile)
        await close_all([*extra, *members])
        return row


def _row(name: str, case: Case, outcome: Outcome, used_s: float, own_s: float) -> Row:
    expected = outcome.sent * max(1, case.size - 1)
    return Row(
        system=name,
        rooms=case.rooms,
        size=case.size,
        sent_per_s=outcome.sent / outcome.seconds,
        forwarded_per_s=outcome.received / outcome.seconds,
        delivered=outcome.received / max(1, expected),
        cpu_cores=used_s / outcome.seconds,
        cpu_us_per_packet=1e6 * used_s / max(1, outcome.received),
        p50_ms=quantile(outcome.latencies_ms, 0.5),
        p99_ms=quantile(outcome.latencies_ms, 0.99),
        late_ms=outcome.late_ms,
        generator_cores=own_s / outcome.seconds,
        undecryptable=outcome.undecryptable,
    )


async def idle_kib(opens: Opens, participants: int) -> float:
    """Return what one more connected participant, who sends nothing yet, costs in memory."""
    async with opens() as system:
        first = await system.fill(1, 2)
        before = resident_kib(system.pid)
        more = await system.fill(participants // 2, 2, first=1)
        grown = resident_kib(system.pid) - before
        await close_all([*first, *more])
        return grown / len(more)


def quantile(values: Sequence[float], share: float) -> float | None:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


def median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
