"""The description of the API: of every route, and well-formed."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from telehealth.web.openapi import describe
from telehealth.web.operations import operations
from telehealth.web.route import Kind
from telehealth.web.routes import ROUTES
from tests.web.house import House

DESCRIBED = [route for route in ROUTES if route.kind is Kind.API]
DOCUMENT = describe(ROUTES)
TYPES = {"object", "array", "string", "integer", "number", "boolean", "null"}
KEYWORDS = {
    "$ref", "additionalProperties", "anyOf", "const", "default", "description", "enum", "exclusiveMaximum",
    "exclusiveMinimum", "format", "items", "maximum", "maxItems", "maxLength", "minimum", "minItems", "minLength",
    "pattern", "properties", "required", "title", "type",
}  # fmt: skip


def schemas(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema below `schema` and `schemas`, and theirs."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "schema":
                yield from walk(value)
            elif name == "schemas":
                for schema in value.values():
                    yield from walk(schema)
            else:
                yield from schemas(value)
    elif isinstance(node, list):
        for value in node:
            yield from schemas(value)


def walk(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    for inner in (*schema.get("properties", {}).values(), *schema.get("anyOf", ())):
        yield from walk(inner)
    if isinstance(schema.get("items"), dict):
        yield from walk(schema["items"])


def test_every_route_is_described() -> None:
    found = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert found == {(route.method, route.path) for route in DESCRIBED}


@pytest.mark.parametrize("route", DESCRIBED, ids=lambda route: route.name)
def test_an_operation_says_what_it_does_who_may_and_what_comes_back(route: Any) -> None:
    operation = DOCUMENT["paths"][route.path][route.method.lower()]
    assert operation["summary"].endswith(".")
    assert operation["description"]
    assert {str(route.status), "default"} == set(operation["responses"])
    named = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
    assert named == set(re.findall(r"{(\w+)}", route.path))


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    assert len(set(ids)) == len(ids)


def test_every_reference_leads_somewhere() -> None:
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(DOCUMENT)):
        assert reference.rsplit("/", 1)[1] in DOCUMENT["components"]["schemas"], reference


def test_every_schema_is_one() -> None:
    for schema in schemas(DOCUMENT):
        assert set(schema) <= KEYWORDS, set(schema) - KEYWORDS
        assert schema.get("type", "null") in TYPES
        if "pattern" in schema:
            re.compile(schema["pattern"])


def test_bodies_refuse_unknown_fields() -> None:
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                model = DOCUMENT["components"]["schemas"][content["schema"]["$ref"].rsplit("/", 1)[1]]
                assert model["additionalProperties"] is False


def test_people_see_the_same_operations() -> None:
    shown = [one for group in operations(DOCUMENT).values() for one in group]
    assert len(shown) == len(DESCRIBED)
    booking = next(one for one in shown if (one.method, one.path) == ("POST", "/api/v1/appointments"))
    assert [(field.name, field.required) for field in booking.body] == [
        ("practitioner", True),
        ("starts_at", True),
        ("reason", False),
        ("patient", False),
    ]


async def test_it_is_served_for_programs_and_for_people(house: House) -> None:
    served = await (await house.ask("GET", "/openapi.json")).json()
    assert served == json.loads(json.dumps(DOCUMENT))
    page = await (await house.ask("GET", "/docs")).text()
    assert all(route.path.replace("{", "{") in page for route in DESCRIBED)
