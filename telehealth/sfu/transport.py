"""One participant's path to us: validated addresses, DTLS, SRTP (RFC 8445, RFC 5764, RFC 3711)."""

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from telehealth.rtp.bottleneck import Bottleneck
from telehealth.rtp.capacity import Capacity
from telehealth.rtp.link_loss import LinkLoss
from telehealth.rtp.transport_cc import Arrivals
from telehealth.sfu import stun
from telehealth.sfu.aiortc_hooks import Certificate, Crypt, Fingerprint, SrtpError
from telehealth.sfu.counters import Counters, Drop
from telehealth.sfu.limits import (
    ADDRESSES_PER_TRANSPORT,
    INBOUND_BYTES_PER_S,
    PROBES_OPEN,
    REPORTERS_PER_TRANSPORT,
    RESENT_BYTES,
    SSRCS_PER_TRANSPORT,
    WEIGHED_BYTES,
)
from telehealth.sfu.stun import Address, Credentials

if TYPE_CHECKING:
    from telehealth.sfu.projection import Projection
    from telehealth.sfu.publication import Publication

Send = Callable[[bytes, Address], None]
_FIRST_GUESS_S = 0.1
_OVERHEAD = 60
"""Of IP, UDP and SRTP: small packets cost, too."""


class Path:
    """An address from which an authenticated check came, and how to send there."""

    __slots__ = ("address", "heard_at", "send", "transport")

    def __init__(self, transport: "Transport", address: Address, now: float, send: Send) -> None:
        self.transport = transport
        self.address = address
        self.heard_at = now
        self.send = send


