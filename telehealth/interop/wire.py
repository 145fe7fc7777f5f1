"""What the messages of all sockets share: strict, frozen, nothing unknown, no NaN."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from telehealth.errors import Invalid

PROTOCOL_VERSION = 1
LATEST_MS = 4_102_444_800_000.0
"""2100-01-01T00:00Z."""

Ms = Annotated[float, Field(ge=0, le=LATEST_MS)]
Id = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{0,200}$")]
TicketText = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,2048}$")]

M = TypeVar("M")


class Message(BaseModel):
    """A JSON object of a socket."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    def to_text(self) -> str:
        """Return the message as it goes out."""
        return self.model_dump_json()


def parse(adapter: TypeAdapter[M], text: str | bytes) -> M:
    """Return the message in the text; Invalid (bad_message) if it is none of the adapter's."""
    try:
        return adapter.validate_json(text)
    except ValueError as error:  # pydantic's ValidationError, and text that is no Unicode.
        raise Invalid("The message is not understood.", code="bad_message") from error
