"""JSON bodies: read strictly, checked by a model, and written."""

import asyncio
import json
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from telehealth.errors import Invalid

BODY_LIMIT = 256 * 1024
BODY_S = 10.0
"""How long a body may take to come."""

_DEEPEST = 50


class Body(BaseModel):
    """Base of what comes in: types are taken literally, unknown fields are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class Answer(BaseModel):
    """Base of what goes out."""

    model_config = ConfigDict(extra="forbid", frozen=True)


B = TypeVar("B", bound=BaseModel)


def parse(raw: bytes, model: type[B]) -> B:
    """Return the model that the JSON text holds; Invalid (`bad_json`, `invalid`) with the place and the reason."""
    _require_plain_json(raw)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise Invalid(explain(error)) from None


def explain(error: ValidationError) -> str:
    """Return the first few faults with their places, without the values."""
    faults = error.errors(include_input=False, include_url=False, include_context=False)[:5]
    return "; ".join(f"{_place(fault['loc'])}: {fault['msg']}" for fault in faults)


def _place(parts: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:40] for part in parts[:10]) or "body"


def _require_plain_json(raw: bytes) -> None:
    """Refuse what JSON parsers disagree about: repeated names, NaN, enormous numbers, bottomless nesting."""
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Invalid("The body is not a JSON text that we can read.", code="bad_json") from None
    if not isinstance(value, dict):
        raise Invalid("The body must be a JSON object.", code="bad_json")
    if _depth(value) > _DEEPEST:
        raise Invalid("The body is nested too deeply.", code="bad_json")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is repeated")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _depth(value: object) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        inner = [list(v.values()) if isinstance(v, dict) else v for v in level if isinstance(v, dict | list)]
        level = [item for values in inner for item in values]
    return depth


async def body_of(request: web.Request, model: type[B]) -> B:
    """Read the request's body as this model."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        async with asyncio.timeout(BODY_S):
            raw = await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    return parse(raw, model)


def query_of(request: web.Request, model: type[B]) -> B:
    """Read the request's query as this model; its fields are texts to convert, each at most once."""
    if len(set(request.query)) != len(request.query):
        raise Invalid("A name stands twice in the query.")
    try:
        return model.model_validate_strings(dict(request.query))
    except ValidationError as error:
        raise Invalid(explain(error)) from None


def answer(model: BaseModel, *, status: int = 200) -> web.Response:
    """Return the model as a response."""
    return web.Response(status=status, text=model.model_dump_json(), content_type="application/json")
