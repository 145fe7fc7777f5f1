"""Album: the documents of an encounter; the photos are shown to whoever may see its readings."""

from collections.abc import Sequence
from datetime import datetime

from telehealth.access import Action, Principal, require
from telehealth.audit import AuditEvent, AuditTrail, event_by
from telehealth.bus import Bus, Event, vitals_topic
from telehealth.clock import Clock
from telehealth.consultations.documents import (
    Document,
    DocumentEntry,
    DocumentKind,
    Documents,
    require_picture,
)
from telehealth.consultations.model import Encounter, EntryKind, TimelineEntry
from telehealth.consultations.ports import Encounters
from telehealth.errors import TooMany, Unavailable
from telehealth.ids import DocumentId, EncounterId, NewId
from telehealth.interop.watch_messages import photo_body


class Album:
    """Keeps photos, and what was quarantined."""

    def __init__(
        self,
        *,
        documents: Documents,
        encounters: Encounters,
        bus: Bus,
        audit: AuditTrail,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._documents = documents
        self._encounters = encounters
        self._bus = bus
        self._audit = audit
        self._clock = clock
        self._new_id = new_id

    async def add_photo(
        self, principal: Principal, encounter: Encounter, key: str, media_type: str, content: bytes
    ) -> DocumentEntry:
        """Store a photo of a display, put it on the timeline and tell the watchers; a repeated key is stored once.

        The caller has checked that the principal may add readings.

        Raises:
            Invalid: `bad_picture`.
            TooLarge, TooMany: Beyond the limits.
        """
        require_picture(media_type, content)
        now = self._clock.now()
        wanted = self._entry(encounter.id, f"photo-{key}", DocumentKind.PHOTO, media_type, principal.subject, now)
        await self._audit.record(
            event_by(principal, "photo.added", f"encounter/{encounter.id}", patient=encounter.patient_id)
        )
        entry = await self._documents.add(Document(wanted, content))
        line = TimelineEntry(
            encounter.id, EntryKind.PHOTO, entry.created_at, principal.subject, f"document-{entry.id}", entry.id
        )
        await self._encounters.append(line)
        if entry.id == wanted.id:
            await self._tell(entry)
        return entry

    async def photos(self, principal: Principal, encounter: Encounter) -> Sequence[DocumentEntry]:
        """Return the photos of an encounter, oldest first."""
        require(principal, Action.READ_VITALS, owners=encounter.owners)
        return await self._documents.of_encounter(encounter.id, DocumentKind.PHOTO)

    async def photo(self, principal: Principal, encounter: Encounter, document: DocumentId) -> Document:
        """Return a photo; NotFound, too, for a document that is none."""
        require(principal, Action.READ_VITALS, owners=encounter.owners)
        found = await self._documents.get(encounter.id, document)
        found.entry.require_kind(DocumentKind.PHOTO)
        await self._audit.record(
            event_by(principal, "photo.read", f"document/{document}", patient=encounter.patient_id)
        )
        return found

    async def quarantine(self, event: AuditEvent, encounter: EncounterId, key: str, content: bytes) -> None:
        """Keep what was not taken; beyond the limit only the trail tells of it."""
        await self._audit.record(event)
        entry = self._entry(
            encounter, f"quarantine-{key}", DocumentKind.QUARANTINE, "application/json", event.actor, self._clock.now()
        )
        try:
            await self._documents.add(Document(entry, content))
        except TooMany:
            return

    def _entry(
        self, encounter: EncounterId, key: str, kind: DocumentKind, media_type: str, author: str, at: datetime
    ) -> DocumentEntry:
        return DocumentEntry(DocumentId(self._new_id()), encounter, key, kind, media_type, author, at)

    async def _tell(self, entry: DocumentEntry) -> None:
        try:
            await self._bus.publish(vitals_topic(entry.encounter_id), Event("photo", photo_body(entry)))
        except Unavailable:
            # It is stored; whoever comes next is told.
            return
