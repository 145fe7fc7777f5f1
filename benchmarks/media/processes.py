"""Server processes under measurement: pinned to a core, and read through /proc."""

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

SERVER_CORE = 0
LOAD_CORE = 1
PRIORITY = 1
_TICKS = os.sysconf("SC_CLK_TCK")
_REPLY_S = 30.0
QUIET_S = 0.5
QUIET_SHARE = 0.1
_LINE = 1 << 20


def pin(core: int, *, first: bool = True) -> None:
    """Keep this process, and its future threads, on one core; where there is only one, that is the one.

    What else runs on the machine must not decide about latencies: who may, goes before it. All systems alike.
    """
    os.sched_setaffinity(0, {core % (os.cpu_count() or 1)})
    with contextlib.suppress(PermissionError):
        # A child inherits, so this also takes back.
        os.sched_setscheduler(0, os.SCHED_RR if first else os.SCHED_OTHER, os.sched_param(PRIORITY if first else 0))


def scheduling() -> str:
    """Say whether this process goes before others."""
    return "first" if os.sched_getscheduler(0) == os.SCHED_RR else "as all others"


def pinned(core: int, *, first: bool = True) -> Callable[[], None]:
    """Return what a child does before it becomes another program."""
    return lambda: pin(core, first=first)


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of a process, and of its children, so far."""
    return sum(_cpu_seconds(one) for one in family(pid))


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def family(pid: int) -> list[int]:
    """Return a process and its children, and theirs."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def resident_kib(pid: int) -> int:
    """Memory of a process and of its children."""
    return sum(_resident_kib(one) for one in family(pid))


def _resident_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def busy_seconds() -> float:
    """Time that all cores together have spent on anything so far."""
    fields = [int(number) for number in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    user, nice, system, _, _, interrupts, soft, stolen = fields
    return (user + nice + system + interrupts + soft + stolen) / _TICKS


async def quiet(longest_s: float) -> None:
    """Wait until nothing else runs on the machine, or so long."""
    end = time.monotonic() + longest_s
    while time.monotonic() < end:
        before = busy_seconds()
        await asyncio.sleep(QUIET_S)
        if busy_seconds() - before < QUIET_SHARE * QUIET_S:
            return


class Child:
    """A Python module in a process of its own, commanded by lines of JSON; what it says by itself are events."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._replies: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.pid = process.pid

    async def ask(self, **command: object) -> dict[str, Any]:
        """Send a command and return its reply."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        await self._process.stdin.drain()
        reply = await asyncio.wait_for(self._replies.get(), _REPLY_S)
        if "error" in reply:
            raise RuntimeError(reply["error"])
        return reply

    async def read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            message = json.loads(line)
            (self.events if "event" in message else self._replies).put_nowait(message)
        self._replies.put_nowait({"error": "the server process has ended"})


@asynccontextmanager
async def child(module: str, *arguments: str, core: int = SERVER_CORE, first: bool = True) -> AsyncIterator[Child]:
    """Run a module on a core, the server's by default, as long as the block lasts; `first`: before other programs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        preexec_fn=pinned(core, first=first),
        limit=_LINE,
    )
    running = Child(process)
    try:
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(running.read())
            try:
                yield running
            finally:
                assert process.stdin is not None
                process.stdin.close()
                try:
                    await asyncio.wait_for(process.wait(), _REPLY_S)
                except TimeoutError:
                    process.kill()
                reading.cancel()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def commands() -> AsyncIterator[dict[str, Any]]:
    """In the child: yield commands until the other side closes."""
    reader = asyncio.StreamReader(limit=_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield json.loads(line)


def say(**message: object) -> None:
    """In the child: reply, or tell an event."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
