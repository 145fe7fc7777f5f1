"""What becomes of a message of HL7 version 2: whose device it is of, what of it is stored, and what goes back."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeVar

from telehealth.clock import Clock
from telehealth.errors import Invalid, NotFound, TelehealthError
from telehealth.ids import DeviceId, NewId
from telehealth.interop.hl7.acks import AckStyle, Fate, Verdict, acknowledgement, refused, taken
from telehealth.interop.hl7.parse import Message, parse
from telehealth.interop.hl7.reading import is_answer, names_of, read
from telehealth.interop.hl7.rows import Reading, zone_named
from telehealth.metrics import Metrics
from telehealth.vitals.aliases import DeviceAlias, DeviceAliases
from telehealth.vitals.reports import Reports

logger = logging.getLogger(__name__)

_FATES: Mapping[Fate, str] = MappingProxyType(
    {Fate.ACCEPTED: "accepted", Fate.ERROR: "error", Fate.REJECTED: "rejected"}
)
_T = TypeVar("_T")

_LARGE = 128 * 1024
"""A message that is longer is read beside the others, not before them: it takes a second for two megabytes."""

_OWN_ID = 20
"""Length of our MSH-10: the standard allows no more in older versions."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back, empty for nothing, and which device it was."""

    text: str
    device: DeviceId | None = None


@dataclass(frozen=True, slots=True)
class InboxPorts:
    """What the inbox needs of the outside."""

    reports: Reports
    aliases: DeviceAliases
    metrics: Metrics
    clock: Clock
    new_id: NewId


class Hl7Inbox:
    """Takes messages. The acknowledgement is made after the commit, never before."""

    def __init__(self, ports: InboxPorts, reading: Reading, style: AckStyle) -> None:
        self._ports = ports
        self._reading = reading
        self._style = style

    async def take(self, data: bytes) -> Answer:
        """Store what the message says and return the answer. Whatever is wrong with it, there is an answer."""
        message: Message | None = None
        device: DeviceId | None = None
        try:
            message = await _aside(len(data), lambda: parse(data))
            if is_answer(message):
                self._count("answer")
                return Answer("")
            alias = await self._alias(message)
            device = alias.device_id
            verdict = await self._stored(message, alias)
        except TelehealthError as error:
            self._count(error.code)
            logger.info("hl7 message refused: %s", error.code)
            verdict = refused(error)
        except Exception:
            # The message ends here; the sender learns that it was our fault, and the connection goes on.
            self._ports.metrics.errors.labels("hl7").inc()
            logger.exception("hl7 message failed")
            verdict = Verdict(Fate.ERROR, 207, "Something went wrong here.")
        return Answer(self.answered(message, verdict), device)

    def answered(self, message: Message | None, verdict: Verdict) -> str:
        """Return the acknowledgement as text."""
        own_id = self._ports.new_id()[:_OWN_ID]
        return acknowledgement(message, verdict, own_id=own_id, at=self._ports.clock.now(), style=self._style)

    async def _alias(self, message: Message) -> DeviceAlias:
        found = await self._ports.aliases.find(names_of(message))
        if found is None:
            raise NotFound("This device is not registered here under its name.", code="unknown_device")
        return found

    async def _stored(self, message: Message, alias: DeviceAlias) -> Verdict:
        reading = self._reading
        if alias.time_zone:
            reading = replace(reading, zone=zone_named(alias.time_zone))
        reported = await _aside(message.size, lambda: read(message, reading))
        kept = await self._ports.reports.record(alias.device_id, reported)
        metrics = self._ports.metrics
        for repair, count in reported.repairs.items():
            metrics.report_repairs.labels("hl7", repair).inc(count)
        for one in kept.quarantined:
            metrics.report_refusals.labels("hl7", one.code).inc()
        verdict = taken(kept=kept.something, reasons=[one.text for one in kept.quarantined])
        self._count(_FATES[verdict.fate])
        return verdict

    def _count(self, fate: str) -> None:
        self._ports.metrics.reports.labels("hl7", fate).inc()

    def unreadable(self, text: str) -> str:
        """Return the answer to octets that hold no message."""
        self._count("no_mllp")
        return self.answered(None, refused(Invalid(text, code="bad_message")))


async def _aside(size: int, work: Callable[[], _T]) -> _T:
    return await asyncio.to_thread(work) if size > _LARGE else work()
