"""Ten thousand messages that nobody would send: an answer with a reason, or values; never anything else."""

import json
import random

from telehealth.interop.hl7.framer import framed
from telehealth.interop.hl7.parse import STANDARD, escaped, unescaped
from tests.interop.hl7.test_quirks import ALARM_HEADER, ALARM_REQUEST
from tests.interop.hl7.wire import BPM, HR, PERCENT, SPO2, WAVE_REQUEST, message, row, shown, wave

ORIGINALS = (
    message(row(HR, "75", BPM), row(SPO2, "97", PERCENT, f14="20260101115900")),
    message(*wave("1^2^3^4"), request=WAVE_REQUEST),
    message(row("196670^MDC_EVT_LO^MDC", "Low", kind="ST", f8="L~PM~SP"), header=ALARM_HEADER, request=ALARM_REQUEST),
    framed(message(row("184327^MDC_ECG_STAT_RHY^MDC", "MDC_ECG_SINUS_RHY", kind="ST"))),
)
PIECES = (
    b"|",
    b"^",
    b"~",
    b"\\",
    b"&",
    b"\r",
    b"\n",
    b"\x00",
    b"\xff",
    b"\x0b",
    b"\x1c",
    b"9" * 30,
    b"-",
    b".",
    b"1e999",
)


def test_ten_thousand_messages_are_kept_or_refused() -> None:
    chance = random.Random(7)
    for _ in range(10_000):
        data = bytearray(chance.choice(ORIGINALS))
        for _ in range(chance.randint(0, 6)):
            at = chance.randrange(len(data) + 1)
            cut = at + chance.choice((0, 0, 1, 1, 5, 40))
            data[at:cut] = chance.choice((*PIECES, bytes((chance.randrange(256),))))
        found = shown(bytes(data))
        json.dumps(found, allow_nan=False)
        assert all(one["text"] and one["reason"] for one in found["quarantined"])


def test_a_text_survives_escaping() -> None:
    chance = random.Random(8)
    for _ in range(10_000):
        text = "".join(chance.choice("|^~\\&abÄ €.XF") for _ in range(chance.randint(0, 20)))
        assert unescaped(escaped(text, STANDARD), STANDARD) == text
