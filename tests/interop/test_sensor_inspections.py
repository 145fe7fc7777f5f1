"""`telehealth inspect gatt` and `inspect mqtt`: one JSON object, whatever the file holds."""

import base64
import json
import random
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from telehealth.cli import cli
from telehealth.interop.gatt.inspection import inspect as inspect_gatt
from telehealth.interop.mqtt_inspection import inspect as inspect_mqtt
from telehealth.interop.mqtt_payloads import default_rules
from tests.builders import NOON

RULES = default_rules("clinic")
TOPIC = f"t/clinic/d/{'d0' * 16}/numerics"


def recorded(shown: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(one["loinc"], one["mdc"], one["value"], one["unit"], one["taken_at"]) for one in shown["recorded"]]


def reasons(shown: dict[str, Any]) -> list[str]:
    return [one["reason"] for one in shown["quarantined"]]


@pytest.mark.parametrize(
    "text",
    [
        "2A37: 16 4B 40 03 4C 03\n",
        "# a strap\n2a37 164B40034C03",
        '{"characteristic": "2A37", "bytes": "16 4B 40 03 4C 03"}',
        '[{"characteristic": "0x2A37", "bytes": "164b40034c03"}]',
        '{"characteristic": "2A37", "bytes": "16 4B 40 03 4C 03"}\n',
        "00002a37-0000-1000-8000-00805f9b34fb: 0x16 0x4B 0x40 0x03 0x4C 0x03",
        '{"uuid": "00002A37-0000-1000-8000-00805F9B34FB", "hex": "16-4B-40-03-4C-03"}',
    ],
)
def test_a_value_is_read_in_each_form(text: str) -> None:
    shown = inspect_gatt(text.encode(), NOON)
    assert recorded(shown) == [("8867-4", 147842, 75.0, "/min", "2026-01-01T12:00:00.000Z")]
    assert shown["recorded"][0]["flags"] == ["time_of_reception"]
    assert (shown["quarantined"], shown["alarms"]) == ([], [])


def test_several_values_are_shown_with_what_the_sensor_says_of_them() -> None:
    lines = [
        "2A35: 1E 78 00 50 00 5D 00 EA 07 07 1B 0C 2C 18 DA F2 01 04 00",
        "2A1C: 01 DA 03 00 FF",
        "2A5F: 08 61 00 48 00 00 08 00",
        "2A36: 00 96 00 FF 07 FF 07",
        "2A37: 16",
        "2A5F: 04 61 00 48 00 00 04",
        "2A19: 64",
        "2A37: 0",
    ]
    shown = inspect_gatt("\n".join(lines).encode(), NOON)
    assert [(mdc, value) for _, mdc, value, _, _ in recorded(shown)] == [
        (150021, 120.0),
        (150022, 80.0),
        (150023, 93.0),
        (149546, 73.0),
        (150364, 37.0),
        (150456, 97.0),
        (149530, 72.0),
    ]
    assert shown["recorded"][0]["taken_at"] == "2026-07-27T12:44:24"
    assert shown["recorded"][0]["flags"] == ["irregular_pulse", "no_time_zone"]
    assert "demo" in shown["recorded"][-1]["flags"]
    assert reasons(shown) == [
        "not_connected",
        "not_connected",
        "intermediate",
        "bad_length",
        "unknown_characteristic",
        "bad_message",
    ]


def test_a_line_of_another_form_does_not_take_the_others_with_it() -> None:
    shown = inspect_gatt(b"2A37: 00 48\nheart rate: 00 48\n{\n2A37: 00 49", NOON)
    assert [one["value"] for one in shown["recorded"]] == [72.0, 73.0]
    assert [(one["reason"], one["what"]) for one in shown["quarantined"]] == [
        ("bad_message", "value 2"),
        ("bad_message", "value 3"),
    ]


@pytest.mark.parametrize("text", ["", "hello", "{", "[1]", '{"bytes": "00"}', '{"characteristic": 1, "bytes": "00"}'])
def test_a_file_of_another_form_is_refused_in_the_same_shape(text: str) -> None:
    shown = inspect_gatt(text.encode(), NOON)
    assert set(shown) >= {"recorded", "quarantined", "alarms"}
    assert shown["recorded"] == []


def test_hostile_files_are_shown_too() -> None:
    chance = random.Random(4)
    for _ in range(2_000):
        data = chance.randbytes(chance.randint(0, 60))
        json.dumps(inspect_gatt(data, NOON), allow_nan=False)
        json.dumps(inspect_mqtt(data, RULES, NOON), allow_nan=False)
        text = f"{chance.choice(['2A37', '2AA7', '2A35', '2A9D'])}: {data.hex()}".encode()
        json.dumps(inspect_gatt(text, NOON), allow_nan=False)


def a_parcel() -> dict[str, Any]:
    channel = {"ch": 1, "mdc": 131330, "label": "II", "unit": "uV", "rate": 250.0, "gain": 5.0, "offset": 0.0}
    values = [{"mdc": 147842, "value": 75, "unit": "/min"}, {"loinc": "59408-5", "value": 97, "unit": ""}]
    samples = base64.b64encode((200).to_bytes(2, "little") + (-32768).to_bytes(2, "little", signed=True)).decode()
    wave = {"ch": 1, "seq": 0, "first": 0, "starts_at": 1767268800000.0, "samples": samples}
    return {
        "boot": "b1",
        "sent_at": 1767268800000.0,
        "channels": [channel],
        "numerics": [{"seq": 1, "taken_at": 1767268800000.0, "values": values}],
        "waves": [wave],
    }


@pytest.mark.parametrize("topic", ["", TOPIC])
def test_a_parcel_is_shown_with_its_waves(topic: str) -> None:
    found: Any = {"topic": topic, "payload": a_parcel()} if topic else a_parcel()
    shown = inspect_mqtt(json.dumps(found).encode(), RULES, NOON)
    numeric, wave = shown["recorded"]
    assert (numeric["mdc"], numeric["value"], numeric["taken_at"]) == (147842, 75.0, "2026-01-01T12:00:00.000Z")
    assert (wave["mdc"], wave["rate_hz"], wave["unit"], wave["samples"]) == (131330, 250.0, "mV", [1.0, None])
    assert reasons(shown) == ["unit_required"]


def test_lines_and_topics_are_read_and_foreign_ones_refused() -> None:
    lines = [
        json.dumps({"topic": TOPIC, "payload": {"hr": 72, "unit": "/min"}}),
        TOPIC + ' {"spo2": {"value": 97, "unit": "%"}}',
        json.dumps({"topic": "somewhere", "payload": {"hr": 72, "unit": "/min"}}),
        json.dumps({"topic": TOPIC, "payload": "no JSON"}),
        json.dumps({"hr": 72}),
    ]
    shown = inspect_mqtt("\n".join(lines).encode(), RULES, NOON)
    assert [(mdc, value) for _, mdc, value, _, _ in recorded(shown)] == [(147842, 72.0), (150456, 97.0)]
    assert reasons(shown) == ["unknown_topic", "bad_message", "unit_required"]


@pytest.mark.parametrize(("kind", "text"), [("gatt", "2A37: 00 48"), ("mqtt", '{"hr": 72, "unit": "/min"}')])
def test_the_command_prints_one_object(tmp_path: Path, kind: str, text: str) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    result = CliRunner().invoke(cli, ["inspect", kind, str(file)])
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["recorded"][0]["value"] == 72.0
