"""What people at the bedside bring in (sensors, typed values, photos), and what devices send in parcels."""

import base64
import io
import json
from typing import Any

import pytest
from aiohttp import ClientSession

from telehealth.access import Role
from telehealth.accounts.model import Purpose
from telehealth.clock import to_ms
from telehealth.consultations.documents import MAX_BYTES, DocumentKind
from telehealth.consultations.model import Encounter
from telehealth.demo.sensor import SensorOptions, SimulatedSensor
from telehealth.ids import DocumentId
from telehealth.interop.gatt.decoder import decode
from telehealth.vitals.model import DeviceKind
from tests.web.house import Caller, House

PNG = b"\x89PNG\r\n\x1a\n" + b"picture"
STRAP = "164b40034c03"


async def a_visit(house: House) -> tuple[Caller, Caller, Encounter]:
    patient, doctor = (
        await house.person("Ana Ruiz", Role.PATIENT),
        await house.person("Ifeoma Okafor", Role.PRACTITIONER),
    )
    return patient, doctor, await house.visit(patient, doctor)


def a_value(house: House, octets: str = STRAP, *, number: int = 1, **changes: Any) -> dict[str, Any]:
    characteristic = changes.get("characteristic", "2A37")
    read = [one for m in decode(characteristic, bytes.fromhex(octets)) for one in m.as_data()["readings"]]
    decoded = [{name: one[name] for name in ("mdc", "value", "unit", "quality")} for one in read]
    values = {
        "kind": "gatt",
        "key": f"abcdefgh-{number}",
        "taken_at": to_ms(house.clock.now()),
        "sensor": "Strap 7",
        "characteristic": characteristic,
        "bytes": octets,
        "decoded": decoded,
    }
    return values | changes


def a_typed(house: House, *values: tuple[int, float, str], number: int = 1) -> dict[str, Any]:
    typed = [{"mdc": mdc, "value": value, "unit": unit} for mdc, value, unit in values]
    return {"kind": "typed", "key": f"abcdefgh-{number}", "taken_at": to_ms(house.clock.now()), "values": typed}


async def add(house: House, who: Caller, encounter: Encounter, *readings: dict[str, Any]) -> list[dict[str, Any]]:
    body = {"sent_at": to_ms(house.clock.now()), "readings": list(readings)}
    response = await house.ask("POST", f"/api/v1/encounters/{encounter.id}/readings", who, body)
    assert response.status == 200, await response.text()
    results: list[dict[str, Any]] = (await response.json())["results"]
    return results


async def numbers(house: House, encounter: Encounter) -> list[tuple[str, int, float | None, str]]:
    """Return (device, parameter, value, quality) of what is known of the encounter."""
    snapshot = await house.services.vitals.snapshot(encounter.id)
    names = {device.id: device.name for device, _ in snapshot.devices}
    told = [json.loads(body) for body in snapshot.numerics]
    return [(names[one["device"]], v["mdc"], v["value"], v["quality"]) for one in told for v in one["values"]]


async def test_a_value_of_a_sensor_is_decoded_again_and_recorded(house: House) -> None:
    patient, _, encounter = await a_visit(house)
    assert await add(house, patient, encounter, a_value(house)) == [
        {"key": "abcdefgh-1", "status": "recorded", "reason": ""}
    ]
    assert await numbers(house, encounter) == [("Strap 7", 147842, 75.0, "good")]


async def test_a_repeated_key_is_recorded_once(house: House) -> None:
    patient, _, encounter = await a_visit(house)
    for _ in range(3):
        assert (await add(house, patient, encounter, a_value(house)))[0]["status"] == "recorded"
    page = await house.services.vitals._frames.between(  # what is stored, whoever shows it
        encounter.id, house.clock.now().replace(year=2000), house.clock.now().replace(year=2100), limit=10
    )
    assert len(page.frames) == 1


async def test_octets_that_the_page_read_differently_are_quarantined(house: House) -> None:
    patient, _, encounter = await a_visit(house)
    changed = a_value(house, decoded=[{"mdc": 147842, "value": 57.0, "unit": "/min", "quality": "good"}])
    broken = a_value(house, number=2, bytes="16")
    results = await add(house, patient, encounter, changed, broken)
    assert [(one["status"], one["reason"]) for one in results] == [
        ("quarantined", "decoded_differently"),
        ("quarantined", "bad_length"),
    ]
    assert await numbers(house, encounter) == []
    kept = await house.services.album._documents.of_encounter(encounter.id, DocumentKind.QUARANTINE)
    assert len(kept) == 2


