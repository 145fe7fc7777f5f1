"""`/openapi.json` for programs and `/docs` for people: the same description."""

from aiohttp import web

from telehealth.web.operations import operations
from telehealth.web.shell import rendered

DOCUMENT: web.AppKey[dict[str, object]] = web.AppKey("openapi", dict)


async def openapi_document(request: web.Request) -> web.Response:
    return web.json_response(request.app[DOCUMENT])


async def docs_page(request: web.Request) -> web.Response:
    groups = operations(request.app[DOCUMENT])
    return await rendered(request, "docs", "The API", groups=groups)
