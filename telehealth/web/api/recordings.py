"""Recordings of a consultation, for its practitioner."""

from datetime import datetime
from typing import Self

from aiohttp import web

from telehealth.access import Action, require
from telehealth.audit import event_by
from telehealth.consultations.model import Encounter
from telehealth.consultations.recordings import Recording
from telehealth.ids import EncounterId, RecordingId
from telehealth.web.bodies import Answer, answer
from telehealth.web.context import path_id, principal, services


class RecordingShown(Answer):
    """A recording, without its contents; `ended_at` is null while it goes on."""

    id: str
    by: str
    started_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, recording: Recording) -> Self:
        return cls(id=recording.id, by=recording.by, started_at=recording.started_at, ended_at=recording.ended_at)


class RecordingsShown(Answer):
    """The recordings of an encounter, oldest first."""

    recordings: list[RecordingShown]


async def list_recordings(request: web.Request) -> web.Response:
    """List the recordings."""
    found = await _own_encounter(request)
    kept = await services(request).recordings.of_encounter(found.id)
    return answer(RecordingsShown(recordings=[RecordingShown.of(one) for one in kept]))


async def read_recording(request: web.Request) -> web.StreamResponse:
    """Return the recording as it is opened, piece by piece; a damaged one breaks off."""
    reach, who = services(request), principal(request)
    encounter = await _own_encounter(request)
    recording = await reach.recordings.get(encounter.id, RecordingId(path_id(request, "recording")))
    await reach.trail.record(event_by(who, "recording.read", f"recording/{recording.id}", patient=encounter.patient_id))
    pieces = reach.recording_files.read(recording.id, recording.pieces)
    # The first piece decides whether there is anything, before the answer begins.
    first = await anext(pieces, b"")
    headers = {"Content-Disposition": 'attachment; filename="recording.webm"', "Cache-Control": "private, no-store"}
    response = web.StreamResponse(headers=headers)
    response.content_type = "video/webm"
    await response.prepare(request)
    await response.write(first)
    async for piece in pieces:
        await response.write(piece)
    await response.write_eof()
    return response


async def _own_encounter(request: web.Request) -> Encounter:
    found = await services(request).desk.encounter(EncounterId(path_id(request, "encounter")))
    require(principal(request), Action.READ_RECORDING, owners=found.owners)
    return found
