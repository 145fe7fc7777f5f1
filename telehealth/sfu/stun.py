"""STUN for an ICE-lite agent: answers binding requests, trusts nobody (RFC 8489, RFC 8445 §2.5 and §7.3)."""

import struct
from dataclasses import dataclass

from aioice.stun import Class, Message, Method, parse_message

Address = tuple[str, int]

TCP = "tcp:"
"""Before the host in the address of a connection."""
_REQUEST = b"\x00\x01"
_COOKIE = b"\x21\x12\xa4\x42"
_USERNAME = 0x0006
_HEADER = 20
_ATTRIBUTE = 4
"""Octets before the value of each."""
_LONGEST = 576
_PROBE_PRIORITY = 0x6EFFFFFF


@dataclass(frozen=True, slots=True)
class Credentials:
    """Username fragment and password of one side."""

    ufrag: str
    password: str


def addressee(datagram: bytes) -> str | None:
    """Return the username fragment of whom a binding request is for, or None if it is no such thing.

    Cheap, and without any check: junk must cost little.
    """
    if not _HEADER < len(datagram) <= _LONGEST or datagram[:2] != _REQUEST or datagram[4:8] != _COOKIE:
        return None
    position = _HEADER
    while position + 4 <= len(datagram):
        kind, length = struct.unpack_from("!HH", datagram, position)
        if kind == _USERNAME:
            value = datagram[position + 4 : position + 4 + length]
            return value.partition(b":")[0].decode("ascii", "replace")
        position += 4 + (length + 3 & ~3)
    return None


def transaction(datagram: bytes) -> bytes:
    """Return the transaction id (RFC 8489 §5)."""
    return datagram[8:20]


def authenticated(datagram: bytes, password: str) -> Message | None:
    """Return the request if its fingerprint and its message integrity hold, else None."""
    try:
        message = parse_message(datagram)
        if message.message_class is not Class.REQUEST or message.message_method is not Method.BINDING:
            return None
        if "FINGERPRINT" not in message.attributes or not message.check_message_integrity(password.encode()):
            return None
    except (ValueError, struct.error):
        return None
    return message


def nominates(request: Message) -> bool:
    """Tell whether the controlling agent chose this path (RFC 8445 §7.3.1.5)."""
    return "USE-CANDIDATE" in request.attributes


def response(request: Message, address: Address, password: str) -> bytes:
    """Return the success response, with the address that the request came from."""
    message = Message(Method.BINDING, Class.RESPONSE, transaction_id=request.transaction_id)
    message.attributes["XOR-MAPPED-ADDRESS"] = (address[0].removeprefix(TCP), address[1])
    message.add_message_integrity(password.encode())
    return bytes(message)


def probe(local: Credentials, remote: Credentials, *, padding: int = 0) -> bytes:
    """Return a binding request that asks a silent peer for a sign of life (cf. RFC 7675 §5.1).

    With `padding` it is so many octets longer, 763 at most: by a text that is for people alone (RFC 8489 §14.14).
    """
    message = Message(Method.BINDING, Class.REQUEST)
    if padding:
        message.attributes["SOFTWARE"] = "." * (padding - _ATTRIBUTE)
    message.attributes["USERNAME"] = f"{remote.ufrag}:{local.ufrag}"
    message.attributes["PRIORITY"] = _PROBE_PRIORITY
    message.attributes["ICE-CONTROLLED"] = 0
    message.add_message_integrity(remote.password.encode())
    return bytes(message)