async def test_what_was_quarantined_is_shown_to_nobody_as_a_photo(house: House) -> None:
    patient, doctor, encounter = await a_visit(house)
    await add(house, patient, encounter, a_value(house, bytes="16"))
    (kept,) = await house.services.album._documents.of_encounter(encounter.id, DocumentKind.QUARANTINE)
    path = f"/api/v1/encounters/{encounter.id}/photos"
    assert (await (await house.ask("GET", path, doctor)).json())["photos"] == []
    assert (await house.ask("GET", f"{path}/{kept.id}", doctor)).status == 404


async def test_two_sensors_and_a_hand_are_three_sources(house: House) -> None:
    patient, doctor, encounter = await a_visit(house)
    await add(house, patient, encounter, a_value(house), a_value(house, "0048", number=2, sensor="Watch"))
    await add(house, doctor, encounter, a_typed(house, (149514, 70, "/min"), number=3))
    assert sorted(await numbers(house, encounter)) == [
        ("Strap 7", 147842, 75.0, "good"),
        ("Typed by practitioner", 149514, 70.0, "good"),
        ("Watch", 147842, 72.0, "good"),
    ]
    devices = {device.name: device.kind for device, _ in (await house.services.vitals.snapshot(encounter.id)).devices}
    assert devices == {
        "Strap 7": DeviceKind.SENSOR,
        "Watch": DeviceKind.SENSOR,
        "Typed by practitioner": DeviceKind.SPOT,
    }


async def test_such_sources_are_no_devices_of_the_clinic(house: House) -> None:
    patient, _, encounter = await a_visit(house)
    admin = await house.person("Sam Admin", Role.ADMIN)
    await add(house, patient, encounter, a_value(house))
    assert (await (await house.ask("GET", "/api/v1/devices", admin)).json())["devices"] == []
    device = (await house.services.vitals.snapshot(encounter.id)).devices[0][0].id
    for path in ("rotate", "enrolment"):
        assert (await house.ask("POST", f"/api/v1/devices/{device}/{path}", admin)).status == 404


async def test_a_sensor_without_contact_has_no_value(house: House) -> None:
    patient, _, encounter = await a_visit(house)
    await add(house, patient, encounter, a_value(house, "0448"))
    assert await numbers(house, encounter) == [("Strap 7", 147842, None, "invalid")]


async def test_a_demonstration_of_a_sensor_is_marked(house: House) -> None:
    patient, _, encounter = await a_visit(house)
    await add(house, patient, encounter, a_value(house, "0461004800" + "0004", characteristic="2A5F"))
    (told,) = (await house.services.vitals.snapshot(encounter.id)).numerics
    assert json.loads(told)["demo"] is True


async def test_a_typed_value_without_a_unit_or_of_no_parameter_is_refused(house: House) -> None:
    patient, _, encounter = await a_visit(house)
    readings = (
        a_typed(house, (150364, 37.0, "")),
        a_typed(house, (1, 37.0, "Cel"), number=2),
        a_typed(house, (150364, 99.0, "Cel"), number=3),
        a_typed(house, (150364, 98.6, "[degF]"), number=4),
    )
    results = await add(house, patient, encounter, *readings)
    assert [(one["status"], one["reason"]) for one in results] == [
        ("refused", "unit_required"),
        ("refused", "unknown_parameter"),
        ("recorded", "impossible_value"),
        ("recorded", ""),
    ]
    assert (await numbers(house, encounter))[-1] == ("Typed by patient", 150364, 37.0, "good")


async def test_what_was_kept_while_offline_keeps_its_time(house: House) -> None:
    patient, _, encounter = await a_visit(house)
    old = a_value(house)
    house.clock.advance(600)
    await add(house, patient, encounter, old, a_value(house, "0050", number=2))
    told = [json.loads(body) for body in (await house.services.vitals.snapshot(encounter.id)).numerics]
    assert told[-1]["taken_at"] == to_ms(house.clock.now())
    page = await house.services.vitals._frames.between(
        encounter.id, house.clock.now().replace(year=2000), house.clock.now().replace(year=2100), limit=10
    )
    gap = page.frames[1].taken_at - page.frames[0].taken_at
    assert gap.total_seconds() == pytest.approx(600, abs=1)


