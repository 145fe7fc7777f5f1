"""What surrounds every request: its id, its line in the log and the metrics, and the shape of refusals."""

import logging
import re
import secrets
from collections.abc import Awaitable, Callable

from aiohttp import web

from telehealth.errors import TelehealthError
from telehealth.logs import ACCESS
from telehealth.metrics import Metrics
from telehealth.web import headers, problems
from telehealth.web.context import REQUEST_ID, came_from, services
from telehealth.web.error_page import as_page
from telehealth.web.problems import Problem

logger = logging.getLogger(__name__)
access_logger = logging.getLogger(ACCESS)

Next = Callable[[web.Request], Awaitable[web.StreamResponse]]

_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)


@web.middleware
async def observed(request: web.Request, handler: Next) -> web.StreamResponse:
    """Give the request an id; log and measure it. Neither the query nor a body is ever written down."""
    given = request.headers.get("X-Request-Id", "")
    request[REQUEST_ID] = given if _ID.fullmatch(given) else secrets.token_hex(8)
    clock = services(request).clock
    began = clock.monotonic()
    status = 499
    try:
        response = await handler(request)
        status = response.status
    finally:
        _note(services(request).metrics, request, status, clock.monotonic() - began)
    return response


def _note(metrics: Metrics, request: web.Request, status: int, seconds: float) -> None:
    template = route_template(request)
    metrics.requests.labels(request.method, template, str(status)).observe(seconds)
    fields = {"request": request[REQUEST_ID], "status": status, "ms": round(seconds * 1000, 1)}
    access_logger.info("%s %s", request.method, template, extra=fields)


def route_template(request: web.Request) -> str:
    """Return the path's template, so that neither ids nor whatever was tried end up in a log."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "(none)"


@web.middleware
async def refusals(request: web.Request, handler: Next) -> web.StreamResponse:
    """Turn each error into a problem; for a page, into a page."""
    try:
        return await handler(request)
    except TelehealthError as error:
        problem = problems.of_error(error)
        if problem is problems.INTERNAL:
            _log(request, error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        problem = problems.of_http(error)
    except Exception as error:
        # The request ends here: whatever it is, the caller learns nothing of it.
        problem = problems.INTERNAL
        _log(request, error)
    return await _refused(request, problem)


async def _refused(request: web.Request, problem: Problem) -> web.StreamResponse:
    try:
        return await as_page(request, problem) or problem.response()
    except Exception as error:
        # What broke the page may break the page about it, too.
        _log(request, error)
        return problem.response()


def _log(request: web.Request, error: Exception) -> None:
    services(request).metrics.errors.labels("http").inc()
    logger.error("request %s failed", request[REQUEST_ID], exc_info=error)


async def on_prepare(request: web.Request, response: web.StreamResponse) -> None:
    """Set the headers that every response carries."""
    if request.path.startswith(services(request).assets.prefix) and response.status in (200, 206, 304):
        response.headers["Cache-Control"] = headers.IMMUTABLE
    # A certificate of our own making is for trying: nobody must be locked out when it is gone.
    lasting = came_from(request).scheme == "https" and not services(request).settings.tls_self_signed
    headers.put_headers(request, response, https_for_good=lasting)
    if REQUEST_ID in request:
        response.headers["X-Request-Id"] = request[REQUEST_ID]
