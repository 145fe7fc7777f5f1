"""RTCP as far as a forwarder needs it: reports, NACK, PLI, FIR, REMB, BYE (RFC 3550 §6, RFC 4585 §6, RFC 5104 §4.3.1).

Parsing is lenient about packets it does not know and strict about lengths: a compound packet that does not add up
is worth nothing and yields ValueError.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from telehealth.rtp.reception import ReportBlock

SENDER_REPORT = 200
RECEIVER_REPORT = 201
BYE = 203
TRANSPORT_FEEDBACK = 205
PAYLOAD_FEEDBACK = 206

MOST_PACKETS = 32
"""Packets read of one compound."""
MOST_NACKED = 256
"""Sequence numbers read of one NACK."""

_NACK = 1
_PLI = 1
_FIR = 4
_APPLICATION = 15
_BLOCK = struct.Struct("!LB3sLLLL")
_SENDER = struct.Struct("!LQLLL")


@dataclass(frozen=True, slots=True)
class SenderReport:
    """The sender's clock and counters; its report blocks apart."""

    ssrc: int
    ntp_timestamp: int
    rtp_timestamp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """What a receiver reports on the streams it gets."""

    ssrc: int
    blocks: tuple[ReportBlock, ...]


@dataclass(frozen=True, slots=True)
class Nack:
    """Packets of a stream that did not arrive."""

    ssrc: int
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyframeRequest:
    """A PLI, or one entry of a FIR: the stream cannot be decoded any further."""

    ssrc: int


@dataclass(frozen=True, slots=True)
class Remb:
    """How much the receiver estimates that it can receive in all of these streams together."""

    bitrate_bps: int
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Bye:
    """Streams that their sender says have ended."""

    ssrcs: tuple[int, ...]


Packet = SenderReport | ReceiverReport | Nack | KeyframeRequest | Remb | Bye


def parse(compound: bytes) -> list[Packet]:
    """Return the packets of a compound that we understand; ValueError if it is malformed."""
    packets: list[Packet] = []
    position = 0
    for _ in range(MOST_PACKETS):
        if position == len(compound):
            break
        if len(compound) - position < 4:
            raise ValueError("truncated RTCP header")
        head, kind, words = struct.unpack_from("!BBH", compound, position)
        if head >> 6 != 2:
            raise ValueError("not RTCP version 2")
        end = position + 4 + 4 * words
        if end > len(compound):
            raise ValueError("RTCP packet longer than its datagram")
        body = compound[position + 4 : end]
        packets += _packet(kind, head & 0x1F, _without_padding(body) if head & 0x20 else body)
        position = end
    return packets


def _without_padding(body: bytes) -> bytes:
    if not body or not 0 < body[-1] <= len(body):
        raise ValueError("RTCP padding does not fit")
    return body[: -body[-1]]


def _packet(kind: int, count: int, body: bytes) -> Iterable[Packet]:
    if kind == SENDER_REPORT:
        return [_sender_report(count, body)]
    if kind == RECEIVER_REPORT:
        _require(body, 4 + 24 * count)
        return [ReceiverReport(_word(body, 0), _blocks(body, 4, count))]
    if kind == BYE:
        _require(body, 4 * count)
        return [Bye(struct.unpack_from(f"!{count}L", body))]
    if kind == TRANSPORT_FEEDBACK:
        _require(body, 8)
        return [Nack(_word(body, 4), _nacked(body))] if count == _NACK else []
    if kind == PAYLOAD_FEEDBACK:
        _require(body, 8)
        return _payload_feedback(count, body)
    return []


def _sender_report(count: int, body: bytes) -> SenderReport:
    _require(body, 24 + 24 * count)
    ssrc, ntp, rtp, packets, octets = _SENDER.unpack_from(body)
    return SenderReport(ssrc, ntp, rtp, packets, octets, _blocks(body, 24, count))


