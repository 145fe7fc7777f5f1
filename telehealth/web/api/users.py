"""Users, for administrators; the practitioners one can book, for everybody; signing keys; the audit trail."""

from datetime import datetime
from typing import Annotated, Self

from aiohttp import web
from pydantic import Field, StringConstraints

from telehealth.access import Role
from telehealth.accounts.model import NewUser, User
from telehealth.audit import AuditEntry
from telehealth.ids import UserId
from telehealth.web.api.fields import Email, Name, Password, Zone
from telehealth.web.bodies import Answer, Body, answer, body_of, query_of
from telehealth.web.context import path_id, principal, services


class UserToAdd(Body):
    """A new user; patients who log in are made together with their Patient."""

    email: Email
    name: Name
    role: Role
    password: Password
    time_zone: Zone


class UserShown(Answer):
    """A user, as administrators see one."""

    id: str
    email: str
    name: str
    role: Role
    time_zone: str
    disabled: bool

    @classmethod
    def of(cls, user: User) -> Self:
        return cls(
            id=user.id,
            email=user.email,
            name=user.name,
            role=user.role,
            time_zone=user.time_zone,
            disabled=user.disabled,
        )


class Users(Answer):
    """All users."""

    users: list[UserShown]


class Practitioner(Answer):
    """A practitioner, as anybody sees one."""

    id: str
    name: str
    time_zone: str


class Practitioners(Answer):
    """Those one can book."""

    practitioners: list[Practitioner]


class Kid(Answer):
    """The key that signs from now on."""

    kid: str


class AuditQuery(Body):
    """Entries of a node after a number."""

    node: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")] | None = None
    after: Annotated[int, Field(ge=0, le=2**62)] = 0


class AuditShown(Answer):
    """One entry of the audit trail."""

    node: str
    number: int
    at: datetime
    action: str
    actor: str
    role: str
    entity: str
    patient: str
    outcome: str

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        event = entry.event
        return cls(
            node=entry.node,
            number=entry.number,
            at=entry.at,
            action=event.action,
            actor=event.actor,
            role=event.role,
            entity=event.entity,
            patient=event.patient,
            outcome=event.outcome,
        )


class AuditEntries(Answer):
    """Entries in order, and the nodes that have written any."""

    nodes: list[str]
    entries: list[AuditShown]


async def list_users(request: web.Request) -> web.Response:
    users = await services(request).accounts.users(principal(request))
    return answer(Users(users=[UserShown.of(user) for user in users]))


async def create_user(request: web.Request) -> web.Response:
    body = await body_of(request, UserToAdd)
    new = NewUser(body.email, body.name, body.role, body.password, body.time_zone)
    user = await services(request).desk.create_user(principal(request), new)
    return answer(UserShown.of(user), status=201)


async def disable_user(request: web.Request) -> web.Response:
    await services(request).accounts.disable_user(principal(request), UserId(path_id(request, "user")))
    return web.Response(status=204)


async def list_practitioners(request: web.Request) -> web.Response:
    found = await services(request).accounts.practitioners(principal(request))
    shown = [Practitioner(id=user.id, name=user.name, time_zone=user.time_zone) for user in found]
    return answer(Practitioners(practitioners=shown))


async def rotate_keys(request: web.Request) -> web.Response:
    return answer(Kid(kid=await services(request).accounts.rotate_keys(principal(request))))


async def read_audit(request: web.Request) -> web.Response:
    asked = query_of(request, AuditQuery)
    trail = services(request).audit
    entries = await trail.read(principal(request), asked.node, after=asked.after)
    return answer(AuditEntries(nodes=list(await trail.nodes()), entries=[AuditShown.of(entry) for entry in entries]))
