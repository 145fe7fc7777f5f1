"""A Mosquitto of the system and its own clients, for tests; and a house that listens to it."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
PUBLISHER = shutil.which("mosquitto_pub")
_START_S = 10.0


class Broker:
    """A broker on a port of its own; it remembers sessions in its folder, across its restarts."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        folder.chmod(0o777)
        lines = [
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous true",
            "persistence true",
            f"persistence_location {folder}/",
            "autosave_interval 1",
            "autosave_on_changes true",
            "user root" if os.geteuid() == 0 else "",
        ]
        self._config = folder / "mosquitto.conf"
        self._config.write_text("\n".join(line for line in lines if line) + "\n")
        self._log = folder / "broker.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        assert MOSQUITTO is not None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([MOSQUITTO, "-c", str(self._config)], stdout=log, stderr=log)
        ends = time.monotonic() + _START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert time.monotonic() < ends, self._log.read_text()
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None

    def publish(self, topic: str, payload: Any, *options: str) -> None:
        """Publish with Mosquitto's own client, at QoS 1 unless the options say otherwise."""
        assert PUBLISHER is not None
        text = payload if isinstance(payload, str) else json.dumps(payload)
        base = [PUBLISHER, "-h", "127.0.0.1", "-p", str(self.port), "-q", "1", "-t", topic, "-m", text, *options]
        subprocess.run(base, check=True, timeout=10, capture_output=True)


def required() -> None:
    """Skip where there is no Mosquitto; where the change is judged, fail."""
    if MOSQUITTO is None or PUBLISHER is None:
        reason = "mosquitto and mosquitto-clients are not installed here"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


def running(folder: Path) -> Iterator[Broker]:
    """Yield a broker that runs until the test ends."""
    required()
    broker = Broker(folder)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
