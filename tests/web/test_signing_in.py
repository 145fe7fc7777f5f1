"""Signing in and out by HTTP: tokens for programs, cookies for pages, links for guests."""

from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientResponse

from telehealth.access import Role
from tests.web.house import PASSWORD, House

LOGIN = "/api/v1/auth/login"
EMAIL = "ana.ruiz@clinic.example"


@pytest.fixture
async def ana(house: House) -> None:
    await house.person("Ana Ruiz", Role.PATIENT)


def cookies_of(response: ClientResponse) -> dict[str, str]:
    return {name: morsel.value for name, morsel in response.cookies.items()}


def as_header(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


async def logged_in(house: House, **more: Any) -> ClientResponse:
    return await house.ask("POST", LOGIN, body={"email": EMAIL, "password": PASSWORD, **more})


@pytest.mark.usefixtures("ana")
async def test_a_program_gets_tokens_and_no_cookies(house: House) -> None:
    response = await logged_in(house)
    body = await response.json()
    assert response.status == 200
    assert body["access_token"] and body["refresh_token"]
    assert not response.cookies


@pytest.mark.usefixtures("ana")
async def test_a_page_gets_cookies_that_no_script_and_no_other_site_sees(house: House) -> None:
    response = await logged_in(house, cookies=True)
    body = await response.json()
    assert body["access_token"] is None and body["refresh_token"] is None
    assert set(response.cookies) == {"__Host-access", "__Host-refresh"}
    for line in response.headers.getall("Set-Cookie"):
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= {part.strip() for part in line.split(";")}
        assert "Domain" not in line
    me = await house.ask("GET", "/api/v1/me", Cookie=as_header(cookies_of(response)))
    assert (await me.json())["name"] == "Ana Ruiz"


@pytest.mark.usefixtures("ana")
async def test_a_wrong_password_and_an_unknown_address_are_one(house: House) -> None:
    wrong = await house.ask("POST", LOGIN, body={"email": EMAIL, "password": "no"})
    unknown = await house.ask("POST", LOGIN, body={"email": "nobody@clinic.example", "password": "no"})
    assert wrong.status == unknown.status == 401
    assert await wrong.read() == await unknown.read()


@pytest.mark.usefixtures("ana")
async def test_guessing_is_stopped_and_the_person_elsewhere_is_not(house: House) -> None:
    statuses = [
        (await house.ask("POST", LOGIN, body={"email": EMAIL, "password": f"no {attempt}"})).status
        for attempt in range(12)
    ]
    assert statuses == [401] * 10 + [429] * 2
    assert (await logged_in(house)).status == 429
    house.clock.advance(60)
    assert (await logged_in(house)).status == 200


@pytest.mark.usefixtures("ana")
async def test_a_refresh_token_gets_the_next_pair_once(house: House) -> None:
    first = await (await logged_in(house)).json()
    again = await house.ask("POST", "/api/v1/auth/refresh", body={"refresh_token": first["refresh_token"]})
    second = await again.json()
    assert second["refresh_token"] != first["refresh_token"]
    reused = await house.ask("POST", "/api/v1/auth/refresh", body={"refresh_token": first["refresh_token"]})
    assert (reused.status, (await reused.json(content_type=None))["code"]) == (401, "refresh_reused")
    ended = await house.ask("POST", "/api/v1/auth/refresh", body={"refresh_token": second["refresh_token"]})
    assert ended.status == 401


@pytest.mark.usefixtures("ana")
async def test_cookies_are_renewed_by_the_cookie_from_our_own_page_only(house: House) -> None:
    cookies = cookies_of(await logged_in(house, cookies=True))
    header = as_header(cookies)
    path, body = "/api/v1/auth/refresh", {"cookies": True}
    assert (await house.ask("POST", path, body=body, Cookie=header)).status == 403
    assert (await house.ask("POST", path, body=body, Cookie=header, Origin="https://evil.example")).status == 403
    renewed = await house.ask("POST", path, body=body, Cookie=header, Origin=house.origin)
    assert renewed.status == 200
    assert cookies_of(renewed)["__Host-access"] != cookies["__Host-access"]


@pytest.mark.usefixtures("ana")
async def test_signing_out_clears_the_cookies_and_ends_the_family(house: House) -> None:
    cookies = cookies_of(await logged_in(house, cookies=True))
    header = as_header(cookies)
    response = await house.ask("POST", "/api/v1/auth/logout", body={}, Cookie=header, Origin=house.origin)
    assert response.status == 204
    assert {morsel["max-age"] for morsel in response.cookies.values()} == {"0"}
    path = "/api/v1/auth/refresh"
    assert (await house.ask("POST", path, body={}, Cookie=header, Origin=house.origin)).status == 401


CROSS_SITE = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "{own}.evil.example"},
    {"Origin": "{own}@evil.example"},
    {"Origin": "{own}/"},
    {"Origin": "https://{host}"},
    {"Origin": "{own}", "Sec_Fetch_Site": "cross-site"},
    {"Origin": "{own}", "Sec_Fetch_Site": "same-site"},
    {"Sec_Fetch_Site": "none"},
    {},
]


