"""`POST /fhir/Observation` and `POST /fhir`: observations of a device, with the device's own credential.

Refusals are OperationOutcomes with the status of the refusal. A repeat (by identifier, If-None-Exist, or because it
says the same of the same moment) is answered with 200 instead of 201, and stored once.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

from telehealth.errors import Invalid, NotFound, TelehealthError, TooLarge
from telehealth.ids import DeviceId
from telehealth.interop.fhir.outcomes import issue, of_refusals, outcome
from telehealth.interop.fhir.resources import MAX_BYTES, Resource, load, text
from telehealth.interop.fhir.submission import Outcome, Submission, accepted, read_submission, weighed
from telehealth.metrics import Metrics
from telehealth.vitals.reports import Kept
from telehealth.web.context import principal, services

CONTENT_TYPE = "application/fhir+json"
TYPES = (CONTENT_TYPE, "application/json")
UPLOAD_S = 30.0

_CREATED, _THERE, _REFUSED = "201 Created", "200 OK", "422 Unprocessable Entity"


async def post_observation(request: web.Request) -> web.Response:
    """Record one Observation."""
    return await _answered(request, _record_observation)


async def post_bundle(request: web.Request) -> web.Response:
    """Record a Bundle: a transaction whole or not at all, of a batch or collection each entry for itself."""
    return await _answered(request, _record_bundle)


async def _answered(
    request: web.Request, record: Callable[[web.Request, Resource], Awaitable[web.Response]]
) -> web.Response:
    """Return what `record` answers, or its refusal as an OperationOutcome."""
    metrics = services(request).metrics
    try:
        if request.content_type not in TYPES:
            # XML is not read, so nothing that hides in it is.
            raise Invalid("Send JSON: application/fhir+json.", code="unsupported_media_type")
        return await record(request, load(await _body(request)))
    except TelehealthError as error:
        metrics.reports.labels("fhir", error.code).inc()
        status = 415 if error.code == "unsupported_media_type" else error.status
        shown = issue(error.code, error.text, severity="error")
        return _response(outcome([shown]), status=status)


async def _record_observation(request: web.Request, resource: Resource) -> web.Response:
    if text(resource, "resourceType") == "Bundle":
        raise Invalid("Bundles are posted to /fhir.", code="unsupported_resource")
    submission = read_submission(resource, request.headers.get("If-None-Exist", ""))
    outcomes, kept = await _recorded(request, submission)
    (one,) = outcomes
    if not one.accepted:
        return _response(outcome(of_refusals(one.issues, severity="error")), status=422)
    shown = outcome(of_refusals(one.issues, severity="warning"))
    return _response(shown, status=201 if _is_new(one, kept) else 200)


async def _record_bundle(request: web.Request, resource: Resource) -> web.Response:
    if text(resource, "resourceType") != "Bundle":
        raise Invalid(
            "Only bundles are posted here; observations are posted to /fhir/Observation.", code="not_a_bundle"
        )
    submission = read_submission(resource)
    outcomes, kept = await _recorded(request, submission)
    if submission.together and not all(one.accepted for one in outcomes):
        refused = [problem for one in outcomes for problem in of_refusals(one.issues, severity="error")]
        return _response(outcome(refused), status=422)
    kind = "transaction-response" if submission.together else "batch-response"
    entries = [_entry(one, kept) for one in outcomes]
    return _response({"resourceType": "Bundle", "type": kind, "entry": entries}, status=200)


async def _recorded(request: web.Request, submission: Submission) -> tuple[Sequence[Outcome], Kept | None]:
    reach = services(request)
    outcomes = weighed(submission, reach.clock.now())
    _count(reach.metrics, outcomes)
    reported = accepted(outcomes)
    if not reported.takes_something:
        return outcomes, None
    try:
        return outcomes, await reach.reports.record(DeviceId(principal(request).subject), reported)
    except NotFound as error:
        # 404 would say that there is no such path.
        raise Invalid(error.text, code=error.code) from None


def _count(metrics: Metrics, outcomes: Sequence[Outcome]) -> None:
    for one in outcomes:
        metrics.reports.labels("fhir", "accepted" if one.accepted else "error").inc()
        for problem in one.issues:
            metrics.report_refusals.labels("fhir", problem.code).inc()
        for repair, count in one.entry.reported.repairs.items():
            metrics.report_repairs.labels("fhir", repair).inc(count)


def _is_new(one: Outcome, kept: Kept | None) -> bool:
    """Say whether anything of the entry was not here before."""
    if kept is None:
        return False
    keys = [moment.key for moment in one.intake.moments]
    return any(kept.fresh.get(key, False) for key in keys) or (bool(one.intake.waves) and kept.new_waves > 0)


def _entry(one: Outcome, kept: Kept | None) -> dict[str, Any]:
    if not one.accepted:
        status, shown = _REFUSED, of_refusals(one.issues, severity="error")
    else:
        status = _CREATED if _is_new(one, kept) else _THERE
        shown = of_refusals(one.issues, severity="warning")
        if one.entry.passed_over:
            shown = [issue("passed_over", "Whose it is was decided here; nothing was stored.", severity="information")]
    return {"response": {"status": status, "outcome": outcome(shown)}}


async def _body(request: web.Request) -> bytes:
    """Read the body up to the limit of bundles, which is larger than that of other bodies."""
    if (request.content_length or 0) > MAX_BYTES:
        raise TooLarge("A bundle may have 2 MiB.")
    parts = bytearray()
    try:
        async with asyncio.timeout(UPLOAD_S):
            async for part in request.content.iter_chunked(64 * 1024):
                parts += part
                if len(parts) > MAX_BYTES:
                    raise TooLarge("A bundle may have 2 MiB.")
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    return bytes(parts)


def _response(resource: dict[str, Any], *, status: int) -> web.Response:
    return web.Response(status=status, text=json.dumps(resource, ensure_ascii=False), content_type=CONTENT_TYPE)
