"""What belongs to one request: the services, who asks, from where, and the ids in its path."""

import re

from aiohttp import web

from telehealth.access import Principal
from telehealth.errors import NotFound, Unauthenticated
from telehealth.web.proxies import Origin
from telehealth.web.services import SERVICES, Services

PRINCIPAL: web.RequestKey[Principal] = web.RequestKey("principal", Principal)
ORIGIN: web.RequestKey[Origin] = web.RequestKey("origin", Origin)
REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)

_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


def services(request: web.Request) -> Services:
    """Return what the handler may call."""
    return request.app[SERVICES]


def principal(request: web.Request) -> Principal:
    """Return who asks; Unauthenticated if nobody is known."""
    found: Principal | None = request.get(PRINCIPAL)
    if found is None:
        raise Unauthenticated("Please sign in.")
    return found


def path_id(request: web.Request, name: str) -> str:
    """Return the id that stands in the path; NotFound if it cannot be one."""
    text = request.match_info[name]
    if not _ID.fullmatch(text):
        raise NotFound("There is no such thing, or it is not yours.")
    return text


def came_from(request: web.Request) -> Origin:
    """Return the browser's address and scheme."""
    found = request.get(ORIGIN)
    if found is None:
        found = request[ORIGIN] = services(request).proxies.origin(request)
    return found


def base_url(request: web.Request) -> str:
    """Return the address under which this browser reaches us, without a slash at its end."""
    public = services(request).settings.public_url
    return public or f"{came_from(request).scheme}://{request.host}"


def join_url(request: web.Request, secret: str) -> str:
    """Return the link of an invitation; the secret stands where no server and no log sees it."""
    return f"{base_url(request)}/join#{secret}"
