"""`telehealth simulate sensor`: what a page sends of a Bluetooth chest strap, without the page and the strap."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp

from telehealth.clock import Clock, SystemClock, to_ms
from telehealth.demo.patient import SyntheticPatient
from telehealth.demo.source import CHUNK_S
from telehealth.errors import Unavailable
from telehealth.interop.gatt.decoder import decode, octets_of
from telehealth.interop.gatt.layout import Fields
from telehealth.vitals.codes import HEART_RATE

logger = logging.getLogger(__name__)

MEASUREMENT = "2A37"
TIMEOUT_S = 10.0
_CONTACT = 0b110
"""Flags: contact is detected, and can be."""

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SensorOptions:
    """What the command line says."""

    url: str
    token: str = field(repr=False)
    encounter: str
    name: str = "Simulated strap"
    seed: int = 1


async def simulate_sensor(options: SensorOptions, report: Report = logger.info) -> None:
    """Send a heart rate each second until cancelled; Unavailable once the server takes none any more."""
    source = SyntheticPatient("stable", seed=options.seed)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        sensor = SimulatedSensor(http, options)
        number = 0
        while (chunk := source.chunk(number)) is not None:
            number += 1
            await asyncio.sleep(CHUNK_S)
            for value in chunk.values:
                if value.mdc == HEART_RATE and value.value is not None:
                    report(f"{value.value:g} /min: {await sensor.send(round(value.value))}")


class SimulatedSensor:
    """A strap that is paired."""

    def __init__(self, http: aiohttp.ClientSession, options: SensorOptions, *, clock: Clock | None = None) -> None:
        self._http = http
        self._options = options
        self._clock = clock or SystemClock()
        self._journal = secrets.token_hex(8)
        self._number = 0

    async def send(self, rate: int) -> str:
        """Send a rate; return what became of it. Unavailable if the server refuses."""
        self._number += 1
        octets = octets_of(MEASUREMENT, (Fields(_CONTACT, {"rate": rate}),))
        read = [one for measurement in decode(MEASUREMENT, octets) for one in measurement.readings]
        now = to_ms(self._clock.now())
        reading = {
            "kind": "gatt",
            "key": f"{self._journal}-{self._number}",
            "taken_at": now,
            "sensor": self._options.name,
            "characteristic": MEASUREMENT,
            "bytes": octets.hex(),
            "decoded": [
                {"mdc": one.mdc, "value": one.value, "unit": one.unit, "quality": one.quality.value} for one in read
            ],
        }
        address = f"{self._options.url}/api/v1/encounters/{self._options.encounter}/readings"
        headers = {"Authorization": f"Bearer {self._options.token}"}
        try:
            body = {"sent_at": now, "readings": [reading]}
            async with self._http.post(address, json=body, headers=headers) as response:
                if response.status != 200:
                    raise Unavailable(f"The server refuses readings ({response.status}).", code="refused")
                return str((await response.json())["results"][0]["status"])
        except aiohttp.ClientError as error:
            raise Unavailable(f"The server is not reached ({type(error).__name__}).", code="offline") from error
