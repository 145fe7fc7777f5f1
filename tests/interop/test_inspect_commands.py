"""`telehealth inspect` prints one JSON object, whatever the file holds."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from telehealth.cli import cli
from telehealth.errors import Invalid
from tests.interop.fhir.resources import an_observation
from tests.interop.hl7.wire import BPM, HR, message, row


def printed(*arguments: str, given: bytes | None = None) -> dict[str, object]:
    result = CliRunner().invoke(cli, ["inspect", *arguments], input=given, catch_exceptions=False)
    assert result.exit_code == 0
    found: dict[str, object] = json.loads(result.stdout)
    return found


def test_a_message_of_hl7_is_shown_with_its_acknowledgement(tmp_path: Path) -> None:
    file = tmp_path / "message.hl7"
    file.write_bytes(message(row(HR, "75", BPM, f14="20260101125501")))
    found = printed("hl7", str(file), "--zone", "Europe/Berlin", "--ack-style", "original")
    assert found["recorded"] == [
        {
            "loinc": "8867-4",
            "mdc": 147842,
            "value": 75.0,
            "unit": "/min",
            "taken_at": "2026-01-01T11:55:01.000Z",
            "flags": ["zone_assumed"],
        }
    ]
    assert found["quarantined"] == [] and found["alarms"] == []
    assert "MSA|AA|42|" in str(found["ack"])


def test_a_resource_of_fhir_is_shown() -> None:
    found = printed("fhir", "-", given=json.dumps(an_observation()).encode())
    assert len(found["recorded"]) == 1 and found["quarantined"] == []  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["hl7", "fhir"])
def test_a_file_of_something_else_is_shown_as_refused(kind: str) -> None:
    found = printed(kind, "-", given=b"\x00\xff\x0b")
    assert found["recorded"] == [] and len(found["quarantined"]) == 1  # type: ignore[arg-type]


def test_a_file_that_is_not_there_and_a_zone_that_does_not_exist_are_refused() -> None:
    for arguments in (["hl7", "nowhere.hl7"], ["hl7", "-", "--zone", "Mars/Olympus"]):
        result = CliRunner().invoke(cli, ["inspect", *arguments], input=b"")
        assert isinstance(result.exception, Invalid)
