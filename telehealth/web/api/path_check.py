"""The trial of the way to the media port, before joining."""

from aiohttp import web

from telehealth.ids import EncounterId
from telehealth.web.bodies import Answer, answer
from telehealth.web.context import path_id, principal, services
from telehealth.web.rate_limits import TRIALS


class Relay(Answer):
    """A STUN or TURN server, in the form of RTCIceServer."""

    urls: list[str]
    username: str
    credential: str


class TrialShown(Answer):
    """An offer to try: it needs no answer and ends within seconds. `relay_later`: relays are for who is let in."""

    sdp: str
    ice_servers: list[Relay]
    relay_later: bool


async def try_path(request: web.Request) -> web.Response:
    encounter = EncounterId(path_id(request, "encounter"))
    reach = services(request)
    reach.limits.take(TRIALS, principal(request).subject)
    trial = await reach.path_check.open(principal(request), encounter)
    relays = [
        Relay(urls=list(server.urls), username=server.username, credential=server.credential)
        for server in trial.ice_servers
    ]
    return answer(TrialShown(sdp=trial.sdp, ice_servers=relays, relay_later=trial.relay_later))
