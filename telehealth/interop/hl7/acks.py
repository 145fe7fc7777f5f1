"""Acknowledgements (HL7 v2.6, chapter 2.9): which code goes back, and the message that carries it.

Original mode: MSH-15 and -16 are empty, and the answer is AA, AE or AR. Enhanced mode: CA, CE or CR says that we have
it, if MSH-15 asks for it; AA, AE or AR what became of it, if MSH-16 does. We decide both at once, so one message goes
back, and where both are asked for it is the second. Many monitors ask for the first and expect the second: so a sender
can be set to either style.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from telehealth.errors import Invalid, TelehealthError
from telehealth.interop.hl7.parse import STANDARD, Message, escaped
from telehealth.interop.hl7.times import written


class AckStyle(StrEnum):
    """How a sender wants to be answered; `auto` goes by MSH-15 and -16."""

    AUTO = "auto"
    ORIGINAL = "original"
    ENHANCED = "enhanced"


class Fate(StrEnum):
    """What became of a message; the letter after A or C."""

    ACCEPTED = "A"
    ERROR = "E"
    REJECTED = "R"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a message, and why; `condition` is of HL7 table 0357."""

    fate: Fate
    condition: int = 0
    text: str = ""


_CONDITIONS = MappingProxyType(
    {
        0: "Message accepted",
        100: "Segment sequence error",
        101: "Required field missing",
        102: "Data type error",
        103: "Table value not found",
        200: "Unsupported message type",
        201: "Unsupported event code",
        202: "Unsupported processing id",
        203: "Unsupported version id",
        204: "Unknown key identifier",
        206: "Application record locked",
        207: "Application internal error",
    }
)
_WANTED = MappingProxyType(
    {
        "AL": frozenset({Fate.ACCEPTED, Fate.ERROR, Fate.REJECTED}),
        "ER": frozenset({Fate.ERROR, Fate.REJECTED}),
        "SU": frozenset({Fate.ACCEPTED}),
        "NE": frozenset[Fate](),
    }
)


def refused(error: TelehealthError) -> Verdict:
    """Return the verdict on a message that we could not read or keep."""
    condition = {
        "bad_message": 100,
        "bad_header": 100,
        "missing_field": 101,
        "unsupported_type": 200,
        "unsupported_event": 201,
        "unsupported_version": 203,
        "unknown_device": 204,
        "not_associated": 204,
        "device_revoked": 204,
    }.get(error.code, 102 if isinstance(error, Invalid) else 207)
    rejected = condition in (200, 201, 203)
    return Verdict(Fate.REJECTED if rejected else Fate.ERROR, condition, error.text)


def taken(*, kept: bool, reasons: Sequence[str]) -> Verdict:
    """Return the verdict on a message that was read: an error only if nothing of what it says could be kept."""
    if kept or not reasons:
        return Verdict(Fate.ACCEPTED, 0, f"Not taken: {len(reasons)}. {reasons[0]}" if reasons else "")
    return Verdict(Fate.ERROR, 102, reasons[0])


def acknowledgement(
    message: Message | None, verdict: Verdict, *, own_id: str, at: datetime, style: AckStyle = AckStyle.AUTO
) -> str:
    """Return the answer as text, empty if the sender wants none.

    Args:
        message: What is answered; None if it could not be read at all.
        verdict: What became of it.
        own_id: Our MSH-10.
        at: Now.
        style: How this sender wants to be answered.
    """
    code = _code(message, verdict.fate, style)
    if not code:
        return ""
    lines = [_header(message, own_id, at), f"MSA|{code}|{message.control_id if message else ''}|{_said(verdict)}"]
    if verdict.condition:
        severity = "E"
        lines.append(
            f"ERR|||{verdict.condition}^{_CONDITIONS[verdict.condition]}^HL70357|{severity}||||{_said(verdict)}"
        )
    return "\r".join(lines) + "\r"


def _code(message: Message | None, fate: Fate, style: AckStyle) -> str:
    accept = message.msh_text(15).upper() if message else ""
    application = message.msh_text(16).upper() if message else ""
    if style is AckStyle.ORIGINAL or (style is AckStyle.AUTO and not accept and not application):
        return f"A{fate}"
    if fate in _WANTED.get(application, _WANTED["NE"]):
        return f"A{fate}"
    # Enhanced mode by setting, without a word in the message: the sender waits for something.
    wanted = _WANTED.get(accept, _WANTED["NE"] if accept or application else _WANTED["AL"])
    return f"C{fate}" if fate in wanted else ""


def _header(message: Message | None, own_id: str, at: datetime) -> str:
    marks = "^~\\&"
    if message is None:
        return f"MSH|{marks}|telehealth||||{written(at)}||ACK|{own_id}|P|2.6"
    # Its fields are written with its own separators: ours are the usual ones only if its are.
    trigger = message.type[1]
    kind = f"ACK^{trigger}^ACK" if trigger else "ACK"
    sender = [_field(message, number) for number in (5, 6, 3, 4)]
    version = _field(message, 12) or "2.6"
    processing = _field(message, 11) or "P"
    return "|".join(("MSH", marks, *sender, written(at), "", kind, own_id, processing, version))


def _field(message: Message, number: int) -> str:
    """Return MSH-n with our separators."""
    header = message.header
    at = number + (message.shift if number >= 7 else 0)
    if header.delimiters == STANDARD:
        return message.msh(number)
    return "^".join(escaped(part, STANDARD) for part in header.components(at))


def _said(verdict: Verdict) -> str:
    return escaped(verdict.text or _CONDITIONS[verdict.condition], STANDARD)[:250]
