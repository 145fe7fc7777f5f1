"""How a process of ours runs: its event loop and its garbage collector."""

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine
from typing import Any


def run(main_coroutine: Coroutine[Any, Any, None]) -> None:
    """Run it to its end, on uvloop where there is one."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    if sys.platform != "win32":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main_coroutine)


def spare_the_collector() -> None:
    """Let what was made at the start live for ever, and look at what lives long seldom: each look stops all traffic."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 5, 100)
    # The thread of the database takes its turn in less time than a frame has.
    sys.setswitchinterval(0.001)
