"""Devices publish on a real Mosquitto with its own clients; what they publish is stored once, then acknowledged."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from telehealth.access import Role
from telehealth.app import Surroundings, build
from telehealth.clock import SystemClock, to_ms
from telehealth.demo.mqtt_monitor import MqttMonitor, MqttMonitorOptions
from telehealth.demo.patient import SyntheticPatient
from telehealth.errors import Unavailable
from telehealth.ids import DeviceId
from telehealth.storage.database import Database
from telehealth.vitals.model import Device, DeviceAssociation, StoredFrame
from tests.ingest.broker import Broker, running
from tests.media_here import media_here
from tests.web.house import House, OpenHasher, settings_for

pytestmark = pytest.mark.engine


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    folder = tmp_path / "broker"
    folder.mkdir()
    yield from running(folder)


@asynccontextmanager
async def a_house(tmp_path: Path, broker: Broker, **changes: str) -> AsyncIterator[House]:
    from aiohttp.test_utils import TestClient, TestServer

    settings = settings_for(tmp_path, MQTT_URL=broker.url, **changes)
    # The real clock: what Mosquitto's clients and the simulator send is of now.
    app = build(settings, Surroundings(Database.in_memory(), passwords=OpenHasher(), carry=media_here))
    server = TestServer(app)
    await server.start_server(access_log=None)
    async with TestClient(server) as client:
        yield House(app, client, SystemClock())  # type: ignore[arg-type]


async def a_bed(house: House) -> tuple[DeviceId, Any]:
    patient, doctor = (
        await house.person("Ana Ruiz", Role.PATIENT),
        await house.person("Ifeoma Okafor", Role.PRACTITIONER),
    )
    encounter = await house.visit(patient, doctor)
    admin = await house.person("Sam Admin", Role.ADMIN)
    device, _ = await house.device(admin, encounter)
    return device, encounter


async def until(check: Callable[[], Awaitable[Any]], seconds: float = 10) -> Any:
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    while True:
        if seen := await check():
            return seen
        assert loop.time() < ends, "it never came"
        await asyncio.sleep(0.05)


async def frames(house: House, encounter: Any) -> list[StoredFrame]:
    store = house.services.vitals._frames
    now = SystemClock().now()
    page = await store.between(encounter.id, now.replace(year=2000), now.replace(year=2100), limit=5_000)
    return list(page.frames)


async def stored(house: House, encounter: Any, count: int, seconds: float = 10) -> list[StoredFrame]:
    async def enough() -> list[StoredFrame] | None:
        found = await frames(house, encounter)
        return found if len(found) >= count else None

    found: list[StoredFrame] = await until(enough, seconds)
    return found


async def subscribed(broker: Broker, house: House, device: str, encounter: Any) -> None:
    """Wait until the server hears what is published."""

    async def heard() -> bool:
        broker.publish(f"t/clinic/d/{device}/numerics", a_parcel(0))
        return len(await frames(house, encounter)) > 0

    await until(heard, 20)


def a_parcel(sequence: int, **changes: Any) -> dict[str, Any]:
    now = to_ms(SystemClock().now())
    values = [{"mdc": 147842, "value": 70.0 + sequence % 30, "unit": "/min"}]
    return {"boot": "b1", "sent_at": now, "numerics": [{"seq": sequence, "taken_at": now, "values": values}], **changes}


@pytest.mark.parametrize("version", ["5", "3"])
async def test_numerics_and_waves_are_stored_once(tmp_path: Path, broker: Broker, version: str) -> None:
    async with a_house(tmp_path, broker, MQTT_VERSION=version) as house:
        device, encounter = await a_bed(house)
        await subscribed(broker, house, device, encounter)
        channel = {"ch": 1, "mdc": 131330, "label": "II", "unit": "mV", "rate": 250.0, "gain": 0.005, "offset": 0.0}
        samples = bytes(range(200))
        now = to_ms(SystemClock().now())
        wave = {"ch": 1, "seq": 0, "first": 0, "starts_at": now, "samples": base64.b64encode(samples).decode()}
        for _ in range(2):
            broker.publish(f"t/clinic/d/{device}/waves", a_parcel(1, channels=[channel], waves=[wave]))
        broker.publish(f"t/clinic/d/{device}/numerics", a_parcel(2))
        found = await stored(house, encounter, 4)
        assert sorted((one.channel, one.sequence) for one in found) == [(0, 0), (0, 1), (0, 2), (1, 0)]
        assert next(one for one in found if one.channel == 1).body.endswith(samples)


async def test_what_is_published_while_we_are_away_comes_afterwards(tmp_path: Path, broker: Broker) -> None:
    async with a_house(tmp_path, broker) as house:
        device, encounter = await a_bed(house)
        await subscribed(broker, house, device, encounter)
        broker.stop()
        broker.start()

        async def again() -> bool:
            broker.publish(f"t/clinic/d/{device}/numerics", a_parcel(1))
            return len(await frames(house, encounter)) >= 2

        await until(again, 30)


async def test_a_message_that_could_not_be_stored_comes_again(tmp_path: Path, broker: Broker) -> None:
    async with a_house(tmp_path, broker) as house:
        device, encounter = await a_bed(house)
        await subscribed(broker, house, device, encounter)
        plane = house.services.vitals
        record, failures = plane.record, 2

        async def failing(*arguments: Any) -> Any:
            nonlocal failures
            if failures:
                failures -= 1
                raise Unavailable("The database does not answer: try again.")
            return await record(*arguments)

        plane.record = failing  # type: ignore[method-assign, assignment]
        broker.publish(f"t/clinic/d/{device}/numerics", a_parcel(1))
        found = await stored(house, encounter, 2, seconds=20)
        assert failures == 0
        assert [one.sequence for one in found] == [0, 1]


async def test_nobody_publishes_for_another_and_no_payload_says_whose_it_is(tmp_path: Path, broker: Broker) -> None:
    async with a_house(tmp_path, broker) as house:
        device, encounter = await a_bed(house)
        await subscribed(broker, house, device, encounter)
        for topic, payload in (
            (f"t/clinic/d/{'0' * 32}/numerics", a_parcel(1)),
            (f"t/other/d/{device}/numerics", a_parcel(1)),
            (f"t/clinic/d/{device}/numerics", a_parcel(1, patient="p1")),
            (f"t/clinic/d/{device}/numerics", "no JSON"),
            (f"t/clinic/d/{device}/numerics", {"hr": 71}),
        ):
            broker.publish(topic, payload)
        broker.publish(f"t/clinic/d/{device}/numerics", a_parcel(2))
        found = await stored(house, encounter, 2)
        assert [one.sequence for one in found] == [0, 2]


async def test_a_retained_message_is_not_taken_for_a_new_one(tmp_path: Path, broker: Broker) -> None:
    topic = f"t/clinic/d/{'a' * 32}/numerics"
    broker.publish(topic, {"hr": {"value": 44, "unit": "/min"}}, "-r")
    async with a_house(tmp_path, broker) as house:
        patient = await house.person("Ana Ruiz", Role.PATIENT)
        doctor = await house.person("Ifeoma Okafor", Role.PRACTITIONER)
        encounter = await house.visit(patient, doctor)
        now = SystemClock().now()
        device = DeviceId("a" * 32)
        store = house.services.vitals._devices
        await store.add(Device(device, "Monitor"))
        await store.associate(DeviceAssociation(device, encounter.id, encounter.patient_id, now))
        await subscribed(broker, house, device, encounter)
        # Only what was published after the subscription.
        assert {one.sequence for one in await frames(house, encounter)} == {0}


async def test_plain_values_are_read_by_rule(tmp_path: Path, broker: Broker) -> None:
    rules = tmp_path / "rules.toml"
    device = DeviceId("d0" * 16)
    rules.write_text(f"""
