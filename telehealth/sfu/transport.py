"""One participant's path to us: validated addresses, DTLS, SRTP (RFC 8445, RFC 5764, RFC 3711)."""

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from telehealth.rtp.token_bucket import TokenBucket
from telehealth.sfu.aiortc_hooks import Certificate, Crypt, Fingerprint, SrtpError
from telehealth.sfu.counters import Counters, Drop
from telehealth.sfu.limits import (
    ADDRESSES_PER_TRANSPORT,
    INBOUND_BYTES_PER_S,
    REPORTERS_PER_TRANSPORT,
    RESENT_BURST,
    RESENT_PACKETS_PER_S,
    SSRCS_PER_TRANSPORT,
)
from telehealth.sfu.stun import Address, Credentials

if TYPE_CHECKING:
    from telehealth.sfu.publication import Publication

Send = Callable[[bytes, Address], None]


class Path:
    """An address from which an authenticated check came."""

    __slots__ = ("address", "heard_at", "transport")

    def __init__(self, transport: "Transport", address: Address, now: float) -> None:
        self.transport = transport
        self.address = address
        self.heard_at = now


class Transport:
    """Mutable state of the packet path; knows nothing of rooms.

    Attributes:
        address: Where we send to; None before the first check.
        routes: The publications that this transport feeds, by SSRC.
        watching: The publications sent to this transport, by SSRC: its feedback is about these.
    """

    def __init__(self, certificate: Certificate, send: Send, counters: Counters, now: float) -> None:
        self.credentials = Credentials(secrets.token_hex(8), secrets.token_hex(16))
        self.remote: Credentials | None = None
        self.fingerprints: frozenset[Fingerprint] = frozenset()
        self.address: Address | None = None
        self.paths: dict[Address, Path] = {}
        self.opened_at = now
        self.checked_at: float | None = None
        self.probed_at = now
        self.reported_at = now
        self.closed = False
        self.routes: dict[int, Publication] = {}
        self.watching: dict[int, Publication] = {}
        self.allowance = INBOUND_BYTES_PER_S
        self.resend = TokenBucket(RESENT_PACKETS_PER_S, RESENT_BURST, now)
        self.unprotect: Crypt | None = None
        self.unprotect_rtcp: Crypt | None = None
        self._protect: Crypt | None = None
        self._protect_rtcp: Crypt | None = None
        self._ssrcs: set[int] = set()
        self._reporters: set[int] = set()
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
        return max((path.heard_at for path in self.paths.values()), default=self.opened_at)

    def checked(self, address: Address, now: float, *, nominated: bool) -> tuple[Path, Path | None]:
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
            path = self.paths[address] = Path(self, address, now)
        path.heard_at = now
        if nominated or self._is_silent(now):
            self.address = address
        return path, displaced

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
        if self._protect is None or self.address is None:
            return
        try:
            protected = self._protect(packet)
        except (SrtpError, ValueError):
            self._counters.dropped[Drop.SRTP] += 1
            return
        self._send(protected, self.address)

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

    def send_plain(self, datagram: bytes) -> None:
        """Send STUN on the chosen path."""
        if self.address is not None:
            self._send(datagram, self.address)

    def _send_record(self, record: bytes) -> None:
        self.send_plain(record)

    async def aclose(self) -> None:
        """Say goodbye and free the keys; nothing is sent or received any more."""
        self.closed = True
        self.unprotect = self.unprotect_rtcp = self._protect = self._protect_rtcp = None
        self.routes = {}
        self.watching = {}
        await self._dtls.aclose()
