"""A written file is one that others open and decode."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest

from telehealth.interop import webm
from telehealth.interop.webm import CLUSTER_BYTES, CLUSTER_MS, WebmClusters, WebmTrack, picture_size, webm_head


def encoded_pictures(count: int) -> list[tuple[bytes, bool]]:
    codec = av.CodecContext.create("libvpx", "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = 160, 96, "yuv420p"
    codec.time_base, codec.bit_rate = Fraction(1, 25), 200_000
    codec.options = {"deadline": "realtime", "lag-in-frames": "0"}
    packets = []
    for number in range(count):
        grey = np.full((96, 160, 3), number * 9, np.uint8)
        picture = av.VideoFrame.from_ndarray(grey, format="rgb24").reformat(format="yuv420p")
        picture.pts, picture.time_base = number, Fraction(1, 25)
        packets += codec.encode(picture)
    return [(bytes(one), one.is_keyframe) for one in packets]


def test_pictures_and_sound_are_decoded_again() -> None:
    pictures = encoded_pictures(20)
    clusters = WebmClusters()
    file = webm_head([WebmTrack("vp8", "a", *picture_size(pictures[0][0])), WebmTrack("opus", "b")])
    for number, (data, keyframe) in enumerate(pictures):
        file += clusters.add(1, number * 400, data, keyframe=keyframe)
        # A frame of silence: 20 ms, one channel (RFC 6716 §3.1).
        file += clusters.add(2, number * 400, b"\xf8\xff\xfe", keyframe=True)
    file += clusters.flush()
    with av.open(io.BytesIO(file), "r") as container:
        assert container.format.name.startswith("matroska")
        frames = list(container.decode(video=0))
    assert [(frame.width, frame.height) for frame in frames] == [(160, 96)] * 20
    assert [round((frame.time or 0) * 1000) for frame in frames] == [number * 400 for number in range(20)]
    with av.open(io.BytesIO(file), "r") as container:
        assert len(list(container.decode(audio=0))) == 20


def test_a_cluster_ends_after_its_time_and_at_its_size() -> None:
    clusters = WebmClusters()
    assert clusters.add(1, 0, b"a", keyframe=True) == b""
    assert clusters.add(1, CLUSTER_MS - 1, b"a", keyframe=True) == b""
    assert clusters.add(1, CLUSTER_MS, b"a", keyframe=True).startswith(b"\x1f\x43\xb6\x75")
    assert clusters.add(1, CLUSTER_MS + 1, bytes(CLUSTER_BYTES), keyframe=True)
    assert clusters.flush()
    assert clusters.flush() == b""


def test_a_frame_that_is_a_little_earlier_than_its_cluster_keeps_its_place() -> None:
    clusters = WebmClusters()
    clusters.add(1, 100, b"a", keyframe=True)
    clusters.add(2, 90, b"b", keyframe=True)
    assert b"\xa3\x85\x82\xff\xf6\x80b" in clusters.flush()


@pytest.mark.parametrize("count", [0, webm.MAX_TRACKS + 1])
def test_a_file_has_some_tracks_but_not_too_many(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 126"):
        webm_head([WebmTrack("opus", "a")] * count)


def test_the_size_of_pictures_is_guessed_where_it_is_not_told() -> None:
    assert picture_size(b"\x10\x02\x00") == (640, 480)
    assert picture_size(b"\x10\x02\x00\x9d\x01\x2a" + bytes(4)) == (640, 480)
