"""What monitors really send: each oddity is put right and counted, or refused with its reason."""

from zoneinfo import ZoneInfo

import pytest

from telehealth.errors import Invalid
from telehealth.interop.hl7.alarms import Limits, limits
from telehealth.interop.hl7.parse import parse
from telehealth.interop.hl7.rows import Reading
from tests.interop.hl7.wire import (
    BPM,
    ECG_II,
    HEADER,
    HR,
    PERCENT,
    REQUEST,
    SPO2,
    WAVE_REQUEST,
    message,
    reasons,
    recorded,
    reported,
    row,
    shown,
    wave,
)


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        (row(HR, "75", BPM), (147842, 75.0, "/min")),
        (row("0002-4182^HR^MDIL", "75", "0004-0aa0^bpm^MDIL"), (147842, 75.0, "/min")),
        (row("131072^ECG_HR^EHC", "75", "{beat}/min^^UCUM"), (147842, 75.0, "/min")),
        (row("393216^NIBP_SYS^EHC", "120", "mm[Hg]^^UCUM"), (150021, 120.0, "mm[Hg]")),
        (row("8867-4^Heart rate^LN", "75", "/min^^UCUM"), (147842, 75.0, "/min")),
        (row("99^HR^99MNDRY^147842^MDC_ECG_HEART_RATE^MDC", "75", BPM), (147842, 75.0, "/min")),
        (row("16770^MDC_ECG_HEART_RATE^MDC", "75", BPM), (147842, 75.0, "/min")),
        (row(f" {HR} ", " 75 ", f" {BPM}"), (147842, 75.0, "/min")),
        (row("151578^MDC_TTHOR_RESP_RATE^MDC", "17", "264928^MDC_DIM_RESP_PER_MIN^MDC"), (151578, 17.0, "/min")),
        (row("151658^MDC_PULS_OXIM_PLETH_RESP_RATE^MDC", "19", "{breaths}/min^^UCUM"), (151658, 19.0, "/min")),
        (row("150017^MDC_PRESS_BLD_SYS^MDC", "121", "266016^MDC_DIM_MMHG^MDC"), (150017, 121.0, "mm[Hg]")),
        (row("148066^MDC_ECG_V_P_C_RATE^MDC", "1", BPM), (148066, 1.0, "/min")),
        # One term for the pressure of carbon dioxide and for its share.
        (row("151708^MDC_CONC_AWAY_CO2_ET^MDC", "5.1", PERCENT), (151708, 5.1, "%")),
        (row("151708^MDC_CONC_AWAY_CO2_ET^MDC", "38", "266016^MDC_DIM_MMHG^MDC"), (151708, 38.0, "mm[Hg]")),
        # Millimetres of ECG paper, at 10 mm/mV.
        (row("131841^MDC_ECG_AMPL_ST_I^MDC", "1.5", "263442^MDC_DIM_MILLI_M^MDC"), (131841, 0.15, "mV")),
        (row("131904^MDC_ECG_AMPL_ST_AVF^MDC", "-0.05", "266418^MDC_DIM_MILLI_VOLT^MDC"), (131904, -0.05, "mV")),
        (row("153608^MDC_PRESS_INTRA_CRAN^MDC", "12", "266016^MDC_DIM_MMHG^MDC"), (153608, 12.0, "mm[Hg]")),
        (row("150344^MDC_TEMP^MDC", "98.6", "266560^MDC_DIM_FAHR^MDC"), (150344, 37.0, "Cel")),
        (row(SPO2, "<^90", PERCENT, kind="SN"), (150456, "< 90", "%")),
        (row(SPO2, "= ^90".replace("= ", ""), PERCENT, kind="SN"), (150456, 90.0, "%")),
        (row("184327^MDC_ECG_STAT_RHY^MDC", "1^MDC_ECG_SINUS_RHY^MDC", kind="CWE"), (184327, "MDC_ECG_SINUS_RHY", "")),
    ],
)
def test_a_value_is_kept(rows: str, kept: tuple[int, object, str]) -> None:
    assert recorded(shown(message(rows))) == [kept]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (row("147842^MDC_PULS_OXIM_SAT_O2^MDC", "75", BPM), "codes_disagree"),
        (row("150456^MDC_PULS_OXIM_SAT_O2^MDC^8867-4^Heart rate^LN", "75", PERCENT), "codes_disagree"),
        (row("393216^SPO2^EHC", "75", PERCENT), "codes_disagree"),
        (row("151562^MDC_TTHOR_RESP_RATE^MDC", "17", BPM), "codes_disagree"),
        (row(HR, "75", "263442^MDC_DIM_MILLI_M^MDC"), "unknown_unit"),
        (row(HR, "75", "264864^MDC_DIM_PERCENT^MDC"), "unit_disagrees"),
        (row(HR, "75"), "unit_required"),
        (row(HR, "75", "bpm^bpm^UCUM"), "unknown_unit"),
        (row(HR, "75", PERCENT), "unknown_unit"),
        (row("150999^MDC_SOMETHING^MDC", "75", BPM), "unknown_parameter"),
        (row("TEMP^Temperature^99XYZ", "37", "Cel^^UCUM"), "unknown_parameter"),
        (row(HR, "fast", BPM), "bad_value"),
        (row(HR, "---", BPM), "no_value"),
        (row(HR, "0", BPM), "no_value"),
        (row(HR, "75", BPM, f8="INV"), "no_value"),
        (row(HR, "400", BPM), "impossible_value"),
        (row(HR, "75", BPM, f11="D"), "deleted"),
        (row(HR, "75^-^80", BPM, kind="SN"), "unsupported_value"),
        (row(HR, "75", BPM, kind="ED"), "unsupported_value"),
        (row(HR, "75", BPM, f14="yesterday"), "bad_time"),
        (row(HR, "75", BPM, f14="20260230120000"), "bad_time"),
        (row(HR, "75", BPM, f14="18991230120000"), "bad_time"),
        (row(HR, "75", BPM, f14="20260101115900+2500"), "bad_time"),
        (row(ECG_II, "75", "mV^^UCUM"), "unknown_parameter"),
        (row("184327^MDC_ECG_STAT_RHY^MDC", "5", kind="NM"), "unsupported_value"),
        (row("184327^MDC_ECG_STAT_RHY^MDC", "é", kind="ST"), "bad_value"),
        (row("", "75", BPM), "no_code"),
        (row(HR, "75", BPM, f14="20270101120000+0000"), "future_time"),
        (row(HR, "75", BPM) + "\r" + row(HR, "76", BPM), "repeated_parameter"),
    ],
)
def test_a_value_is_refused_with_its_reason(rows: str, reason: str) -> None:
    assert reasons(shown(message(rows))) == [reason]


