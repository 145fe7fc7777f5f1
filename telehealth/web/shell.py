"""What every page has: the person, the navigation, and the data for its scripts."""

from typing import Any

from aiohttp import web

from telehealth.access import Role
from telehealth.errors import TelehealthError
from telehealth.web.context import PRINCIPAL, services

HOMES = {
    Role.PATIENT: "/home",
    Role.PRACTITIONER: "/worklist",
    Role.PARAMEDIC: "/ambulance",
    Role.ADMIN: "/admin",
}


async def user_of(request: web.Request) -> dict[str, str] | None:
    """Return the person as pages show them, None if nobody is known."""
    principal = request.get(PRINCIPAL)
    if principal is None:
        return None
    try:
        me = await services(request).accounts.me(principal)
    except TelehealthError:
        # Signed out or removed a moment ago: the page shows nobody.
        return None
    return {"subject": me.subject, "role": me.role.value, "name": me.name, "time_zone": me.time_zone}


async def rendered(
    request: web.Request, name: str, title: str, data: dict[str, Any] | None = None, **context: object
) -> web.Response:
    """Return the page `templates/pages/<name>.html`; `data` goes to its scripts, `context` only to the template."""
    reach = services(request)
    user = await user_of(request)
    demo = reach.settings.demo
    page = {"page": name, "user": user, "demo": demo, "build": reach.assets.build, **(data or {})}
    filled = {"page": page, "user": user, "title": title, "active": name, "nav": name, "demo": demo, **context}
    return web.Response(text=reach.assets.render(f"pages/{name}.html", filled), content_type="text/html")