async def test_a_sensor_s_own_time_counts_if_its_clock_is_known(house: House) -> None:
    patient, _, encounter = await a_visit(house)
    octets = "066c0100ffea07071b0c000002"  # 36.4 °C, on 2026-07-27 at 12:00 by the sensor
    sensor_ms = 1_785_153_600_000.0
    offset = to_ms(house.clock.now()) - 60_000 - sensor_ms
    value = a_value(house, octets, characteristic="2A1C", clock_offset_ms=offset)
    await add(house, patient, encounter, value)
    (told,) = (await house.services.vitals.snapshot(encounter.id)).numerics
    assert json.loads(told)["taken_at"] == to_ms(house.clock.now()) - 60_000


async def test_records_of_a_continuous_sensor_are_dated_back_from_the_last(house: House) -> None:
    patient, _, encounter = await a_visit(house)
    await add(
        house, patient, encounter, a_value(house, "06006e0005000600700 00a00".replace(" ", ""), characteristic="2AA7")
    )
    page = await house.services.vitals._frames.between(
        encounter.id, house.clock.now().replace(year=2000), house.clock.now().replace(year=2100), limit=10
    )
    times = sorted(frame.taken_at for frame in page.frames)
    assert (times[1] - times[0]).total_seconds() == 300


async def test_nobody_adds_to_a_consultation_that_has_ended(house: House) -> None:
    patient, _, encounter = await a_visit(house)
    store = house.services.desk._encounters
    was = await store.get(encounter.id)
    await store.save(was.finished(house.clock.now()), was=was)
    body = {"sent_at": 0.0, "readings": [a_value(house)]}
    response = await house.ask("POST", f"/api/v1/encounters/{encounter.id}/readings", patient, body)
    assert (response.status, (await response.json())["code"]) == (410, "encounter_ended")


@pytest.mark.parametrize(
    "changes",
    [{"key": "x"}, {"bytes": "1"}, {"characteristic": "2a37"}, {"sensor": ""}, {"sensor": "a\nb"}, {"taken_at": -1.0}],
)
async def test_a_reading_out_of_shape_is_refused_whole(house: House, changes: dict[str, Any]) -> None:
    patient, _, encounter = await a_visit(house)
    shaped = a_value(house)
    body = {"sent_at": 0.0, "readings": [shaped | changes]}
    response = await house.ask("POST", f"/api/v1/encounters/{encounter.id}/readings", patient, body)
    assert response.status == 400


async def test_sensors_of_one_consultation_are_bounded(house: House) -> None:
    patient, _, encounter = await a_visit(house)
    for number in range(20):
        await add(house, patient, encounter, a_value(house, sensor=f"S{number}", number=number))
    body = {"sent_at": 0.0, "readings": [a_value(house, sensor="one more", number=99)]}
    response = await house.ask("POST", f"/api/v1/encounters/{encounter.id}/readings", patient, body)
    assert (response.status, (await response.json())["code"]) == (429, "too_many_sensors")


async def test_a_second_source_that_contradicts_the_first_is_marked_for_who_watches(house: House) -> None:
    patient, doctor, encounter = await a_visit(house)
    ticket = await house.ticket(doctor, Purpose.VITALS, encounter.id)
    watcher = await house.socket("/ws/vitals", {"type": "hello", "version": 1, "ticket": ticket, "after": None})
    await add(house, patient, encounter, a_value(house, "0050"))
    await add(house, patient, encounter, a_value(house, "0082", number=2, sensor="Watch"))
    told: list[dict[str, Any]] = []
    while len(told) < 2:
        message = await watcher.receive_json(timeout=5)
        told += [message["values"][0]] if message["type"] == "numerics" else []
    assert [(one["value"], one["conflict"]) for one in told] == [(80.0, False), (130.0, True)]
    await watcher.close()


# Photos


async def post_photo(
    house: House, who: Caller, encounter: Encounter, content: bytes = PNG, media_type: str = "image/png"
) -> tuple[int, dict[str, Any]]:
    response = await house.client.post(
        f"/api/v1/encounters/{encounter.id}/photos?key=photo-00000001",
        data=io.BytesIO(content),
        headers={**who.headers, "Content-Type": media_type},
    )
    return response.status, await response.json()