def _payload_feedback(form: int, body: bytes) -> Iterable[Packet]:
    if form == _PLI:
        return [KeyframeRequest(_word(body, 4))]
    if form == _FIR:
        return [KeyframeRequest(_word(body, at)) for at in range(8, len(body) - 7, 8)]
    if form == _APPLICATION and body[8:12] == b"REMB":
        return [_remb(body)]
    return []


def _remb(body: bytes) -> Remb:
    _require(body, 16)
    count = body[12]
    _require(body, 16 + 4 * count)
    mantissa = (body[13] & 0x03) << 16 | body[14] << 8 | body[15]
    return Remb(mantissa << (body[13] >> 2), struct.unpack_from(f"!{count}L", body, 16))


def _nacked(body: bytes) -> tuple[int, ...]:
    numbers: list[int] = []
    for position in range(8, len(body) - 3, 4):
        first, mask = struct.unpack_from("!HH", body, position)
        numbers.append(first)
        numbers += [(first + 1 + bit) & 0xFFFF for bit in range(16) if mask >> bit & 1]
        if len(numbers) >= MOST_NACKED:
            break
    return tuple(numbers[:MOST_NACKED])


def _blocks(body: bytes, start: int, count: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for position in range(start, start + 24 * count, 24):
        ssrc, fraction, lost, highest, jitter, last, delay = _BLOCK.unpack_from(body, position)
        blocks.append(
            ReportBlock(ssrc, fraction, int.from_bytes(lost, "big", signed=True), highest, jitter, last, delay)
        )
    return tuple(blocks)


def _word(body: bytes, position: int) -> int:
    return int.from_bytes(body[position : position + 4], "big")


def _require(body: bytes, length: int) -> None:
    if len(body) < length:
        raise ValueError("RTCP packet shorter than it says")


def receiver_report(sender: int, blocks: Sequence[ReportBlock]) -> bytes:
    """Return a receiver report with at most 31 blocks."""
    body = struct.pack("!L", sender)
    for block in blocks[:31]:
        lost = block.packets_lost.to_bytes(3, "big", signed=True)
        body += _BLOCK.pack(
            block.ssrc,
            block.fraction_lost,
            lost,
            block.highest_sequence,
            block.jitter,
            block.last_sender_report,
            block.delay_since_sender_report,
        )
    return _whole(RECEIVER_REPORT, min(len(blocks), 31), body)


def sender_report(report: SenderReport) -> bytes:
    """Return the report without blocks: those are between the sender and us."""
    body = _SENDER.pack(report.ssrc, report.ntp_timestamp, report.rtp_timestamp, report.packets, report.octets)
    return _whole(SENDER_REPORT, 0, body)


def nack(sender: int, media: int, numbers: Sequence[int]) -> bytes:
    """Return a generic NACK for these sequence numbers, which are in order."""
    pairs: list[list[int]] = []
    for number in numbers:
        ahead = (number - pairs[-1][0] - 1) & 0xFFFF if pairs else 16
        if ahead < 16:
            pairs[-1][1] |= 1 << ahead
        else:
            pairs.append([number, 0])
    body = struct.pack("!LL", sender, media) + b"".join(struct.pack("!HH", *pair) for pair in pairs)
    return _whole(TRANSPORT_FEEDBACK, _NACK, body)


def picture_loss(sender: int, media: int) -> bytes:
    """Return a PLI."""
    return _whole(PAYLOAD_FEEDBACK, _PLI, struct.pack("!LL", sender, media))


def remb(sender: int, bitrate_bps: int, ssrcs: Sequence[int]) -> bytes:
    """Return a REMB; the bitrate is rounded down to 18 significant bits."""
    exponent = max(0, bitrate_bps.bit_length() - 18)
    mantissa = bitrate_bps >> exponent
    count = min(len(ssrcs), 255)
    body = struct.pack("!LL4sBBH", sender, 0, b"REMB", count, exponent << 2 | mantissa >> 16, mantissa & 0xFFFF)
    return _whole(PAYLOAD_FEEDBACK, _APPLICATION, body + struct.pack(f"!{count}L", *ssrcs[:count]))


def _whole(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body
