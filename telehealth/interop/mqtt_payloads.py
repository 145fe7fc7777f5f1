"""What devices publish over MQTT: whose topic it is, by rule, and what the payload says.

A payload is a parcel (interop.parcels), or a plain object of names and numbers. What a name means, a rule says; a few
are known. A number without a unit is not taken, from wherever the unit comes: the number's own, the rule, the payload.
"""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from telehealth.clock import from_ms
from telehealth.errors import Invalid
from telehealth.interop.parcels import MAX_BYTES, Parcel, parse_parcel
from telehealth.vitals.model import Quality
from telehealth.vitals.reported import Collector, Observed, Reported

MAX_RULES = 500
MAX_NAMES = 64
DEFAULT_TOPIC = "t/{tenant}/d/{device}/{kind}"
KINDS = ("numerics", "waves")

_LEVEL = re.compile(r"[^+#\x00-\x1f\x7f/]{1,100}")
_DEVICE = re.compile(r"[0-9a-f]{32}", re.ASCII)
_PLACE = "{device}"
_SCALES = MappingProxyType({"ms": 1.0, "s": 1000.0})
_TIMES = ("taken_at", "timestamp", "time", "ts")

NAMES: Mapping[str, int] = MappingProxyType(
    {
        "hr": 147842,
        "heart_rate": 147842,
        "pr": 149530,
        "pulse_rate": 149530,
        "spo2": 150456,
        "rr": 151562,
        "resp_rate": 151562,
        "temp": 150364,
        "temperature": 150364,
        "sys": 150021,
        "systolic": 150021,
        "dia": 150022,
        "diastolic": 150022,
        "map": 150023,
        "mean": 150023,
        "etco2": 151708,
        "glucose": 160184,
        "weight": 188736,
    }
)
"""Names that need no rule; their units do."""


@dataclass(frozen=True, slots=True)
class NamedValue:
    """What a name in a payload means: its code, and its unit if the payload does not say it."""

    mdc: int
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is published on a topic, and by which device.

    Attributes:
        levels: The topic's levels; `{device}` stands for the device's id.
        device: Whose topic it is; empty if the topic says so.
        values: By name in the payload (`a.b` for one in another object); empty: the names that are known.
        time: Name of the time; empty: the names that are usual.
        time_unit: `ms` or `s` since 1970, or `iso`.
    """

    levels: tuple[str, ...]
    device: str = ""
    values: Mapping[str, NamedValue] = field(default_factory=lambda: MappingProxyType({}))
    time: str = ""
    time_unit: str = "ms"

    @property
    def filter(self) -> str:
        """What we subscribe to. The one wildcard is ours, for one level; devices have none."""
        return "/".join("+" if level == _PLACE else level for level in self.levels)

    def device_of(self, topic: str) -> str | None:
        """Return the id of the device whose topic it is, None if it is none of this rule's."""
        levels = topic.split("/")
        if len(levels) != len(self.levels):
            return None
        found = self.device
        for mine, theirs in zip(self.levels, levels, strict=True):
            if mine == _PLACE:
                found = theirs
            elif mine != theirs:
                return None
        return found if _DEVICE.fullmatch(found) else None


def default_rules(tenant: str) -> tuple[Rule, ...]:
    """Return the rules of an installation that has no others."""
    topics = (DEFAULT_TOPIC.format(tenant=tenant, device=_PLACE, kind=kind) for kind in KINDS)
    return tuple(Rule(_levels(topic)) for topic in topics)


def rules_of(text: str) -> tuple[Rule, ...]:
    """Return the rules in a TOML text; Invalid (`bad_rules`) with the reason.

    Each `[[rule]]` has a `topic`, a `device` unless the topic has `{device}`, perhaps `values`, `time` and `time_unit`.
    """
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _bad(f"they are not TOML: {error}") from None
    listed = read.get("rule", [])
    if set(read) - {"rule"} or not isinstance(listed, list) or not 0 < len(listed) <= MAX_RULES:
        raise _bad(f"there must be 1 to {MAX_RULES} tables [[rule]], and nothing else")
    return tuple(_rule(one) for one in listed)


def rule_for(rules: Sequence[Rule], topic: str) -> tuple[Rule, str] | None:
    """Return the first rule whose topic it is, and the device; None if it is nobody's."""
    for rule in rules:
        device = rule.device_of(topic)
        if device is not None:
            return rule, device
    return None


def read_payload(rule: Rule, payload: bytes, received_at: datetime) -> Parcel | Reported:
    """Return what a payload says: a parcel, or a report of plain values, of now unless they say when.

    Raises:
        Invalid: `too_large`, `bad_message`: it is neither, or has a parcel's form and is none.
    """
    if len(payload) > MAX_BYTES:
        raise Invalid("A payload may have 256 KiB.", code="too_large")
    found = _object(payload)
    return parse_parcel(payload) if "boot" in found else read_values(rule, found, received_at)


