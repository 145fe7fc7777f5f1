"""Which code goes back: by what became of the message, by what it asks for, and by how the sender is set."""

import pytest

from telehealth.errors import Forbidden, Invalid, Unavailable
from telehealth.interop.hl7.acks import AckStyle, Fate, Verdict, acknowledgement, refused, taken
from telehealth.interop.hl7.parse import parse
from tests.interop.hl7.wire import BPM, HEADER, HR, RECEIVED, message, reasons, row, shown

GOOD, BAD = Verdict(Fate.ACCEPTED), Verdict(Fate.ERROR, 102, "no")


def code(asks: str, verdict: Verdict, style: AckStyle = AckStyle.AUTO) -> str:
    parsed = parse(message(header=HEADER.replace("|AL|NE|", f"|{asks}|")))
    text = acknowledgement(parsed, verdict, own_id="1", at=RECEIVED, style=style)
    return text.split("\rMSA|")[1][:2] if text else ""


@pytest.mark.parametrize(
    ("asks", "good", "bad"),
    [
        ("|", "AA", "AE"),
        ("AL|NE", "CA", "CE"),
        ("NE|AL", "AA", "AE"),
        ("AL|AL", "AA", "AE"),
        ("ER|NE", "", "CE"),
        ("SU|NE", "CA", ""),
        ("NE|ER", "", "AE"),
        ("NE|NE", "", ""),
        ("AL|ER", "CA", "AE"),
    ],
)
def test_what_goes_back_is_what_was_asked_for(asks: str, good: str, bad: str) -> None:
    assert (code(asks, GOOD), code(asks, BAD)) == (good, bad)


def test_a_sender_can_be_set_to_either_style() -> None:
    assert code("AL|NE", GOOD, AckStyle.ORIGINAL) == "AA"
    assert code("|", GOOD, AckStyle.ENHANCED) == "CA"
    assert code("NE|AL", GOOD, AckStyle.ENHANCED) == "AA"


def test_an_answer_names_the_message_it_answers_and_swaps_the_ends() -> None:
    header = HEADER.replace("|WARD|||", "|WARD|US^1^ISO|HERE|")
    text = acknowledgement(parse(message(header=header)), GOOD, own_id="own", at=RECEIVED)
    assert text == (
        "MSH|^~\\&|US^1^ISO|HERE|MON^0011223344556677^EUI-64|WARD|20260101120000.000+0000||ACK^R01^ACK|own|P|2.6\r"
        "MSA|CA|42|Message accepted\r"
    )


def test_what_cannot_be_read_at_all_is_answered_all_the_same() -> None:
    text = acknowledgement(None, refused(Invalid("No.", code="bad_message")), own_id="1", at=RECEIVED)
    assert "\rMSA|AE||No.\rERR|||100^Segment sequence error^HL70357|E||||No.\r" in text


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("ORU^R01^ORU_R01", "ORU^R42^ORU_R42"), "CR|42|Only the events R01 and R40 are taken.\rERR|||201^"),
        (("ORU^R01^ORU_R01", "ADT^A01^ADT_A01"), "CR|42|Only observations and alarms (ORU) are taken.\rERR|||200^"),
        (("|2.6|", "|3.0|"), "CR|42|Only version 2 of HL7 is read.\rERR|||203^"),
        (("|42|", "||"), "CE||MSH-10, the message's own id, is missing.\rERR|||101^"),
    ],
)
def test_what_is_not_supported_is_refused_with_its_condition(change: tuple[str, str], expected: str) -> None:
    assert expected in shown(message(row(HR, "75", BPM), header=HEADER.replace(*change)))["ack"]


def test_a_message_of_which_nothing_can_be_kept_is_an_error() -> None:
    assert "MSA|CE|42|The value has no unit.\rERR|||102^" in shown(message(row(HR, "75")))["ack"]
    assert (
        "MSA|CA|42|Not taken: 1. " in shown(message(row(HR, "75"), row(HR, "75", BPM, f14="202601011150+0000")))["ack"]
    )
    assert taken(kept=False, reasons=()).fate is Fate.ACCEPTED


def test_the_text_of_a_refusal_cannot_break_the_answer() -> None:
    verdict = refused(Invalid("a|b\r^c", code="bad_value"))
    text = acknowledgement(None, verdict, own_id="1", at=RECEIVED)
    assert "MSA|AE||a\\F\\b \\S\\c\r" in text
    assert refused(Unavailable("x")).condition == 207 and refused(Forbidden("x")).fate is Fate.ERROR


def test_an_answer_is_not_answered() -> None:
    found = shown(b"MSH|^~\\&|A||B||20260101||ACK^R01^ACK|1|P|2.6\rMSA|AA|1\r")
    assert found["ack"] is None and reasons(found) == ["answer"]