@pytest.mark.parametrize(
    ("text", "at", "note"),
    [
        ("20260101115501123", "2026-01-01T11:55:01.123Z", "undotted_time"),
        ("20260101115501.1234+0000", "2026-01-01T11:55:01.123Z", None),
        ("20260101065501-0500", "2026-01-01T11:55:01.000Z", None),
        ("202601011155", "2026-01-01T11:55:00.000Z", "zone_assumed"),
        ("20260101115501.123456789+0000", "2026-01-01T11:55:01.123Z", None),
    ],
)
def test_a_time_is_read_as_it_was_meant(text: str, at: str, note: str | None) -> None:
    (one,) = shown(message(row(HR, "75", BPM, f14=text)))["recorded"]
    assert one["taken_at"] == at
    assert note is None or note in one["flags"]


def test_a_time_without_a_zone_is_of_the_sender_s_zone() -> None:
    berlin = Reading(zone=ZoneInfo("Europe/Berlin"))
    (one,) = shown(message(row(HR, "75", BPM, f14="20260101125501")), berlin)["recorded"]
    assert one["taken_at"] == "2026-01-01T11:55:01.000Z"
    nowhere = message(row(HR, "75", BPM, f14="20260101115501"), header=HEADER.replace("+0000", ""))
    assert reasons(shown(nowhere, Reading(default_zone=None))) == ["no_time_zone"]


