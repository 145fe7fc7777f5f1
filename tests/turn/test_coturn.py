"""The example configuration of coturn: our credentials and nobody else's, and never a way into a private network."""

import base64
import hmac
from collections.abc import Iterator
from pathlib import Path

import pytest

from telehealth.app import TURN_SECONDS, turn_servers
from telehealth.clock import Clock, SystemClock
from telehealth.config import load_settings
from telehealth.ids import ParticipantId
from tests.doubles import FakeClock
from tests.turn.relay import EXAMPLE, SECRET, TURNSERVER, Client, Relay, coturn, denied_ranges

pytestmark = pytest.mark.skipif(TURNSERVER is None, reason="no coturn is installed here")

INWARDS = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "224.0.0.1", "239.255.255.255", "255.255.255.255",
]  # fmt: skip
INWARDS_6 = ["::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "fc00::1", "fd12:3456::1", "fe80::1", "ff02::1",
             "64:ff9b::7f00:1", "2002:7f00:1::"]  # fmt: skip


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    with coturn(tmp_path_factory.mktemp("coturn")) as running:
        yield running


def credential(relay: Relay, clock: Clock, name: str = "ana") -> tuple[str, str]:
    """Return what the server tells a participant at this time."""
    settings = load_settings(
        {
            "TELEHEALTH_SECRET_KEY": base64.b64encode(bytes(32)).decode(),
            "TELEHEALTH_TURN_URL": relay.url,
            "TELEHEALTH_TURN_SECRET": SECRET,
        }
    )
    [server] = turn_servers(settings, clock)(ParticipantId(name))
    return server.username, server.credential


@pytest.fixture
def client(relay: Relay, request: pytest.FixtureRequest) -> Iterator[Client]:
    """A client with a good credential of its own, and an allocation of the IP version that the test asks for."""
    connected = Client(relay, *credential(relay, SystemClock(), request.node.name))
    try:
        assert connected.allocate(family=getattr(request, "param", 4)) == 0
        yield connected
    finally:
        connected.close()


def allocates(relay: Relay, username: str, password: str) -> int:
    connected = Client(relay, username, password)
    try:
        return connected.allocate()
    finally:
        connected.close()


def test_a_credential_of_the_server_is_good(relay: Relay) -> None:
    assert allocates(relay, *credential(relay, SystemClock())) == 0


def test_a_credential_is_bad_after_its_time(relay: Relay) -> None:
    now = SystemClock().now()
    clock = FakeClock()
    clock.advance((now - clock.now()).total_seconds() - TURN_SECONDS - 5)
    assert allocates(relay, *credential(relay, clock)) == 401


def test_another_password_name_or_time_is_refused(relay: Relay) -> None:
    username, password = credential(relay, SystemClock())
    expiry, _, _ = username.partition(":")
    assert allocates(relay, username, "x" * len(password)) == 401
    assert allocates(relay, f"{expiry}:bo", password) == 401
    assert allocates(relay, f"{int(expiry) + 3600}:ana", password) == 401


def test_a_credential_under_another_secret_is_refused(relay: Relay) -> None:
    username, _ = credential(relay, SystemClock())
    forged = base64.b64encode(hmac.digest(b"guessed", username.encode(), "sha1")).decode()
    assert allocates(relay, username, forged) == 401


@pytest.mark.parametrize("peer", INWARDS)
def test_no_way_leads_inwards(client: Client, peer: str) -> None:
    assert client.permit(peer) == 403
    assert client.bind(peer) == 403


@pytest.mark.parametrize("client", [6], indirect=True)
def test_no_way_leads_inwards_by_the_new_protocol(client: Client) -> None:
    refused = {peer: (client.permit(peer), client.bind(peer)) for peer in INWARDS_6}
    assert set(refused.values()) == {(403, 403)}, refused


def test_the_ends_of_every_denied_range_are_refused(client: Client) -> None:
    ends = [end for bounds in denied_ranges() for end in bounds if ":" not in end]
    assert {end: client.permit(end) for end in ends} == dict.fromkeys(ends, 403)


@pytest.mark.parametrize("client", [6], indirect=True)
def test_the_ends_of_every_denied_range_of_the_new_protocol_are_refused(client: Client) -> None:
    ends = [end for bounds in denied_ranges() for end in bounds if ":" in end]
    assert {end: client.permit(end) for end in ends} == dict.fromkeys(ends, 403)


def test_public_addresses_are_not_refused(client: Client) -> None:
    # A permission sends nothing to anybody.
    assert client.permit("8.8.8.8") == 0
    assert client.permit("9.255.255.255") == 0
    assert client.permit("11.0.0.0") == 0


def test_one_participant_cannot_take_all_ports(relay: Relay) -> None:
    mine = credential(relay, SystemClock(), "greedy")
    clients = [Client(relay, *mine) for _ in range(13)]
    codes = [one.allocate() for one in clients]
    for one in clients:
        one.close()
    assert codes == [0] * 12 + [486]


def test_the_example_says_which_version_it_needs() -> None:
    assert "4.9.0" in EXAMPLE.read_text().splitlines()[0]
    compose = (EXAMPLE.parents[1] / "compose.yaml").read_text()
    assert "coturn/coturn:4.9" in compose


def test_loopback_is_reached_only_where_a_test_says_so(tmp_path: Path) -> None:
    with coturn(tmp_path, reaches_loopback=True) as running:
        reaching = Client(running, *credential(running, SystemClock()))
        try:
            assert reaching.allocate() == 0
            assert reaching.permit("127.0.0.1") == 0
            assert reaching.permit("10.0.0.1") == 403
        finally:
            reaching.close()
