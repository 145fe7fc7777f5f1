"""Messages of vendors and of documentation: what is kept of each, what not, and why."""

from typing import Any

import pytest

from tests.interop.hl7.wire import SHARED, reasons, recorded, shown

FOLDER = SHARED / "hl7"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the shared recordings and messages are not here")

ALL_UNCONFIRMED = {"unconfirmed", "zone_assumed"}


def inspected(name: str) -> dict[str, Any]:
    (path,) = FOLDER.glob(f"{name}_*.hl7")
    return shown(path.read_bytes())


def test_every_file_has_its_test() -> None:
    assert {path.name[:2] for path in FOLDER.glob("*.hl7")} == {"01", "02", "03", "04", "05", "06", "07"}


def test_01_numbers_and_rhythm_are_kept_and_the_shortened_wave_is_not() -> None:
    found = inspected("01")
    assert recorded(found) == [(147842, 60.0, "/min"), (184327, "MDC_ECG_PACED_RHY", "")]
    # The row has no time of its own: that of OBR-7 holds, which names its zone (−0400).
    assert {one["taken_at"] for one in found["recorded"]} == {"2021-04-26T03:03:31.496Z"}
    # MSH-11 is D: a message sent to find a fault drives no alarm and no score, unless the site says that it may.
    assert all({"test", "demo"} <= set(one["flags"]) for one in found["recorded"])
    # Two of the 29 samples in the field (`- 5`, `-`) are no numbers: 7 %, and more than 5 % is not taken. (It would
    # have neither rate nor unit either: a stray separator puts more samples where the unit belongs.)
    assert reasons(found) == ["bad_samples"]
    # MSH-15 AL, MSH-16 NE: the sender asks whether we have it.
    assert "\rMSA|CA|HP0425230332.872USDANRMMD1NBR488|" in found["ack"]


def test_02_values_that_say_no_result_are_kept_as_unconfirmed() -> None:
    found = inspected("02")
    assert recorded(found) == [
        (150021, 117.0, "mm[Hg]"),
        (150022, 82.0, "mm[Hg]"),
        (150023, 90.0, "mm[Hg]"),
        (147842, 80.0, "/min"),
        (147232, 360.0, "ms"),
        (147236, 416.0, "ms"),
        (151562, 30.0, "/min"),
        (184327, "MDC_ECG_SINUS_RHY", ""),
        (150456, 99.0, "%"),
        # 3.9 without a dimension: a perfusion index is in per cent by definition.
        (150448, 3.9, "%"),
    ]
    # OBX-11 is X beside every value; no time but MSH-7 names a zone.
    assert all(set(one["flags"]) >= ALL_UNCONFIRMED for one in found["recorded"])
    # The cuff measured six hours before the message, and keeps its own time (OBX-14).
    assert [one["taken_at"] for one in found["recorded"]][:4] == [
        *["2015-01-22T11:50:00.000Z"] * 3,
        "2015-01-22T18:26:56.000Z",
    ]
    assert found["quarantined"] == []


def test_03_units_in_ucum_are_read() -> None:
    found = inspected("03")
    pressures = [(150021, 111.0, "mm[Hg]"), (150022, 60.0, "mm[Hg]"), (150023, 80.0, "mm[Hg]")]
    assert recorded(found) == [*pressures, (149546, 63.0, "/min")]
    assert {one["taken_at"] for one in found["recorded"]} == {"2011-06-02T04:58:42.000Z"}
    assert found["quarantined"] == []


def test_04_a_home_blood_pressure_takes_the_time_of_the_row_above() -> None:
    found = inspected("04")
    assert recorded(found) == [(150021, 120.0, "mm[Hg]"), (150022, 80.0, "mm[Hg]"), (150023, 100.0, "mm[Hg]")]
    # OBX-14 stands in the row of the pressure (1.0.1); the device's own clock (67975) is an attribute, no measurement.
    assert {one["taken_at"] for one in found["recorded"]} == {"2009-08-13T09:57:15.000Z"}
    # MSH-7 is of a month before: the clock of one of the two is wrong, so nothing follows from the values.
    assert all(one["flags"] == ["clocks_disagree", "questionable"] for one in found["recorded"])
    # NE and AL: the sender asks what became of it, not whether it came.
    assert "\rMSA|AA|MSGID1234|" in found["ack"]


def test_05_a_monitor_in_demo_mode_says_so_of_every_value() -> None:
    found = inspected("05")
    assert [(mdc, value) for mdc, value, _ in recorded(found)] == [
        (150456, 100.0),
        (149530, 80.0),
        (150488, 12.0),
        (150301, 166.0),
        (150303, 122.0),
        (150302, 100.0),
    ]
    assert all("demo" in one["flags"] for one in found["recorded"])
    # Nobody names a zone: that which is set for the sender holds (UTC unless set), and it is marked.
    assert all("zone_assumed" in one["flags"] for one in found["recorded"])
    cuff = [one for one in found["recorded"] if one["mdc"] in (150301, 150302, 150303)]
    assert all("aperiodic" in one["flags"] and one["taken_at"] == "2020-02-12T12:50:08.000Z" for one in cuff)


def test_06_an_alarm_is_an_alarm_and_no_measurement() -> None:
    found = inspected("06")
    assert found["recorded"] == [] and found["quarantined"] == []
    (alarm,) = found["alarms"]
    assert (alarm["event"], alarm["source"], alarm["text"]) == (196670, 150456, "Low SpO2")
    assert (alarm["priority"], alarm["kind"], alarm["phase"]) == ("medium", "physiological", "start")
    assert (alarm["state"], alarm["inactivation"]) == ("active", "enabled")
    assert (alarm["value"], alarm["unit"], alarm["low"], alarm["high"]) == (88.0, "%", 90.0, 96.0)
    # -0600 in OBX-14.
    assert alarm["at"] == "2012-01-11T21:04:57.000Z"
    assert "||ACK^R40^ACK|" in found["ack"] and "\rMSA|CA|1|" in found["ack"]


def test_07_an_answer_is_not_answered() -> None:
    found = inspected("07")
    assert (found["recorded"], found["alarms"], found["ack"]) == ([], [], None)
    assert reasons(found) == ["answer"]
