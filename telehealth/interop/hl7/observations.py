"""IHE PCD-01 (ORU^R01): from rows to observations, each taken or refused with its reason."""

import re
from dataclasses import replace
from decimal import Decimal

from telehealth.errors import Invalid
from telehealth.interop.hl7.rows import Group, Row
from telehealth.interop.hl7.waves import is_attribute, is_wave, is_wave_group, read_waves
from telehealth.interop.nomenclature import Meaning, in_unit, meaning, unit_of
from telehealth.vitals.codes import PARAMETERS, TEXTS
from telehealth.vitals.model import Quality
from telehealth.vitals.reported import REASONS, UNCONFIRMED, Collector, Observed
from telehealth.vitals.units import linear

_NUMBER = re.compile(r"(?P<comparator>[<>]=?)?\s*(?P<number>[+-]?\d{1,12}(?:\.\d{1,9})?)", re.ASCII)
_WORD = re.compile(r"[\x20-\x7e]{1,60}", re.ASCII)
_NO_VALUE = frozenset({"", '""', "-", "--", "---", "-?-", "***", "?"})
_WITHDRAWN = frozenset({"D", "N", "O"})
_TEXT_KINDS = frozenset({"ST", "CWE", "CE", "CNE", "TX", "FT", "IS", "ID", "CF"})


def read_group(group: Group, flags: tuple[str, ...], found: Collector, *, accept_x: bool = True) -> None:
    """Add what the rows of one OBR say."""
    if is_wave_group(group) or any(is_wave(row) for row in group.rows):
        read_waves(group, flags, found)
    for row in group.rows:
        if is_wave(row) or row.structural or is_attribute(row):
            continue
        try:
            found.add(_observed(row, flags, found, accept_x=accept_x))
        except Invalid as error:
            found.refuse(error.code, row.name)


def _observed(row: Row, flags: tuple[str, ...], found: Collector, *, accept_x: bool) -> Observed:
    code = meaning(row.codes)
    if not code.mdc:
        raise _refusal("unknown_parameter" if row.codes else "no_code")
    if row.status in _WITHDRAWN:
        raise _refusal("deleted")
    if row.status == "X" and not accept_x:
        raise _refusal("no_value")
    at = row.stamp()
    found.repaired((*code.notes, *(at.notes if at else ("time_of_receipt",))))
    said = Observed(
        code.mdc,
        None,
        "",
        at.at if at else None,
        row.quality,
        flags=tuple(dict.fromkeys((*flags, *row.flags, *code.notes, *(at.notes if at else ())))),
    )
    if UNCONFIRMED in row.flags and row.status == "X":
        found.repaired(("value_without_result",))
    return _with_text(row, said) if code.mdc in TEXTS else _with_number(row, code, said)


def _with_number(row: Row, code: Meaning, said: Observed) -> Observed:
    if code.mdc not in PARAMETERS:
        raise _refusal("unknown_parameter")
    text = _number_text(row)
    if text in _NO_VALUE:
        return _changed(said, quality=Quality.INVALID)
    matched = _NUMBER.fullmatch(text)
    if matched is None:
        raise _refusal("bad_value")
    sent = unit_of(row.segment.component(6, 1), row.segment.component(6, 2), row.segment.component(6, 3))
    meant = in_unit(code.mdc, sent)
    # Refused here, so that the row that lacks it is named.
    linear(meant.unit, PARAMETERS[meant.mdc].unit)
    said, unit = replace(said, mdc=meant.mdc), meant.unit
    number = float(Decimal(matched["number"]))
    if comparator := matched["comparator"]:
        spoken = f"{comparator} {matched['number']}"
        return _changed(said, unit=unit, quality=Quality.QUESTIONABLE, text=spoken, flags=(*said.flags, "comparator"))
    return _changed(said, value=number, unit=unit, flags=(*said.flags, *meant.notes))


def _number_text(row: Row) -> str:
    if row.kind in ("NM", ""):
        return row.segment.text(5)
    if row.kind == "SN":
        parts = [part for part in row.segment.components(5) if part]
        if len(parts) > 2:
            # A range or a ratio is no one number.
            raise _refusal("unsupported_value")
        return "".join(parts)
    if row.kind in ("ST", "TX"):
        return row.segment.text(5)
    raise _refusal("unsupported_value")


def _with_text(row: Row, said: Observed) -> Observed:
    if row.kind not in _TEXT_KINDS:
        raise _refusal("unsupported_value")
    name = row.segment.component(5, 2) or row.segment.text(5)
    if not _WORD.fullmatch(name):
        raise _refusal("bad_value")
    return _changed(said, text=name)


def _changed(
    said: Observed,
    *,
    value: float | None = None,
    unit: str = "",
    quality: Quality | None = None,
    text: str = "",
    flags: tuple[str, ...] | None = None,
) -> Observed:
    worst = said.quality if quality is None or said.quality is Quality.INVALID else quality
    marks = said.flags if flags is None else flags
    return Observed(said.mdc, value, unit, said.taken_at, worst, text, marks, said.identity)


def _refusal(code: str) -> Invalid:
    return Invalid(REASONS[code], code=code)