async def test_a_photo_is_stored_once_told_and_shown_to_who_sees_the_readings(house: House) -> None:
    patient, doctor, encounter = await a_visit(house)
    status, photo = await post_photo(house, patient, encounter)
    assert status == 201
    assert await post_photo(house, patient, encounter) == (status, photo)
    path = f"/api/v1/encounters/{encounter.id}/photos"
    assert (await (await house.ask("GET", path, doctor)).json())["photos"] == [photo]
    shown = await house.ask("GET", f"{path}/{photo['id']}", doctor)
    assert (await shown.read(), shown.content_type) == (PNG, "image/png")
    timeline = await (await house.ask("GET", f"/api/v1/encounters/{encounter.id}/timeline", doctor)).json()
    assert [(e["kind"], e["text"]) for e in timeline["entries"] if e["kind"] == "photo"] == [("photo", photo["id"])]


@pytest.mark.parametrize(
    ("content", "media_type", "refusal"),
    [
        (b"<svg onload='x'/>", "image/png", (400, "bad_picture")),
        (PNG, "image/jpeg", (400, "bad_picture")),
        (PNG, "text/html", (415, "unsupported_media_type")),
        (b"\xff\xd8\xff" + bytes(MAX_BYTES), "image/jpeg", (413, "too_large")),
    ],
)
async def test_what_is_no_photo_is_refused(
    house: House, content: bytes, media_type: str, refusal: tuple[int, str]
) -> None:
    patient, _, encounter = await a_visit(house)
    status, body = await post_photo(house, patient, encounter, content, media_type)
    assert (status, body["code"]) == refusal


async def test_the_largest_photo_is_taken(house: House) -> None:
    patient, _, encounter = await a_visit(house)
    status, photo = await post_photo(house, patient, encounter, PNG + bytes(MAX_BYTES - len(PNG)))
    assert status == 201
    found = await house.services.album._documents.get(encounter.id, DocumentId(photo["id"]))
    assert len(found.content) == MAX_BYTES


# Parcels


def a_parcel(house: House, **changes: Any) -> dict[str, Any]:
    now = to_ms(house.clock.now())
    channel = {"ch": 1, "mdc": 131330, "label": "II", "unit": "mV", "rate": 250.0, "gain": 0.005, "offset": 0.0}
    samples = base64.b64encode(bytes(range(0, 100))).decode()
    values = [{"mdc": 147842, "value": 75.0, "unit": "/min"}, {"mdc": 150456, "value": 97.0, "unit": ""}]
    parcel = {
        "boot": "b1",
        "sent_at": now,
        "channels": [channel],
        "numerics": [{"seq": 1, "taken_at": now, "values": values}],
        "waves": [
            {"ch": 1, "seq": 0, "first": 0, "starts_at": now - 200, "samples": samples},
            {"ch": 1, "seq": 1, "first": 50, "starts_at": now, "missing": 20},
            {"ch": 2, "seq": 0, "first": 0, "starts_at": now, "missing": 1},
        ],
    }
    return parcel | changes


async def a_bound_device(house: House) -> tuple[Caller, Encounter, str]:
    _, _, encounter = await a_visit(house)
    admin = await house.person("Sam Admin", Role.ADMIN)
    device, credential = await house.device(admin, encounter)
    return Caller("device", None, credential), encounter, device


async def test_a_parcel_is_stored_once_and_each_message_is_answered(house: House) -> None:
    device, encounter, _ = await a_bound_device(house)
    for _ in range(2):
        response = await house.ask("POST", "/api/v1/observations", device, a_parcel(house))
        assert response.status == 200, await response.text()
        assert (await response.json())["items"] == [
            {"ch": 0, "seq": 1, "status": "stored", "codes": ["unit_required"]},
            {"ch": 1, "seq": 0, "status": "stored", "codes": []},
            {"ch": 1, "seq": 1, "status": "stored", "codes": []},
            {"ch": 2, "seq": 0, "status": "refused", "codes": ["unknown_channel"]},
        ]
    page = await house.services.vitals._frames.between(
        encounter.id, house.clock.now().replace(year=2000), house.clock.now().replace(year=2100), limit=10
    )
    assert sorted((frame.channel, frame.sequence) for frame in page.frames) == [(0, 1), (1, 0), (1, 1)]


