"""A media plane on the loopback interface, and participants that can reach it without any other."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import uvloop

from telehealth.clock import SystemClock
from telehealth.sfu.media_settings import MediaSettings
from telehealth.sfu.plane import ForwardingPlane
from tests.doubles import FakeClock


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run on the event loop that `telehealth serve` has: its sockets and streams end otherwise than asyncio's."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let aioice, as our clients use it, send from 127.0.0.1, which it leaves out otherwise."""
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


@pytest.fixture
async def plane() -> AsyncIterator[ForwardingPlane]:
    running = ForwardingPlane(MediaSettings(host="127.0.0.1"), SystemClock())
    await running.start()
    yield running
    await running.aclose()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def still_plane(clock: FakeClock) -> AsyncIterator[ForwardingPlane]:
    """A plane whose time moves only by hand."""
    running = ForwardingPlane(MediaSettings(host="127.0.0.1", max_transports=4), clock)
    await running.start()
    yield running
    await running.aclose()
