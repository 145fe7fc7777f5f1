"""FHIR over HTTP: what is stored, and what is answered."""

import io
import json
from typing import Any

from aiohttp import ClientResponse

from telehealth.access import Role
from telehealth.ids import DeviceId
from telehealth.vitals.model import StoredFrame
from tests.doubles import NOON
from tests.interop.fhir.resources import a_bundle, an_observation, quantity, sampled
from tests.web.house import Caller, House

BAD = an_observation(valueQuantity=quantity(75, "%"))
IDENTIFIER = [{"system": "urn:x", "value": "1"}]


class Bedside:
    """A device at a bedside, and what it posts."""

    def __init__(self, house: House, device: DeviceId, caller: Caller, encounter: Any) -> None:
        self.house = house
        self.device = device
        self.caller = caller
        self.encounter = encounter

    async def post(self, path: str, body: Any, **headers: str) -> ClientResponse:
        sent = {**self.caller.headers, "Content-Type": "application/fhir+json", **headers}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.house.client.post(path, data=io.BytesIO(data), headers=sent)

    async def stored(self) -> list[StoredFrame]:
        frames = self.house.services.vitals._frames
        return list(await frames.since(self.encounter, NOON.replace(year=2000), limit=100))


async def at_a_bedside(house: House) -> Bedside:
    admin = await house.person("Admin", Role.ADMIN)
    patient, doctor = await house.person("Patient", Role.PATIENT), await house.person("Doctor", Role.PRACTITIONER)
    encounter = await house.visit(patient, doctor)
    device, credential = await house.device(admin, encounter)
    return Bedside(house, device, Caller("device", None, credential), encounter.id)


async def issues(response: ClientResponse) -> list[str]:
    assert response.content_type == "application/fhir+json"
    found = await response.json(content_type=None)
    assert found["resourceType"] == "OperationOutcome"
    return [one.get("details", {}).get("coding", [{}])[0].get("code", "") for one in found["issue"]]


async def test_an_observation_is_created_once(house: House) -> None:
    bed = await at_a_bedside(house)
    first = await bed.post("/fhir/Observation", an_observation())
    again = await bed.post("/fhir/Observation", an_observation())
    assert (first.status, again.status) == (201, 200) and await issues(first) == [""]
    assert len(await bed.stored()) == 1


async def test_an_identifier_and_a_condition_make_a_repeat_recognisable(house: House) -> None:
    bed = await at_a_bedside(house)
    statuses = [
        (await bed.post("/fhir/Observation", an_observation(identifier=IDENTIFIER))).status,
        (
            await bed.post(
                "/fhir/Observation", an_observation(identifier=IDENTIFIER, valueQuantity=quantity(80, "/min"))
            )
        ).status,
        (await bed.post("/fhir/Observation", an_observation(), **{"If-None-Exist": "identifier=urn:x|1"})).status,
        (await bed.post("/fhir/Observation", an_observation(status="corrected", identifier=IDENTIFIER))).status,
    ]
    assert statuses == [201, 200, 200, 201]
    refused = await bed.post("/fhir/Observation", an_observation(), **{"If-None-Exist": "name=x"})
    assert refused.status == 400 and await issues(refused) == ["bad_condition"]


async def test_an_observation_that_cannot_be_taken_is_refused_with_its_reason(house: House) -> None:
    bed = await at_a_bedside(house)
    refused = await bed.post("/fhir/Observation", BAD)
    assert refused.status == 422 and await issues(refused) == ["unknown_unit"]
    for body, code in ((b"<Observation/>", "bad_json"), (a_bundle("batch"), "unsupported_resource")):
        refused = await bed.post("/fhir/Observation", body)
        assert refused.status == 400 and await issues(refused) == [code]
    assert await bed.stored() == []


