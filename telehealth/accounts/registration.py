"""What a new user must be like."""

import re
from zoneinfo import ZoneInfo

from telehealth.access import Role
from telehealth.accounts.model import NewUser, User
from telehealth.accounts.passwords import require_good_password
from telehealth.accounts.ports import PasswordHasher
from telehealth.errors import Invalid
from telehealth.ids import UserId

MAX_EMAIL_CHARS = 254
MAX_NAME_CHARS = 100
_EMAIL = re.compile(r"[^@\s]+@[^@\s.][^@\s]*")


async def new_user(new: NewUser, *, id_: UserId, passwords: PasswordHasher) -> User:
    """Return the user, with the password hashed; Invalid if anything about it is wrong."""
    email = new.email.strip().lower()
    if len(email) > MAX_EMAIL_CHARS or not _EMAIL.fullmatch(email):
        raise Invalid("This is no e-mail address.", code="bad_email")
    name = new.name.strip()
    if not 0 < len(name) <= MAX_NAME_CHARS or not name.isprintable():
        raise Invalid(f"A name has 1 to {MAX_NAME_CHARS} characters.", code="bad_name")
    if new.role is Role.DEVICE:
        raise Invalid("A device is no user: register it among the devices.", code="bad_role")
    if new.patient_id is not None and new.role is not Role.PATIENT:
        raise Invalid("Only a user of role patient is a patient.", code="bad_role")
    require_time_zone(new.time_zone)
    password_hash = ""
    if new.password:
        require_good_password(new.password)
        password_hash = await passwords.hash(new.password)
    return User(
        id=id_,
        role=new.role,
        email=email,
        name=name,
        time_zone=new.time_zone,
        password_hash=password_hash,
        patient_id=new.patient_id,
    )


def require_time_zone(name: str) -> None:
    """Let the name of a time zone pass or raise Invalid (`bad_time_zone`)."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise Invalid("There is no time zone of this name.", code="bad_time_zone") from None
