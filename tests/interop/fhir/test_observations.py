"""What an Observation may say, and what becomes of it."""

import json
from typing import Any

import pytest

from tests.interop.fhir.resources import (
    LOINC,
    MDC,
    a_bundle,
    a_component,
    an_observation,
    coded,
    quantity,
    reasons,
    recorded,
    sampled,
    shown,
)

HR = ("8867-4", 147842, 75.0, "/min")


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({}, HR),
        ({"code": coded((MDC, "147842"))}, HR),
        ({"code": coded(("urn:oid:2.16.840.1.113883.6.24", "147842"))}, HR),
        (
            {"code": coded(("http://acme.example", "x"), (LOINC, "8867-4"), (MDC, "149530"))},
            ("8867-4", 149530, 75.0, "/min"),
        ),
        ({"category": []}, HR),
        (
            {"code": coded((LOINC, "8310-5")), "valueQuantity": quantity(98.6, "[degF]")},
            ("8310-5", 150344, 37.0, "Cel"),
        ),
        (
            {"code": coded((LOINC, "15074-8")), "valueQuantity": quantity(5.5, "mmol/L")},
            ("2339-0", 160184, 99.088, "mg/dL"),
        ),
        # The nomenclature has no codes for these.
        (
            {"code": coded((LOINC, "3151-8")), "valueQuantity": quantity(4, "L/min")},
            ("3151-8", None, 4.0, "L/min"),
        ),
        (
            {"code": coded((LOINC, "38208-5")), "valueQuantity": quantity(6, "{score}")},
            ("72514-3", None, 6.0, "{score}"),
        ),
        ({"code": coded((LOINC, "19889-5")), "valueQuantity": quantity(5.1, "%")}, ("19889-5", 151708, 5.1, "%")),
        (
            {"code": coded((MDC, "151708"), (LOINC, "19889-5")), "valueQuantity": quantity(5.1, "%")},
            ("19889-5", 151708, 5.1, "%"),
        ),
        (
            {"code": coded((MDC, "151708"), (LOINC, "19891-1")), "valueQuantity": quantity(5, "kPa")},
            ("19891-1", 151708, 37.5031, "mm[Hg]"),
        ),
        ({"code": coded((LOINC, "9843-4")), "valueQuantity": quantity(0.42, "m")}, ("9843-4", None, 42.0, "cm")),
        ({"valueQuantity": quantity(90, "/min", comparator="<")}, ("8867-4", 147842, "< 90", "/min")),
        (
            {"code": coded((LOINC, "2339-0")), "valueQuantity": quantity(1, "mmol/L", comparator="<=")},
            ("2339-0", 160184, "<= 18.016", "mg/dL"),
        ),
        (
            {"code": coded((LOINC, "8884-9")), "valueQuantity": None, "valueString": "Sinus rhythm"},
            ("8884-9", 184327, "Sinus rhythm", ""),
        ),
        (
            {"code": coded((LOINC, "8884-9")), "valueQuantity": None, "valueCodeableConcept": coded(("x", "SR"))},
            ("8884-9", 184327, "SR", ""),
        ),
    ],
)
def test_a_value_is_kept(changes: dict[str, Any], kept: tuple[Any, ...]) -> None:
    found = shown(an_observation(**changes))
    assert recorded(found) == [kept] and found["quarantined"] == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "registered"}, "not_final"),
        ({"status": "cancelled"}, "cancelled"),
        ({"status": "entered-in-error"}, "entered_in_error"),
        ({"status": "good"}, "unsupported_value"),
        ({"status": None}, "unsupported_value"),
        ({"effectiveDateTime": None}, "no_time"),
        ({"effectiveDateTime": None, "issued": "2026-01-01T11:59:00Z"}, "no_time"),
        ({"effectiveDateTime": "2026"}, "no_time"),
        ({"effectiveDateTime": "2026-01"}, "no_time"),
        ({"effectiveDateTime": "2026-02-30"}, "bad_time"),
        ({"effectiveDateTime": "2026-01-01T11:59:00"}, "no_time_zone"),
        ({"effectiveDateTime": "2026-01-01T12:01:01Z"}, "future_time"),
        ({"code": None}, "no_code"),
        ({"code": coded((LOINC, "1-8"))}, "unknown_parameter"),
        ({"code": coded((LOINC, "8867-4"), (MDC, "150456"))}, "codes_disagree"),
        ({"valueQuantity": None}, "no_value"),
        ({"valueQuantity": None, "dataAbsentReason": coded(("x", "unknown"))}, "no_value"),
        ({"valueQuantity": quantity(0, "/min")}, "no_value"),
        ({"valueQuantity": quantity(400, "/min")}, "impossible_value"),
        ({"valueQuantity": {"value": 75}}, "unit_required"),
        ({"valueQuantity": {"value": 75, "unit": "/min"}}, "unit_required"),
        ({"valueQuantity": {"value": 75, "code": "/min", "system": "http://acme.example"}}, "unit_required"),
        ({"valueQuantity": quantity(75, "%")}, "unknown_unit"),
        ({"valueQuantity": quantity("75", "/min")}, "bad_value"),
        ({"valueQuantity": quantity(75, "/min", comparator="~")}, "bad_value"),
        ({"valueQuantity": None, "valueString": "75"}, "unsupported_value"),
        ({"valueQuantity": None, "valueCodeableConcept": coded((LOINC, "x"))}, "unsupported_value"),
        ({"code": coded((MDC, "131330"))}, "unsupported_value"),
        ({"code": coded((MDC, "131330")), "status": "entered-in-error"}, "entered_in_error"),
        ({"code": coded((LOINC, "8884-9"))}, "unknown_parameter"),
        ({"code": coded((LOINC, "8884-9")), "valueQuantity": None, "valueString": "x" * 61}, "bad_value"),
        ({"effectiveDateTime": "1812-01-01"}, "bad_time"),
        ({"valueQuantity": None, "hasMember": [{"reference": "Observation/1"}]}, "references_only"),
    ],
)
def test_a_value_is_refused_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    found = shown(an_observation(**changes))
    assert reasons(found) == [reason] and found["recorded"] == []