@pytest.mark.parametrize(
    "changes",
    [
        {"boot": ""},
        {"sent_at": "now"},
        {"waves": [{"ch": 1, "seq": 0, "first": 0, "starts_at": 0.0}]},
        {"waves": [{"ch": 1, "seq": 0, "first": 0, "starts_at": 0.0, "samples": "AAA"}]},
        {"waves": [{"ch": 1, "seq": 0, "first": 0, "starts_at": 0.0, "samples": "AA=="}]},
        {"patient": "p1"},
    ],
)
async def test_a_parcel_out_of_shape_is_refused_whole(house: House, changes: dict[str, Any]) -> None:
    device, _, _ = await a_bound_device(house)
    assert (await house.ask("POST", "/api/v1/observations", device, a_parcel(house, **changes))).status == 400


async def test_a_parcel_over_the_limit_is_refused(house: House) -> None:
    device, _, _ = await a_bound_device(house)
    response = await house.ask("POST", "/api/v1/observations", device, a_parcel(house, boot="b" * 300_000))
    assert response.status == 413


async def test_people_send_no_parcels_and_devices_do_nothing_else(house: House) -> None:
    device, encounter, _ = await a_bound_device(house)
    patient = await house.person("Bo Lind", Role.PATIENT)
    assert (await house.ask("POST", "/api/v1/observations", patient, a_parcel(house))).status == 403
    assert (await house.ask("POST", "/api/v1/observations", None, a_parcel(house))).status == 401
    assert (await house.ask("GET", f"/api/v1/encounters/{encounter.id}", device)).status == 401


async def test_yesterday_s_parcel_adds_nothing_and_a_revoked_device_is_refused(house: House) -> None:
    device, encounter, identity = await a_bound_device(house)
    old = a_parcel(house)
    assert (await house.ask("POST", "/api/v1/observations", device, old)).status == 200
    house.clock.advance(86_400)
    assert (await house.ask("POST", "/api/v1/observations", device, old)).status == 200
    page = await house.services.vitals._frames.between(
        encounter.id, house.clock.now().replace(year=2000), house.clock.now().replace(year=2100), limit=10
    )
    assert len(page.frames) == 3
    admin = await house.person("Kim Admin", Role.ADMIN)
    assert (await house.ask("POST", f"/api/v1/devices/{identity}/revoke", admin)).status == 204
    assert (await house.ask("POST", "/api/v1/observations", device, old)).status == 401


async def test_who_delivers_nothing_for_a_while_counts_as_gone(house: House) -> None:
    device, _, _ = await a_bound_device(house)
    await house.ask("POST", "/api/v1/observations", device, a_parcel(house))
    house.clock.advance(29)
    await house.services.deliveries.close_idle()
    assert len(house.services.deliveries._senders) == 1
    house.clock.advance(2)
    await house.services.deliveries.close_idle()
    assert len(house.services.deliveries._senders) == 0


# Enrolment


async def test_a_device_is_enrolled_by_a_code_once(house: House) -> None:
    device, _, identity = await a_bound_device(house)
    admin = await house.person("Kim Admin", Role.ADMIN)
    opened = await house.ask("POST", f"/api/v1/devices/{identity}/enrolment", admin)
    code = (await opened.json())["code"]
    assert (opened.status, len(code)) == (201, 8)
    typed = f"{code[:4].lower()} {code[4:]}".replace("0", "o").replace("1", "l")
    enrolled = await house.ask("POST", "/api/v1/devices/enrol", None, {"code": typed}, Origin=house.origin)
    assert enrolled.status == 200, await enrolled.text()
    body = await enrolled.json()
    assert body["device"] == identity
    new = Caller("device", None, body["credential"])
    for credential in (device, new):  # The old one holds for ten minutes more.
        assert (await house.ask("POST", "/api/v1/observations", credential, a_parcel(house))).status == 200
    again = await house.ask("POST", "/api/v1/devices/enrol", None, {"code": code}, Origin=house.origin)
    assert (again.status, (await again.json())["code"]) == (410, "code_invalid")
    house.clock.advance(601)
    assert (await house.ask("POST", "/api/v1/observations", device, a_parcel(house))).status == 401


