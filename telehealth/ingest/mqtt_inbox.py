"""What becomes of an MQTT message: whose it is, what it says, stored. The broker is elsewhere (ingest.mqtt)."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from telehealth.access import Principal, Role
from telehealth.clock import Clock
from telehealth.errors import Invalid, NotFound, TelehealthError, TooMany, Unauthenticated, Unavailable
from telehealth.ids import DeviceId
from telehealth.interop.mqtt_payloads import Rule, read_payload, rule_for
from telehealth.interop.parcels import Parcel
from telehealth.metrics import Metrics
from telehealth.vitals.deliveries import Deliveries
from telehealth.vitals.reported import Reported
from telehealth.vitals.reports import Reports

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MqttPorts:
    """What the inbox needs of the outside."""

    deliveries: Deliveries
    reports: Reports
    metrics: Metrics
    clock: Clock


class Postponed(Exception):
    """A message could not be stored now: it is not acknowledged, and comes again with the next connection."""


class MqttInbox:
    """Takes single messages: whose they are, what they say, stored."""

    def __init__(self, rules: Sequence[Rule], ports: MqttPorts) -> None:
        self.rules = tuple(rules)
        self._deliveries = ports.deliveries
        self._reports = ports.reports
        self._metrics = ports.metrics
        self._clock = ports.clock

    async def take(self, topic: str, payload: bytes) -> None:
        """Store what the message says. What can't be taken is counted, and not to be sent again.

        Raises:
            Postponed: It could not be stored now.
        """
        try:
            found = rule_for(self.rules, topic)
            if found is None:
                raise Invalid("The topic is nobody's.", code="unknown_topic")
            rule, device = found
            await self._record(DeviceId(device), read_payload(rule, payload, self._clock.now()))
        except (TooMany, Unavailable) as error:
            raise Postponed(error.code) from error
        except (Invalid, NotFound, Unauthenticated) as error:
            self._metrics.frames.labels(error.code).inc()
            logger.info("an MQTT message was not taken: %s", error.code)
        except TelehealthError as error:
            self._metrics.errors.labels("mqtt").inc()
            logger.error("an MQTT message failed", exc_info=error)
            raise Postponed(error.code) from error

    async def _record(self, device: DeviceId, said: Parcel | Reported) -> None:
        if isinstance(said, Parcel):
            batch = said.messages()
            recorded = await self._deliveries.deliver(Principal(device, Role.DEVICE), said.hello(), batch)
            self._metrics.frames.labels("stored").inc(len(batch))
            for refusal in recorded.refused:
                self._metrics.frames.labels(refusal.code).inc()
            return
        kept = await self._reports.record(device, said)
        self._metrics.frames.labels("stored").inc(len(kept.fresh))
        for refused in kept.quarantined:
            self._metrics.frames.labels(refused.code).inc()