def test_the_time_is_that_of_the_row_then_of_the_row_above_then_of_the_request_then_of_the_message() -> None:
    above = row("70686^MDC_DEV_PRESS_BLD_NONINV_VMD^MDC", "", kind="", place="1.16.1.0", f14="20260101110000+0000")
    below = row(HR, "75", BPM, place="1.16.1.4")
    own = row(SPO2, "97", PERCENT, place="1.16.1.5", f14="20260101111111+0000")
    elsewhere = row("151562^MDC_RESP_RATE^MDC", "15", "264928^MDC_DIM_RESP_PER_MIN^MDC", place="1.2.1.1")
    found = shown(message(above, below, own, elsewhere))["recorded"]
    assert {one["mdc"]: one["taken_at"][11:19] for one in found} == {
        147842: "11:00:00",
        150456: "11:11:11",
        151562: "11:59:58",
    }
    bare = shown(message(elsewhere, request="OBR|1"))["recorded"]
    assert bare[0]["taken_at"][11:19] == "12:00:00"


@pytest.mark.parametrize(
    ("data", "repair"),
    [
        (message(row(HR, "75", BPM)).replace(b"\r", b"\n"), "line_ends"),
        (message(row(HR, "75", BPM)).replace(b"\r", b"\r\n"), "line_ends"),
        (message(row(HR, "75", BPM), header=HEADER.replace("|WARD|", "|WARD||")), "shifted_header"),
        (message(row(HR, "75", BPM), header=HEADER.replace("||ORU", "|ORU")), "shifted_header"),
        (message(row(HR, "75", BPM), "PID|||1||M\xfcller").replace("ü".encode(), b"\xfc"), "charset"),
        (message(row(HR, "75", BPM), header=HEADER.replace("UNICODE UTF-8", "KLINGON")), "unknown_charset"),
        (message(row("0^MDC_ECG_HEART_RATE^MDC", "75", BPM)), "code_without_number"),
        (message(row("0002-4182^HR^MDIL", "75", BPM)), "vendor_code"),
        (message(row(HR, "75", BPM, f11="X")), "value_without_result"),
        (message(row(HR, "75", BPM), "garbage without name"), "no_segment"),
    ],
)
def test_an_oddity_is_put_right_and_counted(data: bytes, repair: str) -> None:
    found = shown(data)
    assert recorded(found) == [(147842, 75.0, "/min")] and found["repairs"][repair] >= 1


def test_a_header_that_is_in_no_consistent_place_is_an_error() -> None:
    found = shown(message(row(HR, "75", BPM), header=HEADER.replace("|2.6|", "|P|")))
    assert "ERR|||203^" in found["ack"] and "MSA|CR|42|" in found["ack"]
    found = shown(b"MSH|^~\\&|A|B|C|D|E|F|G|H|I|J\rOBX|1\r")
    assert reasons(found) == ["bad_header"] and "MSA|AE||" in found["ack"]


def test_no_result_with_a_value_is_refused_where_the_site_says_so() -> None:
    found = shown(message(row(HR, "75", BPM, f11="X")), Reading(accept_x=False))
    assert reasons(found) == ["no_value"] and found["recorded"] == []


@pytest.mark.parametrize(
    ("header", "reading", "test"),
    [
        (HEADER.replace("|P|", "|T|"), Reading(), True),
        (HEADER.replace("|P|", "|D|"), Reading(), True),
        (HEADER.replace("|P|", "|D|"), Reading(debug_is_test=False), False),
    ],
)
def test_a_test_message_is_marked(header: str, reading: Reading, *, test: bool) -> None:
    (one,) = shown(message(row(HR, "75", BPM), header=header), reading)["recorded"]
    assert ("test" in one["flags"] and "demo" in one["flags"]) is test


def test_structure_and_attributes_are_no_observations() -> None:
    found = shown(
        message(row("69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC", "", kind="", f11="X"), row(HR, "75", BPM))
    )
    assert len(found["recorded"]) == 1 and found["quarantined"] == []


