"""A synthetic participant's transport: one UDP socket that does ICE and DTLS once, then sends and receives SRTP."""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable
from typing import Any, cast

from aioice.stun import Class, Message, Method
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport

from benchmarks.media.descriptions import Local, Remote
from telehealth.sfu import stun

Crypt = Callable[[bytes], bytes]
CONNECT_S = 20.0
RECEIVE_BUFFER = 1 << 20
TIMESTAMPNS = 35
"""SO_TIMESTAMPNS of Linux: the kernel notes when a datagram reached the socket."""


def untouched(packet: bytes) -> bytes:
    return packet


class _Records:
    """What aiortc takes for an ICE transport."""

    def __init__(self, role: str, send: Callable[[bytes], None]) -> None:
        self.role = role
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._send_datagram = send
        self.put = self._queue.put_nowait

    async def _recv(self) -> bytes:
        record = await self._queue.get()
        if not record:
            raise ConnectionError("closed")
        return record

    async def _send(self, data: bytes) -> None:
        self._send_datagram(data)


class Transport:
    """Connects as a browser does, being the controlling agent; later the load drives its socket directly."""

    def __init__(self, host: str, certificate: RTCCertificate) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self.socket.bind((host, 0))
        digest = next(f.value for f in certificate.getFingerprints() if f.algorithm == "sha-256")
        port = self.socket.getsockname()[1]
        self.local = Local(secrets.token_hex(4), secrets.token_hex(12), digest, host, port)
        self.remote: Remote | None = None
        self.protect: Crypt = untouched
        self.protect_rtcp: Crypt = untouched
        self.unprotect: Crypt = untouched
        self.profile = ""
        self._certificate = certificate
        self._records = _Records("controlling", self._send)
        self._dtls: RTCDtlsTransport | None = None
        self._checked = asyncio.Event()

    def _send(self, datagram: bytes) -> None:
        with contextlib.suppress(OSError):
            self.socket.send(datagram)

    def aim(self, address: tuple[str, int]) -> None:
        """Talk with this address only."""
        self.socket.connect(address)

    async def connect(self, remote: Remote, *, answered: bool) -> None:
        """Do the checks and the handshake; the answerer is the client unless the answer says otherwise."""
        self.remote = remote
        self.aim(remote.address)
        loop = asyncio.get_running_loop()
        loop.add_reader(self.socket.fileno(), self._readable)
        try:
            async with asyncio.timeout(CONNECT_S):
                while not self._checked.is_set():
                    self._send(self.check())
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._checked.wait(), 0.05)
                server = not answered and remote.setup == "active"
                await self._handshake(remote, "server" if server else "client")
        finally:
            loop.remove_reader(self.socket.fileno())

    async def _handshake(self, remote: Remote, role: str) -> None:
        dtls = RTCDtlsTransport(cast(Any, self._records), [self._certificate])
        dtls._set_role(role)
        self._dtls = dtls
        algorithm, value = remote.fingerprint
        await dtls.start(RTCDtlsParameters(fingerprints=[RTCDtlsFingerprint(algorithm=algorithm, value=value)]))
        if dtls.state != "connected":
            raise ConnectionError("DTLS failed")
        sent, received = cast(Any, dtls._tx_srtp), cast(Any, dtls._rx_srtp)
        self.protect, self.protect_rtcp, self.unprotect = sent.protect, sent.protect_rtcp, received.unprotect
        self.profile = cast(Any, dtls)._ssl.get_selected_srtp_profile().decode()

    def check(self) -> bytes:
        """Return a binding request that nominates this path."""
        remote = self.remote
        if remote is None:
            return b""
        message = Message(Method.BINDING, Class.REQUEST)
        message.attributes["USERNAME"] = f"{remote.ufrag}:{self.local.ufrag}"
        message.attributes["PRIORITY"] = 0x6EFFFFFF
        message.attributes["ICE-CONTROLLING"] = 1
        message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity(remote.password.encode())
        return bytes(message)

    def control(self, datagram: bytes) -> None:
        """Take what is neither RTP nor RTCP."""
        if not datagram:
            return
        if 20 <= datagram[0] < 64:
            self._records.put(datagram)
        elif datagram[:2] == b"\x01\x01":
            self._checked.set()
        elif (request := stun.authenticated(datagram, self.local.password)) is not None and self.remote is not None:
            self._send(stun.response(request, self.remote.address, self.local.password))

    def _readable(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                self.control(self.socket.recv(2048))

    async def vanish(self) -> None:
        """Be gone without a goodbye, as a phone whose battery is empty."""
        self.socket.close()
        self._records.put(b"")
        if self._dtls is not None and (task := cast(Any, self._dtls)._task) is not None:
            await asyncio.wait({task})

    async def aclose(self) -> None:
        """Say goodbye."""
        if self._dtls is not None:
            task = cast(Any, self._dtls)._task
            await self._dtls.stop()
            if task is not None:
                await asyncio.wait({task})
        self.socket.close()
