"""Stored documents; their contents are sealed with a key of their encounter's."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, insert, select

from telehealth.consultations.documents import (
    MAX_PER_ENCOUNTER,
    Document,
    DocumentEntry,
    DocumentKind,
)
from telehealth.errors import NotFound, TooMany
from telehealth.ids import DocumentId, EncounterId
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.encounters import lock_encounter
from telehealth.storage.tables import documents

_c = documents.c
_ENTRY = (_c.id, _c.encounter_id, _c.key, _c.kind, _c.media_type, _c.author, _c.created_at)


class SqlDocuments:
    """Implements consultations.documents.Documents."""

    def __init__(self, database: Database, cipher: FieldCipher) -> None:
        self._database = database
        self._content = cipher.column("documents", "content")

    async def add(self, document: Document) -> DocumentEntry:
        entry = document.entry
        of_encounter = _c.encounter_id == entry.encounter_id
        async with self._database.write() as connection:
            # Whoever else adds one here waits, so that nobody counts what is about to change.
            await lock_encounter(connection, entry.encounter_id)
            known = (await connection.execute(select(*_ENTRY).where(of_encounter, _c.key == entry.key))).one_or_none()
            if known is not None:
                return _entry(known)
            count: int = await connection.scalar(select(func.count()).where(of_encounter)) or 0
            if count >= MAX_PER_ENCOUNTER:
                raise TooMany("This consultation has too many documents.", code="too_many_documents")
            values = {
                "id": entry.id,
                "encounter_id": entry.encounter_id,
                "key": entry.key,
                "kind": entry.kind.value,
                "media_type": entry.media_type,
                "author": entry.author,
                "created_at": entry.created_at,
                "content": self._content.seal_bytes(entry.id, document.content, group=entry.encounter_id),
            }
            await connection.execute(insert(documents).values(**values))
        return entry

    async def get(self, encounter: EncounterId, document: DocumentId) -> Document:
        statement = select(*_ENTRY, _c.content).where(_c.encounter_id == encounter, _c.id == document)
        async with self._database.read() as connection:
            row = (await connection.execute(statement)).one_or_none()
        if row is None:
            raise NotFound("There is no such thing, or it is not yours.")
        return Document(_entry(row), self._content.open_bytes(row.id, row.content, group=row.encounter_id))

    async def of_encounter(self, encounter: EncounterId, kind: DocumentKind) -> Sequence[DocumentEntry]:
        statement = select(*_ENTRY).where(_c.encounter_id == encounter, _c.kind == kind.value)
        in_order = statement.order_by(_c.created_at, _c.id).limit(MAX_PER_ENCOUNTER)
        async with self._database.read() as connection:
            return [_entry(row) for row in (await connection.execute(in_order)).all()]


def _entry(row: Any) -> DocumentEntry:
    return DocumentEntry(
        id=DocumentId(row.id),
        encounter_id=EncounterId(row.encounter_id),
        key=row.key,
        kind=DocumentKind(row.kind),
        media_type=row.media_type,
        author=row.author,
        created_at=row.created_at,
    )
