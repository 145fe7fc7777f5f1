"""What a forwarder reads of an RTP packet: header fields and one header extension (RFC 3550 §5.1, RFC 8285)."""

from collections.abc import Iterator

HEADER = 12
NO_NUMBER = -1
FOREIGN = -2
MALFORMED = -3
_PADDING = 0x20
_EXTENSION = 0x10
_USUAL = 0x90
"""The first byte of a packet with extensions, without padding and contributing sources: of nearly all."""
_ONE_BYTE_PROFILE = 0xBEDE
_ONE_BYTE = b"\xbe\xde"
_TWO_BYTE_PROFILE = 0x1000


def is_rtcp(datagram: bytes) -> bool:
    """Tell RTCP from RTP on a shared port (RFC 5761 §4); the datagram has at least two bytes."""
    return 192 <= datagram[1] <= 223


def payload_type(packet: bytes) -> int:
    return packet[1] & 0x7F


def ends_picture(packet: bytes) -> bool:
    """Tell whether a packet of pictures is the last one of its picture: its marker (RFC 7741 §4.1, RFC 6184 §5.1)."""
    return packet[1] >= 0x80


def sequence_number(packet: bytes) -> int:
    return packet[2] << 8 | packet[3]


def timestamp(packet: bytes) -> int:
    return int.from_bytes(packet[4:8], "big")


def ssrc(packet: bytes) -> int:
    return int.from_bytes(packet[8:12], "big")


def is_well_formed(packet: bytes) -> bool:
    """Tell whether the header, its contributing sources, its extensions and the padding fit into the packet."""
    length = len(packet)
    if length < HEADER or packet[0] >> 6 != 2:
        return False
    end = HEADER + 4 * (packet[0] & 0x0F)
    if packet[0] & _EXTENSION:
        if end + 4 > length:
            return False
        end += 4 + 4 * (packet[end + 2] << 8 | packet[end + 3])
    if end > length:
        return False
    if packet[0] & _PADDING:
        return 0 < packet[-1] <= length - end
    return True


def extension(packet: bytes, number: int) -> bytes | None:
    """Return the value of the header extension with this number in a well-formed packet, or None."""
    if not packet[0] & _EXTENSION:
        return None
    for found, value in _extensions(packet):
        if found == number:
            return value
    return None


def _extensions(packet: bytes) -> Iterator[tuple[int, bytes]]:
    start = HEADER + 4 * (packet[0] & 0x0F)
    profile = packet[start] << 8 | packet[start + 1]
    end = start + 4 + 4 * (packet[start + 2] << 8 | packet[start + 3])
    if profile == _ONE_BYTE_PROFILE:
        yield from _one_byte(packet, start + 4, end)
    elif profile & 0xFFF0 == _TWO_BYTE_PROFILE:
        yield from _two_byte(packet, start + 4, end)


def _one_byte(packet: bytes, position: int, end: int) -> Iterator[tuple[int, bytes]]:
    while position < end:
        head = packet[position]
        position += 1
        if head == 0:
            continue
        if head >> 4 == 15:  # Reserved: whatever follows is to be ignored.
            return
        length = (head & 0x0F) + 1
        if position + length > end:
            return
        yield head >> 4, packet[position : position + length]
        position += length


def _two_byte(packet: bytes, position: int, end: int) -> Iterator[tuple[int, bytes]]:
    while position + 1 < end:
        number = packet[position]
        if number == 0:
            position += 1
            continue
        length = packet[position + 1]
        position += 2
        if position + length > end:
            return
        yield number, packet[position : position + length]
        position += length


def erase_extension(packet: bytearray, number: int) -> None:
    """Overwrite the header extension with this number by padding, in a well-formed packet with one-byte headers."""
    if not packet[0] & _EXTENSION:
        return
    start = HEADER + 4 * (packet[0] & 0x0F)
    if packet[start : start + 2] != _ONE_BYTE:
        return
    position, end = start + 4, start + 4 + 4 * (packet[start + 2] << 8 | packet[start + 3])
    while position < end:
        past = position + 2 + (packet[position] & 0x0F) if packet[position] else position + 1
        if packet[position] >> 4 == number and past <= end:
            packet[position:past] = bytes(past - position)
        position = past


def payload_start(packet: bytes | bytearray) -> int:
    """Return where the payload of a well-formed packet begins."""
    start = HEADER + 4 * (packet[0] & 0x0F)
    if packet[0] & _EXTENSION:
        start += 4 + 4 * (packet[start + 2] << 8 | packet[start + 3])
    return start


def original(packet: bytes, payload_type: int, ssrc: int) -> bytes | None:
    """Return the packet that a well-formed retransmission repeats (RFC 4588 §4), or None if it is only padding."""
    start = payload_start(packet)
    padding = packet[-1] if packet[0] & _PADDING else 0
    if len(packet) - padding - start <= 2:
        return None
    head = bytes([packet[0], packet[1] & 0x80 | payload_type]) + packet[start : start + 2] + packet[4:8]
    return head + ssrc.to_bytes(4, "big") + packet[HEADER:start] + packet[start + 2 :]


def inspect(packet: bytes, mid_id: int, mid: bytes, number_id: int) -> int:
    """Check an RTP packet and read its transport-wide number, in one pass: every packet of the hot path comes here.

    Returns:
        The number in the extension `number_id`, or NO_NUMBER; MALFORMED or FOREIGN (another MID) if it must go nowhere.
    """
    if len(packet) > HEADER + 4 and packet[0] == _USUAL and packet[HEADER : HEADER + 2] == _ONE_BYTE:
        end = HEADER + 4 + 4 * (packet[HEADER + 2] << 8 | packet[HEADER + 3])
        if end > len(packet):
            return MALFORMED
        return _inspect_one_byte(packet, HEADER + 4, end, (mid_id, mid, number_id))
    if not is_well_formed(packet):
        return MALFORMED
    if not packet[0] & _EXTENSION:
        return NO_NUMBER
    start = HEADER + 4 * (packet[0] & 0x0F)
    if packet[start] != 0xBE or packet[start + 1] != 0xDE:
        return FOREIGN if has_foreign_mid(packet, mid_id, mid) else NO_NUMBER
    end = start + 4 + 4 * (packet[start + 2] << 8 | packet[start + 3])
    return _inspect_one_byte(packet, start + 4, end, (mid_id, mid, number_id))


def _inspect_one_byte(packet: bytes, position: int, end: int, wanted: tuple[int, bytes, int]) -> int:
    mid_id, mid, number_id = wanted
    found = NO_NUMBER
    while position < end:
        head = packet[position]
        if head == 0:
            position += 1
            continue
        past = position + 2 + (head & 0x0F)
        number = head >> 4
        if number == 15 or past > end:
            break
        if number == number_id and past - position == 3:
            found = packet[position + 1] << 8 | packet[position + 2]
        elif number == mid_id and packet[position + 1 : past] != mid:
            return FOREIGN
        position = past
    return found


def has_foreign_mid(packet: bytes, number: int, mid: bytes) -> bool:
    """Tell whether a well-formed packet names another MID than this one (RFC 8843 §9.2).

    A browser routes by MID before SSRC, so a packet with another's MID would show in another's place.
    """
    if not packet[0] & _EXTENSION:
        return False
    return any(found == number and value != mid for found, value in _extensions(packet))