[[rule]]
topic = "ward3/bed1"
device = "{device}"
time = "at"
time_unit = "iso"
[rule.values]
"vitals.pulse" = {{ mdc = 149530, unit = "/min" }}
"vitals.sat" = {{ mdc = 150456, unit = "%" }}
""")
    async with a_house(tmp_path, broker, MQTT_RULES=str(rules)) as house:
        patient = await house.person("Ana Ruiz", Role.PATIENT)
        doctor = await house.person("Ifeoma Okafor", Role.PRACTITIONER)
        encounter = await house.visit(patient, doctor)
        store = house.services.vitals._devices
        now = SystemClock().now()
        await store.add(Device(device, "Gateway of ward 3"))
        await store.associate(DeviceAssociation(device, encounter.id, encounter.patient_id, now))

        async def heard() -> list[StoredFrame]:
            at = SystemClock().now().isoformat()
            broker.publish("ward3/bed1", {"at": at, "vitals": {"pulse": 71, "sat": 96}})
            return await frames(house, encounter)

        await until(heard, 20)
        snapshot = await house.services.vitals.snapshot(encounter.id)
        told = [(v["mdc"], v["value"]) for body in snapshot.numerics for v in json.loads(body)["values"]]
        assert sorted(told) == [(149530, 71.0), (150456, 96.0)]


async def test_a_revoked_device_is_gone_within_five_seconds_and_is_heard_no_more(
    tmp_path: Path, broker: Broker
) -> None:
    async with a_house(tmp_path, broker) as house:
        device, encounter = await a_bed(house)
        await subscribed(broker, house, device, encounter)
        admin = await house.person("Kim Admin", Role.ADMIN)
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert (await house.ask("POST", f"/api/v1/devices/{device}/revoke", admin)).status == 204

        async def gone() -> bool:
            return device not in house.services.vitals._feeds

        await until(gone, 6)
        print(f"revocation closes the feed of MQTT after {loop.time() - began:.1f} s")
        assert loop.time() - began <= 5
        before = len(await frames(house, encounter))
        broker.publish(f"t/clinic/d/{device}/numerics", a_parcel(50))
        await asyncio.sleep(0.5)
        assert len(await frames(house, encounter)) == before


async def test_the_simulated_monitor_loses_nothing_when_the_broker_restarts(tmp_path: Path, broker: Broker) -> None:
    async with a_house(tmp_path, broker) as house:
        device, encounter = await a_bed(house)
        options = MqttMonitorOptions(broker.url, device)
        monitor = MqttMonitor(options, SyntheticPatient("stable", seed=1))
        async with asyncio.TaskGroup() as tasks:
            running_monitor = tasks.create_task(monitor.run())
            await stored(house, encounter, 20, seconds=20)
            broker.stop()
            await asyncio.sleep(2)
            broker.start()
            count = len(await frames(house, encounter))
            await stored(house, encounter, count + 60, seconds=40)
            running_monitor.cancel()
        found = await frames(house, encounter)
        for channel in {one.channel for one in found}:
            numbers = sorted(one.sequence for one in found if one.channel == channel)
            assert numbers == list(range(numbers[0], numbers[-1] + 1)), f"channel {channel} has holes"


async def test_a_broker_that_is_not_there_keeps_nobody_from_working(tmp_path: Path, broker: Broker) -> None:
    broker.stop()
    async with a_house(tmp_path, broker) as house:
        assert (await house.client.get("/readyz")).status == 200
