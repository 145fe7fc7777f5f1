"""Where a picture begins that needs no earlier one: VP8 (RFC 7741 §4.2, §4.3) and H.264 (RFC 6184 §5.2)."""

from telehealth.rtp.depacketise import descriptor, payload_of

_SPS, _STAP_A = 7, 24


def begins_vp8(packet: bytes) -> bool:
    """Tell whether this well-formed packet is the first of a VP8 keyframe."""
    payload = payload_of(packet)
    if not payload:
        return False
    start, begins = descriptor(payload)
    return begins and start < len(payload) and not payload[start] & 1


def begins_h264(packet: bytes) -> bool:
    """Tell whether this well-formed packet opens an H.264 sequence: its parameters come right before the picture."""
    payload = payload_of(packet)
    if not payload:
        return False
    kind = payload[0] & 0x1F
    if kind == _STAP_A:
        return len(payload) > 3 and payload[3] & 0x1F == _SPS
    return kind == _SPS
