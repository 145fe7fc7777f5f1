"""A file with what was published over MQTT, as `telehealth inspect mqtt` shows it.

A payload alone; or `{"topic": …, "payload": …}`, one, a list, or one a line.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from telehealth.clock import from_ms
from telehealth.errors import Invalid
from telehealth.ids import DeviceId, EncounterId, PatientId
from telehealth.interop import inspection
from telehealth.interop.mqtt_payloads import Rule, read_payload, rule_for
from telehealth.interop.parcels import Parcel
from telehealth.vitals.codes import parameter_of
from telehealth.vitals.feed import declared
from telehealth.vitals.model import DeviceAssociation, Quality, RawNumerics, WaveBlock, WaveChannel
from telehealth.vitals.reported import Collector, Observed, ObservedWave, Reported

MAX_MESSAGES = 10_000
_ANY = Rule(())
_NOBODY = DeviceAssociation(DeviceId(""), EncounterId(""), PatientId(""), from_ms(0.0))
"""Whose it would be, nobody asks here."""


def inspect(data: bytes, rules: Sequence[Rule], received_at: datetime) -> dict[str, Any]:
    """Return what of the messages would be recorded, and what not and why. Never raises."""
    shown: dict[str, Any] = {"recorded": [], "quarantined": [], "alarms": [], "repairs": {}}
    for topic, payload in _messages(data):
        try:
            part = _one(topic, payload, rules, received_at)
        except Invalid as error:
            part = inspection.refused(error.code, error.text, topic or "payload")
        for name in ("recorded", "quarantined", "alarms"):
            shown[name] += part[name]
    return shown


def _one(topic: str, payload: bytes, rules: Sequence[Rule], received_at: datetime) -> dict[str, Any]:
    found = rule_for(rules, topic) if topic else (_ANY, "")
    if found is None:
        raise Invalid("The topic is nobody's.", code="unknown_topic")
    said = read_payload(found[0], payload, received_at)
    return _parcel(said, received_at) if isinstance(said, Parcel) else inspection.inspected(said, received_at)


def _parcel(parcel: Parcel, received_at: datetime) -> dict[str, Any]:
    collector = Collector()
    hello = parcel.hello()
    channels = {one.device_channel: one for one in declared(hello, _NOBODY)}
    for message in parcel.messages():
        if isinstance(message, WaveBlock):
            _wave(collector, message, channels.get(message.channel))
        else:
            _numerics(collector, message)
    return inspection.inspected(
        Reported(tuple(collector.observed), tuple(collector.waves), (), tuple(collector.quarantined)), received_at
    )


def _numerics(collector: Collector, message: RawNumerics) -> None:
    for value in message.values:
        parameter = parameter_of(value.mdc, value.loinc)
        name = parameter.reference if parameter else value.loinc or str(value.mdc)
        if parameter is None:
            collector.refuse("unknown_parameter", name)
        elif value.value is None or value.quality is Quality.INVALID:
            collector.refuse("no_value", name)
        else:
            taken_at = from_ms(message.taken_at_ms)
            collector.add(Observed(parameter.mdc, value.value, value.unit, taken_at, value.quality))


def _wave(collector: Collector, block: WaveBlock, channel: WaveChannel | None) -> None:
    if channel is None:
        collector.refuse("no_code", f"channel {block.channel}", "It was not declared.")
    elif not block.gap:
        starts_at = from_ms(block.starts_at_ms)
        scale = (channel.unit, channel.rate_hz, channel.gain, channel.offset)
        collector.add(ObservedWave(channel.mdc, channel.label, *scale, starts_at, block.samples))


def _messages(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield (topic or nothing, payload)."""
    text = data.decode("utf-8", "replace").strip()
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        for line in text.splitlines()[:MAX_MESSAGES]:
            yield from _messages_of_line(line.strip())
        return
    listed = found if isinstance(found, list) else [found]
    for one in listed[:MAX_MESSAGES]:
        yield _entry(one)


def _messages_of_line(line: str) -> Iterator[tuple[str, bytes]]:
    if not line:
        return
    try:
        yield _entry(json.loads(line))
    except (ValueError, RecursionError):
        # As `mosquitto_sub -v` writes it: the topic, a blank, the payload.
        topic, _, payload = line.partition(" ")
        yield topic, payload.encode()


def _entry(one: Any) -> tuple[str, bytes]:
    if isinstance(one, dict) and isinstance(one.get("topic"), str) and "payload" in one:
        payload = one["payload"]
        return one["topic"], (payload if isinstance(payload, str) else json.dumps(payload)).encode()
    return "", json.dumps(one).encode()
