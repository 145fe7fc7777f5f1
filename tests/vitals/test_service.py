import json
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from telehealth.access import Principal, Role
from telehealth.clock import to_ms
from telehealth.errors import Conflict, Forbidden, Invalid, NotFound, TooMany, Unauthenticated
from telehealth.ids import EncounterId
from telehealth.interop.vital_frames import decode_frame
from telehealth.vitals import service
from telehealth.vitals.feed import BURST, MAX_CHANNELS, MAX_VALUES, Refusal
from telehealth.vitals.model import FeedHello, FrameFlag, Quality, RawNumerics, RawValue, WaveBlock
from tests.builders import ENCOUNTER
from tests.doubles import NOON
from tests.vitals.ward import ADMIN, ECG, OTHER_BEDSIDE, PLETH, TOPIC, Ward


def values_of(body: bytes) -> list[tuple[int, float | None, str]]:
    return [(v["mdc"], v["value"], v["quality"]) for v in json.loads(body)["values"]]


async def stored(ward: Ward, encounter: EncounterId = ENCOUNTER) -> list[tuple[int, int]]:
    frames = await ward.stores.vital_frames.since(encounter, NOON - timedelta(hours=1), limit=10_000)
    return sorted((frame.channel, frame.sequence) for frame in frames)


async def test_a_device_that_connects_is_announced_with_its_channels(ward: Ward) -> None:
    device = await ward.a_device()
    feed = await ward.open(device, ECG, PLETH)
    (came,), (channels,) = ward.heard("device"), ward.heard("channels")
    assert json.loads(came.body)["device"] == {
        "id": device,
        "name": "Monitor bay 3",
        "simulated": False,
        "connected": True,
        "kind": "registered",
    }
    assert [(c["ch"], c["label"]) for c in json.loads(channels.body)["channels"]] == [(1, "II"), (2, "Pleth")]
    assert feed.last == {}
    assert ward.audit.actions == ["vitals.opened"]


async def test_a_device_that_nobody_bound_is_sent_away(ward: Ward) -> None:
    device = await ward.a_device(bound=False)
    with pytest.raises(NotFound) as refusal:
        await ward.open(device)
    assert refusal.value.code == "not_associated"


async def test_a_revoked_device_is_sent_away(ward: Ward) -> None:
    device = await ward.a_device()
    await ward.registry.revoke(ADMIN, device)
    with pytest.raises(Unauthenticated):
        await ward.open(device)


async def test_a_person_sends_no_vitals(ward: Ward) -> None:
    device = await ward.a_device()
    with pytest.raises(Forbidden):
        await ward.plane.open_feed(
            Principal(device, Role.PRACTITIONER), FeedHello("b", 0.0, ()), on_replaced=lambda: None
        )


async def test_what_comes_is_stored_told_and_acknowledged(ward: Ward) -> None:
    feed = await ward.open(await ward.a_device())
    recorded = await ward.plane.record(feed, [ward.wave(0), ward.numerics(0), ward.wave(1)])
    assert recorded.acks == {0: 0, 1: 1}
    assert recorded.refused == ()
    assert await stored(ward) == [(0, 0), (1, 0), (1, 1)]
    assert [event.kind for event in ward.bus.of(TOPIC)][2:] == ["wave", "numerics", "wave"]
    assert values_of(ward.heard("numerics")[0].body) == [(147842, 75.0, "good")]


async def test_a_wave_goes_out_under_the_encounter_s_channel_with_its_samples_untouched(ward: Ward) -> None:
    await ward.plane.record(await ward.open(await ward.a_device(), ECG), [ward.wave(0)])
    feed = await ward.open(await ward.a_device(), ECG)
    sent = ward.wave(0, samples=b"\x00\x80\xff\x7f\x01\x00", flags=FrameFlag.QUESTIONABLE)
    await ward.plane.record(feed, [sent])
    shown = decode_frame(ward.heard("wave")[-1].body)
    assert (shown.channel, shown.sequence, shown.first_index) == (2, 0, 0)
    assert (shown.samples, shown.flags) == (sent.samples, FrameFlag.QUESTIONABLE)


