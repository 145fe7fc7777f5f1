"""Frames on a stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telehealth.rtp.tcp_framing import LONGEST, Frames, frame


@given(st.lists(st.binary(max_size=300), max_size=20), st.integers(1, 50))
def test_frames_come_out_as_they_went_in_however_the_stream_is_cut(datagrams: list[bytes], step: int) -> None:
    stream = b"".join(frame(datagram) for datagram in datagrams)
    frames = Frames()
    found: list[bytes] = []
    for position in range(0, len(stream), step):
        found += frames.feed(stream[position : position + step])
    assert found == datagrams


def test_a_frame_that_is_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(ValueError, match="longer"):
        Frames().feed((LONGEST + 1).to_bytes(2, "big"))
