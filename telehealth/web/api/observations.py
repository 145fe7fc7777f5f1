"""What a device sends in parcels over HTTP, with its own credential."""

from typing import Literal

from aiohttp import web

from telehealth.interop.parcels import Parcel
from telehealth.vitals.model import NUMERICS_CHANNEL, WaveBlock
from telehealth.web.bodies import Answer, answer, body_of
from telehealth.web.context import principal, services


class ItemResult(Answer):
    """What became of one message; whatever it is, it is not to be sent again.

    Attributes:
        codes: What was wrong with it, or with single values of numerics.
    """

    ch: int
    seq: int
    status: Literal["stored", "refused"]
    codes: list[str]


class ParcelTaken(Answer):
    """What became of each message, in their order: numerics, then waves."""

    items: list[ItemResult]


async def send_observations(request: web.Request) -> web.Response:
    """Record a parcel."""
    reach, device = services(request), principal(request)
    parcel = await body_of(request, Parcel)
    batch = parcel.messages()
    recorded = await reach.deliveries.deliver(device, parcel.hello(), batch)
    reach.metrics.frames.labels("stored").inc(len(batch))
    items = []
    for message in batch:
        channel = message.channel if isinstance(message, WaveBlock) else NUMERICS_CHANNEL
        place = (channel, message.sequence)
        codes = [r.code for r in recorded.refused if (r.channel, r.sequence) == place]
        values = 1 if isinstance(message, WaveBlock) else len(message.values)
        whole = sum(code != "impossible_value" for code in codes) < values
        status: Literal["stored", "refused"] = "stored" if whole else "refused"
        items.append(ItemResult(ch=channel, seq=message.sequence, status=status, codes=codes))
    return answer(ParcelTaken(items=items))
