"""RTCP as we write it, as aiortc writes it, and as nobody should."""

import pytest
from aiortc import rtp as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from telehealth.rtp import rtcp
from telehealth.rtp.reception import ReportBlock

words = st.integers(0, 0xFFFFFFFF)
BLOCK = ReportBlock(5, 12, -3, 70_000, 44, 0x01020304, 65536)


def test_a_receiver_report_reads_back_here_and_elsewhere() -> None:
    written = rtcp.receiver_report(1, [BLOCK, BLOCK])
    assert rtcp.parse(written) == [rtcp.ReceiverReport(1, (BLOCK, BLOCK))]
    [read] = reference.RtcpPacket.parse(written)
    assert isinstance(read, reference.RtcpRrPacket)
    assert (read.reports[0].ssrc, read.reports[0].packets_lost, read.reports[0].lsr) == (5, -3, 0x01020304)


def test_a_receiver_report_has_31_blocks_at_most() -> None:
    [report] = rtcp.parse(rtcp.receiver_report(1, [BLOCK] * 40))
    assert isinstance(report, rtcp.ReceiverReport)
    assert len(report.blocks) == 31


def test_a_sender_report_goes_on_without_its_blocks() -> None:
    info = reference.RtcpSenderInfo(ntp_timestamp=1 << 60, rtp_timestamp=9, packet_count=10, octet_count=11)
    block = reference.RtcpReceiverInfo(1, 0, 0, 0, 0, 0, 0)
    [report] = rtcp.parse(bytes(reference.RtcpSrPacket(ssrc=8, sender_info=info, reports=[block])))
    assert isinstance(report, rtcp.SenderReport)
    assert (report.ssrc, report.ntp_timestamp, len(report.blocks)) == (8, 1 << 60, 1)
    [forwarded] = reference.RtcpPacket.parse(rtcp.sender_report(report))
    assert isinstance(forwarded, reference.RtcpSrPacket)
    assert forwarded.sender_info == info
    assert forwarded.reports == []


@given(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=60, unique=True))
def test_a_nack_reads_back(numbers: list[int]) -> None:
    numbers.sort()
    [nack] = rtcp.parse(rtcp.nack(1, 9, numbers))
    assert isinstance(nack, rtcp.Nack)
    assert nack.ssrc == 9
    assert sorted(nack.numbers) == numbers


def test_a_nack_across_the_wrap_takes_one_pair() -> None:
    written = rtcp.nack(1, 9, [65534, 65535, 0, 3])
    assert len(written) == 16
    assert rtcp.parse(written) == [rtcp.Nack(9, (65534, 65535, 0, 3))]


def test_of_an_endless_nack_only_the_beginning_is_read() -> None:
    body = bytes(8) + b"\x00\x00\xff\xff" * 400
    [nack] = rtcp.parse(bytes([0x81, 205]) + (len(body) // 4).to_bytes(2, "big") + body)
    assert isinstance(nack, rtcp.Nack)
    assert len(nack.numbers) == rtcp.MOST_NACKED


def test_pli_and_fir_are_wishes_for_a_keyframe() -> None:
    assert rtcp.parse(rtcp.picture_loss(1, 9)) == [rtcp.KeyframeRequest(9)]
    fir = reference.RtcpPsfbPacket(fmt=4, ssrc=1, media_ssrc=0, fci=(9).to_bytes(4, "big") + b"\x01\0\0\0")
    assert rtcp.parse(bytes(fir)) == [rtcp.KeyframeRequest(9)]


@given(st.integers(0, (1 << 36) - 1), st.lists(words, max_size=5))
def test_a_remb_reads_back_to_18_bits(bitrate: int, ssrcs: list[int]) -> None:
    written = rtcp.remb(1, bitrate, ssrcs)
    [read] = rtcp.parse(written)
    assert isinstance(read, rtcp.Remb)
    assert read.ssrcs == tuple(ssrcs)
    assert read.bitrate_bps <= bitrate < read.bitrate_bps + max(1, bitrate >> 17)
    fci = written[12:]
    assert reference.unpack_remb_fci(fci) == (read.bitrate_bps, ssrcs)


def test_what_we_do_not_know_is_passed_over() -> None:
    unknown = bytes([0x80, 204, 0, 1, 0, 0, 0, 0])
    other_feedback = bytes([0x8F, 205, 0, 2]) + bytes(8)
    other_payload = bytes([0x82, 206, 0, 2]) + bytes(8)
    not_remb = bytes([0x8F, 206, 0, 3]) + bytes(8) + b"ABCD"
    bye = bytes(reference.RtcpByePacket(sources=[4, 5]))
    assert rtcp.parse(unknown + other_feedback + other_payload + not_remb + bye) == [rtcp.Bye((4, 5))]


def test_padding_is_taken_off() -> None:
    padded = bytes([0xA1, 206, 0, 3]) + bytes(4) + (9).to_bytes(4, "big") + b"\0\0\0\x04"
    assert rtcp.parse(padded) == [rtcp.KeyframeRequest(9)]


def test_of_a_long_compound_only_so_many_packets_are_read() -> None:
    assert len(rtcp.parse(rtcp.picture_loss(1, 9) * 100)) == rtcp.MOST_PACKETS


@pytest.mark.parametrize(
    ("compound", "why"),
    [
        (b"\x80\xc8\x00", "cut header"),
        (b"\x40\xc8\x00\x00", "version 1"),
        (b"\x80\xc8\x00\x09" + bytes(8), "longer than the datagram"),
        (b"\x80\xc8\x00\x01" + bytes(4), "sender report without its body"),
        (b"\x85\xc9\x00\x01" + bytes(4), "fewer blocks than counted"),
        (b"\x83\xcb\x00\x01" + bytes(4), "fewer sources than counted"),
        (b"\x81\xcd\x00\x01" + bytes(4), "feedback without a source"),
        (b"\x81\xce\x00\x00", "payload feedback without a source"),
        (b"\xa1\xce\x00\x00", "padding in an empty packet"),
        (b"\xa1\xce\x00\x01\x00\x00\x00\x05", "padding longer than the packet"),
        (b"\x8f\xce\x00\x03" + bytes(8) + b"REMB", "REMB without a bitrate"),
        (b"\x8f\xce\x00\x04" + bytes(8) + b"REMB\xff\x00\x00\x00", "REMB with fewer sources than counted"),
    ],
)
def test_a_compound_that_does_not_add_up_is_refused(compound: bytes, why: str) -> None:
    with pytest.raises(ValueError, match="RTCP"):
        rtcp.parse(compound)
        pytest.fail(why)


@settings(max_examples=10_000)
@given(st.integers(0, 31), st.sampled_from([200, 201, 203, 205, 206, 207]), st.binary(max_size=120))
def test_no_bytes_whatever_raise_anything_but_value_error(count: int, kind: int, body: bytes) -> None:
    body += bytes(-len(body) % 4)
    compound = bytes([0x80 | count, kind]) + (len(body) // 4).to_bytes(2, "big") + body
    for data in (compound, body, compound[:-1] + body):
        try:
            rtcp.parse(data)
        except ValueError:
            continue
