"""Refusals that a person sees: the way to sign in, or a page that says what happened."""

from urllib.parse import quote

from aiohttp import web

from telehealth.web import cookies
from telehealth.web.context import REQUEST_ID
from telehealth.web.problems import Problem
from telehealth.web.same_origin import SAFE
from telehealth.web.shell import rendered


async def as_page(request: web.Request, problem: Problem) -> web.StreamResponse | None:
    """Return the refusal as a page or as a way to sign in; None if a program asked."""
    if not _wants_page(request):
        return None
    if problem.status == 401:
        renewable = cookies.REFRESH in request.cookies
        return web.Response(
            status=303, headers={"Location": f"/{'renew' if renewable else 'login'}?next={_here(request)}"}
        )
    page = {"status": problem.status, "code": problem.code, "request": request.get(REQUEST_ID, "")}
    title = {403: "Not for you", 404: "Nothing here", 410: "It has ended"}.get(problem.status, "Something went wrong")
    response = await rendered(request, "error", title, page)
    response.set_status(problem.status)
    return response


def _wants_page(request: web.Request) -> bool:
    if request.method not in SAFE:
        return False
    if request.path.startswith(("/api/", "/ws/", "/static/", "/.well-known/")):
        return False
    return "text/html" in request.headers.get("Accept", "")


def _here(request: web.Request) -> str:
    return quote(request.rel_url.raw_path, safe="")


def safe_next(text: str) -> str:
    """Return the path if it is one of ours, else `/`: never another site, never a control character."""
    plain = text.isascii() and text.isprintable() and "\\" not in text
    return text if plain and text.startswith("/") and not text.startswith("//") and len(text) <= 500 else "/"
