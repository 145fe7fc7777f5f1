"""What vitals need of the outside."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from telehealth.ids import DeviceId, EncounterId
from telehealth.vitals.model import Device, DeviceAssociation, FramePage, Report, StoredFrame, WaveBlock, WaveChannel


class Devices(Protocol):
    """Stored devices and whom they measure."""

    async def add(self, device: Device) -> None: ...
    async def get(self, device: DeviceId) -> Device:
        """Return the device; NotFound."""
        ...

    async def save(self, device: Device) -> None: ...
    async def all(self, limit: int) -> Sequence[Device]:
        """Return those that staff registered, by name."""
        ...

    async def associate(self, association: DeviceAssociation) -> None:
        """End the device's earlier association, if any, and begin this one."""
        ...

    async def release(self, device: DeviceId, at: datetime) -> None: ...
    async def association(self, device: DeviceId) -> DeviceAssociation | None:
        """Return the one in force; None, too, if its encounter has ended and nobody released the device."""
        ...

    async def others_until(self, association: DeviceAssociation) -> datetime | None:
        """Return when the device's newest ended association with another patient ended; None if there is none."""
        ...

    async def of_encounter(self, encounter: EncounterId) -> Sequence[Device]: ...


class VitalFrames(Protocol):
    """Stored samples and waveforms; each (device, boot, channel, sequence) once."""

    async def add_channels(self, channels: Sequence[WaveChannel]) -> Sequence[WaveChannel]:
        """Store the channels with fresh numbers, or return those already stored for the device, boot and channel.

        The `number` given is ignored.
        """
        ...

    async def channels(self, encounter: EncounterId) -> Sequence[WaveChannel]: ...

    async def add(self, frames: Sequence[StoredFrame], *, late: bool = False) -> Sequence[bool]:
        """Store the frames in one transaction; for each, True if it is new and False if it was there.

        `late` ones share no transaction with live ones, and short ones with each other.
        """
        ...

    async def last_sequences(self, device: DeviceId, boot: str) -> dict[int, int]:
        """Return, by device channel, the highest sequence stored."""
        ...

    async def since(
        self, encounter: EncounterId, at: datetime, *, limit: int, channel: int | None = None
    ) -> Sequence[StoredFrame]:
        """Return the newest `limit` frames taken since `at`, oldest first; only of this device channel, if given."""
        ...

    async def between(
        self,
        encounter: EncounterId,
        start: datetime,
        end: datetime,
        *,
        limit: int,
        channels: Collection[int] | None = None,
        after: str = "",
    ) -> FramePage:
        """Return frames whose first sample was taken from `start` to before `end`, in order of time.

        Args:
            encounter: Whose.
            start: The first instant.
            end: The instant after the last.
            limit: Most frames of a page.
            channels: Only of these device channels; None: of all.
            after: `next` of the page before. Invalid (`bad_page`) for anything else.
        """
        ...

    async def purge(self, before: datetime, *, numerics: bool, limit: int) -> int:
        """Delete at most `limit` frames taken before, numerics or else waves; return how many."""
        ...


class ReportObserver(Protocol):
    """Hears of what has been stored. Nothing here waits or raises."""

    def reported(self, encounter: EncounterId, report: Report) -> None:
        """A report was stored."""
        ...

    def heard(self, encounter: EncounterId, device: DeviceId, *, demo: bool) -> None:
        """Waves of the device were stored."""
        ...

    def waved(self, channel: WaveChannel, block: WaveBlock) -> None:
        """A block was stored; its channel number and time are those of the encounter."""
        ...


class VitalsWire(Protocol):
    """How vitals look on the wire to watchers, and at rest."""

    def numerics(self, report: Report, conflicts: frozenset[int] = frozenset()) -> bytes:
        """Return what watchers get of a report; `conflicts` are the parameters that another source contradicts."""
        ...

    def stored(self, report: Report) -> bytes:
        """Return the report as it is kept, with what the device sent."""
        ...

    def from_stored(self, device: DeviceId, body: bytes) -> Report:
        """Return the report that `stored` wrote."""
        ...

    def wave(self, block: WaveBlock) -> bytes:
        """Return the binary frame of a block."""
        ...

    def channels(self, channels: Sequence[WaveChannel]) -> bytes:
        """Return the announcement of channels."""
        ...

    def device(self, device: Device, *, connected: bool) -> bytes:
        """Return the announcement that a device came or went."""
        ...
