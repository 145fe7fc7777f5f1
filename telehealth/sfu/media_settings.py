"""What the media plane is told at its start."""

import json
from dataclasses import asdict, dataclass
from typing import Literal, Self

Protocol = Literal["udp", "tcp"]


@dataclass(frozen=True, slots=True)
class MediaSettings:
    """Where the media plane listens and what it tells browsers.

    Attributes:
        port: 0 picks a free one.
        advertised: IPv4 addresses at which browsers reach us, best first.
        protocols: What browsers are told to try.
        max_transports: Beyond, nobody gets in: of this machine's capacity, not of a room's.
    """

    host: str = "0.0.0.0"  # noqa: S104 - participants come from anywhere; what they may do is checked by datagram.
    port: int = 0
    advertised: tuple[str, ...] = ("127.0.0.1",)
    protocols: tuple[Protocol, ...] = ("udp", "tcp")
    max_transports: int = 400


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """What the media process is told at its start."""

    media: MediaSettings
    log_level: str = "info"
    log_format: str = "auto"

    def text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what `text` made a text of."""
        known = json.loads(text)
        media = known.pop("media")
        media |= {"advertised": tuple(media["advertised"]), "protocols": tuple(media["protocols"])}
        return cls(MediaSettings(**media), **known)
