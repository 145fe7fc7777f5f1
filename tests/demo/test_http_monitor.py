"""Monitors that post over HTTP, at the running server: nothing that they measured is lost on the way."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest

from telehealth.access import Role
from telehealth.demo import http_monitor
from telehealth.demo.http_monitor import Format, HttpMonitor, HttpOptions
from telehealth.errors import Unauthenticated
from telehealth.interop.vital_frames import decode_frame
from telehealth.vitals.registry import Bedside
from tests.doubles import NOON
from tests.ingest.test_simulated_monitor import HurriedClock, ShortStay
from tests.web.house import House

FORMS = pytest.mark.parametrize("form", Format)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_monitor, "RETRY_S", 0.01)


async def at_a_bedside(house: House, *, bound: bool = True) -> tuple[Any, Any, str]:
    """Return the encounter, the device and its credential."""
    admin = await house.person("Admin", Role.ADMIN)
    patient, doctor = await house.person("Patient", Role.PATIENT), await house.person("Doctor", Role.PRACTITIONER)
    encounter = await house.visit(patient, doctor)
    device, credential = await house.device(admin, encounter if bound else None)
    return encounter, device, credential


async def run_until(monitor: HttpMonitor, done: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(monitor.run())
            while not done():
                await asyncio.sleep(0.01)
            running.cancel()


@FORMS
async def test_what_it_measures_arrives_bit_for_bit_and_once(house: House, form: Format) -> None:
    encounter, _, credential = await at_a_bedside(house)
    stay, said = ShortStay(50), list[str]()
    async with aiohttp.ClientSession() as http:
        options = HttpOptions(house.origin, credential, form)
        monitor = HttpMonitor(http, options, stay, clock=HurriedClock(), report=said.append)
        await run_until(monitor, lambda: monitor.sent >= 10)
    frames = house.services.vitals._frames
    channels = {channel.device_channel: channel.mdc for channel in await frames.channels(encounter.id)}
    stored = sorted(await frames.since(encounter.id, NOON.replace(year=2000), limit=1_000), key=lambda f: f.sequence)
    arrived: dict[int, bytes] = {}
    for frame in stored:
        if frame.channel:
            mdc = channels[frame.channel]
            arrived[mdc] = arrived.get(mdc, b"") + decode_frame(frame.body).samples
    assert arrived == {channel.mdc: stay.samples[channel.number] for channel in stay.channels}
    reports = [house.services.vitals._wire.from_stored(f.device_id, f.body) for f in stored if not f.channel]
    # From the second second on each has its numbers, once.
    assert [sample.mdc for r in reports for sample in r.samples].count(147842) == 9
    assert said == ["the server takes what is sent"]


class FastClock(HurriedClock):
    """A hurried clock that is a day ahead of the server's."""

    def now(self) -> datetime:
        return super().now() + timedelta(days=1)


async def test_what_the_server_refuses_is_reported(house: House) -> None:
    _, _, credential = await at_a_bedside(house)
    said: list[str] = []
    async with aiohttp.ClientSession() as http:
        options = HttpOptions(house.origin, credential, Format.FHIR)
        monitor = HttpMonitor(http, options, ShortStay(5), clock=FastClock(), report=said.append)
        await run_until(monitor, lambda: monitor.sent >= 1)
    # FHIR does not say when it was sent, so nobody knows that the clock is wrong: what is of tomorrow is not taken.
    assert said == ["the server takes what is sent", "the server refuses 3 of the values and waves of a second"]


@FORMS
async def test_what_is_not_taken_yet_is_posted_again(house: House, form: Format) -> None:
    encounter, device, credential = await at_a_bedside(house, bound=False)
    said: list[str] = []
    async with aiohttp.ClientSession() as http:
        options = HttpOptions(house.origin, credential, form)
        monitor = HttpMonitor(http, options, ShortStay(15), clock=HurriedClock(), report=said.append)

        async def bind_later() -> None:
            async with asyncio.timeout(10):
                while len(said) < 2:
                    await asyncio.sleep(0.01)
            (admin,) = [one for one in house.users.values() if one.role is Role.ADMIN]
            who = (await house.signed_in(admin)).principal
            assert who is not None
            bedside = Bedside(encounter.id, encounter.patient_id, encounter.owners)
            await house.services.devices.associate(who, device, bedside)

        with suppress(asyncio.CancelledError):
            await asyncio.gather(run_until(monitor, lambda: monitor.sent >= 3), bind_later())
    assert monitor.sent == 3 and "perhaps the device is bound to nobody" in said[0]
    assert said[-1] == "the server takes what is sent"


async def test_a_server_that_is_not_there_is_tried_again(unused_tcp_port: int) -> None:
    said: list[str] = []
    async with aiohttp.ClientSession() as http:
        options = HttpOptions(f"http://127.0.0.1:{unused_tcp_port}/", "d.secret", Format.PARCEL)
        monitor = HttpMonitor(http, options, ShortStay(10), clock=HurriedClock(), report=said.append)
        await run_until(monitor, lambda: len(said) >= 3)
    assert monitor.sent == 0 and said[0].startswith("no connection (ClientConnector")


@FORMS
async def test_a_credential_that_is_not_good_ends_it(house: House, form: Format) -> None:
    async with aiohttp.ClientSession() as http:
        options = HttpOptions(house.origin, "nobody.secret", form)
        monitor = HttpMonitor(http, options, ShortStay(10), clock=HurriedClock())
        with pytest.raises(Unauthenticated):
            async with asyncio.timeout(10):
                await monitor.run()
