"""Loss and jitter as a receiver reports them."""

import pytest

from telehealth.rtp.reception import REPORTS, Reception


def receive(reception: Reception, numbers: list[int], *, start: float = 0.0) -> None:
    for place, number in enumerate(numbers):
        reception.packet(number & 0xFFFF, (place * 960) & 0xFFFFFFFF, start + place * 0.02)


def test_before_the_first_packet_there_is_no_report() -> None:
    reception = Reception(7, 48_000)
    assert reception.report(0.0) is None
    assert reception.lost == 0


def test_a_steady_stream_has_no_loss_and_no_jitter() -> None:
    reception = Reception(7, 48_000)
    receive(reception, list(range(65500, 65600)))
    report = reception.report(2.0)
    assert report is not None
    assert (report.ssrc, report.fraction_lost, report.packets_lost, report.jitter) == (7, 0, 0, 0)
    assert report.highest_sequence == 65599
    assert reception.jitter_ms == pytest.approx(0, abs=0.001)
    assert reception.received == 100


def test_a_quarter_lost_is_reported_for_its_interval_only() -> None:
    reception = Reception(7, 48_000)
    receive(reception, [n for n in range(101) if n % 4 != 1])
    first = reception.report(2.0)
    assert first is not None
    assert first.packets_lost == 25
    assert first.fraction_lost == 256 * 25 // 101
    assert reception.lost_share == first.fraction_lost / 256
    receive(reception, list(range(101, 151)), start=2.02)
    second = reception.report(4.0)
    assert second is not None
    assert (second.fraction_lost, second.packets_lost) == (0, 25)
    assert reception.lost_share == first.fraction_lost / 256
    third = reception.report(5.0)
    assert third is not None
    assert third.fraction_lost == 0
    for second_of in range(6, 6 + REPORTS):
        reception.report(second_of)
    assert reception.lost_share == 0


def test_duplicates_are_a_negative_loss() -> None:
    reception = Reception(7, 48_000)
    receive(reception, [1, 2, 2, 2])
    assert reception.lost == -2
    report = reception.report(1.0)
    assert report is not None
    assert (report.packets_lost, report.fraction_lost) == (-2, 0)


def test_jitter_follows_late_packets_also_when_the_timestamp_wraps() -> None:
    reception = Reception(7, 1000)
    for place in range(200):
        late = 0.01 if place % 2 else 0.0
        reception.packet(place, (0xFFFFFF00 + place * 20) & 0xFFFFFFFF, place * 0.02 + late)
    assert reception.jitter_ms == pytest.approx(10.0, rel=0.05)


def test_the_senders_clock_is_returned_with_its_age() -> None:
    reception = Reception(7, 48_000)
    receive(reception, [1])
    reception.sender_report(0x1111_2222_3333_4444, 10.0)
    report = reception.report(10.5)
    assert report is not None
    assert report.last_sender_report == 0x2222_3333
    assert report.delay_since_sender_report == 32768
