"""What a supervisor asks: whether this node lives, whether it can serve, and what it counts."""

from aiohttp import web

from telehealth.web.context import services


async def livez(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    states = await services(request).health.states()
    ready = all(state == "ok" for state in states.values())
    return web.json_response({"status": "ok" if ready else "failing", **states}, status=200 if ready else 503)


async def metrics(request: web.Request) -> web.Response:
    counted = services(request).metrics
    return web.Response(body=counted.text(), headers={"Content-Type": counted.content_type})
