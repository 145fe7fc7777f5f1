"""DTLS and SRTP by aiortc: the one file that knows its private names, and refuses to load if they are gone.

aiortc's RTCDtlsTransport asks of its ICE transport only `role`, `_recv()` and `_send()`. We give it a queue of DTLS
records. SRTP never enters that queue: after the handshake we take the keyed SRTP sessions and use them ourselves, in
the datagram callback.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

import pylibsrtp
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from OpenSSL import SSL
from pylibsrtp._binding import ffi, lib

from telehealth.sfu.limits import DTLS_QUEUE

SrtpError = pylibsrtp.Error
Crypt = Callable[[bytes], bytes]
HASHES = frozenset({"sha-256", "sha-384", "sha-512"})


def _require(owner: Any, *, methods: Iterable[str], attributes: Iterable[str]) -> None:
    written = owner.__init__.__code__.co_names
    missing = [name for name in methods if not callable(getattr(owner, name, None))]
    missing += [name for name in attributes if name not in written]
    if missing:
        raise ImportError(f"this version of aiortc lacks {', '.join(missing)}: pin aiortc==1.16.0")


_require(
    RTCDtlsTransport,
    methods=("_set_role", "start", "stop"),
    attributes=("_rx_srtp", "_tx_srtp", "_task", "_transport"),
)


_require(pylibsrtp.Session, methods=(), attributes=("_srtp", "_cdata", "_buffer"))
_TRAILER: int = pylibsrtp.SRTP_MAX_TRAILER_LEN


def _crypt(session: pylibsrtp.Session, function: Callable[[Any, Any, Any], int], trailer: int) -> Crypt:
    """Return what a session's own method does for a packet, in two thirds of its time: allocations are done once."""
    owner, memory, place = session._srtp, session._cdata, session._buffer
    length = ffi.new("int *")
    longest = len(memory) - trailer

    def crypt(packet: bytes) -> bytes:
        size = len(packet)
        if size > longest:
            raise ValueError("packet is too long")
        place[:size] = packet
        length[0] = size
        if status := function(owner[0], memory, length):
            raise SrtpError(status)
        result: bytes = place[: length[0]]
        return result

    return crypt


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A hash of a certificate as SDP writes it (RFC 8122 §5)."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class Keys:
    """Keyed SRTP and SRTCP: encrypts to, and verifies and decrypts from, one peer."""

    protect: Crypt
    protect_rtcp: Crypt
    unprotect: Crypt
    unprotect_rtcp: Crypt


class Certificate:
    """A self-signed certificate of this process, generated at start-up."""

    def __init__(self) -> None:
        self._certificate = RTCCertificate.generateCertificate()

    @property
    def fingerprint(self) -> Fingerprint:
        """The SHA-256 one."""
        found = next(f for f in self._certificate.getFingerprints() if f.algorithm == "sha-256")
        return Fingerprint(found.algorithm, found.value)

    def session(self, send: Callable[[bytes], None]) -> "DtlsSession":
        return DtlsSession(self._certificate, send)


class _Wire:
    """What aiortc takes for an ICE transport: a bounded queue of records from the peer, and a way to send."""

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send_datagram = send
        self._records: asyncio.Queue[bytes] = asyncio.Queue(DTLS_QUEUE)
        self._closed = False

    def put(self, record: bytes) -> bool:
        if self._closed or self._records.full():
            return False
        self._records.put_nowait(record)
        return True

    def close(self) -> None:
        self._closed = True
        if self._records.full():
            self._records.get_nowait()
        self._records.put_nowait(b"")

    async def _recv(self) -> bytes:
        record = await self._records.get()
        if not record:
            self._records.put_nowait(b"")  # Whoever asks again hears it again.
            raise ConnectionError("closed")
        return record

    async def _send(self, data: bytes) -> None:
        if not self._closed:
            self._send_datagram(data)


class DtlsSession:
    """The server's side of one DTLS association (RFC 5764); the peer is the client."""

    def __init__(self, certificate: RTCCertificate, send: Callable[[bytes], None]) -> None:
        self._wire = _Wire(send)
        self._dtls = RTCDtlsTransport(cast(Any, self._wire), [certificate])
        self._dtls._set_role("server")

    def receive(self, record: bytes) -> bool:
        """Take a datagram of DTLS records, also before the handshake; False if the queue is full."""
        return self._wire.put(record)

    async def handshake(self, fingerprints: Iterable[Fingerprint]) -> Keys | None:
        """Return the keys once the peer has proved the certificate with these fingerprints, or None if it failed."""
        expected = [RTCDtlsFingerprint(algorithm=f.algorithm, value=f.value) for f in fingerprints]
        try:
            await self._dtls.start(RTCDtlsParameters(fingerprints=expected))
        except (ConnectionError, SSL.Error):
            return None
        if self._dtls.state != "connected":
            return None
        sent, received = self._dtls._tx_srtp, self._dtls._rx_srtp
        return Keys(
            protect=_crypt(sent, lib.srtp_protect, _TRAILER),
            protect_rtcp=_crypt(sent, lib.srtp_protect_rtcp, _TRAILER + 4),
            unprotect=_crypt(received, lib.srtp_unprotect, 0),
            unprotect_rtcp=_crypt(received, lib.srtp_unprotect_rtcp, 0),
        )

    async def wait_closed(self) -> None:
        """Return when the peer has closed the association, or we have."""
        if (task := self._dtls._task) is not None:
            await asyncio.wait({task})

    async def aclose(self) -> None:
        """Say goodbye to the peer and end aiortc's task."""
        task = self._dtls._task
        with contextlib.suppress(ConnectionError, SSL.Error):
            await self._dtls.stop()
        self._wire.close()
        if task is not None:
            await asyncio.wait({task})
