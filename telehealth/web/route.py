"""Route: one row of the table of everything that can be asked over HTTP."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web
from pydantic import BaseModel

from telehealth.access import Action

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Open(StrEnum):
    """Who may ask where nobody need be known."""

    PUBLIC = "public"
    DEMO = "demo"


class Kind(StrEnum):
    """What kind of thing is behind a path; refusals of a page are pages."""

    API = "api"
    PAGE = "page"
    SOCKET = "socket"
    FILE = "file"


Access = Action | frozenset[Action] | Open
"""One action; several of which the caller's role must have one; or open to anybody."""


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path.

    Attributes:
        summary: What it does, in a sentence, for the description of the API.
        body: What must be sent, None for nothing.
        query: What may stand in the query.
        answers: What comes back as JSON, None for anything else.
        status: The status of success.
        content: The type of what comes back if it is not JSON.
    """

    method: str
    path: str
    handler: Handler
    access: Access
    summary: str = ""
    kind: Kind = Kind.API
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    answers: type[BaseModel] | None = None
    status: int = 200
    content: str = ""

    @property
    def actions(self) -> frozenset[Action]:
        """The actions of which the caller must be allowed one; empty if open."""
        if isinstance(self.access, Action):
            return frozenset({self.access})
        return frozenset() if isinstance(self.access, Open) else self.access

    @property
    def name(self) -> str:
        """The operation's name: that of its handler."""
        return getattr(self.handler, "__name__", "handler")
