"""Errors of the domain: each has a stable code, which is the contract; its text is for people.

TelehealthError
├── Invalid                  the request cannot be understood or breaks a rule of form       400
├── Unauthenticated          nobody, or nobody we can verify, is asking                      401
├── Forbidden                known, but not allowed                                          403
├── NotFound                 missing, or none of the caller's business                       404
├── Conflict                 the state of things forbids it                                  409
│   ├── SlotTaken            somebody else has that time
│   ├── AlreadyAccepted      somebody else took the case or the patient
│   └── RoomFull             no seat left
├── Gone                     it existed and has ended                                        410
├── TooLarge                 over a limit of size                                            413
├── TooMany                  over a limit of rate or number                                  429
└── Unavailable              something we depend on does not answer                          503
"""

from typing import ClassVar


class TelehealthError(Exception):
    """Base of all errors that a caller may be told about.

    Args:
        text: What happened and what to do, for a person; never a secret or personal data.
        code: A narrower stable code than the class's own, in snake_case.
    """

    status: ClassVar[int] = 500
    code: str = "error"

    def __init__(self, text: str, *, code: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        if code is not None:
            self.code = code


class Invalid(TelehealthError):
    """The request cannot be understood or breaks a rule of form."""

    status = 400
    code = "invalid"


class Unauthenticated(TelehealthError):
    """Nobody, or nobody we can verify, is asking."""

    status = 401
    code = "unauthenticated"


class Forbidden(TelehealthError):
    """The principal is known, but may not do this."""

    status = 403
    code = "forbidden"


class NotFound(TelehealthError):
    """The object is missing, or none of the caller's business: both look the same."""

    status = 404
    code = "not_found"


class Conflict(TelehealthError):
    """The present state of things forbids the change."""

    status = 409
    code = "conflict"


class SlotTaken(Conflict):
    """Somebody else has that time."""

    code = "slot_taken"


class AlreadyAccepted(Conflict):
    """Somebody else took the case or the patient."""

    code = "already_accepted"


class RoomFull(Conflict):
    """No seat is left in the room."""

    code = "room_full"


class Gone(TelehealthError):
    """The object existed and has ended."""

    status = 410
    code = "gone"


class TooLarge(TelehealthError):
    """Over a limit of size."""

    status = 413
    code = "too_large"


class TooMany(TelehealthError):
    """Over a limit of rate or number."""

    status = 429
    code = "too_many"


class Unavailable(TelehealthError):
    """Something we depend on does not answer."""

    status = 503
    code = "unavailable"
