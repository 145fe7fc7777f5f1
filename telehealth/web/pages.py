"""The pages: each is a template and a little data; what changes on them, their scripts fetch."""

from aiohttp import web

from telehealth.access import Principal
from telehealth.ids import EncounterId
from telehealth.vitals.codes import as_page_data
from telehealth.web.context import PRINCIPAL, path_id, principal, services
from telehealth.web.error_page import safe_next
from telehealth.web.shell import HOMES, rendered


def home_of(who: Principal) -> str:
    """Return the path of where this person begins."""
    return f"/rooms/{who.encounter}" if who.encounter is not None else HOMES.get(who.role, "/about")


async def front(request: web.Request) -> web.Response:
    who = request.get(PRINCIPAL)
    if who is not None:
        return _go(home_of(who))
    return await rendered(request, "front", "Video visits")


async def login_page(request: web.Request) -> web.Response:
    who = request.get(PRINCIPAL)
    if who is not None:
        return _go(_next(request) if "next" in request.query else home_of(who))
    return await rendered(request, "login", "Sign in", {"next": _next(request)})


async def renew_page(request: web.Request) -> web.Response:
    return await rendered(request, "renew", "One moment", {"next": _next(request)})


async def join_page(request: web.Request) -> web.Response:
    return await rendered(request, "join", "Your visit")


async def demo_page(request: web.Request) -> web.Response:
    return await rendered(request, "demo", "Demonstration")


async def about_page(request: web.Request) -> web.Response:
    return await rendered(request, "about", "What this is and is not")


async def home_page(request: web.Request) -> web.Response:
    who = principal(request)
    if who.encounter is not None:
        return _go(home_of(who))
    return await rendered(request, "home", "My visits")


async def book_page(request: web.Request) -> web.Response:
    who = principal(request)
    if who.encounter is not None:
        return _go(home_of(who))
    return await rendered(request, "book", "Book a visit")


async def worklist_page(request: web.Request) -> web.Response:
    return await rendered(request, "worklist", "Work list")


async def ward_page(request: web.Request) -> web.Response:
    return await rendered(request, "ward", "Ward", {"vitals": as_page_data()})


async def availability_page(request: web.Request) -> web.Response:
    return await rendered(request, "availability", "Availability")


async def ambulance_page(request: web.Request) -> web.Response:
    return await rendered(request, "ambulance", "Cases", {"vitals": as_page_data()})


async def admin_page(request: web.Request) -> web.Response:
    return await rendered(request, "admin", "Administration")


async def room_page(request: web.Request) -> web.Response:
    who = principal(request)
    reach = services(request)
    encounter = await reach.consultations.get(who, EncounterId(path_id(request, "encounter")))
    me = await reach.accounts.me(who)
    met = await reach.desk.other_side(who, encounter)
    data = {
        "encounter": {"id": encounter.id, "kind": encounter.kind.value, **met},
        "role": who.role.value,
        "name": me.name,
        "home": home_of(who),
        "vitals": as_page_data(),
    }
    return await rendered(request, "room", "Consultation", data)


def _next(request: web.Request) -> str:
    return safe_next(request.query.get("next", "/"))


def _go(path: str) -> web.Response:
    return web.Response(status=303, headers={"Location": path})
