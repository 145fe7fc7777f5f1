"""The text of our offers."""

from aiortc.sdp import SessionDescription

from telehealth.sfu.aiortc_hooks import Fingerprint
from telehealth.sfu.offer import Direction, Endpoint, Kind, OfferedLine, offer_text
from telehealth.sfu.stun import Credentials

ENDPOINT = Endpoint(
    Credentials("ufrag123", "x" * 32), Fingerprint("sha-256", ":".join(["AB"] * 32)), ("192.0.2.1", "203.0.113.5"), 4000
)
LINES = (
    OfferedLine("1", Kind.AUDIO, Direction.RECEIVE),
    OfferedLine("2", Kind.VIDEO, Direction.RECEIVE),
    OfferedLine("5", Kind.VIDEO, Direction.SEND, "bo", 77),
    OfferedLine("6", Kind.VIDEO, Direction.ENDED),
    OfferedLine("7", Kind.VIDEO, Direction.INACTIVE, "bo", 78),
)


def read() -> SessionDescription:
    return SessionDescription.parse(offer_text(ENDPOINT, LINES, version=3))


def test_every_line_says_what_it_is_for() -> None:
    read_lines = [(m.kind, m.rtp.muxId, m.direction, m.port) for m in read().media]
    assert read_lines == [
        ("audio", "1", "recvonly", 4000),
        ("video", "2", "recvonly", 4000),
        ("video", "5", "sendonly", 4000),
        ("video", "6", "inactive", 0),
        ("video", "7", "inactive", 4000),
    ]


def test_an_ended_line_is_out_of_the_bundle() -> None:
    [bundle] = read().group
    assert bundle.items == ["1", "2", "5", "7"]


def test_what_we_send_is_named_by_participant_and_ssrc_also_while_it_pauses() -> None:
    sending, paused = read().media[2], read().media[4]
    assert sending.msid == "bo 5"
    assert [s.ssrc for s in sending.ssrc] == [77]
    assert [s.ssrc for s in paused.ssrc] == [78]


def test_all_advertised_addresses_are_candidates_best_first() -> None:
    candidates = read().media[0].ice_candidates
    assert [(c.ip, c.port, c.type) for c in candidates] == [
        ("192.0.2.1", 4000, "host"),
        ("203.0.113.5", 4000, "host"),
    ]
    assert candidates[0].priority > candidates[1].priority


def test_the_browser_becomes_the_dtls_client_of_an_ice_lite_server() -> None:
    media = read().media[0]
    assert media.ice is not None
    assert media.ice.iceLite
    assert media.dtls is not None
    assert media.dtls.role == "auto"
    assert media.rtcp_mux


def test_payload_types_and_extensions_are_the_same_on_every_line_of_a_kind() -> None:
    videos = [m for m in read().media if m.kind == "video"]
    numbers = {tuple(c.payloadType for c in m.rtp.codecs) for m in videos}
    extensions = {tuple(sorted((e.id, e.uri) for e in m.rtp.headerExtensions if e.id != 5)) for m in videos}
    assert numbers == {(96, 102), (96, 102, 97, 103)}
    assert len(extensions) == 1


def test_arrivals_are_numbered_only_on_what_comes_to_us() -> None:
    numbered = {m.direction: any(e.id == 5 for e in m.rtp.headerExtensions) for m in read().media}
    assert numbered["recvonly"]
    assert not numbered["sendonly"]
