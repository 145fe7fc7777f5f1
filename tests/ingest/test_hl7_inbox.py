"""What is stored of a message, what watchers are told, and what goes back."""

import json
from datetime import timedelta

import pytest

from telehealth.clock import to_ms
from telehealth.ids import DeviceId
from telehealth.interop.hl7.acks import AckStyle
from telehealth.interop.vital_frames import decode_frame
from telehealth.vitals.aliases import AliasSystem, DeviceAlias
from telehealth.vitals.model import FrameFlag, Quality, StoredFrame
from telehealth.vitals.reported import RETRACTED, Observed, Reported
from tests.builders import ENCOUNTER
from tests.doubles import NOON
from tests.ingest.monitor import Station
from tests.interop.hl7.test_quirks import ALARM_HEADER, ALARM_REQUEST
from tests.interop.hl7.wire import BPM, HEADER, HR, PERCENT, REQUEST, SPO2, WAVE_REQUEST, message, row, wave
from tests.vitals.ward import ADMIN, OTHER_BEDSIDE


async def stored(station: Station) -> list[StoredFrame]:
    frames = station.ward.stores.vital_frames
    return list(await frames.since(ENCOUNTER, NOON.replace(year=2000), limit=1_000))


def told(station: Station) -> list[dict[str, float | None]]:
    """Return the values that watchers were told, by MDC code."""
    bodies = [json.loads(event.body) for event in station.ward.heard("numerics")]
    return [{str(value["mdc"]): value["value"] for value in body["values"]} for body in bodies]


def code(text: str) -> str:
    return text.split("\rMSA|")[1].split("|")[0]


async def test_a_message_is_stored_and_told_and_then_acknowledged(station: Station) -> None:
    await station.a_device()
    answer = await station.inbox().take(message(row(HR, "75", BPM), row(SPO2, "97", PERCENT)))
    assert code(answer.text) == "CA"
    (frame,) = await stored(station)
    assert frame.taken_at.isoformat() == "2026-01-01T11:59:58+00:00"
    assert told(station) == [{"147842": 75.0, "150456": 97.0}]
    assert [event.kind for event in station.ward.bus.of(station.ward.bus.published[0][0])] == ["device", "numerics"]
    assert station.counted("reports") == {"hl7/accepted": 1.0}


async def test_the_same_message_twice_is_stored_once_and_acknowledged_twice(station: Station) -> None:
    await station.a_device()
    data = message(*wave("1^2^3^4"), row(HR, "75", BPM), request=WAVE_REQUEST)
    first = await station.inbox().take(data)
    station.reports = station.after_a_restart()
    second = await station.inbox().take(data)
    assert (code(first.text), code(second.text)) == ("CA", "CA")
    assert len(await stored(station)) == 2 and len(told(station)) == 1
    assert len(station.ward.heard("wave")) == 1


async def test_a_pressure_that_stands_in_each_message_keeps_its_age(station: Station) -> None:
    await station.a_device()
    mmhg = "266016^MDC_DIM_MMHG^MDC"
    cuff = row("150021^MDC_PRESS_BLD_NONINV_SYS^MDC", "120", mmhg, f14="20260101113000+0000")
    for n in range(3):
        beat = row(HR, str(75 + n), BPM, f14=f"2026010111595{n}+0000")
        await station.inbox().take(message(cuff, beat, header=HEADER.replace("|42|", f"|{n}|")))
    assert told(station) == [{"150021": 120.0}, {"147842": 75.0}, {"147842": 76.0}, {"147842": 77.0}]


async def test_a_wave_goes_on_where_it_ended(station: Station) -> None:
    await station.a_device()
    samples = "^".join(["5"] * 250)
    for second in range(3):
        request = WAVE_REQUEST.replace("115958.000", f"11595{second}.0{second}0")
        await station.inbox().take(message(*wave(samples), request=request))
    blocks = [decode_frame(event.body) for event in station.ward.heard("wave")]
    starts = [block.first_index - blocks[0].first_index for block in blocks]
    assert starts == [0, 250, 500] and [block.count for block in blocks] == [250] * 3
    assert len(station.ward.heard("channels")) == 1
    (channel,) = await station.ward.stores.vital_frames.channels(ENCOUNTER)
    assert (channel.mdc, channel.rate_hz, channel.gain, channel.label) == (131330, 250.0, 1.0, "II")


