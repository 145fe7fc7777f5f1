"""A sender that is not ours: `mllp_send` and the asyncio client of python-hl7 (PyPI `hl7`), at a real MLLP door.

It frames, sends, waits and reads by its own understanding of the protocol. The messages are vendors' and those of
tests/vectors/hl7, which are written by hand for these tests.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import hl7
import pytest
from hl7.mllp import open_hl7_connection

from telehealth.interop.vital_frames import decode_frame
from telehealth.vitals.aliases import AliasSystem, DeviceAlias
from telehealth.vitals.model import MISSING, Report, WaveBlock, WaveChannel
from tests.builders import ENCOUNTER
from tests.doubles import NOON
from tests.ingest.monitor import Station
from tests.interop.hl7.wire import SHARED
from tests.vitals.ward import ADMIN

OURS = Path(__file__).parents[1] / "vectors" / "hl7"
VENDORS = SHARED / "hl7"
AT_ONCE_S = 20.0

EQUIPMENT, EUI64 = AliasSystem.EQUIPMENT, AliasSystem.EUI64
SENDERS = {
    "01": (EQUIPMENT, "7f2586c7-0506-46cd-a612-d8e75b838faa-IntelliVue MX500 - 866064"),
    "02": (EQUIPMENT, "e86c094ff751-4acf-92b2-38f11c1f6f57-Device"),
    "03": (EUI64, "080019FFFE3ED02D"),
    "04": (EUI64, "0123456789ABCDEF"),
    "05": (EUI64, "00A0370098006640"),
    "06": (EUI64, "00A037EB2175780F"),
}
"""By which name staff enter the sender of each of the vendors' messages."""

STORED: dict[str, tuple[str, list[tuple[str, int, object]]]] = {
    # Moments are by our clock (12:00 when the message comes), put right by the sender's (MSH-7).
    "01": ("CA", [("11:59:58", 147842, 60.0), ("11:59:58", 184327, "MDC_ECG_PACED_RHY")]),
    "02": (
        "CA",
        [
            # The cuff measured six and a half hours before the message, and keeps that age.
            *[("05:23:02", mdc, value) for mdc, value in ((150021, 117.0), (150022, 82.0), (150023, 90.0))],
            *[
                ("11:59:58", mdc, value)
                for mdc, value in (
                    (147232, 360.0),
                    (147236, 416.0),
                    (147842, 80.0),
                    (150448, 3.9),
                    (150456, 99.0),
                    (151562, 30.0),
                    (184327, "MDC_ECG_SINUS_RHY"),
                )
            ],
        ],
    ),
    "03": (
        "CA",
        [("11:58:42", mdc, n) for mdc, n in ((149546, 63.0), (150021, 111.0), (150022, 60.0), (150023, 80.0))],
    ),
    # Measured a month after the message was sent: it keeps the time that it was stamped with, and is doubted.
    "04": ("AA", [("09:57:15", mdc, n) for mdc, n in ((150021, 120.0), (150022, 80.0), (150023, 100.0))]),
    "05": (
        "CA",
        [
            *[("11:54:27", mdc, n) for mdc, n in ((150301, 166.0), (150302, 100.0), (150303, 122.0))],
            *[("12:00:00", mdc, n) for mdc, n in ((149530, 80.0), (150456, 100.0), (150488, 12.0))],
        ],
    ),
    "06": ("CA", []),
}
"""By message: the acknowledgement, and what is in the database afterwards."""


async def sent(port: int, file: Path) -> list[str]:
    """Let `mllp_send` send the messages of the file; return the acknowledgement codes and ids that it prints."""
    command = (sys.executable, "-m", "hl7.client", "--loose", "--file", str(file), "--port", str(port), "127.0.0.1")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    try:
        async with asyncio.timeout(AT_ONCE_S):
            printed, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert (process.returncode, complaints) == (0, b"")
    answers = [part.strip(b"\x0b\r\n") for part in printed.split(b"\x1c") if part.strip(b"\r\n")]
    return [_said(answer.decode()) for answer in answers]


def _said(answer: str) -> str:
    """Return what python-hl7 reads in an acknowledgement."""
    parsed = hl7.parse(answer)
    assert str(parsed.segment("MSH")[9]).startswith("ACK")
    return f"{parsed.segment('MSA')[1]} {parsed.segment('MSA')[2]}"


async def kept(station: Station) -> tuple[list[Report], dict[int, list[WaveBlock]], Sequence[WaveChannel]]:
    frames = station.ward.stores.vital_frames
    stored = await frames.since(ENCOUNTER, NOON.replace(year=2000), limit=100)
    channels = await frames.channels(ENCOUNTER)
    by_number = {channel.device_channel: channel for channel in channels}
    reports = [station.ward.wire.from_stored(one.device_id, one.body) for one in stored if one.channel == 0]
    waves: dict[int, list[WaveBlock]] = {}
    for one in stored:
        if one.channel:
            waves.setdefault(by_number[one.channel].mdc, []).append(decode_frame(one.body))
    return reports, waves, channels


def said(reports: Sequence[Report]) -> list[tuple[str, int, object]]:
    """Return time of day, code, and value or text of all samples."""
    samples = [(f"{report.taken_at:%H:%M:%S}", sample) for report in reports for sample in report.samples]
    return sorted(
        ((at, sample.mdc, sample.text or sample.value) for at, sample in samples), key=lambda one: (one[0], one[1])
    )


