"""Documents: what somebody adds to an encounter as a whole, such as a photo of a monitor's display."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from telehealth.errors import Invalid, NotFound, TooLarge
from telehealth.ids import DocumentId, EncounterId

MAX_BYTES = 4 * 1024 * 1024
MAX_PER_ENCOUNTER = 100

_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"


class DocumentKind(StrEnum):
    """What a document is."""

    PHOTO = "photo"
    QUARANTINE = "quarantine"
    """A reading that was not taken, as it came: for an administrator, never on display."""


@dataclass(frozen=True, slots=True)
class DocumentEntry:
    """A document without its content.

    Attributes:
        key: Chosen by who added it; the same key in an encounter is stored once.
        author: Subject of who added it.
    """

    id: DocumentId
    encounter_id: EncounterId
    key: str
    kind: DocumentKind
    media_type: str
    author: str
    created_at: datetime

    def require_kind(self, kind: DocumentKind) -> None:
        """Refuse a document of another kind as if it were not there."""
        if self.kind is not kind:
            raise NotFound("There is no such thing, or it is not yours.")


@dataclass(frozen=True, slots=True)
class Document:
    """A document; `content` is personal data."""

    entry: DocumentEntry
    content: bytes


class Documents(Protocol):
    """Stored documents."""

    async def add(self, document: Document) -> DocumentEntry:
        """Store it, or return what is stored under its key; TooMany beyond MAX_PER_ENCOUNTER."""
        ...

    async def get(self, encounter: EncounterId, document: DocumentId) -> Document:
        """Return it; NotFound."""
        ...

    async def of_encounter(self, encounter: EncounterId, kind: DocumentKind) -> Sequence[DocumentEntry]:
        """Return those of a kind, oldest first."""
        ...


def require_picture(media_type: str, content: bytes) -> None:
    """Refuse what is no JPEG or PNG.

    Raises:
        TooLarge: It has more than MAX_BYTES.
        Invalid: `bad_picture`: its first bytes are not those of its type.
    """
    if len(content) > MAX_BYTES:
        raise TooLarge("A picture may have 4 MiB.")
    begins = {"image/jpeg": _JPEG, "image/png": _PNG}.get(media_type)
    if begins is None or not content.startswith(begins):
        raise Invalid("This is no JPEG or PNG picture.", code="bad_picture")
