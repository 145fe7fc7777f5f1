"""Every datagram of every participant comes in here; the first byte says what it is (RFC 7983).

This is the packet path: nothing here awaits, and nothing logs.
"""

from collections.abc import Callable

from telehealth.rtp.packet import FOREIGN, inspect, is_rtcp, is_well_formed
from telehealth.sfu import stun
from telehealth.sfu.aiortc_hooks import SrtpError
from telehealth.sfu.counters import Counters, Drop
from telehealth.sfu.feedback import receive_rtcp
from telehealth.sfu.limits import SUSPECT_S
from telehealth.sfu.offer import MID_ID, REPAIRS, TRANSPORT_CC_ID
from telehealth.sfu.publication import Publication
from telehealth.sfu.stun import Address
from telehealth.sfu.transport import Path, Send, Transport

Learn = Callable[[Transport, bytes], None]


class Demultiplexer:
    """Finds the transport of a datagram, checks and decrypts it, and hands it on.

    Only STUN is accepted from anywhere, and only when authenticated; all else must come from an address that passed
    such a check. So an empty datagram, a foreign ClientHello or a foreign alert reaches nobody's session.

    Args:
        learn: Called with an authentic packet of an SSRC that nobody announced.
    """

    def __init__(self, send: Send, counters: Counters, learn: Learn) -> None:
        self._send = send
        self._counters = counters
        self._learn = learn
        self._transports: dict[str, Transport] = {}
        self._paths: dict[Address, Path] = {}

    def __len__(self) -> int:
        return len(self._transports)

    def add(self, transport: Transport) -> None:
        self._transports[transport.credentials.ufrag] = transport

    def remove(self, transport: Transport) -> None:
        self._transports.pop(transport.credentials.ufrag, None)
        for address, path in transport.paths.items():
            if self._paths.get(address) is path:
                del self._paths[address]

    def gone(self, address: Address) -> None:
        """Forget a path that has closed for good."""
        path = self._paths.pop(address, None)
        if path is not None:
            path.transport.lost_path(path)

    def receive(self, datagram: bytes, address: Address, now: float, send: Send | None = None) -> None:
        """Take one datagram; `send` is the way back if it is not the UDP socket."""
        self._counters.packets_in += 1
        self._counters.bytes_in += len(datagram)
        path = self._paths.get(address)
        if not datagram:
            self._counters.dropped[Drop.EMPTY] += 1
        elif datagram[0] < 4:
            self._stun(datagram, address, path, now, send or self._send)
        elif path is None:
            self._counters.dropped[Drop.FOREIGN] += 1
        else:
            self._accepted(path, datagram, now)

    def _accepted(self, path: Path, datagram: bytes, now: float) -> None:
        first, transport = datagram[0], path.transport
        if 128 <= first < 192 and len(datagram) >= 12:
            if transport.allowance < len(datagram):
                self._counters.dropped[Drop.RATE] += 1
                return
            transport.allowance -= len(datagram)
            if is_rtcp(datagram):
                self._rtcp(path, datagram, now)
            else:
                self._rtp(path, datagram, now)
        elif 20 <= first < 64:
            transport.receive_record(datagram)
        else:
            self._counters.dropped[Drop.UNKNOWN] += 1

    def _rtp(self, path: Path, datagram: bytes, now: float) -> None:
        dropped, transport = self._counters.dropped, path.transport
        if transport.unprotect is None:
            dropped[Drop.EARLY] += 1
            return
        ssrc = int.from_bytes(datagram[8:12], "big")
        publication = transport.routes.get(ssrc)
        if publication is None and not transport.admits(ssrc):
            dropped[Drop.SSRC_LIMIT] += 1
            return
        try:
            packet = transport.unprotect(datagram)
        except (SrtpError, ValueError):
            dropped[Drop.SRTP] += 1
            return
        path.heard_at = now  # Only now: a source address is easily forged.
        if publication is None:
            self._unrouted(transport, packet, ssrc, now)
            return
        number = inspect(packet, MID_ID, publication.mid_bytes, TRANSPORT_CC_ID)
        if number <= FOREIGN:
            dropped[Drop.MALFORMED] += 1
        elif packet[1] & 0x7F not in publication.payload_types:
            dropped[Drop.UNROUTED] += 1
        else:
            if number >= 0:
                transport.arrivals.note(number, now)
            publication.forward(packet, now)

    def _unrouted(self, transport: Transport, packet: bytes, ssrc: int, now: float) -> None:
        transport.keep(ssrc)
        if not is_well_formed(packet):
            self._counters.dropped[Drop.MALFORMED] += 1
            return
        if (repaired := transport.repairs.get(ssrc)) is not None:
            self._repair(transport, repaired, packet, now)
            return
        self._counters.dropped[Drop.UNROUTED] += 1
        self._learn(transport, packet)

    def _repair(self, transport: Transport, publication: Publication, packet: bytes, now: float) -> None:
        number = inspect(packet, MID_ID, publication.mid_bytes, TRANSPORT_CC_ID)
        repeated = REPAIRS.get(packet[1] & 0x7F)
        if number <= FOREIGN or repeated is None:
            self._counters.dropped[Drop.MALFORMED] += 1
            return
        if number >= 0:
            transport.arrivals.note(number, now)
        publication.repair(packet, repeated, now)

    def _rtcp(self, path: Path, datagram: bytes, now: float) -> None:
        dropped, transport = self._counters.dropped, path.transport
        if transport.unprotect_rtcp is None:
            dropped[Drop.EARLY] += 1
            return
        ssrc = int.from_bytes(datagram[4:8], "big")
        if not transport.admits_reporter(ssrc):
            dropped[Drop.SSRC_LIMIT] += 1
            return
        try:
            compound = transport.unprotect_rtcp(datagram)
        except (SrtpError, ValueError):
            dropped[Drop.SRTP] += 1
            return
        path.heard_at = now
        transport.keep_reporter(ssrc)
        receive_rtcp(transport, compound, now, self._counters)

    def _stun(self, datagram: bytes, address: Address, path: Path | None, now: float, send: Send) -> None:
        ufrag = stun.addressee(datagram)
        if ufrag is None:
            # An answer to our probe is a sign of life: nobody else knows its transaction. All else says nothing.
            if path is not None and path.transport.probe_answered(datagram, now):
                path.heard_at = now
            self._counters.dropped[Drop.STUN] += path is None
            return
        transport = self._transports.get(ufrag)
        request = stun.authenticated(datagram, transport.credentials.password) if transport else None
        if transport is None or request is None or not self._may_take(path, transport, now):
            self._counters.dropped[Drop.STUN] += 1
            return
        found, displaced = transport.checked(address, now, send, nominated=stun.nominates(request))
        if displaced is not None:
            self._paths.pop(displaced.address, None)
        self._paths[address] = found
        send(stun.response(request, address, transport.credentials.password), address)

    @staticmethod
    def _may_take(path: Path | None, transport: Transport, now: float) -> bool:
        # An address in use by another participant stays with it: a forged source address must not cut anybody off.
        return path is None or path.transport is transport or now - path.heard_at > SUSPECT_S
