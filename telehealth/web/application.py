"""The HTTP side as one aiohttp application."""

from aiohttp import web

from telehealth.web.assets import Assets
from telehealth.web.bodies import BODY_LIMIT
from telehealth.web.docs import DOCUMENT
from telehealth.web.middleware import observed, on_prepare, refusals
from telehealth.web.openapi import describe
from telehealth.web.routes import ROUTES, add_routes


def new_application(assets: Assets) -> web.Application:
    """Return the application with all routes; it serves once SERVICES is filled in at its start."""
    app = web.Application(middlewares=[observed, refusals], client_max_size=BODY_LIMIT)
    app[DOCUMENT] = describe(ROUTES)
    add_routes(app)
    app.router.add_static(assets.prefix, assets.directory, follow_symlinks=False)
    app.on_response_prepare.append(on_prepare)
    return app
