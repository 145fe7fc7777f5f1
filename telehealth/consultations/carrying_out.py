"""How the effects of a room are carried out through the ports."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import assert_never

from telehealth.audit import AuditTrail
from telehealth.bus import REVOCATIONS, WORKLIST, Bus, Event, room_topic
from telehealth.clock import Clock
from telehealth.consultations.effects import (
    Advance,
    CloseMedia,
    CloseRoomMedia,
    EncounterChanged,
    EncounterEnded,
    EntryStored,
    Input,
    LockRung,
    MediaRequest,
    Moment,
    OpenMedia,
    PublishSource,
    Record,
    Required,
    StartRecording,
    Step,
    StopRecording,
    StoreEntry,
    StoreSeat,
    TakeAnswer,
    TellEnded,
    TellRevoked,
    TellWorklists,
    UnpublishSource,
)
from telehealth.consultations.messages import IceServer
from telehealth.consultations.model import Encounter
from telehealth.consultations.ports import Encounters, MediaPlane, MediaRecordingStopped, Patients
from telehealth.consultations.recordings import Recorder
from telehealth.consultations.signalling import end_reason
from telehealth.errors import Conflict, Gone, TelehealthError, Unavailable
from telehealth.ids import EncounterId, NewId, ParticipantId

logger = logging.getLogger(__name__)

TRIES = 5
"""How often a step of the encounter is tried while others change it."""

_Told = CloseMedia | CloseRoomMedia | TellEnded | TellRevoked | TellWorklists

IceServers = Callable[[ParticipantId], Sequence[IceServer]]
"""Where a participant's STUN and TURN servers come from, with their credentials."""


@dataclass(frozen=True, slots=True)
class RoomPorts:
    """What rooms need of the outside."""

    encounters: Encounters
    patients: Patients
    media: MediaPlane
    recorder: Recorder
    bus: Bus
    audit: AuditTrail
    clock: Clock
    new_id: NewId


class Executor:
    """Carries out what one room wants done outside of it."""

    def __init__(self, encounter: EncounterId, ports: RoomPorts, *, timeout_s: float) -> None:
        self._encounter = encounter
        self._ports = ports
        self._timeout_s = timeout_s

    def moment(self) -> Moment:
        """Return now."""
        return Moment(self._ports.clock.now(), self._ports.clock.monotonic())

    async def require(self, effect: Required) -> Sequence[Input]:
        """Carry it out and return what follows for the room; a TelehealthError if that is impossible."""
        async with self.in_time():
            match effect:
                case StoreSeat(participant):
                    await self._ports.encounters.save_seat(participant)
                case StoreEntry(entry, connection):
                    stored = await self._ports.encounters.append(entry)
                    return [] if connection is None else [EntryStored(connection, stored)]
                case Advance(step):
                    return [await self._advance(step)]
                case Record(event):
                    await self._ports.audit.record(event)
                case _:
                    await self._require_media(effect)
        return []

    async def follow(self, effect: _Told) -> None:
        """Carry it out; a failure is logged, because what it follows is stored."""
        try:
            async with self.in_time():
                await self._follow(effect)
        except TelehealthError as error:
            logger.warning("room %s: %s failed: %s", self._encounter, type(effect).__name__, error.code)
        except Exception:
            logger.exception("room %s: %s failed", self._encounter, type(effect).__name__)

    async def start_recording(self, effect: StartRecording) -> Sequence[Input]:
        """Begin to record; if that can't be, return so for the room."""
        try:
            async with self.in_time():
                await self._ports.audit.record(effect.event)
                await self._ports.encounters.append(effect.entry)
                await self._ports.recorder.start(self._encounter, effect.by.id, effect.by.subject)
        except TelehealthError as error:
            logger.warning("room %s: no recording: %s", self._encounter, error.code)
            return [MediaRecordingStopped(self._encounter, effect.by.id)]
        return []

    async def stop_recording(self, effect: StopRecording) -> None:
        """Record no more, whatever else fails."""
        self._ports.recorder.stop(self._encounter)
        if effect.event is None or effect.entry is None:
            return
        try:
            async with self.in_time():
                await self._ports.audit.record(effect.event)
                await self._ports.encounters.append(effect.entry)
        except TelehealthError as error:
            logger.warning("room %s: that recording stopped is not noted: %s", self._encounter, error.code)

    async def _require_media(self, effect: MediaRequest) -> None:
        media = self._ports.media
        match effect:
            case OpenMedia(participant):
                await media.open(self._encounter, participant)
            case PublishSource(participant, source):
                await media.publish(self._encounter, participant, source)
            case UnpublishSource(participant, source):
                await media.unpublish(self._encounter, participant, source)
            case TakeAnswer(participant, negotiation, sdp):
                await media.answer(self._encounter, participant, negotiation, sdp)
            case LockRung(participant, rung):
                await media.lock(self._encounter, participant, rung)
            case _:
                assert_never(effect)

    async def _follow(self, effect: _Told) -> None:
        match effect:
            case CloseMedia(participant):
                await self._ports.media.close(self._encounter, participant)
            case CloseRoomMedia():
                await self._ports.media.close_room(self._encounter)
            case TellEnded(reason):
                await self._ports.bus.publish(room_topic(self._encounter), ended_event(reason))
            case TellRevoked(subject):
                await self._ports.bus.publish(REVOCATIONS, Event("revoked", subject.encode()))
            case TellWorklists():
                await self._ports.bus.publish(WORKLIST, Event("changed", b""))
            case _:
                assert_never(effect)

    async def _advance(self, step: Step) -> Input:
        encounters = self._ports.encounters
        for _ in range(TRIES):
            was = await encounters.get(self._encounter)
            try:
                changed = self._advanced(was, step)
            except Gone:
                return EncounterEnded(end_reason(was))
            try:
                if changed != was:
                    await encounters.save(changed, was=was)
            except Conflict:
                continue
            return EncounterChanged(changed)
        raise Unavailable("The consultation keeps changing: try again.")

    def _advanced(self, encounter: Encounter, step: Step) -> Encounter:
        match step:
            case Step.ARRIVE:
                return encounter.arrived()
            case Step.BEGIN:
                return encounter.begun(self._ports.clock.now())
            case Step.FINISH:
                return encounter.finished(self._ports.clock.now())
            case _:
                assert_never(step)

    @asynccontextmanager
    async def in_time(self) -> AsyncIterator[None]:
        """Let what is inside take no longer than the limit, or else raise Unavailable."""
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except TimeoutError:
            raise Unavailable("This takes too long: try again.", code="timeout") from None


def ended_event(reason: str) -> Event:
    """Return the event that tells that an encounter has ended; it goes to its room topic."""
    return Event("encounter_ended", json.dumps({"reason": reason}).encode())
