import json

import pytest

from telehealth.vitals.codes import PARAMETERS, PRESSURES, TILES, UNTILED, WAVES, Parameter, as_page_data, parameter_of
from telehealth.vitals.units import UNITS

SOURCES = [mdc for tile in TILES for part in tile.parts for mdc in part.sources]


@pytest.mark.parametrize("parameter", PARAMETERS.values(), ids=lambda p: p.reference)
def test_a_parameter_is_consistent(parameter: Parameter) -> None:
    assert parameter.mdc >> 16 == 2
    assert parameter.hard.low <= parameter.soft.low < parameter.soft.high <= parameter.hard.high
    assert parameter.unit in UNITS
    assert parameter.blank_after_s is None or parameter.grey_after_s < parameter.blank_after_s
    assert (parameter.mdc in SOURCES) != (parameter.mdc in UNTILED), "no tile shows it, or one that should not"


def test_the_codes_are_those_of_the_nomenclature() -> None:
    assert parameter_of(147842, "") is PARAMETERS[(2 << 16) + 0x4182]
    assert PARAMETERS[147842].reference == "MDC_ECG_HEART_RATE"


@pytest.mark.parametrize(
    ("loinc", "mdc"),
    [("8867-4", 147842), ("2708-6", 150456), ("59408-5", 150456), ("9279-1", 151562), ("8310-5", 150344)],
)
def test_a_parameter_is_found_by_its_loinc_code(loinc: str, mdc: int) -> None:
    assert parameter_of(0, loinc) is PARAMETERS[mdc]


def test_a_code_that_nobody_knows_is_no_parameter() -> None:
    assert parameter_of(131_073, "") is None
    assert parameter_of(0, "1-8") is None
    assert parameter_of(0, "") is None


def test_each_source_of_a_tile_is_a_parameter() -> None:
    assert set(SOURCES) <= set(PARAMETERS)
    assert {mdc for pair in PRESSURES.values() for mdc in pair} | set(PRESSURES) <= set(PARAMETERS)


def test_the_heart_rate_is_that_of_the_ecg_and_then_of_the_pleth() -> None:
    tiles = {tile["key"]: tile for tile in as_page_data()["tiles"]}
    sources = [source["source"] for source in tiles["heart-rate"]["parts"][0]["sources"]]
    assert sources[:2] == ["ECG", "Pleth"]
    assert [part["name"] for part in tiles["nibp"]["parts"]] == ["systolic", "diastolic", "mean"]


@pytest.mark.parametrize(("key", "blank"), [("heart-rate", 10), ("spo2", 10), ("resp-rate", 10), ("nibp", 3600)])
def test_a_tile_goes_blank_when_it_should(key: str, blank: float) -> None:
    tile = next(tile for tile in as_page_data()["tiles"] if tile["key"] == key)
    assert tile["parts"][0]["sources"][0]["blank_after_s"] == blank


def test_the_tables_go_into_a_page_as_json() -> None:
    data = json.loads(json.dumps(as_page_data(), allow_nan=False))
    assert {"heart-rate", "spo2", "resp-rate", "nibp", "temperature"} <= {tile["key"] for tile in data["tiles"]}
    assert {wave["mdc"] for wave in data["waves"]} == set(WAVES)
    assert all(wave.unit in UNITS for wave in WAVES.values())
