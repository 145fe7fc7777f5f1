"""The four sockets, from outside: who gets in, what comes, and with which code it ends."""

import asyncio
import json
import struct
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from telehealth.access import Role
from telehealth.accounts.model import Purpose
from telehealth.bus import WORKLIST, Event, vitals_topic
from telehealth.consultations.model import Encounter
from telehealth.errors import Forbidden
from telehealth.ids import EncounterId
from telehealth.interop.vital_frames import encode_frame, from_watcher_message
from telehealth.vitals.model import WaveBlock
from telehealth.web.sockets import line as line_module
from telehealth.web.sockets import outbox as outbox_module
from telehealth.web.sockets import pace as pace_module
from telehealth.web.sockets.open_sockets import PER_SUBJECT
from tests.web.house import Caller, House

PATHS = ["/ws/room", "/ws/vitals", "/ws/device", "/ws/worklist"]
BROWSER_PATHS = {
    "/ws/room": Purpose.ROOM,
    "/ws/vitals": Purpose.VITALS,
    "/ws/worklist": Purpose.WORKLIST,
}
CHANNEL = {"ch": 1, "mdc": 131330, "label": "II", "unit": "mV", "rate": 250.0, "gain": 0.005, "offset": 0.0}


class Visit:
    """A consultation with its people and a device at the bedside."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def prepare(self) -> "Visit":
        self.doctor = await self.house.person("Ifeoma Okafor", Role.PRACTITIONER)
        self.patient = await self.house.person("Ana Ruiz", Role.PATIENT)
        self.admin = await self.house.person("Noor Haddad", Role.ADMIN)
        self.encounter: Encounter = await self.house.visit(self.patient, self.doctor)
        self.device, self.credential = await self.house.device(self.admin, self.encounter)
        return self

    async def open(self, path: str, who: Caller, **more: Any) -> ClientWebSocketResponse:
        purpose = BROWSER_PATHS[path]
        encounter = None if purpose is Purpose.WORKLIST else self.encounter.id
        ticket = await self.house.ticket(who, purpose, encounter)
        return await self.house.socket(path, {"type": "hello", "version": 1, "ticket": ticket, **more})

    async def connect_device(self, boot: str = "b-1") -> ClientWebSocketResponse:
        hello = {"type": "hello", "version": 1, "boot": boot, "sent_at": self.now_ms, "channels": [CHANNEL]}
        return await self.house.socket("/ws/device", hello, Authorization=f"Bearer {self.credential}")

    @property
    def now_ms(self) -> float:
        return self.house.clock.now().timestamp() * 1000

    def numerics(self, seq: int, value: float) -> dict[str, Any]:
        reading = {"mdc": 147842, "value": value, "unit": "/min"}
        return {"type": "numerics", "seq": seq, "taken_at": self.now_ms, "values": [reading]}


@pytest.fixture
async def visit(house: House) -> Visit:
    return await Visit(house).prepare()


async def next_text(socket: ClientWebSocketResponse, kind: str = "") -> dict[str, Any]:
    """Return the next text message, of this type if one is named."""
    while True:
        message = await socket.receive(timeout=5)
        assert message.type in (WSMsgType.TEXT, WSMsgType.BINARY), f"{message.type.name} {message.data}"
        if message.type is WSMsgType.TEXT:
            found: dict[str, Any] = json.loads(message.data)
            if kind in ("", found["type"]):
                return found


async def closed_with(socket: ClientWebSocketResponse) -> int | None:
    """Read to the end; return the code."""
    async with asyncio.timeout(10):
        async for _ in socket:
            pass
    return socket.close_code


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "{own}.evil.example", "https://{host}", ""])
async def test_w1_a_browser_from_another_site_gets_no_socket(house: House, path: str, origin: str) -> None:
    filled = origin.replace("{own}", house.origin).replace("{host}", house.origin[7:])
    with pytest.raises(WSServerHandshakeError) as refused:
        await house.socket(path, Origin=filled)
    assert refused.value.status == 403


@pytest.mark.parametrize("path", BROWSER_PATHS)
async def test_w2_a_cookie_is_no_ticket(visit: Visit, path: str) -> None:
    cookie = f"__Host-access={visit.doctor.token}"
    hello = {"type": "hello", "version": 1, "ticket": visit.doctor.token}
    socket = await visit.house.socket(path, hello, Cookie=cookie, Origin=visit.house.origin)
    assert await closed_with(socket) == 4401


@pytest.mark.parametrize("path", BROWSER_PATHS)
async def test_a_ticket_opens_the_socket_it_is_for_and_no_other(visit: Visit, path: str) -> None:
    for purpose in Purpose:
        encounter = None if purpose is Purpose.WORKLIST else visit.encounter.id
        ticket = await visit.house.ticket(visit.doctor, purpose, encounter)
        socket = await visit.house.socket(path, {"type": "hello", "version": 1, "ticket": ticket})
        if purpose is BROWSER_PATHS[path]:
            assert (await next_text(socket))["type"] in {"welcome", "worklist"}
        else:
            assert await closed_with(socket) == 4401
        await socket.close()


@pytest.mark.parametrize("path", BROWSER_PATHS)
async def test_a_ticket_is_good_for_sixty_seconds(visit: Visit, path: str) -> None:
    purpose = BROWSER_PATHS[path]
    ticket = await visit.house.ticket(visit.doctor, purpose, visit.encounter.id if path != "/ws/worklist" else None)
    visit.house.clock.advance(60 + 31)
    socket = await visit.house.socket(path, {"type": "hello", "version": 1, "ticket": ticket})
    assert await closed_with(socket) == 4401


@pytest.mark.parametrize("path", BROWSER_PATHS)
@pytest.mark.parametrize("first", ["{}", "[]", "hello", '{"type":"ping","sent_at":1}', '{"type":"hello"}'])
async def test_a_first_message_that_is_no_hello_ends_it(house: House, path: str, first: str) -> None:
    socket = await house.socket(path)
    await socket.send_str(first)
    assert await closed_with(socket) == 4400


@pytest.mark.parametrize("path", PATHS)
async def test_w5_silence_ends_it(visit: Visit, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "HELLO_S", 0.05)
    socket = await visit.house.socket(path, Authorization=f"Bearer {visit.credential}")
    assert await closed_with(socket) == 4408


@pytest.mark.parametrize("path", PATHS)
async def test_w6_a_frame_over_the_limit_ends_it_with_1009(visit: Visit, path: str) -> None:
    socket = await visit.house.socket(path, Authorization=f"Bearer {visit.credential}")
    await socket.send_str("x" * (64 * 1024 + 1))
    assert await closed_with(socket) == 1009


@pytest.mark.parametrize("path", ["/ws/vitals", "/ws/worklist"])
async def test_w3_a_flood_ends_it(visit: Visit, path: str) -> None:
    socket = await visit.open(path, visit.doctor)
    with suppress(ConnectionError):
        for _ in range(200):
            await socket.send_json({"type": "ping", "sent_at": 1.0})
    assert await closed_with(socket) == 4429


@pytest.mark.parametrize("path", BROWSER_PATHS)
async def test_the_third_message_that_is_not_understood_ends_it(visit: Visit, path: str) -> None:
    socket = await visit.open(path, visit.doctor)
    for _ in range(3):
        await socket.send_str('{"type":"dance"}')
    refused = await next_text(socket, "error")
    assert refused["code"] == "bad_message"
    assert await closed_with(socket) == 4400


@pytest.mark.parametrize("path", BROWSER_PATHS)
async def test_a_ping_is_answered_with_the_server_s_time(visit: Visit, path: str) -> None:
    socket = await visit.open(path, visit.doctor)
    await socket.send_json({"type": "ping", "sent_at": 12.5})
    pong = await next_text(socket, "pong")
    assert (pong["sent_at"], pong["server_time"]) == (12.5, visit.now_ms)


@pytest.mark.parametrize("path", BROWSER_PATHS)
async def test_whoever_is_disabled_is_out_within_five_seconds(visit: Visit, path: str) -> None:
    socket = await visit.open(path, visit.doctor)
    await next_text(socket)
    assert visit.doctor.principal is not None
    await visit.house.ask("POST", f"/api/v1/users/{visit.doctor.principal.subject}/disable", visit.admin)
    assert await closed_with(socket) == 4401


async def test_a_revoked_device_is_out_within_five_seconds(visit: Visit) -> None:
    socket = await visit.connect_device()
    await next_text(socket, "welcome")
    await visit.house.ask("POST", f"/api/v1/devices/{visit.device}/revoke", visit.admin)
    assert await closed_with(socket) == 4401


async def test_nobody_has_more_than_their_share_of_sockets(visit: Visit) -> None:
    sockets = [await visit.open("/ws/worklist", visit.doctor) for _ in range(PER_SUBJECT)]
    for socket in sockets:
        await next_text(socket)
    assert await closed_with(await visit.open("/ws/worklist", visit.doctor)) == 4429
    await sockets[0].close()
    async with asyncio.timeout(5):
        while (await next_or_none(await visit.open("/ws/worklist", visit.doctor))) is None:
            pass


async def next_or_none(socket: ClientWebSocketResponse) -> dict[str, Any] | None:
    message = await socket.receive(timeout=5)
    return json.loads(message.data) if message.type is WSMsgType.TEXT else None


# The work list


async def test_the_work_list_comes_at_first_and_whenever_something_changes(visit: Visit) -> None:
    socket = await visit.open("/ws/worklist", visit.doctor)
    assert (await next_text(socket))["waiting"] == []
    patient = await visit.house.person("Milo Fischer", Role.PATIENT)
    await visit.house.ask("POST", "/api/v1/queue", patient, {"reason": "Cough"})
    waiting = (await next_text(socket))["waiting"]
    assert [(one["patient"], one["reason"], one["mine"]) for one in waiting] == [("Milo Fischer", "Cough", False)]


async def test_many_changes_at_once_are_told_together(visit: Visit) -> None:
    socket = await visit.open("/ws/worklist", visit.doctor)
    await next_text(socket)
    for _ in range(100):
        await visit.house.services.bus.publish(WORKLIST, Event("changed", b""))
    told = 0
    with suppress(TimeoutError):
        while True:
            await socket.receive(timeout=0.8)
            told += 1
    assert 1 <= told <= 3


# Devices and who watches them


async def test_what_a_device_sends_is_stored_acknowledged_and_shown(visit: Visit) -> None:
    watcher = await visit.open("/ws/vitals", visit.doctor, after=None)
    assert (await next_text(watcher, "welcome"))["resumed"] is False
    device = await visit.connect_device()
    welcome = await next_text(device, "welcome")
    assert (welcome["encounter"], welcome["last"]) == (visit.encounter.id, {})
    await device.send_json(visit.numerics(1, 88.0))
    assert (await next_text(device, "ack"))["last"] == {"0": 1}
    shown = await next_text(watcher, "numerics")
    assert [(one["mdc"], one["value"]) for one in shown["values"]] == [(147842, 88.0)]
    samples = struct.pack("<4h", 1, -2, 3, -32768)
    await device.send_bytes(encode_frame(WaveBlock(1, 1, 0, visit.now_ms, samples)))
    assert (await next_text(device, "ack"))["last"] == {"1": 1}
    while (message := await watcher.receive(timeout=5)).type is not WSMsgType.BINARY:
        pass
    _, block = from_watcher_message(message.data)
    assert block.samples == samples


async def test_a_repeat_is_acknowledged_and_not_shown_again(visit: Visit) -> None:
    watcher = await visit.open("/ws/vitals", visit.doctor, after=None)
    device = await visit.connect_device()
    for _ in range(3):
        await device.send_json(visit.numerics(1, 88.0))
        assert (await next_text(device, "ack"))["last"] == {"0": 1}
    await device.send_json(visit.numerics(2, 89.0))
    values = [(await next_text(watcher, "numerics"))["values"][0]["value"] for _ in range(2)]
    assert values == [88.0, 89.0]


async def test_a_device_that_comes_back_goes_on_after_what_is_stored(visit: Visit) -> None:
    device = await visit.connect_device()
    await device.send_json(visit.numerics(5, 88.0))
    await next_text(device, "ack")
    await device.close()
    again = await visit.connect_device()
    assert (await next_text(again, "welcome"))["last"] == {"0": 5}


async def test_a_second_connection_of_a_device_replaces_the_first(visit: Visit) -> None:
    first = await visit.connect_device()
    await next_text(first, "welcome")
    second = await visit.connect_device()
    await next_text(second, "welcome")
    await next_text(first, "replaced")
    assert await closed_with(first) == 4409
    await second.send_json(visit.numerics(1, 88.0))
    assert (await next_text(second, "ack"))["last"] == {"0": 1}


async def test_many_messages_share_a_transaction(visit: Visit) -> None:
    device = await visit.connect_device()
    await next_text(device, "welcome")
    for seq in range(1, 301):
        await device.send_json(visit.numerics(seq, 60.0 + seq % 40))
    acks = 0
    while (await next_text(device, "ack"))["last"]["0"] < 300:
        acks += 1
    assert acks < 150


async def test_a_frame_that_can_not_be_taken_is_answered_and_the_next_one_counts(visit: Visit) -> None:
    device = await visit.connect_device()
    await next_text(device, "welcome")
    await device.send_bytes(b"\x01\x01")
    assert (await next_text(device, "error"))["code"] == "bad_frame"
    await device.send_json(visit.numerics(1, 88.0) | {"values": [{"mdc": 147842, "value": 88.0}]})
    refused = await next_text(device, "error")
    assert (refused["code"], refused["ch"], refused["seq"]) == ("unit_required", 0, 1)
    await device.send_json(visit.numerics(2, 88.0))
    assert (await next_text(device, "ack"))["last"] == {"0": 2}


async def test_the_clock_is_told(visit: Visit) -> None:
    device = await visit.connect_device()
    await device.send_json({"type": "clock", "sent_at": 5.0})
    told = await next_text(device, "clock")
    assert (told["sent_at"], told["server_time"]) == (5.0, visit.now_ms)


@pytest.mark.parametrize("credential", ["", "Bearer x", "Bearer a.b", "Basic YTpi"])
async def test_an_unknown_device_gets_4401(visit: Visit, credential: str) -> None:
    socket = await visit.house.socket("/ws/device", Authorization=credential)
    assert await closed_with(socket) == 4401


async def test_j7_a_person_s_token_is_no_device(visit: Visit) -> None:
    socket = await visit.house.socket("/ws/device", Authorization=f"Bearer {visit.doctor.token}")
    assert await closed_with(socket) == 4401


async def test_a_device_at_no_bedside_gets_4404(visit: Visit) -> None:
    _, visit.credential = await visit.house.device(visit.admin)
    assert await closed_with(await visit.connect_device()) == 4404


async def test_a_watcher_goes_on_where_they_left_off(visit: Visit) -> None:
    device = await visit.connect_device()
    watcher = await visit.open("/ws/vitals", visit.doctor, after=None)
    await next_text(watcher, "welcome")
    await device.send_json(visit.numerics(1, 88.0))
    seen = await next_text(watcher, "numerics")
    await watcher.close()
    for seq in (2, 3):
        await device.send_json(visit.numerics(seq, 88.0 + seq))
        await next_text(device, "ack")
    again = await visit.open("/ws/vitals", visit.doctor, after=seen["id"])
    assert (await next_text(again, "welcome"))["resumed"] is True
    assert [(await next_text(again, "numerics"))["values"][0]["value"] for _ in range(2)] == [90.0, 91.0]


async def test_a_watcher_who_was_away_too_long_is_told_of_the_gap_and_gets_the_latest(visit: Visit) -> None:
    device = await visit.connect_device()
    await device.send_json(visit.numerics(1, 88.0))
    await next_text(device, "ack")
    watcher = await visit.open("/ws/vitals", visit.doctor, after="1-1")
    await next_text(watcher, "gap")
    assert (await next_text(watcher, "numerics"))["values"][0]["value"] == 88.0


async def test_w4_one_who_never_reads_does_not_hold_up_the_others(visit: Visit) -> None:
    stuck = await visit.open("/ws/vitals", visit.patient, after=None)
    assert stuck._conn is not None and stuck._conn.transport is not None
    stuck._conn.transport.pause_reading()
    watcher = await visit.open("/ws/vitals", visit.doctor, after=None)
    await next_text(watcher, "welcome")
    bus, topic = visit.house.services.bus, vitals_topic(EncounterId(visit.encounter.id))
    text = json.dumps({"type": "numerics", "padding": "x" * 60_000}).encode()
    for _ in range(200):
        await bus.publish(topic, Event("numerics", text))
        assert (await watcher.receive(timeout=5)).type is WSMsgType.TEXT
    async with asyncio.timeout(8):
        while _open(visit.house, "vitals") > 1:
            await asyncio.sleep(0.05)
    assert not watcher.closed
    stuck._conn.transport.abort()


async def test_a_watcher_who_fell_behind_gets_every_fact_and_the_newest_curves_but_no_old_ones(visit: Visit) -> None:
    ticket = await visit.house.ticket(visit.doctor, Purpose.VITALS, visit.encounter.id)
    slow = await visit.house.client.ws_connect("/ws/vitals", compress=15)
    await slow.send_json({"type": "hello", "version": 1, "ticket": ticket, "after": None})
    await next_text(slow, "welcome")
    quick = await visit.open("/ws/vitals", visit.patient, after=None)
    await next_text(quick, "welcome")
    bus, topic = visit.house.services.bus, vitals_topic(EncounterId(visit.encounter.id))

    async def measured(value: int) -> None:
        await bus.publish(topic, Event("wave", b"%d" % value))
        await bus.publish(topic, Event("numerics", json.dumps({"type": "numerics", "value": value}).encode()))
        while (await next_text(quick, "numerics"))["value"] != value:
            pass

    await measured(0)
    await next_text(slow, "numerics")
    # Behind its answer to our question.
    await slow.send_json({"type": "ping", "sent_at": 1})
    await next_text(slow, "pong")
    assert slow._conn is not None and slow._conn.transport is not None
    slow._conn.transport.pause_reading()
    for value, passed_s in enumerate((pace_module.ASK_S, pace_module.BEHIND_S + 0.1, outbox_module.FRESH_S + 0.1), 1):
        visit.house.clock.advance(passed_s)
        await measured(value)
    slow._conn.transport.resume_reading()
    got: list[object] = []
    while 3 not in got:
        message = await slow.receive(timeout=5)
        if message.type is WSMsgType.BINARY:
            got.append(message.data[16:])
        elif (told := json.loads(message.data))["type"] in ("numerics", "gap"):
            got.append(told.get("value", "gap"))
    assert got == [b"1", 1, "gap", 2, b"3", 3]


@pytest.mark.parametrize("path", ["/ws/device", "/ws/vitals"])
async def test_what_becomes_too_large_is_refused_however_small_it_came(visit: Visit, path: str) -> None:
    headers = {"Authorization": f"Bearer {visit.credential}"}
    socket = await visit.house.client.ws_connect(path, headers=headers, compress=15)
    assert socket.compress == 15
    await socket.send_bytes(bytes(4 << 20))
    assert await closed_with(socket) == 1009


def _open(house: House, kind: str) -> float:
    return float(house.services.metrics.sockets.labels(kind)._value.get())


# Rooms, and the end


async def room_of(visit: Visit, who: Caller) -> tuple[ClientWebSocketResponse, str]:
    """Enter; return the socket and the participant one is."""
    socket = await visit.open("/ws/room", who)
    return socket, (await next_text(socket, "welcome"))["participant"]


async def test_the_doctor_admits_and_a_line_arrives(visit: Visit) -> None:
    patient, waiting = await room_of(visit, visit.patient)
    doctor, _ = await room_of(visit, visit.doctor)
    await doctor.send_json({"type": "admit", "participant": waiting})
    assert (await next_text(patient, "welcome"))["admission"] == "admitted"
    await patient.send_json({"type": "chat", "key": "k1", "text": "Can you hear me?"})
    assert (await next_text(doctor, "chat"))["text"] == "Can you hear me?"


async def test_the_end_closes_every_socket_and_lets_the_device_go(visit: Visit) -> None:
    (doctor, _), (patient, _) = await room_of(visit, visit.doctor), await room_of(visit, visit.patient)
    watcher = await visit.open("/ws/vitals", visit.patient, after=None)
    await next_text(watcher, "welcome")
    await doctor.send_json({"type": "end"})
    assert await closed_with(doctor) == 4410
    assert await closed_with(patient) == 4410
    assert await closed_with(watcher) == 4410
    devices = await (await visit.house.ask("GET", "/api/v1/devices", visit.admin)).json()
    assert devices["devices"][0]["encounter"] is None
    refused = await visit.house.ask(
        "POST", "/api/v1/tickets", visit.patient, {"purpose": "room", "encounter": visit.encounter.id}
    )
    assert refused.status == 410


async def test_when_the_server_stops_everybody_is_asked_to_come_back(visit: Visit) -> None:
    room, _ = await room_of(visit, visit.doctor)
    worklist = await visit.open("/ws/worklist", visit.doctor)
    device = await visit.connect_device()
    await next_text(device, "welcome")
    closing = [asyncio.ensure_future(closed_with(socket)) for socket in (room, worklist, device)]  # noqa: TID251 - they must run while the server stops.
    await visit.house.app.shutdown()
    assert set(await asyncio.gather(*closing)) == {1012}
    with pytest.raises(WSServerHandshakeError) as refused:
        await visit.house.socket("/ws/worklist")
    assert refused.value.status in {429, 503}


async def test_who_is_removed_from_the_room_sees_no_more_vitals(visit: Visit) -> None:
    house = visit.house
    guest = await house.guest(visit.doctor, visit.encounter.id)
    doctor, room = await visit.open("/ws/room", visit.doctor), await visit.open("/ws/room", guest)
    seat = (await next_text(room, "welcome"))["participant"]
    with pytest.raises(Forbidden, match="let in"):
        await visit.open("/ws/vitals", guest)
    await doctor.send_json({"type": "admit", "participant": seat})
    assert (await next_text(room, "welcome"))["admission"] == "admitted"
    vitals = await visit.open("/ws/vitals", guest)
    await next_text(vitals, "welcome")
    path = f"/api/v1/encounters/{visit.encounter.id}"
    assert (await house.ask("GET", path, guest)).status == 200
    await doctor.send_json({"type": "remove", "participant": seat})
    await next_text(room, "removed")
    assert await closed_with(vitals) == 4401
    assert (await house.ask("GET", path, guest)).status == 401


async def test_a_ticket_from_before_the_end_shows_no_vitals_after_it(visit: Visit) -> None:
    ticket = await visit.house.ticket(visit.doctor, Purpose.VITALS, visit.encounter.id)
    store = visit.house.services.desk._encounters
    was = await store.get(visit.encounter.id)
    await store.save(was.finished(visit.house.clock.now()), was=was)
    socket = await visit.house.socket("/ws/vitals", {"type": "hello", "version": 1, "ticket": ticket})
    assert await closed_with(socket) == 4410
