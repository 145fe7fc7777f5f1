"""Reading RTP headers."""

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtpPacket
from hypothesis import given, settings
from hypothesis import strategies as st

from telehealth.rtp import packet

PLAIN = bytes([0x80, 0xE0, 0x12, 0x34]) + (99).to_bytes(4, "big") + (0xDEADBEEF).to_bytes(4, "big")


def with_extension(profile: int, block: bytes, *, payload: bytes = b"payload") -> bytes:
    block += bytes(-len(block) % 4)
    return b"\x90" + PLAIN[1:] + profile.to_bytes(2, "big") + (len(block) // 4).to_bytes(2, "big") + block + payload


def test_the_fields_of_a_header() -> None:
    assert packet.sequence_number(PLAIN) == 0x1234
    assert packet.timestamp(PLAIN) == 99
    assert packet.ssrc(PLAIN) == 0xDEADBEEF
    assert packet.payload_type(PLAIN) == 96


@pytest.mark.parametrize(("second", "rtcp"), [(191, False), (192, True), (200, True), (223, True), (224, False)])
def test_rtcp_is_told_by_its_second_byte(second: int, *, rtcp: bool) -> None:
    assert packet.is_rtcp(bytes([0x80, second])) is rtcp


@pytest.mark.parametrize(
    ("malformed", "why"),
    [
        (b"", "empty"),
        (PLAIN[:11], "short header"),
        (b"\x40" + PLAIN[1:], "version 1"),
        (b"\x8f" + PLAIN[1:] + bytes(59), "fifteen contributing sources, one cut off"),
        (b"\x90" + PLAIN[1:] + b"\xbe\xde\x00", "cut extension header"),
        (b"\x90" + PLAIN[1:] + b"\xbe\xde\xff\xff" + bytes(100), "extension beyond the end"),
        (b"\xa0" + PLAIN[1:] + b"ab\xff", "padding of 255"),
        (b"\xa0" + PLAIN[1:] + b"ab\x00", "padding of 0"),
        (b"\xa0" + PLAIN[1:], "padding into the header"),
    ],
)
def test_what_does_not_fit_is_malformed(malformed: bytes, why: str) -> None:
    assert not packet.is_well_formed(malformed), why


@pytest.mark.parametrize(
    "well_formed",
    [PLAIN, b"\x8f" + PLAIN[1:] + bytes(60), b"\xa0" + PLAIN[1:] + b"ab\x03", with_extension(0xBEDE, b"\x40x")],
)
def test_what_fits_is_well_formed(well_formed: bytes) -> None:
    assert packet.is_well_formed(well_formed)


def test_one_byte_extensions_are_found_behind_padding() -> None:
    found = with_extension(0xBEDE, b"\x10\x7f\x00\x00\x42abc")
    assert packet.extension(found, 1) == b"\x7f"
    assert packet.extension(found, 4) == b"abc"
    assert packet.extension(found, 5) is None


def test_two_byte_extensions_are_found() -> None:
    found = with_extension(0x1000, b"\x00\x04\x03abc\x05\x00")
    assert packet.extension(found, 4) == b"abc"
    assert packet.extension(found, 5) == b""
    assert packet.extension(with_extension(0x1000, b"\x05\x02ab"), 4) is None


@pytest.mark.parametrize(
    "block",
    [b"\xf0\x40a", b"\x4fa"],
    ids=["reserved id ends the block", "longer than the block"],
)
def test_one_byte_extensions_beyond_a_fault_are_ignored(block: bytes) -> None:
    assert packet.extension(with_extension(0xBEDE, block), 4) is None


def test_a_two_byte_extension_longer_than_its_block_is_ignored() -> None:
    assert packet.extension(with_extension(0x1000, b"\x04\xffab"), 4) is None


def test_no_extension_and_an_unknown_profile_have_none() -> None:
    assert packet.extension(PLAIN, 4) is None
    assert packet.extension(with_extension(0x1234, b"\x40a"), 4) is None


def test_a_foreign_mid_is_noticed() -> None:
    assert not packet.has_foreign_mid(PLAIN, 4, b"7")
    assert not packet.has_foreign_mid(with_extension(0xBEDE, b"\x407"), 4, b"7")
    assert packet.has_foreign_mid(with_extension(0xBEDE, b"\x408"), 4, b"7")
    assert packet.has_foreign_mid(with_extension(0xBEDE, b"\x407\x408"), 4, b"7")
    assert packet.has_foreign_mid(with_extension(0x1000, b"\x04\x018"), 4, b"7")


def test_a_retransmission_gives_back_the_original() -> None:
    header = bytes([0x90, 0x80 | 97]) + bytes([0, 9]) + b"time" + b"SSRC" + b"\xbe\xde\x00\x01\x407\x00\x00"
    restored = packet.original(header + b"\x12\x34payload", 96, 7)
    assert restored is not None
    assert packet.is_well_formed(restored)
    assert (packet.payload_type(restored), restored[1] >> 7) == (96, 1)
    assert (packet.sequence_number(restored), packet.ssrc(restored)) == (0x1234, 7)
    assert restored[4:8] == b"time"
    assert packet.extension(restored, 4) == b"7"
    assert restored[packet.payload_start(restored) :] == b"payload"


def test_a_retransmission_of_nothing_is_none() -> None:
    assert packet.original(bytes([0x80, 97]) + bytes(10) + b"\x12\x34", 96, 7) is None
    assert packet.original(bytes([0xA0, 97]) + bytes(10) + b"\x12\x34\x00\x02", 96, 7) is None


def test_a_packet_is_inspected_in_one_pass() -> None:
    def seen(data: bytes) -> int:
        return packet.inspect(data, 4, b"7", 5)

    assert seen(PLAIN) == packet.NO_NUMBER
    assert seen(PLAIN[:11]) == packet.MALFORMED
    assert seen(with_extension(0xBEDE, b"\x407\x51\x12\x34")) == 0x1234
    assert seen(with_extension(0xBEDE, b"\x00\x51\x12\x34\x407")) == 0x1234
    assert seen(with_extension(0xBEDE, b"\x51\x12\x34\x408")) == packet.FOREIGN
    assert seen(with_extension(0xBEDE, b"\x52\x12\x34\x56")) == packet.NO_NUMBER
    assert seen(with_extension(0xBEDE, b"\xf0\x51\x12\x34")) == packet.NO_NUMBER
    assert seen(with_extension(0x1000, b"\x04\x017")) == packet.NO_NUMBER
    assert seen(with_extension(0x1000, b"\x04\x018")) == packet.FOREIGN


def test_aiortc_writes_what_we_read() -> None:
    extensions = HeaderExtensionsMap()
    extensions.configure(
        RTCRtpParameters(
            headerExtensions=[RTCRtpHeaderExtensionParameters(id=4, uri="urn:ietf:params:rtp-hdrext:sdes:mid")]
        )
    )
    written = RtpPacket(payload_type=96, sequence_number=5, timestamp=6, ssrc=7, payload=b"x")
    written.extensions.mid = "p12"
    found = written.serialize(extensions)
    assert packet.is_well_formed(found)
    assert packet.extension(found, 4) == b"p12"


@settings(max_examples=10_000)
@given(st.binary(max_size=80))
def test_no_bytes_whatever_upset_the_reader(data: bytes) -> None:
    for version in (data, b"\x90" + data[1:], b"\xb3" + data[1:]):
        if packet.is_well_formed(version):
            packet.extension(version, 4)
            foreign = packet.has_foreign_mid(version, 4, b"1")
            assert (packet.inspect(version, 4, b"1", 5) == packet.FOREIGN) == foreign
        else:
            assert packet.inspect(version, 4, b"1", 5) == packet.MALFORMED