async def test_a_repeat_is_stored_once_told_once_and_acknowledged_again(ward: Ward) -> None:
    feed = await ward.open(await ward.a_device())
    await ward.plane.record(feed, [ward.wave(0), ward.numerics(0)])
    recorded = await ward.plane.record(feed, [ward.wave(0), ward.wave(0), ward.numerics(0), ward.wave(1), ward.wave(1)])
    assert recorded.acks == {0: 0, 1: 1}
    assert await stored(ward) == [(0, 0), (1, 0), (1, 1)]
    assert len(ward.heard("wave")) == 2
    assert len(ward.heard("numerics")) == 1


async def test_after_a_reconnection_the_device_is_told_where_to_go_on(ward: Ward) -> None:
    device = await ward.a_device()
    feed = await ward.open(device)
    await ward.plane.record(feed, [ward.wave(0), ward.wave(1), ward.numerics(5)])
    await ward.plane.close_feed(feed)
    again = await ward.open(device)
    assert again.last == {0: 5, 1: 1}
    assert again.channels[1].number == feed.channels[1].number
    recorded = await ward.plane.record(again, [ward.wave(1), ward.wave(2)])
    assert recorded.acks == {1: 2}
    assert len(ward.heard("wave")) == 3


async def test_a_frame_that_fills_a_hole_is_stored(ward: Ward) -> None:
    feed = await ward.open(await ward.a_device())
    await ward.plane.record(feed, [ward.wave(0), ward.wave(2)])
    recorded = await ward.plane.record(feed, [ward.wave(1)])
    assert recorded.acks == {1: 2}
    assert await stored(ward) == [(1, 0), (1, 1), (1, 2)]


async def test_samples_that_overlap_those_before_are_refused(ward: Ward) -> None:
    feed = await ward.open(await ward.a_device())
    recorded = await ward.plane.record(feed, [ward.wave(0), ward.wave(1, first_index=49), ward.wave(2)])
    assert recorded.refused == (Refusal("out_of_order", 1, 1),)
    assert recorded.acks == {1: 2}
    assert await stored(ward) == [(1, 0), (1, 2)]


async def test_a_channel_that_was_not_declared_is_refused(ward: Ward) -> None:
    feed = await ward.open(await ward.a_device())
    recorded = await ward.plane.record(feed, [ward.wave(4, channel=9)])
    assert recorded == service.Recorded({}, (Refusal("unknown_channel", 9, 4),))
    assert recorded.refused[0].text == "The channel was not declared in hello."


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"unit": ""}, "unit_required"),
        ({"unit": "%"}, "unknown_unit"),
        ({"mdc": 5}, "unknown_parameter"),
    ],
    ids=str,
)
async def test_numerics_with_nothing_to_keep_are_refused(ward: Ward, changes: dict[str, Any], code: str) -> None:
    feed = await ward.open(await ward.a_device())
    recorded = await ward.plane.record(feed, [ward.numerics(3, **changes)])
    assert recorded == service.Recorded({}, (Refusal(code, 0, 3),))
    assert await stored(ward) == []


async def test_an_impossible_value_is_kept_as_invalid_and_named(ward: Ward) -> None:
    feed = await ward.open(await ward.a_device())
    recorded = await ward.plane.record(feed, [ward.numerics(3, 900.0)])
    assert recorded == service.Recorded({0: 3}, (Refusal("impossible_value", 0, 3),))
    assert values_of(ward.heard("numerics")[0].body) == [(147842, None, "invalid")]


async def test_what_the_device_sent_is_kept_beside_what_became_of_it(ward: Ward) -> None:
    device = await ward.a_device()
    feed = await ward.open(device)
    await ward.plane.record(feed, [ward.numerics(0, 98.6, mdc=150344, unit="[degF]")])
    (frame,) = await ward.stores.vital_frames.since(ENCOUNTER, NOON - timedelta(hours=1), limit=10)
    (sample,) = ward.wire.from_stored(device, frame.body).samples
    assert (sample.value, sample.unit, sample.original_value, sample.original_unit) == (37.0, "Cel", 98.6, "[degF]")


