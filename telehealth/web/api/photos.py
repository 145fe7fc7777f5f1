"""Photos of a display, for those whose device tells nobody what it measures."""

import asyncio
from datetime import datetime
from typing import Annotated, Self

from aiohttp import web
from pydantic import StringConstraints

from telehealth.consultations.documents import MAX_BYTES, DocumentEntry
from telehealth.errors import TooLarge
from telehealth.ids import DocumentId, EncounterId
from telehealth.web.bodies import Answer, Body, answer, query_of
from telehealth.web.context import path_id, principal, services
from telehealth.web.rate_limits import PHOTOS

UPLOAD_S = 60.0
TYPES = ("image/jpeg", "image/png")


class PhotoKey(Body):
    """Chosen by the sender: a photo that is sent twice is kept once."""

    key: Annotated[str, StringConstraints(pattern=r"^[0-9a-z-]{8,64}$")]


class PhotoShown(Answer):
    """A photo, without the picture."""

    id: str
    media_type: str
    author: str
    created_at: datetime

    @classmethod
    def of(cls, entry: DocumentEntry) -> Self:
        return cls(id=entry.id, media_type=entry.media_type, author=entry.author, created_at=entry.created_at)


class Photos(Answer):
    """The photos of an encounter, oldest first."""

    photos: list[PhotoShown]


async def add_photo(request: web.Request) -> web.Response:
    """Take a picture as it is."""
    reach, who = services(request), principal(request)
    encounter = EncounterId(path_id(request, "encounter"))
    found = await reach.desk.open_encounter(who, encounter)
    asked = query_of(request, PhotoKey)
    if request.content_type not in TYPES:
        raise web.HTTPUnsupportedMediaType
    reach.limits.take(PHOTOS, who.subject)
    content = await _content(request)
    entry = await reach.album.add_photo(who, found, asked.key, request.content_type, content)
    return answer(PhotoShown.of(entry), status=201)


async def list_photos(request: web.Request) -> web.Response:
    """List the photos."""
    reach, who = services(request), principal(request)
    found = await reach.consultations.measured(who, EncounterId(path_id(request, "encounter")))
    return answer(Photos(photos=[PhotoShown.of(one) for one in await reach.album.photos(who, found)]))


async def read_photo(request: web.Request) -> web.Response:
    """Return the picture."""
    reach, who = services(request), principal(request)
    found = await reach.consultations.measured(who, EncounterId(path_id(request, "encounter")))
    document = await reach.album.photo(who, found, DocumentId(path_id(request, "document")))
    headers = {"Content-Disposition": 'inline; filename="photo"', "Cache-Control": "private, no-store"}
    return web.Response(body=document.content, content_type=document.entry.media_type, headers=headers)


async def _content(request: web.Request) -> bytes:
    """Read the body up to the limit of pictures, which is larger than that of other bodies."""
    if (request.content_length or 0) > MAX_BYTES:
        raise TooLarge("A picture may have 4 MiB.")
    parts = bytearray()
    try:
        async with asyncio.timeout(UPLOAD_S):
            async for part in request.content.iter_any():
                parts += part
                if len(parts) > MAX_BYTES:
                    raise TooLarge("A picture may have 4 MiB.")
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    return bytes(parts)
