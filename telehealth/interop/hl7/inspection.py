"""A file with messages of HL7 version 2, as `telehealth inspect hl7` shows it."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from telehealth.errors import Invalid
from telehealth.interop import inspection
from telehealth.interop.hl7.acks import AckStyle, Verdict, acknowledgement, refused, taken
from telehealth.interop.hl7.framer import START, Fault, Framer
from telehealth.interop.hl7.parse import Message, parse
from telehealth.interop.hl7.reading import is_answer, read
from telehealth.interop.hl7.rows import Reading

MAX_MESSAGES = 1_000
_OWN_ID = "INSPECT"
_LISTS = ("recorded", "quarantined", "alarms")
_HEADER = re.compile(rb"(?:\A|(?<=[\r\n]))[ \t]*MSH(?=[^A-Za-z0-9\s])")


def inspect(data: bytes, reading: Reading, received_at: datetime, *, style: AckStyle = AckStyle.AUTO) -> dict[str, Any]:
    """Return what of the message would be kept, and the acknowledgement that would go back. Never raises.

    Of a file with several messages: what would be kept of all, and all acknowledgements, one after the other.
    """
    shown = [_one(found, reading, received_at, style) for found in _messages(data)]
    together: dict[str, Any] = {name: [one for each in shown for one in each[name]] for name in _LISTS}
    repairs: Counter[str] = sum((Counter(each["repairs"]) for each in shown), Counter())
    return {**together, "repairs": dict(sorted(repairs.items())), "ack": "".join(e["ack"] or "" for e in shown) or None}


def _one(found: bytes | Fault, reading: Reading, received_at: datetime, style: AckStyle) -> dict[str, Any]:
    message: Message | None = None
    verdict: Verdict
    try:
        if isinstance(found, Fault):
            raise Invalid("The octets are no MLLP.", code="bad_message")
        message = parse(found)
        if is_answer(message):
            told = f"It is an answer ({message.type[0]}): answers are not answered."
            return {**inspection.refused("answer", told, "MSH-9"), "ack": None}
        reported = read(message, reading)
        shown = inspection.inspected(reported, received_at)
        verdict = taken(
            kept=bool(shown["recorded"] or shown["alarms"]), reasons=[one["text"] for one in shown["quarantined"]]
        )
    except Invalid as error:
        shown = inspection.refused(error.code, error.text, "message")
        verdict = refused(error)
    ack = acknowledgement(message, verdict, own_id=_OWN_ID, at=received_at, style=style)
    return {**shown, "ack": ack or None}


def _messages(data: bytes) -> Sequence[bytes | Fault]:
    """Return the messages, whether they are framed for the wire or stand one after the other; at least one."""
    if not data.startswith(bytes((START,))):
        starts = [found.start() for found in _HEADER.finditer(data)][:MAX_MESSAGES]
        first = starts[0] if starts and not data[: starts[0]].strip(b"\xef\xbb\xbf \r\n\t") else 0
        ends = [*[start for start in starts if start > first], len(data)]
        return [data[start:end] for start, end in pairwise([first, *ends])]
    framer = Framer()
    found = [*framer.feed(data), *framer.idle()]
    return found[:MAX_MESSAGES] or [data.lstrip(bytes((START,)))]
