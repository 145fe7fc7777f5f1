"""Aliases: by what names other systems know our devices, as staff entered them. No message makes itself known."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from telehealth.access import Action, Principal, require_role
from telehealth.audit import AuditTrail, event_by
from telehealth.errors import Gone, Invalid
from telehealth.ids import DeviceId
from telehealth.vitals.ports import Devices

MAX_ALIASES = 8
"""Aliases of one device."""

_VALUE = re.compile(r"[^\x00-\x1f\x7f]{1,120}")
_EUI64 = re.compile(r"[0-9A-F]{16}", re.ASCII)


class AliasSystem(StrEnum):
    """What kind of name it is."""

    EUI64 = "eui64"
    """16 hexadecimal digits, in OBX-18 or MSH-3."""

    EQUIPMENT = "equipment"
    """Any other text in OBX-18."""

    SENDER = "sender"
    """The sending application, MSH-3."""


@dataclass(frozen=True, slots=True)
class DeviceAlias:
    """A name of a device elsewhere; `time_zone` (IANA) is that of its times without one, empty if it isn't known."""

    system: AliasSystem
    value: str
    device_id: DeviceId
    time_zone: str = ""


class DeviceAliases(Protocol):
    """Stored aliases; each name is of one device."""

    async def of_device(self, device: DeviceId) -> Sequence[DeviceAlias]: ...

    async def put(self, device: DeviceId, aliases: Sequence[DeviceAlias]) -> None:
        """Let these be the aliases of the device, and no others; Conflict (`alias_taken`)."""
        ...

    async def find(self, names: Sequence[tuple[str, str]]) -> DeviceAlias | None:
        """Return the alias of the first of the names (system, value) that anybody has."""
        ...


class AliasRegistry:
    """Lets staff say by which names a device is known elsewhere."""

    def __init__(self, *, aliases: DeviceAliases, devices: Devices, audit: AuditTrail) -> None:
        self._aliases = aliases
        self._devices = devices
        self._audit = audit

    async def of_device(self, principal: Principal, device: DeviceId) -> Sequence[DeviceAlias]:
        """Return the aliases of the device; NotFound."""
        require_role(principal, Action.LIST_DEVICES)
        await self._devices.get(device)
        return await self._aliases.of_device(device)

    async def put(
        self, principal: Principal, device: DeviceId, aliases: Sequence[DeviceAlias]
    ) -> Sequence[DeviceAlias]:
        """Let these be the aliases of the device.

        Raises:
            Conflict: `alias_taken`: another device has one of them.
            Invalid: A name is not of its kind, stands twice, or there are too many.
        """
        require_role(principal, Action.MANAGE_DEVICES)
        if (await self._devices.get(device)).revoked:
            raise Gone("This device has been revoked.", code="device_revoked")
        wanted = [_normal(alias) for alias in aliases]
        names = {(alias.system, alias.value) for alias in wanted}
        if len(wanted) > MAX_ALIASES or len(names) != len(wanted):
            raise Invalid(f"A device has at most {MAX_ALIASES} aliases, each once.")
        await self._aliases.put(device, wanted)
        await self._audit.record(event_by(principal, "device.aliased", f"device/{device}"))
        return wanted


def _normal(alias: DeviceAlias) -> DeviceAlias:
    value = alias.value.strip()
    if alias.system is AliasSystem.EUI64:
        value = value.upper().replace("-", "").replace(":", "")
        if not _EUI64.fullmatch(value):
            raise Invalid("An EUI-64 has 16 hexadecimal digits.", code="bad_alias")
    if not _VALUE.fullmatch(value):
        raise Invalid("A name has 1 to 120 characters on one line.", code="bad_alias")
    return DeviceAlias(alias.system, value, alias.device_id, alias.time_zone)
