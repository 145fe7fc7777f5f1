"""A piece of a wave on its way out, whatever the format."""

from dataclasses import dataclass
from datetime import datetime

from telehealth.vitals.model import RawChannel


@dataclass(frozen=True, slots=True)
class Stretch:
    """Samples of a channel that follow each other; 16 bits, little-endian."""

    channel: RawChannel
    starts_at: datetime
    samples: bytes
