"""Headers of every response: what a browser may load, show and remember (OWASP ASVS 5.0, 3.4)."""

from aiohttp import web

IMMUTABLE = "public, max-age=31536000, immutable"

_PERMISSIONS = ("camera", "microphone", "display-capture", "bluetooth", "screen-wake-lock", "fullscreen")
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{name}=(self)" for name in _PERMISSIONS) + ", geolocation=(), payment=(), usb=()",
    "X-Robots-Tag": "noindex",
    "Server": "telehealth",
}


def content_security_policy(host: str) -> str:
    """Return the policy: everything from us, nothing inline, no frames.

    `connect-src 'self'` covers ws and wss of the same host in present browsers; older WebKit needs them by name.
    """
    sockets = f" ws://{host} wss://{host}" if _is_plain(host) else ""
    return (
        f"default-src 'self'; connect-src 'self'{sockets}; img-src 'self' data: blob:; media-src 'self' blob:; "
        "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    )


def _is_plain(host: str) -> bool:
    return 0 < len(host) <= 255 and all(char.isascii() and (char.isalnum() or char in ".-:[]") for char in host)


def put_headers(request: web.BaseRequest, response: web.StreamResponse, *, https_for_good: bool) -> None:
    """Set the headers on a response that is about to leave; `https_for_good`: browsers shall come by HTTPS only."""
    response.headers.update(_ALWAYS)
    response.headers["Content-Security-Policy"] = content_security_policy(request.headers.get("Host", ""))
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    if https_for_good:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
