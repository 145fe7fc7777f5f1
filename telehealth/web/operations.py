"""An OpenAPI document as people read it: operations by group, each with its fields."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a body, a query or an answer."""

    name: str
    kind: str
    required: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    summary: str
    who: str
    status: str
    query: tuple[Field, ...]
    body: tuple[Field, ...]
    answers: tuple[Field, ...]


def operations(document: dict[str, Any]) -> dict[str, list[Operation]]:
    """Return the operations by tag, in the order of the document."""
    groups: dict[str, list[Operation]] = {}
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append(_operation(path, method, operation, schemas))
    return groups


def _operation(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> Operation:
    status = next(iter(operation["responses"]))
    query = [parameter for parameter in operation["parameters"] if parameter["in"] == "query"]
    return Operation(
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        who=operation["description"],
        status=status,
        query=tuple(Field(one["name"], _kind(one["schema"]), one["required"]) for one in query),
        body=_fields(operation.get("requestBody", {}), schemas),
        answers=_fields(operation["responses"][status], schemas),
    )


def _fields(holder: dict[str, Any], schemas: dict[str, Any]) -> tuple[Field, ...]:
    schema = holder.get("content", {}).get("application/json", {}).get("schema", {})
    if "$ref" not in schema:
        return ()
    model = schemas[_last(schema["$ref"])]
    required = model.get("required", [])
    return tuple(Field(name, _kind(one), name in required) for name, one in model.get("properties", {}).items())


def _kind(schema: dict[str, Any]) -> str:
    """Return the type of a field in a few words."""
    if "$ref" in schema:
        return _last(schema["$ref"])
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "const" in schema:
        return f"“{schema['const']}”"
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "anything")


def _last(reference: str) -> str:
    return reference.rsplit("/", 1)[1]