def test_the_sender_is_named_by_its_equipment_first() -> None:
    rows = (
        row(HR, "75", BPM, f18="00A0-3700-9800-6640^^EUI-64"),
        row("69965^X^MDC", "", kind="", place="1.0.0.0", f18="Monitor 7"),
    )
    assert reported(message(*rows)).aliases == (
        ("equipment", "Monitor 7"),
        ("eui64", "00A0370098006640"),
        ("eui64", "0011223344556677"),
        ("sender", "MON"),
    )


def test_escapes_and_other_delimiters_are_understood() -> None:
    other = HEADER.replace("|", "#").replace("^", "!").replace("~", "*").replace("\\", "/").replace("&", "%")
    data = "\r".join((other, REQUEST.replace("|", "#"), row(HR, "75", BPM).replace("|", "#").replace("^", "!"), ""))
    assert recorded(shown(data.encode())) == [(147842, 75.0, "/min")]
    segment = parse(message("NTE|1||a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f\\X41\\g\\H\\")).segments[-1]
    assert segment.text(3) == "a|b^c&d~e\\fAg"


def test_a_zulu_time_and_an_impossible_zone_of_the_message_are_read() -> None:
    (one,) = shown(message(row(HR, "75", BPM, f14="20260101115900Z")))["recorded"]
    assert one["taken_at"] == "2026-01-01T11:59:00.000Z"
    odd = HEADER.replace("20260101120000+0000", "20260101120000+9900")
    (one,) = shown(message(row(HR, "75", BPM, f14="20260101115900"), header=odd))["recorded"]
    assert one["taken_at"] == "2026-01-01T11:59:00.000Z"


def test_a_text_field_with_a_number_is_a_number_and_a_bad_request_time_is_told() -> None:
    assert recorded(shown(message(row(HR, "75", BPM, kind="ST")))) == [(147842, 75.0, "/min")]
    assert reasons(shown(message(row(HR, "75", BPM), request=REQUEST.replace("20260101", "2026"))))


def test_two_messages_in_one_frame_are_refused_whosever_the_second_is() -> None:
    both = message(row(HR, "75", BPM)) + message(row(HR, "80", BPM), header=HEADER.replace("|42|", "|43|"))
    with pytest.raises(Invalid) as refusal:
        parse(both)
    assert refusal.value.code == "bad_message"


@pytest.mark.parametrize("frame", [b"%s", b"\x0b%s\x1c\r"], ids=["plain", "framed"])
@pytest.mark.parametrize("line_end", [b"\r", b"\n", b"\r\n"])
def test_a_file_of_several_messages_is_shown_with_all_acknowledgements(frame: bytes, line_end: bytes) -> None:
    second = message(row(SPO2, "97"), row(HR, "80", BPM), header=HEADER.replace("|42|", "|43|"))
    both = b"".join(frame % one.replace(b"\r", line_end) for one in (message(row(HR, "75", BPM)), second))
    found = shown(both)
    assert [one["value"] for one in found["recorded"]] == [75.0, 80.0] and reasons(found) == ["unit_required"]
    assert found["ack"].count("\rMSA|CA|42|") == found["ack"].count("\rMSA|CA|43|") == 1


def test_what_stands_before_a_message_in_a_file_does_not_hide_it() -> None:
    found = shown(b"sent by bed 3\r" + message(row(HR, "75", BPM)))
    assert recorded(found) == [(147842, 75.0, "/min")] and reasons(found) == ["bad_message"]


# Waves


def samples_of(*rows: str) -> list[float | None]:
    found = shown(message(*rows, request=WAVE_REQUEST))
    assert found["quarantined"] == []
    (one,) = found["recorded"]
    assert (one["mdc"], one["rate_hz"], one["unit"]) == (131330, 250.0, "mV")
    samples: list[float | None] = one["samples"]
    return samples


@pytest.mark.parametrize("samples", ["1^2^-3", "1~2~-3", "1 2 -3", " 1^ 2 ^-3^"])
def test_samples_are_read_however_they_are_separated(samples: str) -> None:
    assert samples_of(*wave(samples)) == [1.0, 2.0, -3.0]