async def test_too_many_values_in_a_message_are_refused(ward: Ward) -> None:
    feed = await ward.open(await ward.a_device())
    many = RawNumerics(0, ward.now_ms, (RawValue(75.0, "/min", Quality.GOOD, mdc=147842),) * (MAX_VALUES + 1))
    assert (await ward.plane.record(feed, [many])).refused == (Refusal("bad_message", 0, 0),)


async def test_too_many_channels_are_refused(ward: Ward) -> None:
    device = await ward.a_device()
    with pytest.raises(Invalid) as refusal:
        await ward.open(device, *(replace(ECG, number=n) for n in range(1, MAX_CHANNELS + 2)))
    assert refusal.value.code == "too_many_channels"


@pytest.mark.parametrize(("unit", "code"), [("", "unit_required"), ("%", ""), ("mm[Hg]", "unknown_unit")])
async def test_a_wave_has_a_unit_that_fits(ward: Ward, unit: str, code: str) -> None:
    device = await ward.a_device()
    if not code:
        assert (await ward.open(device, replace(ECG, unit=unit))).channels[1].unit == "%"
        return
    with pytest.raises(Invalid) as refusal:
        await ward.open(device, replace(ECG, unit=unit))
    assert refusal.value.code == code


async def test_a_wave_s_gain_is_converted_and_its_samples_are_not(ward: Ward) -> None:
    feed = await ward.open(await ward.a_device(), replace(ECG, unit="uV", gain=2.44, offset=100.0))
    channel = feed.channels[1]
    assert channel.unit == "mV"
    assert [channel.gain, channel.offset] == pytest.approx([0.00244, 0.1])


async def test_a_relative_wave_is_shown_as_a_share(ward: Ward) -> None:
    feed = await ward.open(await ward.a_device(), replace(PLETH, number=1, unit="%", gain=0.1))
    assert feed.channels[1].unit == "1"
    assert feed.channels[1].gain == pytest.approx(0.001)


async def test_a_wave_without_a_code_has_a_unit_all_the_same(ward: Ward) -> None:
    device = await ward.a_device()
    with pytest.raises(Invalid) as refusal:
        await ward.open(device, replace(ECG, mdc=0, unit="furlong"))
    assert refusal.value.code == "unknown_unit"


async def test_a_device_may_send_numerics_alone(ward: Ward) -> None:
    feed = await ward.plane.open_feed(
        Principal(await ward.a_device(), Role.DEVICE), FeedHello("b1", ward.now_ms, ()), on_replaced=lambda: None
    )
    assert (await ward.plane.record(feed, [ward.numerics(1)])).acks == {0: 1}
    assert ward.heard("channels") == []


