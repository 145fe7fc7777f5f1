"""The audit trail, as administrators read it."""

from collections.abc import Sequence
from typing import Protocol

from telehealth.access import Action, Principal, require_role
from telehealth.audit import AuditEntry, AuditEvent, event_by

_BATCH = 200


class Trail(Protocol):
    """The stored audit trail."""

    async def record(self, event: AuditEvent) -> None: ...
    async def entries(self, node: str, *, after: int = 0, limit: int = 500) -> Sequence[AuditEntry]: ...
    async def nodes(self) -> Sequence[str]: ...


class AuditReader:
    """Reads the trail for who may; reading it stands in it, too."""

    def __init__(self, trail: Trail, node: str) -> None:
        self._trail = trail
        self._node = node

    async def read(self, principal: Principal, node: str | None, *, after: int) -> Sequence[AuditEntry]:
        """Return the next entries of a node, by default of this one; at most 200."""
        require_role(principal, Action.READ_AUDIT)
        node = node or self._node
        await self._trail.record(event_by(principal, "audit.read", f"node/{node}"))
        return await self._trail.entries(node, after=after, limit=_BATCH)

    async def nodes(self) -> Sequence[str]:
        """Return the nodes that have written."""
        return await self._trail.nodes()
