"""The two cookies of a page: __Host- (RFC 6265bis §4.1.3.2), Secure, HttpOnly, SameSite=Lax."""

from datetime import datetime

from aiohttp import web

from telehealth.accounts.model import TokenPair

ACCESS = "__Host-access"
REFRESH = "__Host-refresh"
BROWSER = "__Host-browser"

_BROWSER_SECONDS = 30 * 24 * 3600


def set_pair(response: web.StreamResponse, pair: TokenPair, now: datetime) -> None:
    """Give the browser a pair of tokens, each for as long as it holds."""
    _set(response, ACCESS, pair.access, int((pair.access_expires_at - now).total_seconds()))
    _set(response, REFRESH, pair.refresh, int((pair.refresh_expires_at - now).total_seconds()))


def set_browser(response: web.StreamResponse, value: str) -> None:
    """Give the browser the value by which an invitation knows it again."""
    _set(response, BROWSER, value, _BROWSER_SECONDS)


def clear(response: web.StreamResponse) -> None:
    """Take the pair away."""
    for name in (ACCESS, REFRESH):
        _set(response, name, "", 0)


def _set(response: web.StreamResponse, name: str, value: str, seconds: int) -> None:
    response.set_cookie(name, value, max_age=max(0, seconds), path="/", secure=True, httponly=True, samesite="Lax")