async def test_a_long_wave_is_stored_in_several_frames_and_nothing_is_lost(station: Station) -> None:
    await station.a_device()
    numbers = [n % 100 - 50 for n in range(10_000)]
    microvolts = wave("^".join(map(str, numbers)), unit="uV^^UCUM")
    await station.inbox().take(message(*microvolts, request=WAVE_REQUEST))
    blocks = [decode_frame(event.body) for event in station.ward.heard("wave")]
    raw = b"".join(block.samples for block in blocks)
    assert list(memoryview(raw).cast("h")) == numbers
    assert [block.first_index - blocks[0].first_index for block in blocks] == [0, 4096, 8192]


async def test_the_clock_of_the_sender_is_put_right(station: Station) -> None:
    await station.a_device()
    an_hour_ahead = HEADER.replace("20260101120000", "20260101130000")
    data = message(row(HR, "75", BPM, f14="20260101125959+0000"), header=an_hour_ahead)
    await station.inbox().take(data)
    assert [frame.taken_at.isoformat() for frame in await stored(station)] == ["2026-01-01T11:59:59+00:00"]


async def test_a_sender_s_zone_is_the_one_that_staff_entered(station: Station) -> None:
    await station.a_device(zone="Europe/Berlin")
    local = message(row(HR, "75", BPM), header=HEADER.replace("+0000", ""), request=REQUEST.replace("+0000", ""))
    await station.inbox().take(local.replace(b"20260101120000", b"20260101130000").replace(b"115958", b"125958"))
    (frame,) = await stored(station)
    assert to_ms(frame.taken_at) == to_ms(NOON) - 2_000


async def test_demonstration_data_stay_marked(station: Station) -> None:
    await station.a_device()
    demo = message(*wave("1^2"), row(HR, "75", BPM, f8="DEMO"), request=WAVE_REQUEST).replace(b"|NA|", b"|NA|")
    await station.inbox().take(demo)
    assert [json.loads(event.body)["demo"] for event in station.ward.heard("numerics")] == [True]
    test = message(*wave("3^4"), request=WAVE_REQUEST, header=HEADER.replace("|P|", "|T|")).replace(
        b"5958.000", b"5959.000"
    )
    await station.inbox().take(test)
    flags = [decode_frame(event.body).flags & FrameFlag.DEMO for event in station.ward.heard("wave")]
    assert flags == [FrameFlag.NONE, FrameFlag.DEMO]


@pytest.mark.parametrize(
    ("header", "condition"),
    [
        (HEADER.replace("0011223344556677", "9911223344556677"), "204"),
        (HEADER.replace("ORU^R01^ORU_R01", "ORU^R42^ORU_R42"), "201"),
    ],
    ids=["unknown device", "event"],
)
async def test_what_cannot_be_taken_is_stored_nowhere_and_counted(
    station: Station, header: str, condition: str
) -> None:
    await station.a_device()
    answer = await station.inbox().take(message(row(HR, "75", BPM), header=header))
    assert f"\rERR|||{condition}^" in answer.text
    assert await stored(station) == [] and sum(station.counted("reports").values()) == 1.0


async def test_a_device_that_measures_for_nobody_is_told_so(station: Station) -> None:
    device = await station.a_device(bound=False)
    answer = await station.inbox().take(message(row(HR, "75", BPM)))
    assert "CE|42|The device is not bound to a consultation." in answer.text
    await station.ward.registry.revoke(ADMIN, device)
    answer = await station.inbox().take(message(row(HR, "75", BPM)))
    assert "CE|42|This device has been revoked." in answer.text
    assert station.counted("reports") == {"hl7/not_associated": 1.0, "hl7/device_revoked": 1.0}


async def test_a_device_that_changes_beds_is_stored_for_the_new_one(station: Station) -> None:
    device = await station.a_device()
    await station.inbox().take(message(*wave("1^2"), request=WAVE_REQUEST))
    await station.ward.registry.associate(ADMIN, device, OTHER_BEDSIDE)
    later = message(*wave("3^4"), request=WAVE_REQUEST.replace("115958", "115959"))
    await station.inbox().take(later)
    assert len(await stored(station)) == 1
    frames = station.ward.stores.vital_frames
    assert len(await frames.channels(OTHER_BEDSIDE.encounter_id)) == 1


async def test_an_alarm_is_handed_on_with_its_time_and_urgency(station: Station) -> None:
    device = await station.a_device()
    rows = (row("196670^MDC_EVT_LO^MDC", "Low SpO2", kind="ST", f8="L~PH~SP"), row(SPO2, "84", PERCENT, f7="90-100"))
    answer = await station.inbox().take(message(*rows, header=ALARM_HEADER, request=ALARM_REQUEST))
    assert code(answer.text) == "CA" and await stored(station) == []
    (said,) = station.alarms.said
    assert (said.device_id, said.text, said.priority, said.event_mdc) == (device, "Low SpO2", 3, 196670)
    assert said.at.isoformat() == "2026-01-01T11:59:58+00:00" and not said.demo