@pytest.mark.parametrize(
    ("status", "flags"),
    [
        ("preliminary", ["unconfirmed", "questionable"]),
        ("unknown", ["unconfirmed", "questionable"]),
        ("amended", ["corrected"]),
        ("corrected", ["corrected"]),
    ],
)
def test_a_status_marks_the_value(status: str, flags: list[str]) -> None:
    assert shown(an_observation(status=status))["recorded"][0]["flags"] == flags


def test_test_data_are_marked() -> None:
    found = shown(an_observation(meta={"security": [{"code": "HTEST"}]}))
    assert found["recorded"][0]["flags"] == ["test", "demo"]


def test_a_period_is_dated_by_its_end_and_an_instant_by_itself() -> None:
    period = {"start": "2026-01-01T11:00:00Z", "end": "2026-01-01T11:30:00+00:00"}
    found = shown(an_observation(effectiveDateTime=None, effectivePeriod=period))
    assert found["recorded"][0]["taken_at"] == "2026-01-01T11:30:00.000Z"
    found = shown(an_observation(effectiveDateTime=None, effectiveInstant="2026-01-01T11:30:00.123456789Z"))
    assert found["recorded"][0]["taken_at"] == "2026-01-01T11:30:00.123Z"


def test_a_component_without_a_value_leaves_the_others() -> None:
    absent = a_component("8462-4", dataAbsentReason=coded(("x", "not-performed")))
    systolic = a_component("8480-6", valueQuantity=quantity(120, "mm[Hg]"))
    found = shown(an_observation(code=coded((LOINC, "85354-9")), valueQuantity=None, component=[systolic, absent]))
    assert recorded(found) == [("8480-6", 150021, 120.0, "mm[Hg]")] and reasons(found) == ["no_value"]


def test_pressures_that_contradict_each_other_are_doubtful() -> None:
    parts = [
        a_component(code, valueQuantity=quantity(value, "mm[Hg]")) for code, value in (("8480-6", 60), ("8462-4", 90))
    ]
    found = shown(an_observation(code=coded((LOINC, "85354-9")), valueQuantity=None, component=parts))
    assert [one["flags"] for one in found["recorded"]] == [["questionable"], ["questionable"]]


def test_a_panel_with_empty_components_is_refused() -> None:
    found = shown(an_observation(code=coded((LOINC, "85354-9")), valueQuantity=None, component=[{"code": {}}]))
    assert reasons(found) == ["no_code"]


def test_components_that_only_say_how_it_was_measured_leave_nothing() -> None:
    how = {"code": coded((MDC, "68193")), "valueCodeableConcept": coded((MDC, "150588"))}
    found = shown(an_observation(valueQuantity=None, component=[how], code=coded((LOINC, "85354-9"))))
    assert reasons(found) == ["no_value"]
    assert reasons(shown(an_observation(code={"coding": [{}] * 21}))) == ["too_many"]


def test_a_wave_without_units_of_height_keeps_its_shape() -> None:
    (wave,) = shown(sampled("100 -100", origin=quantity(0, "1"), factor=None))["recorded"]
    assert (wave["unit"], wave["samples"]) == ("1", [100.0, -100.0])


# Waves


