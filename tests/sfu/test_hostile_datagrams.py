"""Whatever arrives on the port: nothing is believed, nothing breaks."""

import random

import pytest
from aioice.stun import Class, Message, Method, parse_message

from telehealth.sfu import stun
from telehealth.sfu.aiortc_hooks import Certificate, SrtpError
from telehealth.sfu.counters import Counters, Drop
from telehealth.sfu.demultiplexer import Demultiplexer
from telehealth.sfu.limits import (
    DTLS_QUEUE,
    INBOUND_BYTES_PER_S,
    PROBES_OPEN,
    REPORTERS_PER_TRANSPORT,
    SSRCS_PER_TRANSPORT,
    WEIGHED_BYTES,
)
from telehealth.sfu.stun import Address, Credentials
from telehealth.sfu.transport import Transport

HOME: Address = ("127.0.0.1", 5000)
STRANGER: Address = ("198.51.100.9", 6000)


class Bench:
    """A demultiplexer with one transport whose cipher is none, so that tests write packets in the clear."""

    def __init__(self) -> None:
        self.counters = Counters()
        self.sent: list[tuple[bytes, Address]] = []
        self.learned: list[bytes] = []
        self.demultiplexer = Demultiplexer(self._send, self.counters, lambda _, packet: self.learned.append(packet))
        self.transport = Transport(Certificate(), self._send, self.counters, 0.0)
        self.demultiplexer.add(self.transport)

    def _send(self, datagram: bytes, address: Address) -> None:
        self.sent.append((datagram, address))

    def receive(self, datagram: bytes, address: Address = HOME, now: float = 1.0) -> None:
        self.demultiplexer.receive(datagram, address, now)

    def request(self, **changes: str) -> bytes:
        own = self.transport.credentials
        message = Message(Method.BINDING, Class.REQUEST)
        message.attributes["USERNAME"] = f"{changes.get('ufrag', own.ufrag)}:them"
        message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity(changes.get("password", own.password).encode())
        return bytes(message)

    def connected(self) -> "Bench":
        self.receive(self.request())
        self.transport.unprotect = self.transport.unprotect_rtcp = lambda datagram: datagram
        return self

    def drops(self) -> dict[str, int]:
        return {reason.value: number for reason, number in self.counters.dropped.items() if number}


@pytest.fixture
async def bench() -> Bench:
    return Bench()


def rtp(ssrc: int = 7, size: int = 20) -> bytes:
    return bytes([0x80, 96, 0, 1]) + bytes(4) + ssrc.to_bytes(4, "big") + bytes(size - 12)


async def test_an_authentic_check_is_answered_and_chooses_the_path(bench: Bench) -> None:
    bench.receive(bench.request())
    [(answer, address)] = bench.sent
    message = parse_message(answer)
    assert message.message_class is Class.RESPONSE
    assert message.attributes["XOR-MAPPED-ADDRESS"] == HOME
    assert message.check_message_integrity(bench.transport.credentials.password.encode())
    assert bench.transport.address == address == HOME


async def test_a_new_nat_binding_is_followed_after_an_authentic_check_only(bench: Bench) -> None:
    bench.connected()
    bench.receive(rtp(), STRANGER, now=5.0)
    assert bench.transport.address == HOME
    bench.receive(bench.request(), STRANGER, now=5.0)
    assert bench.transport.address == STRANGER


@pytest.mark.parametrize("change", [{"ufrag": "nobody"}, {"password": "y" * 32}])
async def test_an_unauthentic_check_gets_no_answer(bench: Bench, change: dict[str, str]) -> None:
    bench.receive(bench.request(**change))
    assert bench.sent == []
    assert bench.drops() == {"stun": 1}


async def test_only_binding_requests_are_answered(bench: Bench) -> None:
    for method, kind in ((Method.ALLOCATE, Class.REQUEST), (Method.BINDING, Class.INDICATION)):
        message = Message(method, kind)
        message.attributes["USERNAME"] = f"{bench.transport.credentials.ufrag}:them"
        message.add_message_integrity(bench.transport.credentials.password.encode())
        bench.receive(bytes(message))
        assert stun.authenticated(bytes(message), bench.transport.credentials.password) is None
    assert bench.sent == []


async def test_an_answer_to_our_probe_is_a_sign_of_life(bench: Bench) -> None:
    bench.connected()
    bench.transport.remote = Credentials("them", "p" * 24)
    bench.transport.probe(8.0)
    transaction = parse_message(bench.sent[-1][0]).transaction_id
    bench.receive(bytes(Message(Method.BINDING, Class.RESPONSE)), now=8.5)
    assert bench.transport.heard_at == 1.0  # Not of that transaction: anybody may have written it.
    bench.receive(bytes(Message(Method.BINDING, Class.RESPONSE, transaction_id=transaction)), now=9.0)
    assert (bench.transport.heard_at, bench.transport.round_trip_s) == (9.0, 1.0)


async def test_a_late_answer_tells_how_late_it_is_and_of_many_questions_the_oldest_are_forgotten(bench: Bench) -> None:
    bench.connected()
    bench.transport.remote = Credentials("them", "p" * 24)
    for asked_at in range(1 + PROBES_OPEN):
        bench.transport.probe(float(asked_at))
    asked = [parse_message(datagram).transaction_id for datagram, _ in bench.sent[-1 - PROBES_OPEN :]]
    bench.receive(bytes(Message(Method.BINDING, Class.RESPONSE, transaction_id=asked[0])), now=20.0)
    assert bench.transport.round_trip_s != 20.0
    bench.receive(bytes(Message(Method.BINDING, Class.RESPONSE, transaction_id=asked[1])), now=20.0)
    assert bench.transport.round_trip_s == 19.0


