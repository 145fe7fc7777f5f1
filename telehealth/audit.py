"""The audit trail: who saw or changed what, in a chain where each entry seals the one before.

The seal is HMAC-SHA-256 over the previous seal and the entry's canonical JSON: an edit, a removal or an insertion
breaks the chain at that place. A removal at the end is found by comparing with the anchor, kept apart.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from telehealth.access import Principal

GENESIS = b"\x00" * 32


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One thing somebody saw or did.

    Attributes:
        action: What was done, as `noun.verb` (`encounter.read`, `appointment.booked`).
        actor: Subject of who did it; `system` for the server itself.
        role: Role of the actor.
        entity: Id of what it was done to; `kind/id`.
        patient: Id of the patient concerned, empty if none.
        outcome: `ok` or the stable code of the refusal.
    """

    action: str
    actor: str
    role: str
    entity: str
    patient: str = ""
    outcome: str = "ok"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An AuditEvent in its place: which node wrote it, its number there from 1, when, and its seal (32 bytes)."""

    node: str
    number: int
    at: datetime
    event: AuditEvent
    seal: bytes


class AuditTrail(Protocol):
    """Where audit events go."""

    async def record(self, event: AuditEvent) -> None:
        """Append the event durably, before the answer leaves; Unavailable if that fails (then refuse the request)."""
        ...


def event_by(principal: Principal, action: str, entity: str, *, patient: str = "") -> AuditEvent:
    """Return the AuditEvent of something the principal did."""
    return AuditEvent(action, principal.subject, principal.role.value, entity, patient)


def seal(key: bytes, previous: bytes, number: int, at: datetime, event: AuditEvent) -> bytes:
    """Return the seal of an entry: HMAC-SHA-256 keyed with `key`, 32 bytes."""
    content = [number, at.isoformat(), event.action, event.actor, event.role, event.entity]
    payload = json.dumps([*content, event.patient, event.outcome], separators=(",", ":")).encode()
    return hmac.new(key, previous + payload, hashlib.sha256).digest()


def first_broken(key: bytes, entries: Iterable[AuditEntry], *, after: int = 0, previous: bytes = GENESIS) -> int | None:
    """Return the number of the first entry of one node's chain that does not fit, None if all do.

    Args:
        key: The key the seals were made with.
        entries: Entries of one node in order of their numbers.
        after: Number of the entry before the first one, for a chain that is read in pieces.
        previous: Seal of that entry.
    """
    for expected, entry in enumerate(entries, start=after + 1):
        good = seal(key, previous, entry.number, entry.at, entry.event)
        if entry.number != expected or not hmac.compare_digest(good, entry.seal):
            return expected
        previous = entry.seal
    return None