class Transport:
    """Mutable state of the packet path; knows nothing of rooms.

    Attributes:
        address: Where we send to; None before the first check.
        routes: The publications that this transport feeds, by SSRC.
        repairs: The same by the SSRC of their retransmissions.
        lacking: Those publications that it feeds of which something is missing.
        watching: The publications sent to this transport, by SSRC: its feedback is about these.
        projections: In which size, and how renumbered, those of them that were ever shown in another.
        round_trip_s: To the peer and back, as measured most recently.
        link: How much of what we send gets lost.
        bottleneck: How much of it fits.
        capacity: The same while hardly anything is sent, if it was weighed.
        estimate_bps: How much of pictures it can receive, as it says itself; None before it has said so.
        arrivals: When its packets came, for congestion control at the peer.
        sent_packets, sent_bytes: Media sent for the first time: repetitions not counted.
    """

    _weighed: bytes | None = None

    def __init__(self, certificate: Certificate, send: Send, counters: Counters, now: float) -> None:
        self.credentials = Credentials(secrets.token_hex(8), secrets.token_hex(16))
        self.remote: Credentials | None = None
        self.fingerprints: frozenset[Fingerprint] = frozenset()
        self.address: Address | None = None
        self.paths: dict[Address, Path] = {}
        self.opened_at = self.probed_at = self.weighed_at = self.reported_at = self.fed_back_at = now
        self.checked_at: float | None = None
        self.closed = False
        self.routes: dict[int, Publication] = {}
        self.repairs: dict[int, Publication] = {}
        self.lacking: set[Publication] = set()
        self.watching: dict[int, Publication] = {}
        self.projections: dict[int, Projection] = {}
        self.round_trip_s = _FIRST_GUESS_S
        self.link = LinkLoss()
        self.bottleneck, self.capacity = Bottleneck(), Capacity()
        self.estimate_bps: int | None = None
        self.arrivals = Arrivals()
        self.sent_packets = self.sent_bytes = 0
        self.unprotect: Crypt | None = None
        self.unprotect_rtcp: Crypt | None = None
        self._protect: Crypt | None = None
        self._protect_rtcp: Crypt | None = None
        self._ssrcs: set[int] = set()
        self._reporters: set[int] = set()
        self.allowance, self._repeatable, self._paid_bytes = INBOUND_BYTES_PER_S, RESENT_BYTES, 0
        self._probes: dict[bytes, float] = {}
        self._send = send
        self._counters = counters
        self._dtls = certificate.session(self._send_record)

    @property
    def connected(self) -> bool:
        """Whether keys are agreed and the transport is open."""
        return self._protect is not None and not self.closed

    @property
    def heard_at(self) -> float:
        """When the last datagram came from a validated address."""
        latest = self.opened_at
        for path in self.paths.values():
            latest = max(latest, path.heard_at)
        return latest

    def checked(self, address: Address, now: float, send: Send, *, nominated: bool) -> tuple[Path, Path | None]:
        """Take note of an authenticated check; return its path, and the one it displaced if there were too many."""
        if self.checked_at is None:
            self.checked_at = now
        path = self.paths.get(address)
        displaced = None
        if path is None:
            if len(self.paths) >= ADDRESSES_PER_TRANSPORT:
                idle = min(
                    (known for known in self.paths.values() if known.address != self.address),
                    key=lambda known: known.heard_at,
                )
                displaced = self.paths.pop(idle.address)
            path = self.paths[address] = Path(self, address, now, send)
        path.heard_at = now
        if nominated or self._is_silent(now):
            self.address = address
            self._send = path.send
        return path, displaced

    def lost_path(self, path: Path) -> None:
        """Forget a path that is closed for good; the one heard from last takes over, if there is another."""
        if self.paths.get(path.address) is not path:
            return
        del self.paths[path.address]
        if self.address == path.address:
            best = max(self.paths.values(), key=lambda known: known.heard_at, default=None)
            self.address = best.address if best else None
            self._send = best.send if best else self._send

    def _is_silent(self, now: float) -> bool:
        # A checked address replaces one that says nothing any more: that is how a new NAT binding shows.
        chosen = self.paths.get(self.address) if self.address else None
        return chosen is None or now - chosen.heard_at > 1.0

    def admits(self, ssrc: int) -> bool:
        """Tell whether packets of this source may be decrypted; each new one costs SRTP state until the end."""
        return ssrc in self._ssrcs or len(self._ssrcs) < SSRCS_PER_TRANSPORT

    def keep(self, ssrc: int) -> None:
        """Count a source whose packet was authentic."""
        self._ssrcs.add(ssrc)

    def admits_reporter(self, ssrc: int) -> bool:
        """Tell the same of RTCP of this source."""
        return ssrc in self._reporters or len(self._reporters) < REPORTERS_PER_TRANSPORT

    def keep_reporter(self, ssrc: int) -> None:
        """Count a source whose RTCP was authentic."""
        self._reporters.add(ssrc)

    def receive_record(self, record: bytes) -> None:
        """Take a DTLS datagram; it waits if the answer, and with it the fingerprint, is still on its way."""
        if not self._dtls.receive(record):
            self._counters.dropped[Drop.DTLS_QUEUE] += 1

    async def connect(self) -> bool:
        """Do the DTLS handshake; False if it failed, also by a fingerprint that is not the announced one."""
        keys = await self._dtls.handshake(self.fingerprints)
        if keys is None or self.closed:
            return False
        self.unprotect, self.unprotect_rtcp = keys.unprotect, keys.unprotect_rtcp
        self._protect, self._protect_rtcp = keys.protect, keys.protect_rtcp
        return True

    async def wait_closed(self) -> None:
        """Return when the peer has said goodbye, or we have closed."""
        await self._dtls.wait_closed()

    def send_rtp(self, packet: bytes) -> None:
        """Encrypt and send; a packet that cannot be is dropped and counted."""
        self.sent_packets += 1
        self.sent_bytes += len(packet) + _OVERHEAD
        if self._protect is None or self.address is None:
            return
        try:
            protected = self._protect(packet)
        except (SrtpError, ValueError):
            self._counters.dropped[Drop.SRTP] += 1
            return
        self._send(protected, self.address)

    def send_again(self, packet: bytes) -> bool:
        """Send a packet once more; False if this receiver was sent too much again already."""
        if self._repeatable < len(packet) + _OVERHEAD:
            self._counters.dropped[Drop.RESEND_LIMIT] += 1
            return False
        self._repeatable -= len(packet) + _OVERHEAD
        self.send_copy(packet)
        return True

    def send_copy(self, packet: bytes) -> None:
        """Send a packet once more, unasked."""
        self._counters.resent += 1
        self.send_rtp(packet)
        self.sent_packets -= 1
        self.sent_bytes -= len(packet) + _OVERHEAD

    def refill(self, elapsed_s: float) -> None:
        """Let time pass for what may be received, and sent again: at most as much as was sent for the first time."""
        refilled = self.allowance + int(INBOUND_BYTES_PER_S * elapsed_s)
        self.allowance = min(INBOUND_BYTES_PER_S, refilled)
        self._repeatable = min(RESENT_BYTES, self._repeatable + self.sent_bytes - self._paid_bytes)
        self._paid_bytes = self.sent_bytes

    def send_rtcp(self, compound: bytes) -> None:
        """Encrypt and send RTCP; likewise."""
        if self._protect_rtcp is None or self.address is None:
            return
        try:
            protected = self._protect_rtcp(compound)
        except (SrtpError, ValueError):
            self._counters.dropped[Drop.SRTP] += 1
            return
        self._send(protected, self.address)

    def probe(self, now: float) -> None:
        """Ask the peer for a sign of life, which also measures the round trip."""
        if self.remote is None or self.address is None:
            return
        self.probed_at = now
        self.bottleneck.asked(now)
        datagram = stun.probe(self.credentials, self.remote)
        if len(self._probes) == PROBES_OPEN:
            del self._probes[next(iter(self._probes))]
        self._probes[stun.transaction(datagram)] = now
        self._send(datagram, self.address)

    def weigh(self, now: float) -> None:
        """Ask a question so large that a narrow link takes longer for it."""
        if self.remote is None or self.address is None:
            return
        self.weighed_at = now
        datagram = stun.probe(self.credentials, self.remote, padding=WEIGHED_BYTES)
        self._weighed = stun.transaction(datagram)
        self._send(datagram, self.address)

    def probe_answered(self, datagram: bytes, now: float) -> bool:
        """Take what may be the answer to one of our probes; tell whether it is."""
        if stun.transaction(datagram) == self._weighed:
            self._weighed = None
            self.capacity.took(now - self.weighed_at, large=True)
            return True
        asked_at = self._probes.pop(stun.transaction(datagram), None)
        if asked_at is None:
            return False
        self.round_trip_s = now - asked_at
        self.bottleneck.measured(self.round_trip_s, now, newest=asked_at == self.probed_at)
        self.capacity.took(self.round_trip_s, large=False)
        return True

    def _send_record(self, record: bytes) -> None:
        if self.address is not None:
            self._send(record, self.address)

    async def aclose(self) -> None:
        """Say goodbye and free the keys; nothing is sent or received any more."""
        self.closed = True
        self.unprotect = self.unprotect_rtcp = self._protect = self._protect_rtcp = None
        self.routes = {}
        self.repairs = {}
        self.watching = {}
        self.projections = {}
        await self._dtls.aclose()