def test_samples_are_split_at_any_blank_and_what_is_no_number_is_a_gap() -> None:
    (wave,) = shown(sampled("100\u00a0E  200 U L -100"))["recorded"]
    assert wave["samples"] == [0.5, None, 1.0, None, None, -0.5] and wave["rate_hz"] == 250.0


def test_limits_that_the_data_exceed_are_marked_and_decimals_come_back_exactly() -> None:
    (wave,) = shown(sampled("1.25 -0.001 3", factor=1, lowerLimit=0, upperLimit=2))["recorded"]
    assert wave["samples"] == [1.25, -0.001, 3.0] and wave["flags"] == ["beyond_limits"]


@pytest.mark.parametrize(
    ("data", "changes", "reason"),
    [
        ("1 2", {"origin": {"value": 0}}, "unit_required"),
        ("1 2", {"origin": quantity(0, "/min")}, "unknown_unit"),
        ("1 2", {"origin": {"unit": "mV", "code": "mV", "system": "http://unitsofmeasure.org"}}, "bad_value"),
        ("1 2", {"period": 0}, "no_rate"),
        ("1 2", {"period": None}, "no_rate"),
        ("1 2", {"period": 0.001}, "no_rate"),
        ("1 2", {"factor": 0}, "bad_value"),
        ("1 2", {"dimensions": 2}, "unsupported_value"),
        (" ".join(["1"] * 500_001), {}, "too_many"),
        ("", {}, "no_value"),
        ("1 two 3", {}, "bad_samples"),
        ("1 2 100000", {}, "out_of_range"),
        ("1 3000", {}, "implausible_scale"),
    ],
)
def test_a_wave_is_refused_with_its_reason(data: str, changes: dict[str, Any], reason: str) -> None:
    assert reasons(shown(sampled(data, **changes))) == [reason]


# Bundles


def test_half_a_transaction_is_nothing() -> None:
    bad = an_observation(valueQuantity=quantity(400, "/min"))
    found = shown(a_bundle("transaction", an_observation(), bad))
    assert found["recorded"] == [] and reasons(found) == ["transaction_refused", "impossible_value"]


@pytest.mark.parametrize("kind", ["batch", "collection"])
def test_each_entry_of_a_batch_stands_for_itself(kind: str) -> None:
    bad = an_observation(valueQuantity=quantity(400, "/min"))
    found = shown(a_bundle(kind, an_observation(), bad, {"resourceType": "Patient"}))
    assert recorded(found) == [HR] and reasons(found) == ["impossible_value"] and found["ignored"] == ["entry[2]"]


@pytest.mark.parametrize(
    ("bundle", "reason"),
    [
        (a_bundle("document", an_observation()), "unsupported_bundle"),
        (a_bundle("batch", {"resourceType": "MedicationRequest"}), "unsupported_resource"),
        (a_bundle("batch", an_observation(), method="DELETE"), "unsupported_request"),
        (a_bundle("batch", an_observation(), url="Patient"), "unsupported_request"),
        (a_bundle("batch", an_observation(), ifNoneExist="name=x"), "bad_condition"),
        (a_bundle("batch", *[an_observation()] * 501), "too_many"),
        (a_bundle("batch", *[an_observation()] * 10_000), "too_large"),
    ],
    ids=["document", "resource", "method", "url", "condition", "501", "ten thousand"],
)
def test_what_a_bundle_asks_for_besides_is_refused(bundle: dict[str, Any], reason: str) -> None:
    assert reasons(shown(bundle)) == [reason]


def test_references_in_a_circle_do_no_harm() -> None:
    member = an_observation(valueQuantity=None, hasMember=[{"reference": "Observation/1"}], id="1")
    assert reasons(shown(a_bundle("collection", member))) == ["references_only"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b'{"resourceType": "Observation", "resourceType": "Patient"}',
        b'{"resourceType": "Observation", "n": NaN}',
        b'{"resourceType": "Observation", "n": 1e999999999}',
        b'{"resourceType": "Observation", "n": ' + b"9" * 10_000 + b"}",
        b'{"resourceType": "Observation", "n": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"resourceType": "Observation", "n": ' + b"[" * 50 + b"]" * 50 + b"}",
        b'{"resourceType": "Observation"\xff}',
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><Observation>&a;</Observation>',
    ],
    ids=lambda data: data[:24].decode("latin-1"),
)
def test_what_is_no_plain_json_is_refused(data: bytes) -> None:
    assert reasons(shown(data)) == ["bad_json"]


def test_what_is_too_large_is_not_looked_into() -> None:
    assert reasons(shown(b" " * (2 * 1024 * 1024 + 1))) == ["too_large"]
    assert reasons(shown(json.dumps(an_observation(component=[{}] * 101)).encode())) == ["too_many"]
