"""Requests that other sites make a browser send: recognised by Sec-Fetch-Site and Origin (Fetch Metadata, RFC 6454)."""

from urllib.parse import urlsplit

from aiohttp import web

from telehealth.errors import Forbidden

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def is_ours(request: web.Request, *, public_url: str, scheme: str) -> bool | None:
    """Say whether the Origin header names us; None without that header.

    Args:
        request: What came.
        public_url: The one origin that is ours; empty takes the one that the browser addressed.
        scheme: The scheme the browser used.
    """
    origins = request.headers.getall("Origin", [])
    if not origins:
        return None
    if len(origins) != 1:
        return False
    own = public_url or f"{scheme}://{request.headers.get('Host', '')}"
    return _normal(origins[0]) == _normal(own) != ""


def _normal(origin: str) -> str:
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query or parts.username:
        return ""
    return f"{parts.scheme}://{parts.hostname}:{port or (443 if parts.scheme == 'https' else 80)}"


def require_same_origin(request: web.Request, *, public_url: str, scheme: str) -> None:
    """Refuse what another site made the browser send (Forbidden, `cross_site`).

    Without cookies and without either header it is no browser, and nothing of anybody's can be abused.
    """
    site = request.headers.get("Sec-Fetch-Site")
    ours = is_ours(request, public_url=public_url, scheme=scheme)
    named = [verdict for verdict in (None if site is None else site == "same-origin", ours) if verdict is not None]
    if not all(named) or (not named and request.cookies):
        raise Forbidden("This must come from our own pages.", code="cross_site")
