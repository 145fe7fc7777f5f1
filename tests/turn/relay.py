"""A real coturn on the loopback interface, started from the example configuration, and a client that says little.

The example requires coturn 4.9.0; what a distribution installs may be older. For what is shown here, credentials and
denied peers, an older one serves as well; it never leaves the loopback interface.
"""

import ipaddress
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aioice.stun import Class, Message, Method, parse_message
from aioice.turn import make_integrity_key

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "deploy" / "turnserver.conf"
TURNSERVER = shutil.which("turnserver")
SECRET = "a secret that only the tests know"
WITHOUT_CERTIFICATE = ("tls-listening-port", "cert=", "pkey=", "listening-port")
LOOPBACK = "denied-peer-ip=127."
UDP = 17 << 24
START_S = 10.0


@dataclass(frozen=True)
class Relay:
    """Where a running coturn listens."""

    address: tuple[str, int]

    @property
    def url(self) -> str:
        return f"turn:{self.address[0]}:{self.address[1]}?transport=udp"


@contextmanager
def coturn(folder: Path, *, reaches_loopback: bool = False) -> Iterator[Relay]:
    """Run coturn as the example says, but on a free port, without TLS, and with our secret.

    Args:
        folder: For its configuration and its log.
        reaches_loopback: Let it relay to 127.0.0.0/8, where a test's own media port is. Never elsewhere.
    """
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    lines = [line for line in EXAMPLE.read_text().splitlines() if not line.startswith(WITHOUT_CERTIFICATE)]
    if reaches_loopback:
        lines = [line for line in lines if not line.startswith(LOOPBACK)] + ["allow-loopback-peers"]
    lines += [f"listening-port={port}", "listening-ip=127.0.0.1", "relay-ip=127.0.0.1", "relay-ip=::1", "no-tls"]
    lines += ["no-dtls", f"static-auth-secret={SECRET}", f"pidfile={folder}/pid", "simple-log"]
    lines += [f"userdb={folder}/db", f"log-file={folder}/log"]
    configuration = folder / "turnserver.conf"
    configuration.write_text("\n".join(lines) + "\n")
    with subprocess.Popen(
        [str(TURNSERVER), "-c", str(configuration)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait(("127.0.0.1", port))
            yield Relay(("127.0.0.1", port))
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(address: tuple[str, int]) -> None:
    deadline = time.monotonic() + START_S
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.2)
        while time.monotonic() < deadline:
            probe.sendto(bytes(Message(Method.BINDING, Class.REQUEST)), address)
            try:
                probe.recv(2048)
            except (TimeoutError, ConnectionRefusedError):
                continue
            return
    raise TimeoutError("coturn does not answer")


class _Request(Message):
    """A message with one attribute more than aioice knows of."""

    extra = b""

    def __bytes__(self) -> bytes:
        plain = super().__bytes__()
        length = int.from_bytes(plain[2:4], "big") + len(self.extra)
        return plain[:2] + length.to_bytes(2, "big") + plain[4:20] + self.extra + plain[20:]


class Client:
    """Allocates at most once and asks for permissions (RFC 8656); tells error codes instead of raising."""

    def __init__(self, relay: Relay, username: str, password: str) -> None:
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.connect(relay.address)
        self._socket.settimeout(5)
        self._username = username
        self._password = password
        self._attributes: dict[str, Any] = {}
        self._key = b""

    def close(self) -> None:
        self._socket.close()

    def allocate(self, *, family: int = 4) -> int:
        """Return 0, or the code with which coturn refuses an allocation of this IP version."""
        extra = b"\x00\x17\x00\x04" + bytes([2 if family == 6 else 1, 0, 0, 0])
        attributes = {"REQUESTED-TRANSPORT": UDP, "LIFETIME": 60}
        code, answer = self._ask(Method.ALLOCATE, attributes, extra)
        if code == 401 and not self._key:
            realm, nonce = answer.attributes["REALM"], answer.attributes["NONCE"]
            self._key = make_integrity_key(self._username, realm, self._password)
            self._attributes = {"USERNAME": self._username, "REALM": realm, "NONCE": nonce}
            code, _ = self._ask(Method.ALLOCATE, attributes, extra)
        return code

    def permit(self, peer: str) -> int:
        """Return 0 if datagrams to and from this address would be relayed, or the code of the refusal."""
        return self._ask(Method.CREATE_PERMISSION, {"XOR-PEER-ADDRESS": (peer, 4000)})[0]

    def bind(self, peer: str) -> int:
        """Ask the same by a channel."""
        return self._ask(Method.CHANNEL_BIND, {"CHANNEL-NUMBER": 0x4001, "XOR-PEER-ADDRESS": (peer, 4000)})[0]

    def _ask(self, method: Method, attributes: dict[str, Any], extra: bytes = b"") -> tuple[int, Message]:
        request = _Request(method, Class.REQUEST, attributes={**attributes, **self._attributes})
        request.extra = extra
        if self._key:
            request.add_message_integrity(self._key)
        self._socket.send(bytes(request))
        answer = parse_message(self._socket.recv(2048))
        code = answer.error_code if answer.message_class is Class.ERROR else 0
        return code or 0, answer


def denied_ranges() -> Sequence[tuple[str, str]]:
    """Return first and last address of each range that the example denies."""
    found = [line.partition("=")[2] for line in EXAMPLE.read_text().splitlines() if line.startswith("denied-peer-ip=")]
    ranges = [(first, last) for first, _, last in (text.partition("-") for text in found)]
    for first, last in ranges:
        assert ipaddress.ip_address(first) <= ipaddress.ip_address(last)  # type: ignore[operator]
    return ranges
