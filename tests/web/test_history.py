"""Stored vitals over HTTP: as JSON, as frames, reduced, as trends and as a strip."""

import base64
import struct
from datetime import timedelta

import pytest

from telehealth.access import Role
from telehealth.clock import to_ms
from telehealth.consultations.model import Encounter
from telehealth.interop.vital_frames import encode_frame, from_watcher_message
from telehealth.vitals.model import WaveBlock
from telehealth.web.api.history import NEXT
from telehealth.web.rate_limits import READS
from tests.web.house import Caller, House

CHANNEL = {"ch": 1, "mdc": 131330, "label": "II", "unit": "mV", "rate": 250.0, "gain": 0.005, "offset": 0.0}


async def a_bed(house: House) -> tuple[Caller, Encounter]:
    """Let a device send ten seconds of ECG and numerics to a practitioner's visit."""
    doctor = await house.person("Ada Okoro", Role.PRACTITIONER)
    visit = await house.visit(await house.person("Ben Sato", Role.PATIENT), doctor)
    _, credential = await house.device(await house.person("Cy Novak", Role.ADMIN), visit)
    start_ms = to_ms(house.clock.now())
    hello = {"type": "hello", "version": 1, "boot": "b", "sent_at": start_ms, "channels": [CHANNEL]}
    socket = await house.socket("/ws/device", hello, Authorization=f"Bearer {credential}")
    await socket.receive_json()
    value = {"mdc": 147842, "value": 75.0, "unit": "/min"}
    house.clock.advance(10)
    for frame in range(50):
        samples = struct.pack("<50h", *range(frame * 50, frame * 50 + 50))
        await socket.send_bytes(encode_frame(WaveBlock(1, frame + 1, frame * 50, start_ms + frame * 200, samples)))
        if frame % 5 == 4:
            told = {"type": "numerics", "seq": frame // 5 + 1, "taken_at": start_ms + frame * 200, "values": [value]}
            await socket.send_json(told)
    last: dict[str, int] = {}
    while last.get("1") != 50 or last.get("0") != 10:
        last |= (await socket.receive_json(timeout=5)).get("last", {})
    await socket.close()
    return doctor, visit


def asked(house: House, visit: Encounter, what: str, **more: str) -> str:
    now = house.clock.now()
    interval = {"from": (now - timedelta(minutes=10)).isoformat(), "until": (now + timedelta(minutes=1)).isoformat()}
    query = "&".join(f"{name}={value.replace('+', '%2B')}" for name, value in (interval | more).items())
    return f"/api/v1/encounters/{visit.id}/{what}?{query}"


async def test_an_interval_comes_back_as_it_was_sent_in_pages(house: House) -> None:
    doctor, visit = await a_bed(house)
    samples, numerics, after = b"", 0, ""
    while True:
        page = await (await house.ask("GET", asked(house, visit, "vitals", limit="25", after=after), doctor)).json()
        samples += b"".join(base64.b64decode(wave["samples"]) for wave in page["waves"])
        numerics += len(page["numerics"])
        if not (after := page["next"]):
            break
    assert samples == struct.pack("<2500h", *range(2500))
    assert numerics == 10
    assert page["channels"][0]["label"] == "II"
    assert page["waves"][0]["demo"] is True


async def test_frames_are_what_the_socket_would_send(house: House) -> None:
    doctor, visit = await a_bed(house)
    response = await house.ask("GET", asked(house, visit, "vitals", format="frames"), doctor)
    assert (response.content_type, response.headers[NEXT]) == ("application/octet-stream", "")
    body, at, messages = await response.read(), 0, []
    while at < len(body):
        (length,) = struct.unpack_from("<I", body, at)
        messages.append(body[at + 4 : at + 4 + length])
        at += 4 + length
    texts = [message for message in messages if message[:1] == b"{"]
    waves = [from_watcher_message(message)[1] for message in messages if message[:1] != b"{"]
    assert b'"channels"' in texts[0]
    assert len(texts) == 11
    assert [wave.first_index for wave in waves] == [n * 50 for n in range(50)]


async def test_a_reduced_interval_has_the_extremes(house: House) -> None:
    doctor, visit = await a_bed(house)
    page = await (await house.ask("GET", asked(house, visit, "vitals", every="125"), doctor)).json()
    (wave,) = page["reduced"]
    assert page["waves"] == []
    assert wave["least"] == [n * 125 for n in range(20)]
    assert wave["most"] == [n * 125 + 124 for n in range(20)]


async def test_trends_are_read_by_the_minute(house: House) -> None:
    doctor, visit = await a_bed(house)
    found = await (await house.ask("GET", asked(house, visit, "trends", step="60"), doctor)).json()
    (trend,) = found["trends"]
    assert (found["step"], trend["mdc"], sum(trend["count"]), set(trend["median"])) == (60, 147842, 10, {75.0})


async def test_a_strip_is_a_picture(house: House) -> None:
    doctor, visit = await a_bed(house)
    begin = (house.clock.now() - timedelta(seconds=10)).isoformat().replace("+", "%2B")
    url = f"/api/v1/encounters/{visit.id}/strip?from={begin}&seconds=5&channels=1"
    response = await house.ask("GET", url, doctor)
    assert response.content_type == "image/svg+xml"
    text = await response.text()
    assert text.startswith("<svg") and "polyline" in text and "<style" not in text


async def test_nobody_draws_more_strips_in_a_minute_than_they_may(house: House) -> None:
    doctor = await house.person("Ada Okoro", Role.PRACTITIONER)
    visit = await house.visit(await house.person("Ben Sato", Role.PATIENT), doctor)
    url = f"/api/v1/encounters/{visit.id}/strip?from=2026-01-01T12:00:00Z&seconds=1"
    statuses = [(await house.ask("GET", url, doctor)).status for _ in range(61)]
    assert statuses == [200] * 60 + [429]


async def test_nobody_reads_more_in_a_minute_than_they_may(house: House) -> None:
    doctor = await house.person("Ada Okoro", Role.PRACTITIONER)
    visit = await house.visit(await house.person("Ben Sato", Role.PATIENT), doctor)
    assert doctor.principal is not None
    for _ in range(int(READS.per_minute) - 2):
        house.services.limits.take(READS, doctor.principal.subject)
    statuses = [(await house.ask("GET", asked(house, visit, what), doctor)).status for what in ("trends", "vitals") * 2]
    assert statuses == [200, 200, 429, 429]


@pytest.mark.parametrize(
    ("what", "more"),
    [
        ("vitals", {"after": "nonsense"}),
        ("vitals", {"until": "2026-02-02T00:00:00Z"}),
        ("vitals", {"limit": "0"}),
        ("vitals", {"every": "0"}),
        ("trends", {"step": "61"}),
        ("strip", {"channels": "0"}),
        ("strip", {"seconds": "10"}),
    ],
)
async def test_nonsense_is_refused(house: House, what: str, more: dict[str, str]) -> None:
    doctor, visit = await a_bed(house)
    assert (await house.ask("GET", asked(house, visit, what, **more), doctor)).status == 400
