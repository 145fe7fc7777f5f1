"""Medical devices: their credentials, and whom they measure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from aiohttp import web
from pydantic import Field, StringConstraints

from telehealth.errors import Gone
from telehealth.ids import DeviceId, EncounterId
from telehealth.vitals.aliases import MAX_ALIASES, AliasSystem, DeviceAlias
from telehealth.vitals.registry import Whereabouts
from telehealth.web.api.fields import Id, Name, Text, Zone
from telehealth.web.bodies import Answer, Body, answer, body_of
from telehealth.web.context import came_from, path_id, principal, services
from telehealth.web.rate_limits import ALL_ENROLMENTS, ENROLMENTS


class DeviceToAdd(Body):
    """A new device, by the name staff know it by."""

    name: Name
    model: Text = ""
    simulated: bool = False


class DeviceShown(Answer):
    """A device, and whom it measures now."""

    id: str
    name: str
    model: str
    simulated: bool
    revoked: bool
    encounter: str | None
    since: datetime | None
    credential: str | None = None

    @classmethod
    def of(cls, known: Whereabouts, *, credential: str | None = None) -> Self:
        device, association = known.device, known.association
        return cls(
            id=device.id,
            name=device.name,
            model=device.model,
            simulated=device.simulated,
            revoked=device.revoked,
            encounter=association.encounter_id if association else None,
            since=association.since if association else None,
            credential=credential,
        )


class Devices(Answer):
    """All devices."""

    devices: list[DeviceShown]


class Credential(Answer):
    """What a device proves itself with; it is shown once."""

    credential: str


class Association(Body):
    """Whom to measure; null for nobody."""

    encounter: Id | None


class EnrolmentCodeShown(Answer):
    """A code to type into the device or its gateway; it is shown once and used once."""

    code: str
    expires_at: datetime


class EnrolmentWanted(Body):
    """The code that somebody was shown."""

    code: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z -]{8,16}$")]


class Enrolled(Answer):
    """Who the device is, and what it proves itself with from now on."""

    device: str
    credential: str


async def open_enrolment(request: web.Request) -> web.Response:
    reach, who = services(request), principal(request)
    known = await reach.devices.get(who, DeviceId(path_id(request, "device")))
    if known.device.revoked:
        raise Gone("This device has been revoked.", code="device_revoked")
    code, expires_at = await reach.accounts.issue_enrolment_code(known.device.id, by=who)
    return answer(EnrolmentCodeShown(code=code, expires_at=expires_at), status=201)


async def enrol_device(request: web.Request) -> web.Response:
    reach = services(request)
    # Counted before it is looked at, for each address and for all together: a code is short.
    reach.limits.from_address(ENROLMENTS, came_from(request).address)
    reach.limits.take(ALL_ENROLMENTS, "all")
    body = await body_of(request, EnrolmentWanted)
    device, credential = await reach.accounts.enrol_device(body.code)
    return answer(Enrolled(device=device, credential=credential))


class Alias(Body):
    """A name by which other systems know a device; the zone is that of its times that name none."""

    system: Annotated[AliasSystem, Field(strict=False)]
    value: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    time_zone: Zone | Literal[""] = ""


class Aliases(Body):
    """All names of a device."""

    aliases: Annotated[tuple[Alias, ...], Field(max_length=MAX_ALIASES, strict=False)]


class AliasShown(Answer):
    """A name by which other systems know a device."""

    system: str
    value: str
    time_zone: str


class AliasesShown(Answer):
    """All names of a device."""

    aliases: list[AliasShown]


async def list_aliases(request: web.Request) -> web.Response:
    device = DeviceId(path_id(request, "device"))
    return answer(_aliases(await services(request).aliases.of_device(principal(request), device)))


async def put_aliases(request: web.Request) -> web.Response:
    device, body = DeviceId(path_id(request, "device")), await body_of(request, Aliases)
    wanted = [DeviceAlias(one.system, one.value, device, one.time_zone) for one in body.aliases]
    return answer(_aliases(await services(request).aliases.put(principal(request), device, wanted)))


def _aliases(found: Sequence[DeviceAlias]) -> AliasesShown:
    return AliasesShown(aliases=[AliasShown(system=a.system, value=a.value, time_zone=a.time_zone) for a in found])


async def list_devices(request: web.Request) -> web.Response:
    found = await services(request).devices.all(principal(request))
    return answer(Devices(devices=[DeviceShown.of(one) for one in found]))


async def register_device(request: web.Request) -> web.Response:
    body = await body_of(request, DeviceToAdd)
    reach, who = services(request), principal(request)
    device = await reach.devices.register(who, name=body.name, model=body.model, simulated=body.simulated)
    credential = await reach.accounts.issue_device_credential(device.id, by=who)
    return answer(DeviceShown.of(Whereabouts(device, None), credential=credential), status=201)


async def rotate_credential(request: web.Request) -> web.Response:
    reach, who = services(request), principal(request)
    known = await reach.devices.get(who, DeviceId(path_id(request, "device")))
    return answer(Credential(credential=await reach.accounts.rotate_device_credential(known.device.id, by=who)))


async def revoke_device(request: web.Request) -> web.Response:
    reach, who = services(request), principal(request)
    device = DeviceId(path_id(request, "device"))
    await reach.devices.revoke(who, device)
    await reach.accounts.revoke_device(device, by=who)
    return web.Response(status=204)


async def associate_device(request: web.Request) -> web.Response:
    device = DeviceId(path_id(request, "device"))
    body = await body_of(request, Association)
    encounter = EncounterId(body.encounter) if body.encounter else None
    return answer(DeviceShown.of(await services(request).desk.associate(principal(request), device, encounter)))