async def test_a_code_is_good_for_a_quarter_of_an_hour(house: House) -> None:
    _, _, identity = await a_bound_device(house)
    admin = await house.person("Kim Admin", Role.ADMIN)
    code = (await (await house.ask("POST", f"/api/v1/devices/{identity}/enrolment", admin)).json())["code"]
    house.clock.advance(15 * 60)
    late = await house.ask("POST", "/api/v1/devices/enrol", None, {"code": code}, Origin=house.origin)
    assert late.status == 410


async def test_codes_can_be_tried_a_few_times_only(house: House) -> None:
    tries = [
        (await house.ask("POST", "/api/v1/devices/enrol", None, {"code": "0000000" + "0"}, Origin=house.origin)).status
        for _ in range(12)
    ]
    assert tries == [410] * 10 + [429] * 2


async def test_a_revoked_device_is_not_enrolled(house: House) -> None:
    _, _, identity = await a_bound_device(house)
    admin = await house.person("Kim Admin", Role.ADMIN)
    code = (await (await house.ask("POST", f"/api/v1/devices/{identity}/enrolment", admin)).json())["code"]
    await house.ask("POST", f"/api/v1/devices/{identity}/revoke", admin)
    assert (await house.ask("POST", f"/api/v1/devices/{identity}/enrolment", admin)).status == 410
    late = await house.ask("POST", "/api/v1/devices/enrol", None, {"code": code}, Origin=house.origin)
    if late.status == 200:
        credential = Caller("device", None, (await late.json())["credential"])
        assert (await house.ask("POST", "/api/v1/observations", credential, a_parcel(house))).status == 401


# A sensor without a browser


async def test_the_simulated_sensor_is_read_as_one_in_a_page(house: House) -> None:
    patient, _, encounter = await a_visit(house)
    options = SensorOptions(house.origin, patient.token or "", encounter.id, name="Simulated strap")
    async with ClientSession() as http:
        sensor = SimulatedSensor(http, options, clock=house.clock)
        assert await sensor.send(71) == "recorded"
        assert await sensor.send(72) == "recorded"
    assert await numbers(house, encounter) == [("Simulated strap", 147842, 72.0, "good")]


async def test_every_input_of_news2_can_be_typed_and_is_kept_with_unit_and_author(house: House) -> None:
    _, doctor, encounter = await a_visit(house)
    rows = (
        (151562, 22, "/min"),
        (150456, 94, "%"),
        (149514, 95, "/min"),
        (150021, 105, "mm[Hg]"),
        (150364, 101.3, "[degF]"),
    )
    typed = [a_typed(house, row, number=number) for number, row in enumerate(rows)]
    assert {one["status"] for one in await add(house, doctor, encounter, *typed)} == {"recorded"}
    path = f"/api/v1/encounters/{encounter.id}"
    entered = await house.ask("PUT", f"{path}/entries", doctor, {"consciousness": "A", "oxygen": False})
    assert (entered.status, await entered.read()) == (204, b"")
    await house.services.watch.turn()
    scores = (await (await house.ask("POST", f"{path}/scores/now", doctor)).json())["scores"]
    news2 = next(one for one in scores if one["kind"] == "news2")
    assert (news2["total"], news2["complete"]) == (6, True)
    by = {one["source"] for one in news2["inputs"] if one["name"] in ("oxygen", "consciousness")}
    assert by == {"Ifeoma Okafor"}
    snapshot = await house.services.vitals.snapshot(encounter.id)
    (device,) = (device for device, _ in snapshot.devices)
    assert (device.name, device.kind) == ("Typed by practitioner", DeviceKind.SPOT)
    (temperature,) = (v for b in snapshot.numerics for v in json.loads(b)["values"] if v["mdc"] == 150364)
    assert (temperature["value"], temperature["unit"]) == (38.5, "Cel")
    assert doctor.principal is not None
    admin = await house.person("Noor Aziz", Role.ADMIN)
    trail = (await (await house.ask("GET", "/api/v1/audit", admin)).json())["entries"]
    written = {(one["actor"], one["entity"]) for one in trail if one["action"] == "reading.added"}
    assert written == {(doctor.principal.subject, f"device/{device.id}")}
