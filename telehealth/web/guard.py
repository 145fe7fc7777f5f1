"""What stands before each handler: is it from our own page, who is it, may this role do this at all.

Whose object it is, the service decides: it asks access.require with the object's owners.
"""

import re

from aiohttp import web

from telehealth import access
from telehealth.access import Action, Principal
from telehealth.errors import Forbidden, NotFound, TelehealthError, Unauthenticated
from telehealth.web import cookies
from telehealth.web.context import PRINCIPAL, came_from, services
from telehealth.web.problems import NOBODY
from telehealth.web.route import Handler, Kind, Open, Route
from telehealth.web.same_origin import SAFE, require_same_origin

_LONGEST_TOKEN = 4_096
_CREDENTIAL = re.compile(r"[0-9a-f]{32}\.[A-Za-z0-9_-]{20,100}", re.ASCII)
"""What devices have; people's tokens have two dots."""


def guarded(route: Route) -> Handler:
    """Return the route's handler behind its checks."""

    async def guard(request: web.Request) -> web.StreamResponse:
        if route.kind is Kind.SOCKET:
            # A socket proves itself in its own way: a ticket in its first message, or a device's credential.
            return await route.handler(request)
        token = bearer(request)
        if token is None and request.method not in SAFE:
            public_url = services(request).settings.public_url
            require_same_origin(request, public_url=public_url, scheme=came_from(request).scheme)
        if isinstance(route.access, Open):
            await _open(request, route)
        else:
            # Kept before it is refused: the page of the refusal says who is signed in, and lets them sign out.
            devices = Action.SEND_VITALS in route.actions
            request[PRINCIPAL] = await _known(request, token, devices=devices)
            _require_role(request[PRINCIPAL], route)
        return await route.handler(request)

    return guard


def bearer(request: web.Request) -> str | None:
    """Return the token of the Authorization header; None without that header, empty if it is not of our kind."""
    headers = request.headers.getall("Authorization", [])
    if not headers:
        return None
    scheme, _, token = headers[0].partition(" ")
    if len(headers) > 1 or scheme.casefold() != "bearer" or len(token) > _LONGEST_TOKEN:
        return ""
    return token


async def _known(request: web.Request, token: str | None, *, devices: bool = False) -> Principal:
    """Return who asks. Whatever is wrong with a token, the answer is the same."""
    if token is None:
        token = request.cookies.get(cookies.ACCESS, "")[:_LONGEST_TOKEN]
    try:
        if not token:
            raise Unauthenticated(NOBODY.detail)
        if devices and _CREDENTIAL.fullmatch(token):
            return await services(request).accounts.device_principal(token)
        return await services(request).accounts.principal(token)
    except Unauthenticated:
        raise Unauthenticated(NOBODY.detail) from None


async def _open(request: web.Request, route: Route) -> None:
    if route.access is Open.DEMO and not services(request).settings.demo:
        raise NotFound("There is no such thing, or it is not yours.")
    if route.kind is not Kind.PAGE:
        return
    try:
        request[PRINCIPAL] = await _known(request, None)
    except TelehealthError:
        # A page that anybody may see doesn't care why nobody is known.
        return


def _require_role(principal: Principal, route: Route) -> None:
    if not any(access.reach(principal.role, action) for action in route.actions):
        raise Forbidden("Your role does not allow this.")
