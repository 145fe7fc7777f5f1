"""`telehealth simulate monitor` in a process of its own: it takes the place of the demo's monitor at home."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.browser.stage import ROOT, Demo


@contextmanager
def monitor(demo: Demo, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a monitor while the context lasts; it may be stopped, or killed, on the way."""
    process = subprocess.Popen(
        [sys.executable, "-m", "telehealth", "simulate", "monitor", "--url", demo["base_url"], *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "TELEHEALTH_DEVICE_TOKEN": demo["device_token"]},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        # One that was stopped hears of nothing else.
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
