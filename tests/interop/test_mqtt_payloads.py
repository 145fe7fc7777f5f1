"""Topics, rules and payloads of MQTT."""

import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from telehealth.errors import Invalid
from telehealth.interop.mqtt_payloads import Rule, default_rules, read_payload, rule_for, rules_of
from telehealth.interop.parcels import Parcel
from telehealth.vitals.reported import Reported
from tests.builders import NOON

DEVICE = "d0" * 16
OWN = default_rules("clinic")


def read(found: Any, rule: Rule = OWN[0]) -> Reported:
    said = read_payload(rule, json.dumps(found).encode(), NOON)
    assert isinstance(said, Reported)
    return said


def values(said: Reported) -> list[tuple[int, float | None, str]]:
    return [(one.mdc, one.value, one.unit) for one in said.observed]


def test_a_topic_names_its_device() -> None:
    assert rule_for(OWN, f"t/clinic/d/{DEVICE}/numerics") == (OWN[0], DEVICE)
    assert rule_for(OWN, f"t/clinic/d/{DEVICE}/waves") == (OWN[1], DEVICE)
    assert [rule.filter for rule in OWN] == ["t/clinic/d/+/numerics", "t/clinic/d/+/waves"]


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "t/clinic/d/+/numerics",
        "t/clinic/d/#",
        f"t/other/d/{DEVICE}/numerics",
        f"t/clinic/d/{DEVICE}/numerics/more",
        f"t/clinic/d/{DEVICE.upper()}/numerics",
        "t/clinic/d/../numerics",
        "$SYS/broker",
    ],
)
def test_any_other_topic_is_nobody_s(topic: str) -> None:
    assert rule_for(OWN, topic) is None


@pytest.mark.parametrize(
    "rule",
    [
        'topic = "ward/+/bed"',
        'topic = "ward/#"',
        'topic = "$SYS/x/{device}"',
        'topic = "a//{device}"',
        'topic = "ward/bed1"',
        f'topic = "ward/{{device}}"\ndevice = "{DEVICE}"',
        'topic = "ward/bed1"\ndevice = "somebody"',
        'topic = "ward/{device}"\ntime_unit = "h"',
        'topic = "ward/{device}"\nvalues = { hr = 147842 }',
        'topic = "ward/{device}"\npatient = "p1"',
    ],
)
def test_a_rule_out_of_shape_is_refused(rule: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules_of(f"[[rule]]\n{rule}\n")
    assert refused.value.code == "bad_rules"


@pytest.mark.parametrize("text", ["", "x", "[[rule]]", "other = 1", "[[rule]]\ntopic='{device}'\n" * 501])
def test_a_file_without_usable_rules_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        rules_of(text)


def test_names_that_everybody_uses_need_no_rule_but_a_unit() -> None:
    assert values(read({"hr": 72, "unit": "/min"})) == [(147842, 72.0, "/min")]
    assert values(read({"spo2": {"value": 97, "unit": "%"}, "temp": {"value": 98.6, "unit": "[degF]"}})) == [
        (150456, 97.0, "%"),
        (150364, 98.6, "[degF]"),
    ]
    # Of two numbers, nobody knows whose unit it is.
    assert [one.unit for one in read({"hr": 72, "spo2": 97, "unit": "/min"}).observed] == ["", ""]


def test_a_rule_gives_names_units_and_the_time() -> None:
    text = f"""
[[rule]]
topic = "ward3/bed1"
device = "{DEVICE}"
time = "meta.ts"
time_unit = "s"
[rule.values]
"vitals.pulse" = {{ mdc = 149530, unit = "/min" }}
"""
    (rule,) = rules_of(text)
    assert rule_for((rule,), "ward3/bed1") == (rule, DEVICE)
    said = read({"meta": {"ts": 1_767_268_800}, "vitals": {"pulse": 71}, "hr": 1}, rule)
    assert values(said) == [(149530, 71.0, "/min")]
    assert said.observed[0].taken_at == datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
    disagreeing = read({"vitals": {"pulse": {"value": 71, "unit": "Hz"}}}, rule)
    assert [one.code for one in disagreeing.quarantined] == ["unit_disagrees"]


@pytest.mark.parametrize(
    ("when", "code"),
    [("2026-01-01T12:00:00", "no_time_zone"), ("noon", "bad_time"), (1e300, "bad_time"), (True, "bad_time")],
)
def test_a_time_that_is_none_keeps_the_values_out(when: Any, code: str) -> None:
    said = read({"hr": {"value": 72, "unit": "/min"}, "time": when})
    assert (said.observed, [one.code for one in said.quarantined]) == ((), [code])


def test_values_without_a_time_are_of_now() -> None:
    assert read({"hr": 72, "unit": "/min"}).observed[0].taken_at == NOON


@pytest.mark.parametrize("bad", ["72", None, True, [72], {"value": "72"}, 1e300])
def test_what_is_no_number_is_quarantined(bad: Any) -> None:
    said = read({"hr": bad, "unit": "/min"})
    assert said.observed == ()
    assert [one.code for one in said.quarantined] == ([] if bad is None else ["bad_value"])


def test_a_payload_without_a_known_name_is_quarantined() -> None:
    assert [one.code for one in read({"x": 1}).quarantined] == ["no_code"]


def test_a_payload_with_a_boot_is_a_parcel() -> None:
    payload = json.dumps({"boot": "b1", "sent_at": 0.0}).encode()
    assert isinstance(read_payload(OWN[0], payload, NOON), Parcel)


@pytest.mark.parametrize("payload", [b"", b"[]", b"1", b"\xff", b'{"hr": NaN}', b'{"boot": 1}', b"[" * 100_000])
def test_a_payload_out_of_shape_is_refused(payload: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        read_payload(OWN[0], payload, NOON)
    assert refused.value.code == "bad_message"


def test_a_payload_over_the_limit_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        read_payload(OWN[0], b" " * 300_000, NOON)
    assert refused.value.code == "too_large"


def test_ten_thousand_payloads_are_read_or_refused_with_a_reason() -> None:
    chance = random.Random(5)
    odd: list[Any] = [
        None,
        True,
        "",
        "x",
        0,
        -1,
        1e308,
        10**400,
        [],
        {},
        {"value": 72, "unit": "/min"},
        "2026-01-01T12:00:00Z",
        72,
    ]
    names = ["hr", "spo2", "temp", "time", "ts", "unit", "boot", "sent_at", "numerics", "waves", "channels", "x"]
    read_some = 0
    for n in range(10_000):
        found = {chance.choice(names): chance.choice(odd) for _ in range(chance.randint(0, 5))}
        payload = bytearray(json.dumps(found).encode())
        if n % 3 == 0 and payload:
            payload[chance.randrange(len(payload))] = chance.randrange(256)
        try:
            said = read_payload(OWN[0], bytes(payload), NOON)
        except Invalid as refused:
            assert refused.code in {"bad_message", "too_large"}
        else:
            read_some += isinstance(said, Reported)
    assert read_some > 1_000
