"""A file with a message of HL7 version 2, as `telehealth inspect hl7` shows it."""

from datetime import datetime
from typing import Any

from telehealth.errors import Invalid
from telehealth.interop import inspection
from telehealth.interop.hl7.acks import AckStyle, Verdict, acknowledgement, refused, taken
from telehealth.interop.hl7.framer import START, Framer
from telehealth.interop.hl7.parse import Message, parse
from telehealth.interop.hl7.reading import is_answer, read
from telehealth.interop.hl7.rows import Reading

_OWN_ID = "INSPECT"


def inspect(data: bytes, reading: Reading, received_at: datetime, *, style: AckStyle = AckStyle.AUTO) -> dict[str, Any]:
    """Return what of the message would be kept, and the acknowledgement that would go back. Never raises."""
    message: Message | None = None
    verdict: Verdict
    try:
        message = parse(_unframed(data))
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


def _unframed(data: bytes) -> bytes:
    """Return the first message of the octets, whether they are framed for the wire or not."""
    if not data.startswith(bytes((START,))):
        return data
    framer = Framer()
    for found in (*framer.feed(data), *framer.idle()):
        if isinstance(found, bytes):
            return found
        raise Invalid("The octets are no MLLP.", code="bad_message")
    return data.lstrip(bytes((START,)))