def read_values(rule: Rule, found: Mapping[str, Any], received_at: datetime) -> Reported:
    """Return the values in an object; what can't be taken is quarantined, each by its name and with its reason."""
    collector = Collector()
    try:
        taken_at = _time(rule, found) or received_at
    except Invalid as error:
        # Without its time it would be shown as if it were new.
        collector.refuse(error.code, rule.time or "time")
        return Reported(quarantined=tuple(collector.quarantined))
    names = rule.values or {name: NamedValue(mdc) for name, mdc in NAMES.items() if name in found}
    if not names:
        collector.refuse("no_code", ", ".join(sorted(map(str, found)))[:100])
    common = found.get("unit") if len(names) == 1 else None
    for name, meant in list(names.items())[:MAX_NAMES]:
        raw = _at(found, name)
        if raw is not None:
            _add(collector, name, meant, raw, common, taken_at)
    return Reported(observed=tuple(collector.observed), quarantined=tuple(collector.quarantined))


def _add(collector: Collector, name: str, meant: NamedValue, raw: Any, common: Any, taken_at: datetime) -> None:
    number, unit = (raw.get("value"), raw.get("unit")) if isinstance(raw, dict) else (raw, common)
    said = unit if isinstance(unit, str) else ""
    if isinstance(number, bool) or not isinstance(number, int | float) or not -1e12 <= number <= 1e12:
        collector.refuse("bad_value", name)
    elif said and meant.unit and said != meant.unit:
        collector.refuse("unit_disagrees", name)
    else:
        collector.add(Observed(meant.mdc, float(number), said or meant.unit, taken_at, Quality.GOOD))


def _time(rule: Rule, found: Mapping[str, Any]) -> datetime | None:
    names = (rule.time,) if rule.time else _TIMES
    raw = next((value for name in names if (value := _at(found, name)) is not None), None)
    if raw is None:
        return None
    try:
        if isinstance(raw, str):
            at = datetime.fromisoformat(raw)
            if at.tzinfo is None:
                raise Invalid("The time names no zone.", code="no_time_zone")
            return at.astimezone(UTC)
        if isinstance(raw, bool) or not isinstance(raw, int | float) or rule.time_unit not in _SCALES:
            raise ValueError
        return from_ms(raw * _SCALES[rule.time_unit])
    except (ValueError, OverflowError, OSError):
        raise Invalid("The time cannot be read.", code="bad_time") from None


def _at(found: Mapping[str, Any], name: str) -> Any:
    """Return what stands under `a.b`; None if nothing does."""
    inner: Any = found
    for part in name.split("."):
        if not isinstance(inner, dict):
            return None
        inner = inner.get(part)
    return inner


def _object(payload: bytes) -> dict[str, Any]:
    try:
        found = json.loads(payload.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Invalid("The payload is not JSON.", code="bad_message") from None
    if not isinstance(found, dict):
        raise Invalid("The payload is no JSON object.", code="bad_message")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _levels(topic: str) -> tuple[str, ...]:
    levels = tuple(topic.split("/"))
    if not 1 <= len(levels) <= 20 or levels[0].startswith("$") or not all(_LEVEL.fullmatch(one) for one in levels):
        raise _bad("a topic has plain levels: no wildcard, none empty, and it does not begin with $")
    return levels


def _rule(raw: Any) -> Rule:
    known = {"topic", "device", "values", "time", "time_unit"}
    if not isinstance(raw, dict) or set(raw) - known or not isinstance(raw.get("topic"), str):
        raise _bad(f"a rule has a topic, and of {', '.join(sorted(known - {'topic'}))} what it needs")
    levels, device = _levels(raw["topic"]), raw.get("device", "")
    if levels.count(_PLACE) + (device != "") != 1 or (device and not _is_device(device)):
        raise _bad("a rule names its device once: by {device} in the topic, or by the id in `device`")
    values = raw.get("values", {})
    if not isinstance(values, dict) or len(values) > MAX_NAMES:
        raise _bad(f"`values` is a table of at most {MAX_NAMES} names")
    time_unit = raw.get("time_unit", "ms")
    if time_unit not in (*_SCALES, "iso") or not isinstance(raw.get("time", ""), str):
        raise _bad("`time_unit` is ms, s or iso")
    named = MappingProxyType({name: _named(value) for name, value in values.items()})
    return Rule(levels, device, named, raw.get("time", ""), time_unit)


def _is_device(device: Any) -> bool:
    return isinstance(device, str) and _DEVICE.fullmatch(device) is not None


def _named(raw: Any) -> NamedValue:
    mdc = raw.get("mdc") if isinstance(raw, dict) else None
    unit = raw.get("unit", "") if isinstance(raw, dict) else None
    if not isinstance(mdc, int) or not isinstance(unit, str) or set(raw) - {"mdc", "unit"}:
        raise _bad('a value is named by { mdc = …, unit = "…" }')
    return NamedValue(mdc, unit)


def _bad(reason: str) -> Invalid:
    return Invalid(f"The MQTT rules can't be used: {reason}.", code="bad_rules")