async def test_a_feed_whose_opening_is_cancelled_does_not_stay(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    device = await ward.a_device()
    monkeypatch.setattr(ward.wire, "channels", lambda channels: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await ward.open(device)
    ((_, connected),) = (await ward.plane.snapshot(ENCOUNTER)).devices
    assert not connected


async def test_a_wave_without_a_code_keeps_its_own_unit(ward: Ward) -> None:
    feed = await ward.open(await ward.a_device(), replace(ECG, mdc=0, label="vx"))
    assert (feed.channels[1].mdc, feed.channels[1].unit) == (0, "mV")


async def test_time_goes_out_on_the_server_s_clock(ward: Ward) -> None:
    device = await ward.a_device()
    feed = await ward.open(device, sent_at_ms=ward.now_ms - 86_400_000)
    begin = ward.now_ms - 86_400_000 - 200
    await ward.plane.record(feed, [ward.wave(0, starts_at_ms=begin), ward.numerics(0, taken_at_ms=begin)])
    assert decode_frame(ward.heard("wave")[0].body).starts_at_ms == pytest.approx(ward.now_ms - 200)
    body = json.loads(ward.heard("numerics")[0].body)
    assert body["taken_at"] == pytest.approx(ward.now_ms - 200)
    assert body["received_at"] == pytest.approx(ward.now_ms)


async def test_what_the_device_kept_while_it_was_away_is_marked(ward: Ward) -> None:
    feed = await ward.open(await ward.a_device())
    await ward.plane.record(feed, [ward.wave(0, starts_at_ms=ward.now_ms - 60_000), ward.wave(1)])
    old, new = (decode_frame(event.body) for event in ward.heard("wave"))
    assert (old.flags, new.flags) == (FrameFlag.BACKFILL, FrameFlag.NONE)
    assert old.starts_at_ms == pytest.approx(ward.now_ms - 60_000)


async def test_a_clock_that_jumps_is_noted(ward: Ward, caplog: pytest.LogCaptureFixture) -> None:
    feed = await ward.open(await ward.a_device())
    with caplog.at_level(logging.WARNING):
        ward.plane.observe_clock(feed, ward.now_ms + 60_000)
    assert "its clock jumped" in caplog.text


async def test_a_simulated_device_s_data_are_demonstration_data(ward: Ward) -> None:
    feed = await ward.open(await ward.a_device(simulated=True))
    await ward.plane.record(feed, [ward.wave(0), ward.numerics(0)])
    assert decode_frame(ward.heard("wave")[0].body).flags is FrameFlag.DEMO
    assert json.loads(ward.heard("numerics")[0].body)["demo"] is True


async def test_a_gap_is_told_as_a_gap(ward: Ward) -> None:
    feed = await ward.open(await ward.a_device())
    gap = WaveBlock(1, 1, 50, ward.now_ms - 900, b"", gap=True, missing=200)
    await ward.plane.record(feed, [ward.wave(0), gap, ward.wave(2, first_index=250)])
    shown = decode_frame(ward.heard("wave")[1].body)
    assert (shown.gap, shown.count, shown.samples) == (True, 200, b"")


async def test_the_newest_connection_of_a_device_wins(ward: Ward) -> None:
    device = await ward.a_device()
    old = await ward.open(device)
    new = await ward.open(device)
    assert ward.replaced == 1
    with pytest.raises(Conflict) as refusal:
        await ward.plane.record(old, [ward.wave(0)])
    assert refusal.value.code == "replaced"
    await ward.plane.close_feed(old)
    assert [json.loads(event.body)["device"]["connected"] for event in ward.heard("device")] == [True, True]
    await ward.plane.record(new, [ward.wave(0)])


async def test_a_device_that_goes_is_announced_once(ward: Ward) -> None:
    feed = await ward.open(await ward.a_device())
    await ward.plane.close_feed(feed)
    await ward.plane.close_feed(feed)
    assert [json.loads(event.body)["device"]["connected"] for event in ward.heard("device")] == [True, False]


async def test_a_device_bound_elsewhere_may_not_go_on(ward: Ward) -> None:
    device = await ward.a_device()
    feed = await ward.open(device)
    await ward.registry.associate(ADMIN, device, OTHER_BEDSIDE)
    ward.clock.advance(service.RECHECK_S)
    with pytest.raises(NotFound) as refusal:
        await ward.plane.record(feed, [ward.wave(0)])
    assert refusal.value.code == "not_associated"


async def test_a_device_revoked_meanwhile_may_not_go_on(ward: Ward) -> None:
    device = await ward.a_device()
    feed = await ward.open(device)
    await ward.registry.revoke(ADMIN, device)
    ward.clock.advance(service.RECHECK_S)
    with pytest.raises(Unauthenticated):
        await ward.plane.record(feed, [ward.wave(0)])


async def test_a_device_that_sends_too_much_is_stopped_and_nothing_of_that_batch_is_stored(ward: Ward) -> None:
    feed = await ward.open(await ward.a_device())
    with pytest.raises(TooMany):
        await ward.plane.record(feed, [ward.wave(n) for n in range(int(BURST) + 1)])
    assert await stored(ward) == []


async def test_no_more_devices_connect_than_a_node_bears(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_FEEDS", 1)
    await ward.open(await ward.a_device())
    second = await ward.a_device()
    with pytest.raises(TooMany):
        await ward.open(second)


async def test_what_is_stored_is_acknowledged_though_watchers_are_not_reached(ward: Ward) -> None:
    feed = await ward.open(await ward.a_device())
    ward.bus.failing = True
    assert (await ward.plane.record(feed, [ward.wave(0)])).acks == {1: 0}
    assert await stored(ward) == [(1, 0)]


async def test_a_watcher_who_comes_late_is_told_the_latest_of_each_parameter(ward: Ward) -> None:
    device = await ward.a_device()
    feed = await ward.open(device, ECG, PLETH)
    await ward.plane.record(feed, [ward.numerics(0, 71.0), ward.numerics(1, 37.2, mdc=150344, unit="Cel")])
    ward.clock.advance(1)
    await ward.plane.record(feed, [ward.numerics(2, 72.0)])
    for plane in (ward.plane, ward.another_plane()):
        snapshot = await plane.snapshot(ENCOUNTER)
        assert [values_of(body) for body in snapshot.numerics] == [[(150344, 37.2, "good")], [(147842, 72.0, "good")]]
        assert [channel.label for channel in snapshot.channels] == ["II", "Pleth"]
        assert [(d.id, connected) for d, connected in snapshot.devices] == [(device, True)]
    assert json.loads(snapshot.numerics[0])["taken_at"] == to_ms(NOON)


async def test_a_snapshot_of_nothing_is_empty(ward: Ward) -> None:
    assert await ward.plane.snapshot(ENCOUNTER) == service.Snapshot((), (), ())


async def test_a_device_that_has_gone_is_shown_as_gone(ward: Ward) -> None:
    feed = await ward.open(await ward.a_device())
    await ward.plane.close_feed(feed)
    ((_, connected),) = (await ward.plane.snapshot(ENCOUNTER)).devices
    assert not connected


async def test_a_rare_value_is_remembered_longer_than_the_stretch_read_from_storage(ward: Ward) -> None:
    device = await ward.a_device()
    feed = await ward.open(device)
    await ward.plane.record(feed, [ward.numerics(0, 120.0, mdc=150021, unit="mm[Hg]")])
    ward.clock.advance(1800)
    (body,) = (await ward.plane.snapshot(ENCOUNTER)).numerics
    assert values_of(body) == [(150021, 120.0, "good")]


async def test_only_so_many_encounters_are_remembered(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "REMEMBERED_ENCOUNTERS", 1)
    first, second = await ward.a_device(), await ward.a_device()
    await ward.registry.associate(ADMIN, second, OTHER_BEDSIDE)
    await ward.plane.record(await ward.open(first), [ward.numerics(0)])
    await ward.plane.record(await ward.open(second), [ward.numerics(0)])
    ward.clock.advance(1800)
    assert (await ward.plane.snapshot(ENCOUNTER)).numerics == ()
    assert len((await ward.plane.snapshot(OTHER_BEDSIDE.encounter_id)).numerics) == 1


async def test_after_a_restart_of_the_device_only_its_new_channels_are_shown(ward: Ward) -> None:
    device = await ward.a_device()
    await ward.open(device, ECG, PLETH)
    await ward.open(device, ECG, boot="b2")
    assert [(c.number, c.boot) for c in (await ward.plane.snapshot(ENCOUNTER)).channels] == [(3, "b2")]


async def test_what_was_measured_of_another_patient_is_not_taken_for_this_one(ward: Ward) -> None:
    device = await ward.a_device()
    kept_at_ms = ward.now_ms
    ward.clock.advance(60)
    bedside = await ward.another_patient()
    await ward.registry.associate(ADMIN, device, bedside)
    ward.clock.advance(1)
    feed = await ward.open(device)
    kept = replace(ward.numerics(0, taken_at_ms=kept_at_ms), late=True)
    old_wave = replace(ward.wave(0, starts_at_ms=kept_at_ms), flags=FrameFlag.BACKFILL)
    recorded = await ward.plane.record(feed, [kept, old_wave, ward.numerics(1)])
    assert recorded.refused == (Refusal("before_association", 0, 0), Refusal("before_association", 1, 0))
    assert recorded.acks == {0: 1}
    assert await stored(ward, bedside.encounter_id) == [(0, 1)]


async def test_what_a_free_device_measured_before_it_was_bound_is_taken(ward: Ward) -> None:
    device = await ward.a_device()
    feed = await ward.open(device)
    ward.clock.advance(60)
    early = replace(ward.numerics(0, taken_at_ms=ward.now_ms - 120_000), late=True)
    assert (await ward.plane.record(feed, [early])).filled == {0: 0}
