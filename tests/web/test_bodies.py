"""JSON that comes in: what is no plain JSON of the right form is refused with 400, whatever it is."""

import json
import random
import string
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from telehealth.access import Role
from telehealth.errors import Invalid
from telehealth.web.api.auth import Login
from telehealth.web.api.cases import CaseToOpen
from telehealth.web.api.devices import Association, DeviceToAdd
from telehealth.web.api.encounters import TicketWanted
from telehealth.web.api.scheduling import AvailabilityToAdd, Booking
from telehealth.web.api.users import UserToAdd
from telehealth.web.bodies import BODY_LIMIT, parse
from tests.web.house import House

MODELS: list[type[BaseModel]] = [
    Login,
    CaseToOpen,
    Association,
    DeviceToAdd,
    TicketWanted,
    AvailabilityToAdd,
    Booking,
    UserToAdd,
]
NAMES = sorted({name for model in MODELS for name in model.model_fields})

HOSTILE = {
    "deep lists": b'{"id": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "fifty-one levels": b'{"id":' + b"[" * 51 + b"]" * 51 + b"}",
    "NaN": b'{"id": NaN}',
    "infinity": b'{"id": -Infinity}',
    "an endless number": b'{"id": ' + b"9" * 100_000 + b"}",
    "a repeated name": b'{"id": "1", "id": "2"}',
    "a lone surrogate": b'{"id": "\\ud800"}',
    "no UTF-8": b'{"id": "\xff"}',
    "UTF-16": '{"id": "1"}'.encode("utf-16"),
    "nothing": b"",
    "a list": b"[]",
    "a text": b'"id"',
    "null": b"null",
    "two values": b"{}{}",
    "a comment": b"{} // no",
    "a nul": b'{"id": "\\u0000"}',
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_hostile_json_is_refused_at_once(raw: bytes, model: type[BaseModel]) -> None:
    began = time.perf_counter()
    with pytest.raises(Invalid):
        parse(raw, model)
    assert time.perf_counter() - began < 0.25


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=2_000, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), json_values, max_size=6), st.sampled_from(MODELS))
def test_a_generated_object_is_understood_or_refused(value: dict[str, Any], model: type[BaseModel]) -> None:
    understood_or_refused(json.dumps(value).encode("utf-8", "surrogatepass"), model)


def test_ten_thousand_broken_texts_are_understood_or_refused() -> None:
    chance = random.Random(20260101)
    good = json.dumps({"email": "a@b.example", "password": "x", "cookies": True, "id": "0" * 32, "purpose": "room"})
    for _ in range(10_000):
        text = bytearray(good.encode())
        for _ in range(chance.randint(1, 6)):
            place = chance.randrange(len(text))
            text[place : place + chance.randint(0, 3)] = bytes(chance.choices(range(256), k=chance.randint(0, 3)))
        understood_or_refused(bytes(text), chance.choice(MODELS))


def understood_or_refused(raw: bytes, model: type[BaseModel]) -> None:
    try:
        parse(raw, model)
    except Invalid as refusal:
        assert refusal.code in {"bad_json", "invalid"}


@pytest.mark.parametrize("field", ["role_", "tenant_id", "patient_id", "created_by", "disabled"])
def test_a_field_nobody_asked_for_is_refused(field: str) -> None:
    with pytest.raises(Invalid, match=field):
        parse(json.dumps({"email": "a@b.example", "password": "x", field: "y"}).encode(), Login)


def test_a_refusal_names_the_field_and_not_the_value() -> None:
    with pytest.raises(Invalid) as caught:
        parse(b'{"email": "planted", "password": ["secret"]}', Login)
    assert "email" in caught.value.text
    assert "planted" not in caught.value.text
    assert "secret" not in caught.value.text


async def problem(house: House, raw: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    sent = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    response = await house.client.post("/api/v1/auth/login", data=raw, headers=sent)
    assert response.headers["Content-Type"] == "application/problem+json"
    return response.status, await response.json(content_type=None)


async def test_refusals_look_alike(house: House) -> None:
    for raw in HOSTILE.values():
        if len(raw) < BODY_LIMIT:
            status, body = await problem(house, raw)
            assert (status, body["status"], body["code"] in {"bad_json", "invalid"}) == (400, 400, True)
            assert set(body) == {"type", "status", "title", "detail", "code"}


async def test_a_body_over_the_limit_is_413(house: House) -> None:
    status, body = await problem(house, b" " * (BODY_LIMIT + 1))
    assert (status, body["code"]) == (413, "too_large")


async def test_another_type_of_content_is_415(house: House) -> None:
    status, body = await problem(house, b"email=a", Content_Type="application/x-www-form-urlencoded")
    assert (status, body["code"]) == (415, "unsupported_media_type")


async def test_a_wrong_method_and_a_wrong_path_are_problems_too(house: House) -> None:
    response = await house.ask("PATCH", "/api/v1/me")
    assert (response.status, (await response.json(content_type=None))["code"]) == (405, "method_not_allowed")
    response = await house.ask("GET", "/api/v2/me")
    assert (response.status, (await response.json(content_type=None))["code"]) == (404, "not_found")


@pytest.mark.parametrize("query", ["?after=x", "?after=-1", "?after=1&after=2", "?other=1", "?after=" + "9" * 30])
async def test_a_query_is_checked_like_a_body(house: House, query: str) -> None:
    admin = await house.person("Admin", Role.ADMIN)
    assert (await house.ask("GET", f"/api/v1/audit{query}", admin)).status == 400


async def test_what_nobody_foresaw_is_500_without_a_trace(house: House, caplog: pytest.LogCaptureFixture) -> None:
    admin = await house.person("Admin", Role.ADMIN)
    word = "".join(random.choices(string.ascii_letters, k=12))

    async def fail(*_: object) -> None:
        raise ZeroDivisionError(word)

    object.__setattr__(house.services.accounts, "rotate_keys", fail)
    response = await house.ask("POST", "/api/v1/keys/rotate", admin)
    body = await response.text()
    assert response.status == 500
    assert json.loads(body)["code"] == "internal"
    assert word not in body
    assert word in caplog.text