def test_a_wave_is_scaled_by_its_resolution_and_unit() -> None:
    resolution = row("2327^MDC_ATTR_NU_MSMT_RES^MDC", "2.44", place="1.1.1.2.2")
    assert samples_of(*wave("100^200", resolution, unit="266419^MDC_DIM_MICRO_VOLT^MDC")) == [0.244, 0.488]
    assert samples_of(*wave("4096^-2048", unit="10.mV/4096^^UCUM")) == [10.0, -5.0]


def test_sentinels_and_what_is_beyond_the_range_are_missing() -> None:
    inop = row("196660^MDC_EVT_INOP^MDC", "32767", place="1.1.1.2.2")
    limits = row("68323^MDC_ATTR_DATA_RANGE^MDC", "-5^5", kind="NR", place="1.1.1.2.3")
    assert samples_of(*wave("1^32767^2^9", inop, limits)) == [1.0, None, 2.0, None]


def test_a_few_bad_samples_are_missing_and_more_than_a_twentieth_refuse_the_wave() -> None:
    assert samples_of(*wave("^".join(["1"] * 38 + ["- 5", "-"]))) == [*[1.0] * 38, None, None]
    found = shown(message(*wave("1^2^x^4"), request=WAVE_REQUEST))
    assert reasons(found) == ["bad_samples"]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (wave("1^2")[:1], "no_rate"),
        (wave("1^2", unit=""), "unit_required"),
        (wave("1^2", code=SPO2), "unknown_parameter"),
        (wave("1^2", code="131330^MDC_ECG_ELEC_POTL_I^MDC"), "codes_disagree"),
        (wave("1^20", unit="266400^MDC_DIM_VOLT^MDC"), "implausible_scale"),
        (wave("0.000001^99999"), "out_of_range"),
        (wave("^"), "bad_samples"),
        (wave("1^2", row("2327^MDC_ATTR_NU_MSMT_RES^MDC", "0", place="1.1.1.2.2")), "bad_value"),
        (wave("1^2", row("2327^MDC_ATTR_NU_MSMT_RES^MDC", "fine", place="1.1.1.2.2")), "bad_value"),
        (wave(" ".join(["1"] * 500_001)), "too_many"),
    ],
    ids=["rate", "unit", "no wave", "codes", "volt", "range", "empty", "no resolution", "no number", "too long"],
)
def test_a_wave_is_refused_with_its_reason(rows: list[str], reason: str) -> None:
    assert reasons(shown(message(*rows, request=WAVE_REQUEST))) == [reason]


def test_attributes_belong_to_the_wave_above_them() -> None:
    first = [row(ECG_II, "1^2", "mV^^UCUM", kind="NA", place="1.1.1.2")]
    first.append(row("68320^MDC_ATTR_SAMPLE_RATE^MDC", "500", "264640^MDC_DIM_HZ^MDC", place="1.1.1.2.1"))
    second = [row("150452^MDC_PULS_OXIM_PLETH^MDC", "7^8", "262656^MDC_DIM_DIMLESS^MDC", kind="NA", place="1.3.1.1")]
    second.append(row("0^MDC_ATTR_SAMP_RATE^MDC", "62.5", "264608^MDC_DIM_PER_SEC^MDC", place="1.3.1.1.1"))
    plain = "OBR|2||43|CONTINUOUS WAVEFORM|||20260101115958.000+0000"
    found = shown(message(*first, *second, request=plain))["recorded"]
    assert {one["mdc"]: one["rate_hz"] for one in found} == {131330: 500.0, 150452: 62.5}
    assert found[0]["taken_at"] == "2026-01-01T11:59:58.000Z"


def test_a_wave_in_steps_of_the_device_keeps_its_shape_and_claims_no_height() -> None:
    (one,) = shown(message(*wave("100^-100", unit="262656^MDC_DIM_DIMLESS^MDC"), request=WAVE_REQUEST))["recorded"]
    assert (one["unit"], one["samples"]) == ("1", [100.0, -100.0])


