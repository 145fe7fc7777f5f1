"""Headers of every response, whatever the route and whatever the status."""

import pytest

from telehealth.web.route import Kind, Route
from telehealth.web.routes import ROUTES
from tests.web.house import MISSING, House

ASKED = [route for route in ROUTES if route.kind is not Kind.SOCKET]
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), bluetooth=(self), "
    "screen-wake-lock=(self), fullscreen=(self), geolocation=(), payment=(), usb=()",
    "X-Robots-Tag": "noindex",
    "Server": "telehealth",
}
POLICY = (
    "default-src 'self'; connect-src 'self' ws://{host} wss://{host}; img-src 'self' data: blob:; "
    "media-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)


def host(house: House) -> str:
    return house.origin.removeprefix("http://")


async def test_every_route_carries_the_headers(house: House) -> None:
    for route in ASKED:
        response = await house.ask(route.method, filled(route), Accept="text/html")
        found = {name: response.headers.get(name) for name in ALWAYS}
        assert found == ALWAYS, route.path
        assert response.headers["Content-Security-Policy"] == POLICY.format(host=host(house)), route.path
        cached = "public, max-age=300" if route.path.endswith("jwks.json") else "no-store"
        assert response.headers["Cache-Control"] == cached, route.path
        assert "Strict-Transport-Security" not in response.headers
        assert not {"X-Powered-By", "Access-Control-Allow-Origin"} & set(response.headers)


def filled(route: Route) -> str:
    return route.path.replace("{", "").replace("}", "").replace("/encounter", "/" + MISSING)


@pytest.mark.parametrize("path", ["/nothing", "/static/x/y.js", "/api/v1/nothing", "/ws/room"])
async def test_refusals_carry_them_too(house: House, path: str) -> None:
    response = await house.ask("GET", path)
    assert response.status >= 400
    assert {name: response.headers.get(name) for name in ALWAYS} == ALWAYS
    assert response.headers["Cache-Control"] == "no-store"


async def test_static_files_are_kept_for_ever_under_the_address_of_their_content(house: House) -> None:
    url = house.services.assets.url("css/base.css")
    assert house.services.assets.build in url
    response = await house.ask("GET", url)
    assert response.status == 200
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert (await house.ask("GET", "/static/000000000000/css/base.css")).status == 404


@pytest.mark.parametrize(
    "path", ["../pyproject.toml", "%2e%2e/pyproject.toml", "..%2fpyproject.toml", "/etc/passwd", "js"]
)
async def test_nothing_but_static_files_is_served_there(house: House, path: str) -> None:
    assert (await house.ask("GET", f"{house.services.assets.prefix}/{path}")).status in {403, 404}


@pytest.mark.parametrize("evil", ["a; script-src *", "x'", "a\tb", "é"])
async def test_a_strange_host_adds_nothing_to_the_policy(house: House, evil: str) -> None:
    response = await house.ask("GET", "/livez", Host=evil)
    if response.status == 200:
        assert "connect-src 'self';" in response.headers["Content-Security-Policy"]


async def test_a_request_id_is_kept_if_it_is_one(house: House) -> None:
    kept = await house.ask("GET", "/livez", X_Request_Id="abc-12345")
    assert kept.headers["X-Request-Id"] == "abc-12345"
    for strange in ("x", "a b c d e f", "x" * 65, "<script>"):
        replaced = await house.ask("GET", "/livez", X_Request_Id=strange)
        assert replaced.headers["X-Request-Id"] != strange
