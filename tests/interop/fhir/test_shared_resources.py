"""The official examples of FHIR R4 and those of the personal health device guide: what is kept of each, and why."""

from typing import Any

import pytest

from tests.interop.fhir.resources import SHARED, reasons, recorded, shown

FOLDER = SHARED / "fhir"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the shared recordings and messages are not here")

OFFICIAL, PHD = "hl7.fhir.r4.examples-4.0.1", "HL7-phd"
KEPT: dict[str, list[tuple[Any, ...]]] = {
    # Any known coding will do; the unit counts by its UCUM code (`/min`), not by its text (`beats/minute`).
    f"{OFFICIAL}/Observation-heart-rate": [("8867-4", 147842, 44.0, "/min")],
    f"{OFFICIAL}/Observation-respiratory-rate": [("9279-1", 151562, 26.0, "/min")],
    f"{OFFICIAL}/Observation-body-temperature": [("8310-5", 150344, 36.5, "Cel")],
    f"{OFFICIAL}/Observation-mbp": [("8478-0", 150023, 80.0, "mm[Hg]")],
    # Inches are converted once.
    f"{OFFICIAL}/Observation-body-height": [("8302-2", 188740, 169.926, "cm")],
    # Three codings (two of LOINC and one of MDC) mean the same.
    f"{OFFICIAL}/Observation-satO2": [("59408-5", 150456, 95.0, "%")],
    # The panel has no value of its own; its components have.
    f"{OFFICIAL}/Observation-blood-pressure": [("8480-6", 150021, 107.0, "mm[Hg]"), ("8462-4", 150022, 60.0, "mm[Hg]")],
    # The answers of the parts carry their score as an ordinal value; the nomenclature has no codes for them.
    f"{OFFICIAL}/Observation-glasgow": [
        ("9269-2", None, 13.0, "{score}"),
        ("9268-4", None, 5.0, "{score}"),
        ("9270-0", None, 4.0, "{score}"),
        ("9267-6", None, 4.0, "{score}"),
    ],
    f"{PHD}/compound-numeric-blood-pressure": [
        ("8480-6", 150021, 116.0, "mm[Hg]"),
        ("8462-4", 150022, 71.0, "mm[Hg]"),
        ("8478-0", 150023, 86.0, "mm[Hg]"),
    ],
    # MDC says that the rate is of the oximeter; the component says how it was measured, and is no measurement.
    f"{PHD}/numeric-spotnumeric": [("8867-4", 149530, 48.0, "/min")],
    f"{PHD}/temperature-observation": [("8310-5", 150364, 36.5, "Cel")],
    f"{PHD}/glucose-observation": [("2339-0", 160368, 99.0, "mg/dL")],
    # Patient and devices are passed over, and what the device's clock said is no measurement.
    f"{PHD}/bundle-example-1": [("59408-5", 150456, 98.0, "%"), ("8867-4", 149530, 47.0, "/min")],
}
REFUSED: dict[str, list[str]] = {
    # `origin` has no unit, in none of the three leads.
    f"{OFFICIAL}/Observation-ekg": ["unit_required"] * 3,
    # It only refers to other observations, and references are not followed.
    f"{OFFICIAL}/Observation-vitals-panel": ["references_only"],
    f"{OFFICIAL}/Device-example": ["unsupported_resource"],
    f"{OFFICIAL}/DeviceMetric-example": ["unsupported_resource"],
    f"{OFFICIAL}/Patient-example": ["unsupported_resource"],
}


def inspected(name: str) -> dict[str, Any]:
    return shown((FOLDER / f"{name}.json").read_bytes())


def test_every_file_has_its_expected_outcome() -> None:
    names = {str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.json")}
    assert names == KEPT.keys() | REFUSED.keys() | {f"{PHD}/rtsa-example"}


@pytest.mark.parametrize("name", KEPT)
def test_a_resource_is_kept(name: str) -> None:
    found = inspected(name)
    assert recorded(found) == KEPT[name] and found["quarantined"] == []


@pytest.mark.parametrize("name", REFUSED)
def test_a_resource_is_refused(name: str) -> None:
    found = inspected(name)
    assert reasons(found) == REFUSED[name] and found["recorded"] == []


def test_a_wave_is_scaled_by_its_factor_and_origin() -> None:
    (wave,) = inspected(f"{PHD}/rtsa-example")["recorded"]
    # -3.4 + 3 × 123; a sample every 2 ms.
    assert (wave["mdc"], wave["rate_hz"], wave["unit"]) == (150452, 500.0, "1")
    assert wave["samples"] == [365.6, 326.6, 287.6, 293.6, 332.6, 350.6]
    assert wave["taken_at"] == "2018-08-02T06:25:24.000Z"


def test_a_date_alone_is_marked() -> None:
    (one,) = inspected(f"{OFFICIAL}/Observation-heart-rate")["recorded"]
    assert (one["taken_at"], one["flags"]) == ("1999-07-02T00:00:00.000Z", ["date_only"])


def test_a_time_in_another_zone_is_converted() -> None:
    assert inspected(f"{OFFICIAL}/Observation-satO2")["recorded"][0]["taken_at"] == "2014-12-05T08:30:10.000Z"


def test_patients_and_devices_of_a_bundle_are_passed_over() -> None:
    assert inspected(f"{PHD}/bundle-example-1")["ignored"] == ["entry[0]", "entry[1]", "entry[2]"]
