"""What `telehealth inspect` prints: what of a message would be kept, what not and why, and which alarms it carries."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from telehealth.vitals.codes import loinc_of, public_mdc
from telehealth.vitals.intake import taken_in
from telehealth.vitals.model import Quality, Sample
from telehealth.vitals.reported import DEMO, ObservedWave, Quarantined, Reported, ReportedAlarm


def inspected(reported: Reported, received_at: datetime) -> dict[str, Any]:
    """Return the object to print; waves and numerics in one list, in the order numerics, waves."""
    intake = taken_in(reported, received_at)
    kept = [(sample, moment.demo) for moment in intake.moments for sample in moment.samples if _kept(sample)]
    return {
        "recorded": [
            *(_numeric(sample, demo=demo) for sample, demo in kept),
            *(_wave(wave) for wave in intake.waves),
        ],
        "quarantined": [_quarantined(one) for one in intake.quarantined],
        "alarms": [_alarm(alarm) for alarm in reported.alarms],
        "repairs": dict(sorted(reported.repairs.items())),
    }


def refused(code: str, text: str, what: str) -> dict[str, Any]:
    """Return the object to print for a message that is not read at all."""
    entry = {"reason": code, "text": text, "what": what}
    return {"recorded": [], "quarantined": [entry], "alarms": [], "repairs": {}}


def shown_time(at: datetime | None) -> str | None:
    """Return an instant as it is printed."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None


def _kept(sample: Sample) -> bool:
    # One without a value is kept so that the tile goes blank; there is nothing recorded to show.
    return sample.value is not None or bool(sample.text)


def _numeric(sample: Sample, *, demo: bool) -> dict[str, Any]:
    flags = [*sample.flags, *(["questionable"] if sample.quality is Quality.QUESTIONABLE else [])]
    return {
        "loinc": loinc_of(sample.mdc) or None,
        "mdc": public_mdc(sample.mdc),
        "value": sample.text or sample.value,
        "unit": sample.unit,
        "taken_at": shown_time(sample.taken_at),
        "flags": list(dict.fromkeys(flags if not demo or DEMO in flags else [*flags, DEMO])),
    }


def _wave(wave: ObservedWave) -> dict[str, Any]:
    return {
        "mdc": wave.mdc,
        "rate_hz": wave.rate_hz,
        "unit": wave.unit,
        "samples": wave.values(),
        "taken_at": shown_time(wave.starts_at),
        "flags": list(wave.flags),
    }


def _quarantined(one: Quarantined) -> dict[str, Any]:
    return {"reason": one.code, "text": one.text, "what": one.what}


def _alarm(alarm: ReportedAlarm) -> Mapping[str, Any]:
    return {
        "instance": alarm.instance,
        "event": alarm.event or None,
        "event_name": alarm.event_name,
        "source": alarm.source or None,
        "text": alarm.text,
        "phase": alarm.phase,
        "state": alarm.state,
        "inactivation": alarm.inactivation,
        "priority": alarm.priority,
        "priority_given": alarm.priority_given,
        "kind": alarm.kind,
        "value": alarm.value,
        "unit": alarm.unit,
        "low": alarm.low,
        "high": alarm.high,
        "at": shown_time(alarm.at),
        "flags": list(alarm.flags),
    }
