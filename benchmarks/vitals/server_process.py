"""A server as a process of its own on one core, and what it costs."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp

_TICKS = os.sysconf("SC_CLK_TCK")
READY_S = 30.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process has used so far."""

    cpu_s: float
    rss_mib: float


def cost_of(pid: int) -> Cost:
    """Read what a process has used."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text()
    rss_kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return Cost((int(stat[11]) + int(stat[12])) / _TICKS, rss_kib / 1024)


def cores() -> tuple[int, set[int]]:
    """Return the core of what is measured, and those of everything else."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[-1], set(usable[:-1]) or set(usable)


def pin(pid: int, to: set[int]) -> None:
    """Keep a process, threads and all, on these cores."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), to)


class ServerProcess:
    """`telehealth serve` with these variables; start it again after a kill with the same object."""

    def __init__(self, variables: Mapping[str, str], log: Path, *, core: int | None = None) -> None:
        self._variables = variables
        self._log = log
        self._core = core
        self._process: asyncio.subprocess.Process | None = None
        self.url = f"http://127.0.0.1:{variables['TELEHEALTH_HTTP_PORT']}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        before = os.sched_getaffinity(0)
        if self._core is not None:
            # Inherited by the process and by all its threads.
            os.sched_setaffinity(0, {self._core})
        try:
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, *_profiled(self._variables), "-m", "telehealth", "serve"),
                    env={**os.environ, **self._variables},
                    stdout=log,
                    stderr=log,
                )
        finally:
            os.sched_setaffinity(0, before)
        await self._ready()

    async def kill(self) -> None:
        """End it as a loss of power would, as far as a process can tell."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        """Ask it to stop, and wait."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(30):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def _ready(self) -> None:
        assert self._process is not None
        async with aiohttp.ClientSession() as http, asyncio.timeout(READY_S):
            while True:
                if self._process.returncode is not None:
                    raise RuntimeError(f"the server ended: {self._log.read_text()[-2000:]}")
                try:
                    async with http.get(self.url + "/readyz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.02)


def _profiled(variables: Mapping[str, str]) -> tuple[str, ...]:
    # With BENCH_PROFILE=file the server writes a profile when it stops.
    where = os.environ.get("BENCH_PROFILE", "")
    return ("-m", "cProfile", "-o", where) if where and "TELEHEALTH_NODE" in variables else ()
