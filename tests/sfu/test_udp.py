"""The socket: what cannot be sent is counted, what cannot be handled stops nobody."""

import socket

import pytest

from telehealth.clock import SystemClock
from telehealth.sfu.aiortc_hooks import Certificate, SrtpError, _require
from telehealth.sfu.counters import Counters, Drop
from telehealth.sfu.stun import Address
from telehealth.sfu.transport import Transport
from telehealth.sfu.udp import UdpPort
from tests.sfu.peers import until


async def test_a_fault_in_one_datagram_does_not_stop_the_next(caplog: pytest.LogCaptureFixture) -> None:
    counters = Counters()
    port = UdpPort("127.0.0.1", 0, counters, SystemClock())
    received: list[bytes] = []

    def receive(datagram: bytes, address: Address, now: float) -> None:
        if datagram == b"bad":
            raise RuntimeError("a fault of ours")
        received.append(datagram)

    port.open(receive)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for datagram in (b"bad", b"bad", b"good"):
            client.sendto(datagram, ("127.0.0.1", port.port))
        await until(lambda: received == [b"good"])
    assert counters.dropped[Drop.FAILED] == 2
    assert len(caplog.records) == 1
    port.close()


async def test_what_cannot_be_sent_is_counted() -> None:
    counters = Counters()
    port = UdpPort("127.0.0.1", 0, counters, SystemClock())
    port.send(b"x", ("127.0.0.1", 9))
    port.open(lambda *_: None)
    port.send(b"x" * 70_000, ("127.0.0.1", 9))
    assert counters.dropped[Drop.SOCKET] == 1
    assert counters.packets_out == 0
    port.close()
    port.close()


async def test_a_packet_that_cannot_be_encrypted_is_dropped() -> None:
    counters = Counters()
    sent: list[bytes] = []
    transport = Transport(Certificate(), lambda datagram, _: sent.append(datagram), counters, 0.0)
    transport.send_rtp(b"nobody is there yet")
    transport.send_rtcp(b"nobody is there yet")
    transport.probe(0.0)
    transport.weigh(0.0)

    def refuse(packet: bytes) -> bytes:
        raise SrtpError("index too old")

    transport._protect = transport._protect_rtcp = refuse
    transport.address = ("127.0.0.1", 9)
    transport.send_rtp(b"x")
    transport.send_rtcp(b"x")
    assert counters.dropped[Drop.SRTP] == 2
    assert sent == []
    await transport.aclose()


def test_another_aiortc_without_the_names_we_use_is_refused() -> None:
    class Other:
        def __init__(self) -> None:
            self._tx_srtp = None

    with pytest.raises(ImportError, match="_rx_srtp"):
        _require(Other, methods=("start",), attributes=("_tx_srtp", "_rx_srtp"))