# Alarms


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("90-100", 90.0, 100.0),
        ("<500", None, 500.0),
        (">50", 50.0, None),
        ("-5-30", -5.0, 30.0),
        ("90-", 90.0, None),
        ("x", None, None),
    ],
)
def test_limits_are_read_as_monitors_write_them(text: str, low: float | None, high: float | None) -> None:
    assert limits(text) == Limits(low, high)


def test_an_alarm_of_a_value_without_a_unit_has_no_value() -> None:
    rows = (row("196670^MDC_EVT_LO^MDC", "Low", kind="ST"), row(SPO2, "84", f7="90-100"))
    (alarm,) = reported(message(*rows, header=ALARM_HEADER, request=ALARM_REQUEST)).alarms
    assert (alarm.value, alarm.source, alarm.low) == (None, 150456, 90.0)


def test_an_alarm_can_say_its_text_in_a_row_of_its_own() -> None:
    rows = (
        row("68481^MDC_ATTR_EVENT_PHASE^MDC", "start", kind="ST"),
        row("68546^MDC_ATTR_ALERT_TEXT^MDC", "Check cuff", kind="ST"),
    )
    (alarm,) = reported(message(*rows, header=ALARM_HEADER, request=ALARM_REQUEST)).alarms
    assert (alarm.text, alarm.event) == ("Check cuff", 0)
    (alarm,) = reported(message(rows[0], header=ALARM_HEADER, request=ALARM_REQUEST)).alarms
    assert alarm.text == ""


def test_rows_without_a_request_are_no_alarm() -> None:
    found = shown(message(row("196670^MDC_EVT_LO^MDC", "Low", kind="ST"), header=ALARM_HEADER, request="PV1|1"))
    assert reasons(found) == ["no_code"]


ALARM_HEADER = HEADER.replace("ORU^R01^ORU_R01", "ORU^R40^ORU_R40")
ALARM_REQUEST = "OBR|1||7^MON|196616^MDC_EVT_ALARM^MDC|||20260101115958+0000"


def test_the_older_set_of_alarm_codes_is_read_and_an_end_refers_to_the_start() -> None:
    end = "OBR|1||8^MON|196616^MDC_EVT_ALARM^MDC|||20260101115958+0000|" + "|" * 20 + "|^7&MON&X"
    rows = (
        row("196680^MDC_EVT_LEAD_OFF^MDC", "Lead off", kind="ST", f8="ST~PL"),
        row("68165^MDC_ATTR_EVENT_PHASE^MDC", "end", kind="ST"),
        row("68166^MDC_ATTR_ALARM_STATE^MDC", "inactive", kind="ST"),
        row("68164^MDC_ATTR_ALERT_SOURCE^MDC", "131330^MDC_ECG_ELEC_POTL_II^MDC", kind="CWE"),
    )
    (alarm,) = reported(message(*rows, header=ALARM_HEADER, request=end)).alarms
    assert (alarm.instance, alarm.phase, alarm.state, alarm.source) == ("7/MON/X", "end", "inactive", 131330)
    assert (alarm.kind, alarm.priority, alarm.priority_given) == ("technical", "low", True)


def test_an_alarm_without_a_priority_counts_as_medium_and_says_so() -> None:
    rows = row("196616^MDC_EVT_ALARM^MDC", "196648^MDC_EVT_HI^MDC^^HR high", kind="CWE")
    (alarm,) = reported(message(rows, header=ALARM_HEADER, request=ALARM_REQUEST)).alarms
    assert (alarm.event, alarm.priority, alarm.priority_given) == (196648, "medium", False)


def test_an_obr_that_names_no_alarm_is_refused() -> None:
    found = shown(message(row(HR, "75", BPM), header=ALARM_HEADER, request=ALARM_REQUEST))
    assert reasons(found) == ["no_code"]


def test_a_message_with_more_segments_than_any_has_is_refused() -> None:
    with pytest.raises(Invalid) as refusal:
        parse(message(*["NTE|1"] * 5_001))
    assert refusal.value.code == "too_many"
    assert reasons(shown(message(*[row("1^2^3", "1")] * 2_001))) == ["too_many"]