async def test_repairs_and_refusals_are_counted_by_their_kind(station: Station) -> None:
    await station.a_device()
    data = message(row("0^MDC_ECG_HEART_RATE^MDC", "75", BPM), row(SPO2, "97")).replace(b"\r", b"\n")
    answer = await station.inbox(AckStyle.ORIGINAL).take(data)
    assert "AA|42|Not taken: 1. The value has no unit." in answer.text
    assert station.counted("report_repairs") == {"hl7/code_without_number": 1.0, "hl7/line_ends": 1.0}
    assert station.counted("report_refusals") == {"hl7/unit_required": 1.0}


async def test_a_failure_of_ours_is_an_error_and_not_an_acknowledgement(
    station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    await station.a_device()
    station.ward.audit.failing = True
    answer = await station.inbox().take(message(row(HR, "75", BPM)))
    assert "\rERR|||207^" in answer.text and code(answer.text) == "CE"


async def test_who_asks_for_nothing_gets_nothing(station: Station) -> None:
    await station.a_device()
    answer = await station.inbox().take(message(row(HR, "75", BPM), header=HEADER.replace("|AL|NE|", "|NE|NE|")))
    assert answer.text == "" and len(await stored(station)) == 1


async def test_a_rhythm_is_kept_and_watchers_of_numbers_are_told_numbers(station: Station) -> None:
    await station.a_device()
    rhythm = row("184327^MDC_ECG_STAT_RHY^MDC", "MDC_ECG_SINUS_RHY", kind="ST")
    await station.inbox().take(message(rhythm, row(HR, "75", BPM)))
    assert told(station) == [{"147842": 75.0}]
    (frame,) = await stored(station)
    report = station.ward.wire.from_stored(DeviceId(""), frame.body)
    assert [(sample.mdc, sample.text, sample.value) for sample in report.samples] == [
        (184327, "MDC_ECG_SINUS_RHY", None),
        (147842, "", 75.0),
    ]


async def test_too_many_waves_of_one_device_are_refused(station: Station) -> None:
    await station.a_device()
    for n in range(40):
        rows = wave("1^2", row("2327^MDC_ATTR_NU_MSMT_RES^MDC", f"0.{n + 1:02}", place="1.1.1.2.2"))
        await station.inbox().take(message(*rows, request=WAVE_REQUEST.replace("58.000", f"{n:02}.000")))
    assert station.counted("report_refusals") == {"hl7/too_many": 8.0}


async def test_a_name_that_two_devices_claim_is_refused(station: Station) -> None:
    await station.a_device()
    other = await station.ward.a_device()
    with pytest.raises(Exception, match="Another device has this name"):
        await station.registry.put(ADMIN, other, [DeviceAlias(AliasSystem.EUI64, "0011223344556677", other)])


async def test_an_answer_is_counted_and_not_answered(station: Station) -> None:
    answer = await station.inbox().take(b"MSH|^~\\&|A||B||20260101||ACK^R01^ACK|1|P|2.6\rMSA|AA|1\r")
    assert answer.text == "" and station.counted("reports") == {"hl7/answer": 1.0}


async def test_what_nobody_foresaw_is_an_error_of_ours(
    station: Station, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("oops")

    await station.a_device()
    monkeypatch.setattr(station.reports, "record", fail)
    answer = await station.inbox().take(message(row(HR, "75", BPM)))
    assert "CE|42|Something went wrong here." in answer.text and "oops" not in answer.text
    assert "hl7 message failed" in caplog.text


async def test_a_long_wave_is_read_and_a_device_that_floods_is_told_to_wait(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telehealth.vitals.reports.BURST", 10)
    await station.a_device()
    samples = "^".join(["5"] * 200_000)
    answer = await station.inbox().take(message(*wave(samples), request=WAVE_REQUEST))
    assert code(answer.text) == "CA" and len(await stored(station)) == 49
    beat = message(row(HR, "75", BPM))
    codes = [code((await station.inbox().take(beat)).text) for _ in range(10)]
    assert codes[0] == "CA" and codes[-1] == "CE"


async def test_a_correction_takes_the_place_of_what_it_corrects(station: Station) -> None:
    device = await station.a_device()
    at = NOON
    first = Observed(147842, 75.0, "/min", at, identity="x|1")
    second = Observed(147842, None, "", at, Quality.INVALID, flags=(RETRACTED,), identity="x|1|entered-in-error")
    for observed in (first, first, second):
        await station.reports.record(device, Reported((observed,)))
    assert told(station) == [{"147842": 75.0}, {"147842": None}]
    assert [sample["147842"] for sample in told(station)] == [75.0, None]


async def test_the_device_that_was_silent_longest_is_forgotten_first(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telehealth.vitals.reports.MAX_DEVICES", 1)
    one, other = await station.a_device(), await station.ward.a_device()
    for device in (one, other, one):
        await station.reports.record(device, Reported((Observed(147842, 75.0, "/min", NOON),)))
    assert station.ward.audit.actions.count("vitals.reported") == 3
    await station.reports.aclose()
    assert len(station.ward.heard("device")) == 4


async def test_a_pressure_of_the_patient_before_is_not_the_next_one_s(station: Station) -> None:
    device = await station.a_device()
    station.ward.clock.advance(60)
    bedside = await station.ward.another_patient()
    await station.ward.registry.associate(ADMIN, device, bedside)
    mmhg = "266016^MDC_DIM_MMHG^MDC"
    cuff = row("150021^MDC_PRESS_BLD_NONINV_SYS^MDC", "120", mmhg, f14="20260101113000+0000")
    station.ward.clock.advance(60)
    beat = row(HR, "75", BPM, f14="20260101120159+0000")
    # A message dated now: the sender's clock is right, so its times stand as they are.
    header = HEADER.replace("20260101120000", "20260101120200")
    answer = await station.inbox().take(message(cuff, beat, header=header))
    kept = await station.ward.stores.vital_frames.since(bedside.encounter_id, NOON.replace(year=2000), limit=10)
    assert [json.loads(frame.body)["values"][0]["mdc"] for frame in kept] == [147842], answer.text
    assert station.counted("report_refusals") == {"hl7/before_association": 1.0}


async def test_a_time_later_than_the_message_is_of_another_clock_and_is_not_moved(station: Station) -> None:
    await station.a_device()
    # The gateway's clock is a month behind, the monitor's is right.
    behind = HEADER.replace("20260101120000", "20251201120000")
    own_clock, gateway_s = row(HR, "75", BPM, f14="20260101115958+0000"), row(SPO2, "97", PERCENT, f14="20251201115957")
    ahead = row("151562^MDC_RESP_RATE^MDC", "15", "{breaths}/min^^UCUM", f14="20260101120500+0000")
    answer = await station.inbox().take(message(own_clock, gateway_s, ahead, header=behind))
    assert "Not taken: 1. It was measured in the future." in answer.text
    reports = [station.ward.wire.from_stored(DeviceId(""), frame.body) for frame in await stored(station)]
    found = {report.samples[0].mdc: (f"{report.taken_at:%d.%m. %X}", report.samples[0]) for report in reports}
    assert {mdc: at for mdc, (at, _) in found.items()} == {147842: "01.01. 11:59:58", 150456: "01.01. 11:59:57"}
    doubted, plain = found[147842][1], found[150456][1]
    assert doubted.quality is Quality.QUESTIONABLE and "clocks_disagree" in doubted.flags
    assert plain.quality is Quality.GOOD


def in_second(n: int, *rows: str) -> bytes:
    """Return a message of the n-th second after noon, by the sender's clock, which is right."""
    at = f"{NOON + timedelta(seconds=n):%Y%m%d%H%M%S}"
    header, request = HEADER.replace("20260101120000", at).replace("|42|", f"|{n}|"), "OBR|1"
    return message(*(rows or (row(HR, str(60 + n % 60), BPM),)), header=header, request=request)


async def test_what_a_sender_kept_while_it_had_no_line_is_of_its_own_time(station: Station) -> None:
    device = await station.a_device()
    await station.inbox().take(in_second(0))
    await station.reports.gone(device)
    station.ward.clock.advance(600)
    for n in (*range(1, 6), 599, 600):
        await station.inbox().take(in_second(n))
    times = [(frame.taken_at - NOON).total_seconds() for frame in await stored(station)]
    assert times == [0, 1, 2, 3, 4, 5, 599, 600]


async def test_the_first_wave_after_a_jump_of_the_sender_s_clock_is_marked(
    station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    await station.a_device()
    for n in (0, 1, 62, 63):
        # After a second the clock is set a minute ahead.
        await station.inbox().take(in_second(n, *wave("1^2")))
        station.ward.clock.advance(1)
    flags = [decode_frame(event.body).flags for event in station.ward.heard("wave")]
    assert [bool(flag & FrameFlag.EPOCH) for flag in flags] == [False, False, True, False]
    assert caplog.text.count("its clock jumped") == 1