def a_vendor_s(number: str) -> Path:
    if not VENDORS.is_dir():
        pytest.skip("the shared messages are not beside the repository")
    (path,) = VENDORS.glob(f"{number}_*.hl7")
    return path


@pytest.mark.parametrize("number", SENDERS)
async def test_a_vendor_s_message_is_taken_from_a_foreign_sender(station: Station, number: str) -> None:
    file = a_vendor_s(number)
    device = await station.ward.a_device()
    system, name = SENDERS[number]
    await station.registry.put(ADMIN, device, [DeviceAlias(system, name, device)])
    async with station.listening() as server:
        (answer,) = await sent(server.port, file)
    code, expected = STORED[number]
    control_id = file.read_text("utf-8").splitlines()[0].split("|")[9]
    reports, waves, _ = await kept(station)
    assert answer == f"{code} {control_id}"
    assert said(reports) == expected and waves == {}
    flags = {flag for report in reports for sample in report.samples for flag in sample.flags}
    assert [report.demo for report in reports] == [number in ("01", "05")] * len(reports)
    assert ("clocks_disagree" in flags) is (number == "04") and ("unconfirmed" in flags) is (number == "02")
    assert [alarm.text for alarm in station.alarms.said] == (["Low SpO2"] if number == "06" else [])


async def test_an_acknowledgement_from_a_foreign_sender_is_not_answered(station: Station) -> None:
    answer_of_a_vendor = a_vendor_s("07").read_text("utf-8").replace("\n", "\r")
    async with station.listening() as server:
        reader, writer = await open_hl7_connection("127.0.0.1", server.port, encoding="utf-8")
        # `mllp_send` would wait for ever; so the next message tells that nothing came back for this one.
        writer.writemessage(hl7.parse(answer_of_a_vendor))
        writer.writemessage(hl7.parse((OURS / "bedside.hl7").read_text("utf-8").split("\nMSH")[0].replace("\n", "\r")))
        async with asyncio.timeout(AT_ONCE_S):
            answer = await reader.readmessage()
        writer.close()
        await writer.wait_closed()
    assert str(answer.segment("MSA")[2]) == "B1"


async def test_messages_of_one_connection_are_stored_once_however_often_they_are_sent(station: Station) -> None:
    await station.a_device()
    async with station.listening() as server:
        for _ in range(2):
            assert await sent(server.port, OURS / "bedside.hl7") == ["CA B1", "CA B2"]
    reports, _, _ = await kept(station)
    assert said(reports) == [
        # The second message repeats the cuff's pressure: the same measurement, no newer.
        ("11:30:00", 150021, 118.0),
        ("11:30:00", 150022, 76.0),
        *[("11:59:58", mdc, value) for mdc, value in ((147842, 72.0), (150344, 37.0), (150456, 97.0))],
        *[("11:59:59", mdc, value) for mdc, value in ((147842, 73.0), (150344, 37.0), (150456, 98.0))],
    ]


async def test_waves_of_a_foreign_sender_are_stored_sample_by_sample(station: Station) -> None:
    await station.a_device()
    async with station.listening() as server:
        assert await sent(server.port, OURS / "wave.hl7") == ["CA W1"]
    _, waves, channels = await kept(station)
    field = {line.split("|")[3].split("^")[0]: line.split("|")[5] for line in _rows("wave.hl7")}
    ((ecg,), (pleth,)) = waves[131330], waves[150452]
    missing = [MISSING if n == "32767" else int(n) for n in field["131330"].split("^")]
    assert list(memoryview(ecg.samples).cast("h")) == missing
    assert list(memoryview(pleth.samples).cast("h")) == [int(n) for n in field["150452"].split("~")]
    assert {(c.mdc, c.rate_hz, c.unit, round(c.gain, 9)) for c in channels} == {
        (131330, 250.0, "mV", 0.005),
        (150452, 116.99, "1", 1.0),
    }


def _rows(name: str) -> list[str]:
    return [line for line in (OURS / name).read_text("utf-8").splitlines() if line.split("|")[2:3] == ["NA"]]


async def test_an_alarm_of_a_foreign_sender_begins_and_ends(station: Station) -> None:
    device = await station.a_device()
    async with station.listening() as server:
        assert await sent(server.port, OURS / "alarm.hl7") == ["CA A1", "CA A2"]
    begun, ended = station.alarms.said
    assert (begun.device_id, begun.text, begun.priority, begun.phase) == (device, "SpO2 low", 3, "start")
    assert (ended.instance, ended.phase) == (begun.instance, "end")
    assert await kept(station) == ([], {}, [])


async def test_a_foreign_sender_hears_why_a_message_is_not_taken_and_may_go_on(station: Station) -> None:
    await station.a_device()
    async with station.listening() as server:
        answers = await sent(server.port, OURS / "refused.hl7")
    # An event and a type that are not taken (the second in original mode), an unknown device, no unit; of the last
    # message one row contradicts itself and the other is kept.
    assert answers == ["CR R1", "AR R2", "CE R3", "AE R4", "CA R5"]
    reports, _, _ = await kept(station)
    assert said(reports) == [("11:59:59", 147842, 74.0)]
