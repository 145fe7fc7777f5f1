"""What is read of an interval: pages, trends and strips, by whom, and that it is audited."""

import struct
from datetime import timedelta
from threading import get_ident

import pytest

from telehealth.access import Principal, Role
from telehealth.clock import from_ms
from telehealth.errors import Forbidden, Invalid, NotFound
from telehealth.ids import DeviceId
from telehealth.interop.vital_frames import decode_frame
from telehealth.interop.watch_messages import VitalsJson
from telehealth.vitals.feed import Incoming
from telehealth.vitals.history import PAGE, Chart, VitalsHistory, reduced
from telehealth.vitals.model import MISSING, FrameFlag, Report, WaveBlock
from tests.builders import ENCOUNTER, PATIENT
from tests.doubles import NOON
from tests.vitals.ward import ECG, PLETH, Ward

DOCTOR = Principal("doctor", Role.PRACTITIONER)
CHART = Chart(ENCOUNTER, PATIENT, {"doctor"})
AN_HOUR = (NOON - timedelta(minutes=30), NOON + timedelta(minutes=30))


@pytest.fixture
def history(ward: Ward) -> VitalsHistory:
    return VitalsHistory(frames=ward.stores.vital_frames, audit=ward.audit, wire=ward.wire, decode=decode_frame)


async def measured(ward: Ward, seconds: int) -> None:
    """Let a monitor send ECG and pleth in frames of 200 ms, and a heart rate each second."""
    feed = await ward.open(await ward.a_device(), ECG, PLETH)
    for frame in range(seconds * 5):
        ward.clock.advance(0.2)
        pleth = ward.wave(frame + 1, channel=2, count=25, first_index=frame * 25)
        batch: list[Incoming] = [ward.wave(frame + 1, first_index=frame * 50), pleth]
        if frame % 5 == 4:
            batch.append(ward.numerics(frame // 5 + 1, 60.0 + frame // 5))
        await ward.plane.record(feed, batch)
    ward.audit.events.clear()


async def test_nothing_is_decoded_or_counted_on_the_loop(ward: Ward) -> None:
    threads: set[int] = set()

    class Wire(VitalsJson):
        def from_stored(self, device: DeviceId, body: bytes) -> Report:
            threads.add(get_ident())
            return super().from_stored(device, body)

    def decode(body: bytes) -> WaveBlock:
        threads.add(get_ident())
        return decode_frame(body)

    history = VitalsHistory(frames=ward.stores.vital_frames, audit=ward.audit, wire=Wire(), decode=decode)
    await measured(ward, 2)
    await history.page(DOCTOR, CHART, AN_HOUR, limit=PAGE, after="")
    await history.trends(DOCTOR, CHART, AN_HOUR, step_s=60)
    await history.strip(DOCTOR, CHART, NOON, 10.0, channels=())
    assert threads and get_ident() not in threads


async def test_an_interval_is_read_page_by_page_and_each_read_is_audited(ward: Ward, history: VitalsHistory) -> None:
    await measured(ward, 10)
    blocks: list[WaveBlock] = []
    reports: list[Report] = []
    after, pages = "", 0
    while True:
        page = await history.page(DOCTOR, CHART, AN_HOUR, limit=40, after=after)
        blocks += page.blocks
        reports += page.reports
        pages += 1
        assert {channel.number for channel in page.channels} == {block.channel for block in page.blocks}
        if not (after := page.next):
            break
    assert [block.first_index for block in blocks if block.channel == 1] == [n * 50 for n in range(50)]
    assert [report.samples[0].value for report in reports] == [60.0 + n for n in range(10)]
    assert pages == 3
    assert ward.audit.actions == ["vitals.read"] * 3


async def test_who_may_not_see_vitals_reads_none(ward: Ward, history: VitalsHistory) -> None:
    for nobody, error in ((Principal("other", Role.PRACTITIONER), NotFound), (Principal("a", Role.ADMIN), Forbidden)):
        with pytest.raises(error):
            await history.page(nobody, CHART, AN_HOUR, limit=PAGE, after="")
    assert ward.audit.actions == []


@pytest.mark.parametrize("length", [timedelta(0), timedelta(seconds=-1), timedelta(hours=25)])
async def test_an_interval_has_limits(ward: Ward, history: VitalsHistory, length: timedelta) -> None:
    with pytest.raises(Invalid) as refusal:
        await history.page(DOCTOR, CHART, (NOON, NOON + length), limit=1, after="")
    assert refusal.value.code == "bad_interval"


async def test_trends_have_the_least_the_most_and_the_middle_of_each_minute(ward: Ward, history: VitalsHistory) -> None:
    feed = await ward.open(await ward.a_device(simulated=True))
    for number, value in enumerate([70, 72, 90, None, 71, 60, 61]):
        ward.clock.advance(17)
        await ward.plane.record(feed, [ward.numerics(number, value)])
    (trend,) = await history.trends(DOCTOR, CHART, AN_HOUR, step_s=60)
    points = [(p.at, p.least, p.most, p.middle, p.count) for p in trend.points]
    assert points == [
        (NOON, 70.0, 90.0, 72.0, 3),
        (NOON + timedelta(minutes=1), 60.0, 71.0, 61.0, 3),
    ]
    assert (trend.mdc, trend.unit, trend.demo) == (147842, "/min", True)
    (coarse,) = await history.trends(DOCTOR, CHART, AN_HOUR, step_s=600)
    assert [(p.at, p.count) for p in coarse.points] == [(NOON, 6)]
    with pytest.raises(Invalid):
        await history.trends(DOCTOR, CHART, AN_HOUR, step_s=61)


async def test_a_strip_holds_the_blocks_that_reach_into_it(ward: Ward, history: VitalsHistory) -> None:
    await measured(ward, 30)
    strip = await history.strip(DOCTOR, CHART, NOON + timedelta(seconds=10), 10.0, channels=())
    assert [row.channel.label for row in strip.rows] == ["II", "Pleth"]
    ecg = strip.rows[0].blocks
    assert from_ms(ecg[0].starts_at_ms) <= strip.begins_at
    assert from_ms(ecg[-1].starts_at_ms) >= strip.begins_at + timedelta(seconds=9.7)
    (only,) = (await history.strip(DOCTOR, CHART, NOON, 5.0, channels=[2])).rows
    assert only.channel.label == "Pleth"
    for seconds, channels in ((0.5, ()), (31.0, ()), (10.0, [9]), (10.0, list(range(1, 14)))):
        with pytest.raises(Invalid):
            await history.strip(DOCTOR, CHART, NOON, seconds, channels=channels)


def a_block(first: int, *samples: int) -> WaveBlock:
    return WaveBlock(1, first + 1, first, 1000.0 + first * 4, struct.pack(f"<{len(samples)}h", *samples))


def test_a_reduced_wave_keeps_its_peaks_across_blocks_and_makes_nothing_of_what_is_missing() -> None:
    blocks = [a_block(0, 1, 9, 2), a_block(3, -7, MISSING, MISSING), a_block(8, MISSING, MISSING, MISSING, MISSING, 5)]
    found = reduced(blocks, 4, 250.0)
    assert [(one.first_index, one.starts_at_ms, one.least, one.most) for one in found] == [
        (0, 1000.0, -7, 9),
        (12, 1048.0, 5, 5),
    ]
    gap = WaveBlock(1, 1, 0, 0.0, b"", FrameFlag.NONE, gap=True, missing=10)
    assert reduced([gap], 4, 250.0) == []
