"""`telehealth simulate http` and `simulate fhir`: monitors that post each second, as parcels or as FHIR bundles.

They go on measuring without a server; what was not taken is posted again, in order, and stored once.
"""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import aiohttp

from telehealth.clock import Clock, SystemClock, to_ms
from telehealth.demo.patient import SyntheticPatient
from telehealth.demo.seconds import ParcelWriter, Second, seconds_of
from telehealth.demo.source import Source
from telehealth.errors import Forbidden, Unauthenticated
from telehealth.interop.fhir.writing import batch_bundle

logger = logging.getLogger(__name__)

KEPT = 1_200
"""Seconds kept that were not taken: twenty minutes."""

RETRY_S = 2.0
TIMEOUT_S = 10.0
_FINAL = {
    401: Unauthenticated("The server does not know this credential: is it right, and not revoked?"),
    403: Forbidden("The server does not take vitals from this credential."),
}

Report = Callable[[str], None]
Body = dict[str, object]


class Format(StrEnum):
    """What is posted."""

    PARCEL = "parcel"
    FHIR = "fhir"


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """What the command line says."""

    url: str
    token: str = field(repr=False)
    form: Format
    scenario: str = "stable"
    seed: int = 1


async def simulate_http(options: HttpOptions, report: Report = logger.info) -> None:
    """Be such a monitor until cancelled; Unauthenticated, Forbidden if the credential is not good."""
    source = SyntheticPatient(options.scenario, seed=options.seed)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as http:
        await HttpMonitor(http, options, source, report=report).run()


class HttpMonitor:
    """One monitor, from switching on to switching off.

    Attributes:
        sent: How many seconds the server has taken.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        options: HttpOptions,
        source: Source,
        *,
        report: Report = logger.info,
        clock: Clock | None = None,
    ) -> None:
        self._http = http
        self._form = options.form
        path = {Format.PARCEL: "/api/v1/observations", Format.FHIR: "/fhir"}[options.form]
        self._address = options.url.rstrip("/") + path
        self._headers = {"Authorization": f"Bearer {options.token}"}
        self._source = source
        self._report = report
        self._clock = clock or SystemClock()
        self._parcels = ParcelWriter(f"http-{secrets.token_hex(6)}")
        self._waiting: deque[Body] = deque(maxlen=KEPT)
        self._fresh = asyncio.Event()
        self._taken = True
        self.sent = 0

    async def run(self) -> None:
        """Measure and post for ever; raises once the server says that it will never take us."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._measure())
                tasks.create_task(self._post_all())
        except ExceptionGroup as group:
            raise group.exceptions[0] from None

    async def _measure(self) -> None:
        async for second in seconds_of(self._source, self._clock):
            self._waiting.append(self._body(second))
            self._fresh.set()

    def _body(self, second: Second) -> Body:
        if self._form is Format.PARCEL:
            return self._parcels.parcel(second)
        return batch_bundle(second.now, second.values, second.stretches)

    async def _post_all(self) -> None:
        while True:
            await self._fresh.wait()
            self._fresh.clear()
            while self._waiting:
                body = self._waiting[0]
                if not await self._post(body):
                    await asyncio.sleep(RETRY_S)
                elif self._waiting and self._waiting[0] is body:
                    self._waiting.popleft()

    async def _post(self, body: Body) -> bool:
        """Say whether the server has taken it; one that it can't take now comes again."""
        sent = {**body, "sent_at": to_ms(self._clock.now())} if self._form is Format.PARCEL else body
        try:
            async with self._http.post(self._address, json=sent, headers=self._headers) as response:
                status = response.status
                refused = _refused(await response.json(content_type=None)) if status < 300 else 0
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            self._tell(taken=False, why=f"no connection ({type(error).__name__})")
            return False
        if status in _FINAL:
            raise _FINAL[status]
        taken = status < 300
        self._tell(taken=taken, why=f"refused ({status}): perhaps the device is bound to nobody")
        if refused:
            self._report(f"the server refuses {refused} of the values and waves of a second")
        self.sent += taken
        return taken

    def _tell(self, *, taken: bool, why: str) -> None:
        if taken and (self.sent == 0 or not self._taken):
            self._report("the server takes what is sent")
        elif not taken:
            self._report(f"{why}; trying again in {RETRY_S:g} s")
        self._taken = taken


def _refused(answer: Any) -> int:
    """Return how many items of a parcel, or entries of a bundle, were not taken."""
    statuses = [item["status"] for item in answer.get("items", ())]
    statuses += [entry["response"]["status"] for entry in answer.get("entry", ())]
    return sum(status != "stored" and not status.startswith("20") for status in statuses)
