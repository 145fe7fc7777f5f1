"""The description of the API in OpenAPI 3.1, from the route table and the models."""

import re
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from telehealth.access import PERMISSIONS
from telehealth.web.problems import CONTENT_TYPE
from telehealth.web.route import Kind, Open, Route

API_VERSION = "1"
_REF = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"{(\w+)}")
_Mode = Literal["validation", "serialization"]

_PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457); `code` is the contract, `detail` is for people.",
    "required": ["type", "status", "title", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "integer"},
        "title": {"type": "string"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
    },
}


def describe(routes: Sequence[Route]) -> dict[str, Any]:
    """Return the OpenAPI document of these routes; pages and sockets are left out (docs/protocol.md has those)."""
    described = [route for route in routes if route.kind is Kind.API]
    models: list[tuple[type[BaseModel], _Mode]] = []
    for route in described:
        models += [(model, "validation") for model in (route.body, route.query) if model is not None]
        models += [(route.answers, "serialization")] if route.answers is not None else []
    references, definitions = models_json_schema(list(dict.fromkeys(models)), ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for route in described:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references, definitions["$defs"])
    return {
        "openapi": "3.1.0",
        "info": {"title": "telehealth", "version": API_VERSION, "license": {"name": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {**definitions["$defs"], "Problem": _PROBLEM},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(route: Route, references: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": _who(route),
        "tags": [_tag(route)],
        "parameters": [_path_parameter(name) for name in _PARAMETER.findall(route.path)],
        "responses": {str(route.status): _success(route, references), "default": _refusal()},
        "security": [] if isinstance(route.access, Open) else [{"bearer": []}],
    }
    if route.query is not None:
        schema = definitions[references[route.query, "validation"]["$ref"].rsplit("/", 1)[1]]
        operation["parameters"] += _query_parameters(schema)
    if route.body is not None:
        content = {"application/json": {"schema": references[route.body, "validation"]}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _tag(route: Route) -> str:
    return route.path.split("/")[3] if route.path.startswith("/api/") else "operations"


def _who(route: Route) -> str:
    """Say who may, in words from the permission table."""
    if isinstance(route.access, Open):
        return "Open to anybody." if route.access is Open.PUBLIC else "Open to anybody, in the demonstration."
    rows = []
    for action in sorted(route.actions):
        granted = ", ".join(f"{role.value} ({reach.value})" for role, reach in PERMISSIONS[action].items())
        rows.append(f"`{action.value}`: {granted}.")
    return " ".join(rows)


def _path_parameter(name: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": field}
        for name, field in schema.get("properties", {}).items()
    ]


def _success(route: Route, references: Any) -> dict[str, Any]:
    if route.answers is not None:
        content = {"application/json": {"schema": references[route.answers, "serialization"]}}
        return {"description": "Done.", "content": content}
    if route.content:
        return {"description": "Done.", "content": {route.content: {}}}
    return {"description": "Done; there is nothing to tell."}


def _refusal() -> dict[str, Any]:
    return {
        "description": "Refused.",
        "content": {CONTENT_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}},
    }
