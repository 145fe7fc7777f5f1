"""Signing in, renewing and ending; opening links."""

from datetime import datetime

from aiohttp import web

from telehealth.access import Role
from telehealth.accounts.model import TokenPair
from telehealth.errors import Unauthenticated
from telehealth.web import cookies
from telehealth.web.api.fields import Email, Password, Secret
from telehealth.web.bodies import Answer, Body, answer, body_of
from telehealth.web.context import came_from, principal, services
from telehealth.web.rate_limits import OPENINGS, RENEWALS


class Login(Body):
    """E-mail address and password; with `cookies` the tokens go into cookies and nowhere else."""

    email: Email
    password: Password
    cookies: bool = False


class Renewal(Body):
    """The refresh token; left out, it is taken from the cookie."""

    refresh_token: Secret | None = None
    cookies: bool = False


class LinkSecret(Body):
    """The secret from the fragment of a link."""

    secret: Secret


class SignedIn(Answer):
    """Tokens and when the access token ends; no tokens where they are in cookies."""

    access_token: str | None = None
    refresh_token: str | None = None
    expires_at: datetime


class Opened(Answer):
    """Where to go."""

    url: str
    encounter: str | None = None


class Myself(Answer):
    """Who is asking; `encounter` for one who came by an invitation."""

    subject: str
    role: Role
    name: str
    time_zone: str
    patient: str | None
    encounter: str | None


async def login(request: web.Request) -> web.Response:
    body = await body_of(request, Login)
    services(request).limits.login(body.email, came_from(request).address)
    pair = await services(request).accounts.login(body.email, body.password)
    return _signed_in(request, pair, in_cookies=body.cookies)


async def refresh(request: web.Request) -> web.Response:
    body = await body_of(request, Renewal)
    services(request).limits.from_address(RENEWALS, came_from(request).address)
    secret = body.refresh_token or request.cookies.get(cookies.REFRESH, "")
    if not secret:
        raise Unauthenticated("Please sign in.")
    pair = await services(request).accounts.refresh(secret)
    return _signed_in(request, pair, in_cookies=body.cookies or body.refresh_token is None)


async def logout(request: web.Request) -> web.Response:
    body = await body_of(request, Renewal)
    secret = body.refresh_token or request.cookies.get(cookies.REFRESH, "")
    if secret:
        await services(request).accounts.logout(secret)
    response = web.Response(status=204)
    cookies.clear(response)
    return response


async def open_invitation(request: web.Request) -> web.Response:
    body = await body_of(request, LinkSecret)
    services(request).limits.from_address(OPENINGS, came_from(request).address)
    browser = request.cookies.get(cookies.BROWSER)
    opened = await services(request).accounts.open_invitation(body.secret, browser)
    encounter = opened.invitation.encounter_id
    response = answer(Opened(url=f"/rooms/{encounter}", encounter=encounter))
    cookies.set_pair(response, opened.pair, services(request).clock.now())
    cookies.set_browser(response, opened.browser)
    return response


async def enter_demo(request: web.Request) -> web.Response:
    body = await body_of(request, LinkSecret)
    services(request).limits.from_address(OPENINGS, came_from(request).address)
    pair, path = await services(request).accounts.enter_by_link(body.secret)
    response = answer(Opened(url=path))
    cookies.set_pair(response, pair, services(request).clock.now())
    return response


async def me(request: web.Request) -> web.Response:
    known = await services(request).accounts.me(principal(request))
    return answer(
        Myself(
            subject=known.subject,
            role=known.role,
            name=known.name,
            time_zone=known.time_zone,
            patient=known.patient,
            encounter=known.encounter,
        )
    )


async def jwks(request: web.Request) -> web.Response:
    response = web.json_response(await services(request).accounts.jwks())
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


def _signed_in(request: web.Request, pair: TokenPair, *, in_cookies: bool) -> web.Response:
    if not in_cookies:
        return answer(SignedIn(access_token=pair.access, refresh_token=pair.refresh, expires_at=pair.access_expires_at))
    response = answer(SignedIn(expires_at=pair.access_expires_at))
    cookies.set_pair(response, pair, services(request).clock.now())
    return response