@pytest.mark.parametrize("headers", CROSS_SITE, ids=str)
@pytest.mark.usefixtures("ana")
async def test_another_site_changes_nothing_with_the_cookies_of_a_person(house: House, headers: dict[str, str]) -> None:
    cookies = as_header(cookies_of(await logged_in(house, cookies=True)))
    filled = {n: v.replace("{own}", house.origin).replace("{host}", house.origin[7:]) for n, v in headers.items()}
    response = await house.ask("POST", "/api/v1/queue", body={"reason": "x"}, headers=filled, Cookie=cookies)
    assert (response.status, (await response.json(content_type=None))["code"]) == (403, "cross_site")


@pytest.mark.parametrize("headers", [{"Origin": "{own}"}, {"Sec_Fetch_Site": "same-origin"}], ids=str)
@pytest.mark.usefixtures("ana")
async def test_our_own_page_does(house: House, headers: dict[str, str]) -> None:
    cookies = as_header(cookies_of(await logged_in(house, cookies=True)))
    filled = {name: value.replace("{own}", house.origin) for name, value in headers.items()}
    response = await house.ask("POST", "/api/v1/queue", body={"reason": "x"}, headers=filled, Cookie=cookies)
    assert response.status == 201


async def test_another_site_cannot_sign_a_browser_in(house: House) -> None:
    body = {"email": EMAIL, "password": PASSWORD, "cookies": True}
    assert (await house.ask("POST", LOGIN, body=body, Origin="https://evil.example")).status == 403


async def test_an_invitation_binds_to_the_first_browser(house: House) -> None:
    doctor = await house.person("Ifeoma Okafor", Role.PRACTITIONER)
    patient = await house.person("Ana Ruiz", Role.PATIENT)
    visit = await house.visit(patient, doctor)
    made = await house.ask("POST", f"/api/v1/encounters/{visit.id}/invitations", doctor, {"name": "Gil Moreau"})
    url = (await made.json())["url"]
    assert url.startswith(f"{house.origin}/join#")
    secret = url.split("#")[1]
    for _ in range(5):
        assert (await house.ask("GET", "/join")).status == 200
    first = await house.ask("POST", "/api/v1/invitations/open", body={"secret": secret}, Origin=house.origin)
    assert (await first.json())["url"] == f"/rooms/{visit.id}"
    assert set(first.cookies) == {"__Host-access", "__Host-refresh", "__Host-browser"}
    other = await house.ask("POST", "/api/v1/invitations/open", body={"secret": secret}, Origin=house.origin)
    assert (other.status, (await other.json(content_type=None))["code"]) == (403, "invitation_bound")
    again = await house.ask(
        "POST",
        "/api/v1/invitations/open",
        body={"secret": secret},
        Origin=house.origin,
        Cookie=as_header(cookies_of(first)),
    )
    assert again.status == 200


async def test_unknown_and_expired_invitations_are_one(house: House) -> None:
    doctor = await house.person("Ifeoma Okafor", Role.PRACTITIONER)
    visit = await house.visit(await house.person("Ana Ruiz", Role.PATIENT), doctor)
    made = await house.ask("POST", f"/api/v1/encounters/{visit.id}/invitations", doctor, {"name": "Gil Moreau"})
    secret = (await made.json())["url"].split("#")[1]
    house.clock.advance(timedelta(days=3).total_seconds())
    expired = await house.ask("POST", "/api/v1/invitations/open", body={"secret": secret})
    unknown = await house.ask("POST", "/api/v1/invitations/open", body={"secret": "x" * 27})
    assert expired.status == unknown.status == 410
    assert await expired.read() == await unknown.read()


async def test_links_can_not_be_guessed_for_long(house: House) -> None:
    statuses = {
        (await house.ask("POST", "/api/v1/invitations/open", body={"secret": f"guess{n}"})).status for n in range(31)
    }
    assert statuses == {410, 429}