async def test_a_large_question_is_longer_and_says_nothing_of_the_round_trip(bench: Bench) -> None:
    bench.connected()
    bench.transport.remote = Credentials("them", "p" * 24)
    before = bench.transport.round_trip_s
    bench.transport.probe(8.0)
    bench.transport.weigh(8.0)
    (small, _), (large, _) = bench.sent[-2:]
    assert len(large) - len(small) == WEIGHED_BYTES
    transaction = parse_message(large).transaction_id
    for now in (9.0, 10.0):
        bench.receive(bytes(Message(Method.BINDING, Class.RESPONSE, transaction_id=transaction)), now=now)
    assert (bench.transport.heard_at, bench.transport.round_trip_s) == (9.0, before)


async def test_only_what_is_authentic_is_a_sign_of_life(bench: Bench) -> None:
    bench.connected()

    def refuse(datagram: bytes) -> bytes:
        raise SrtpError(7)

    bench.transport.unprotect = bench.transport.unprotect_rtcp = refuse
    for datagram in (rtp(), b"\x80\xc8" + bytes(30), b"\xff", b"\x16" + bytes(50)):
        bench.receive(datagram, now=9.0)
    assert bench.transport.heard_at == 1.0
    bench.connected().receive(rtp(), now=9.0)
    assert bench.transport.heard_at == 9.0
    await bench.transport.aclose()


@pytest.mark.parametrize(
    "datagram",
    [b"\x16\xfe\xff" + bytes(60), b"\x15\xfe\xff" + bytes(12), rtp(), b"\x80\xc8" + bytes(30), b"\xff", b"\x40"],
    ids=["client hello", "alert", "rtp", "rtcp", "unknown", "turn"],
)
async def test_nothing_but_stun_is_taken_from_a_stranger(bench: Bench, datagram: bytes) -> None:
    bench.connected()
    bench.receive(datagram, STRANGER)
    assert bench.drops() == {"foreign": 1}


async def test_an_empty_datagram_is_nothing_from_anybody(bench: Bench) -> None:
    bench.connected()
    bench.receive(b"", HOME)
    bench.receive(b"", STRANGER)
    assert bench.drops() == {"empty": 2}


async def test_media_before_the_handshake_is_dropped(bench: Bench) -> None:
    bench.receive(bench.request())
    bench.receive(rtp())
    bench.receive(b"\x80\xc8" + bytes(26))
    assert bench.drops() == {"early": 2}


async def test_waiting_dtls_records_are_bounded(bench: Bench) -> None:
    bench.connected()
    for _ in range(DTLS_QUEUE + 5):
        bench.receive(b"\x16" + bytes(50))
    assert bench.drops() == {"dtls_queue": 5}
    await bench.transport.aclose()


async def test_sources_are_bounded(bench: Bench) -> None:
    bench.connected()
    for ssrc in range(SSRCS_PER_TRANSPORT + 3):
        bench.receive(rtp(ssrc))
    assert bench.drops() == {"unrouted": SSRCS_PER_TRANSPORT, "ssrc_limit": 3}
    assert len(bench.learned) == SSRCS_PER_TRANSPORT


async def test_reporters_are_bounded(bench: Bench) -> None:
    bench.connected()
    for ssrc in range(REPORTERS_PER_TRANSPORT + 3):
        bench.receive(b"\x80\xc9\x00\x02" + ssrc.to_bytes(4, "big") + bytes(4))
    assert bench.drops() == {"ssrc_limit": 3}


async def test_a_source_that_fails_authentication_takes_no_place(bench: Bench) -> None:
    bench.connected()

    def refuse(datagram: bytes) -> bytes:
        raise SrtpError("authentication failure")

    bench.transport.unprotect = bench.transport.unprotect_rtcp = refuse
    for ssrc in range(100):
        bench.receive(rtp(ssrc))
        bench.receive(b"\x80\xc9\x00\x01" + ssrc.to_bytes(4, "big") + bytes(4))
    assert bench.drops() == {"srtp": 200}


async def test_a_flood_is_cut_at_what_a_participant_may_send(bench: Bench) -> None:
    bench.connected()
    datagram = rtp(size=1500)
    for _ in range(INBOUND_BYTES_PER_S // 1500 + 100):
        bench.receive(datagram)
    assert bench.counters.dropped[Drop.RATE] == 100


async def test_malformed_packets_go_nowhere(bench: Bench) -> None:
    bench.connected()
    bench.receive(b"\x9f" + rtp()[1:])
    bench.receive(b"\x80\xc8\x00\x01" + bytes(8))
    bench.receive(b"\x80")
    assert bench.drops() == {"malformed": 2, "unknown": 1}


async def test_ten_thousand_generated_datagrams_raise_nothing() -> None:
    chance = random.Random(20260102)
    bench = Bench().connected()
    seeds = [bench.request(), rtp(), rtp(size=200), b"\x16\xfe\xff" + bytes(60)]
    seeds += [bytes([0x80 | n, kind]) + b"\x00\x06" + bytes(24) for n in (0, 1, 4, 15) for kind in range(200, 208)]
    for number in range(10_000):
        datagram = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(0, 6)):
            datagram[chance.randrange(len(datagram))] = chance.randrange(256)
        cut = bytes(datagram[: chance.choice((len(datagram), chance.randrange(len(datagram) + 1)))])
        if chance.random() < 0.1:
            cut = chance.randbytes(chance.randrange(80))
        bench.transport.allowance = INBOUND_BYTES_PER_S
        bench.receive(cut, chance.choice((HOME, STRANGER)), float(number))
    assert bench.counters.packets_in == 10_001
    await bench.transport.aclose()