async def test_xml_is_not_read(house: House) -> None:
    bed = await at_a_bedside(house)
    refused = await bed.post("/fhir/Observation", b"<Observation/>", **{"Content-Type": "application/fhir+xml"})
    assert refused.status == 415 and await issues(refused) == ["unsupported_media_type"]


async def test_half_a_transaction_is_nothing(house: House) -> None:
    bed = await at_a_bedside(house)
    refused = await bed.post("/fhir", a_bundle("transaction", an_observation(), BAD))
    assert refused.status == 422 and await issues(refused) == ["transaction_refused", "unknown_unit"]
    assert await bed.stored() == []


async def test_a_transaction_is_answered_entry_by_entry(house: House) -> None:
    bed = await at_a_bedside(house)
    bundle = a_bundle("transaction", an_observation(), sampled("1 2 3"), {"resourceType": "Patient"})
    statuses = []
    for _ in range(2):
        response = await bed.post("/fhir", bundle)
        assert response.status == 200
        found = await response.json(content_type=None)
        assert found["type"] == "transaction-response"
        statuses.append([entry["response"]["status"][:3] for entry in found["entry"]])
    assert statuses == [["201", "201", "200"], ["200", "200", "200"]]
    assert len(await bed.stored()) == 2


async def test_each_entry_of_a_batch_has_its_own_outcome(house: House) -> None:
    bed = await at_a_bedside(house)
    response = await bed.post("/fhir", a_bundle("batch", BAD, an_observation()))
    found = await response.json(content_type=None)
    assert response.status == 200 and found["type"] == "batch-response"
    assert [entry["response"]["status"][:3] for entry in found["entry"]] == ["422", "201"]
    assert len(await bed.stored()) == 1


async def test_a_device_that_measures_for_nobody_is_told_so(house: House) -> None:
    admin = await house.person("Admin", Role.ADMIN)
    device, credential = await house.device(admin)
    bed = Bedside(house, device, Caller("device", None, credential), None)
    refused = await bed.post("/fhir/Observation", an_observation())
    assert refused.status == 400 and await issues(refused) == ["not_associated"]


async def test_a_bundle_of_ten_thousand_and_one_of_three_megabytes_are_refused(house: House) -> None:
    bed = await at_a_bedside(house)
    refused = await bed.post("/fhir", a_bundle("batch", *[{"resourceType": "Patient"}] * 10_000))
    assert refused.status == 400 and await issues(refused) == ["too_many"]
    refused = await bed.post("/fhir", b" " * 3_000_000)
    assert refused.status == 413 and await issues(refused) == ["too_large"]


async def test_staff_say_by_which_names_a_device_is_known(house: House) -> None:
    admin = await house.person("Admin", Role.ADMIN)
    device, _ = await house.device(admin)
    path = f"/api/v1/devices/{device}/aliases"
    names = [
        {"system": "eui64", "value": "00-11-22-33-44-55-66-77", "time_zone": "Europe/Berlin"},
        {"system": "sender", "value": "MON"},
    ]
    response = await house.ask("PUT", path, admin, {"aliases": names})
    assert response.status == 200
    expected = [
        {"system": "eui64", "value": "0011223344556677", "time_zone": "Europe/Berlin"},
        {"system": "sender", "value": "MON", "time_zone": ""},
    ]
    assert (await response.json())["aliases"] == expected
    assert (await (await house.ask("GET", path, admin)).json())["aliases"] == expected
    other, _ = await house.device(admin)
    refused = await house.ask("PUT", f"/api/v1/devices/{other}/aliases", admin, {"aliases": names[1:]})
    assert refused.status == 409 and (await refused.json())["code"] == "alias_taken"
    for bad in (
        {"system": "eui64", "value": "12"},
        {"system": "x", "value": "y"},
        {"system": "sender", "value": "a", "time_zone": "Mars"},
    ):
        assert (await house.ask("PUT", path, admin, {"aliases": [bad]})).status == 400
    assert (await house.ask("PUT", path, admin, {"aliases": names[1:] * 2})).status == 400
