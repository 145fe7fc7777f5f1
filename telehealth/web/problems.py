"""Problem details for HTTP (RFC 9457): how every refusal of the API looks."""

import json
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from telehealth.errors import Invalid, NotFound, TelehealthError, TooLarge, TooMany, Unauthenticated, Unavailable

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong; `code` is the contract, `detail` is for people."""

    status: int
    code: str
    detail: str

    @property
    def title(self) -> str:
        return HTTPStatus(self.status).phrase

    def response(self) -> web.Response:
        """Return the problem as a response; the same problem gives the same bytes."""
        body = {"type": "about:blank", "status": self.status, "title": self.title, "detail": self.detail}
        text = json.dumps({**body, "code": self.code}, ensure_ascii=False)
        response = web.Response(status=self.status, body=text.encode(), content_type=CONTENT_TYPE)
        if self.status == HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = "Bearer"
        if self.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
            response.headers["Retry-After"] = "10"
        return response


INTERNAL = Problem(500, "internal", "Something went wrong here. It is written down; please try again.")
NOTHING_THERE = Problem(404, NotFound.code, "There is no such thing, or it is not yours.")
NOBODY = Problem(401, Unauthenticated.code, "Please sign in.")

_OF_HTTP = {
    404: NOTHING_THERE,
    413: Problem(413, TooLarge.code, "The request is too large."),
    429: Problem(429, TooMany.code, "Too many requests: wait a little."),
    503: Problem(503, Unavailable.code, "This can't be done just now."),
}


def of_error(error: TelehealthError) -> Problem:
    """Return the problem that an error of the domain is."""
    if isinstance(error, NotFound):
        # A foreign object and a missing one must not differ by a byte.
        return Problem(404, error.code, NOTHING_THERE.detail) if error.code == NotFound.code else _plain(error)
    return INTERNAL if error.status >= 500 and not isinstance(error, Unavailable) else _plain(error)


def _plain(error: TelehealthError) -> Problem:
    return Problem(error.status, error.code, error.text)


def of_http(error: web.HTTPException) -> Problem:
    """Return the problem that a refusal of aiohttp itself is."""
    if error.status in _OF_HTTP:
        return _OF_HTTP[error.status]
    code = Invalid.code if error.status == HTTPStatus.BAD_REQUEST else HTTPStatus(error.status).name.lower()
    return Problem(error.status, code, HTTPStatus(error.status).description or HTTPStatus(error.status).phrase)
