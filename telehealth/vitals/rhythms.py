"""Rhythms: the patients whose ECG somebody wants followed. It costs time for every sample, so nobody is by himself."""

from dataclasses import dataclass
from datetime import datetime

from telehealth.errors import TooMany
from telehealth.ids import EncounterId
from telehealth.vitals.codes import WAVES
from telehealth.vitals.model import FrameFlag, WaveBlock, WaveChannel
from telehealth.vitals.rhythm import Rhythm, RhythmWatch

MAX_FOLLOWED = 100
SWITCH_S = 5.0
"""When the channel that is followed has been silent for so long, another may take its place."""


@dataclass(frozen=True, slots=True)
class RhythmSeen:
    """What is told of a rhythm.

    Attributes:
        channel: Number of the encounter's channel, 0 while none has come.
        device_rate: The rate that the device itself says.
        demo: The ECG is simulated.
    """

    on: bool
    channel: int = 0
    device_rate: float | None = None
    rhythm: Rhythm | None = None
    demo: bool = False


@dataclass(slots=True)
class _Followed:
    channel: int = 0
    watch: RhythmWatch | None = None
    heard_at: datetime | None = None
    demo: bool = False
    told: RhythmSeen | None = None


class Rhythms:
    """Follows one ECG channel of each patient for whom somebody asked; at most 100 at a node."""

    def __init__(self, *, demonstration: bool) -> None:
        self._demonstration = demonstration
        self._followed: dict[EncounterId, _Followed] = {}

    def follow(self, encounter: EncounterId, *, on: bool) -> None:
        """Begin or stop; TooMany."""
        if not on:
            self._followed.pop(encounter, None)
        elif encounter not in self._followed and len(self._followed) >= MAX_FOLLOWED:
            raise TooMany("Too many rhythms are followed here.")
        else:
            self._followed.setdefault(encounter, _Followed())

    def follows(self, encounter: EncounterId) -> bool:
        return encounter in self._followed

    @property
    def encounters(self) -> list[EncounterId]:
        return list(self._followed)

    def waved(self, channel: WaveChannel, block: WaveBlock, at: datetime) -> None:
        """Take a block if it is of the channel that is followed, and of the present."""
        known = self._followed.get(channel.encounter_id)
        if known is None or block.gap or FrameFlag.BACKFILL in block.flags or not _is_ecg(channel):
            return
        demo = FrameFlag.DEMO in block.flags
        if demo and not self._demonstration:
            return
        if known.channel != channel.number:
            if known.heard_at is not None and (at - known.heard_at).total_seconds() < SWITCH_S:
                return
            known.channel, known.watch = channel.number, RhythmWatch(channel.rate_hz)
        known.heard_at, known.demo = at, demo
        if known.watch is not None:
            known.watch.take(block.first_index, block.samples)

    def look(self, encounter: EncounterId, device_rate: float | None) -> RhythmSeen | None:
        """Return what is to be told now; None if it is what was told before. Call it about once a second."""
        known = self._followed.get(encounter)
        if known is None:
            return None
        rhythm = known.watch.look(device_rate) if known.watch is not None else None
        seen = RhythmSeen(on=True, channel=known.channel, device_rate=device_rate, rhythm=rhythm, demo=known.demo)
        if seen == known.told:
            return None
        known.told = seen
        return seen

    def told(self, encounter: EncounterId) -> RhythmSeen:
        """Return what was told last."""
        known = self._followed.get(encounter)
        return RhythmSeen(on=False) if known is None else known.told or RhythmSeen(on=True)


def _is_ecg(channel: WaveChannel) -> bool:
    wave = WAVES.get(channel.mdc)
    return wave is not None and wave.group == "ecg"
