"""The tables. Columns of type Sealed hold what FieldCipher sealed; instants are in UTC."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Time,
    TypeDecorator,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """An aware instant. A naive one is refused; what comes back is in UTC on every engine."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime is no instant")
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Id = String(64)
Sealed = LargeBinary
Digest = LargeBinary
# SQLite numbers rows by itself only in a column of type INTEGER.
RowNumber = BigInteger().with_variant(Integer(), "sqlite")


def _id(name: str = "id") -> Column[str]:
    return Column(name, Id, primary_key=True)


def _of(name: str, target: str, **options: Any) -> Column[str]:
    return Column(name, Id, ForeignKey(target), nullable=options.pop("nullable", False), **options)


def _needed(name: str, kind: Any, **options: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, **options)


patients = Table(
    "patients",
    metadata,
    _id(),
    _needed("name", Sealed),
    # Not a foreign key: users point to patients, and one of the two must come first.
    Column("user_id", Id, unique=True),
    _needed("birth_date", Sealed),
    _needed("identified", Boolean),
)

users = Table(
    "users",
    metadata,
    _id(),
    _needed("role", String),
    _needed("email", Sealed),
    _needed("email_index", Digest, unique=True),
    _needed("name", Sealed),
    _needed("time_zone", String),
    _needed("password_hash", String),
    _needed("epoch", Integer),
    _needed("disabled", Boolean),
    _of("patient_id", "patients.id", nullable=True),
    Index(None, "role"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    _id("kid"),
    _needed("private_pem", Sealed),
    _needed("created_at", Instant),
    _needed("active_from", Instant),
    Column("retired_at", Instant),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    _id(),
    _needed("family", Id, index=True),
    _needed("subject", Id, index=True),
    _needed("is_invitation", Boolean),
    _needed("secret_hash", Digest, unique=True),
    _needed("issued_at", Instant),
    _needed("expires_at", Instant),
    Column("used_at", Instant),
    Column("revoked_at", Instant),
)

encounters = Table(
    "encounters",
    metadata,
    _id(),
    _needed("kind", String),
    _of("patient_id", "patients.id"),
    _needed("created_at", Instant),
    _needed("status", String),
    _of("practitioner_id", "users.id", nullable=True),
    _of("paramedic_id", "users.id", nullable=True),
    # Not a foreign key: appointments point to encounters.
    Column("appointment_id", Id),
    _needed("reason", Sealed),
    Column("starts_at", Instant),
    Column("begun_at", Instant),
    Column("ended_at", Instant),
    Index(None, "practitioner_id", "status"),
    Index(None, "patient_id", "status"),
    Index(None, "paramedic_id", "status"),
    Index(None, "kind", "status", "created_at"),
)

participants = Table(
    "participants",
    metadata,
    _id(),
    _of("encounter_id", "encounters.id"),
    _needed("subject", Id),
    _needed("role", String),
    _needed("name", Sealed),
    _needed("admission", String),
    _needed("since", Instant),
    UniqueConstraint("encounter_id", "subject"),
)

timeline = Table(
    "timeline",
    metadata,
    _of("encounter_id", "encounters.id"),
    _needed("number", Integer),
    _needed("key", String),
    _needed("kind", String),
    _needed("at", Instant),
    _needed("author", Id),
    _needed("text", Sealed),
    PrimaryKeyConstraint("encounter_id", "number"),
    UniqueConstraint("encounter_id", "key"),
)

invitations = Table(
    "invitations",
    metadata,
    _id(),
    _of("encounter_id", "encounters.id", index=True),
    _needed("role", String),
    _needed("name", Sealed),
    _needed("secret_hash", Digest, unique=True),
    _needed("created_at", Instant),
    _needed("expires_at", Instant),
    Column("patient_id", Id),
    Column("device_hash", Digest),
    Column("revoked_at", Instant),
)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("secret_hash", Digest, primary_key=True),
    _of("user_id", "users.id"),
    _needed("path", String),
    _needed("expires_at", Instant),
)

availabilities = Table(
    "availabilities",
    metadata,
    _id(),
    _of("practitioner_id", "users.id", index=True),
    _needed("weekday", Integer),
    _needed("starts", Time),
    _needed("ends", Time),
    _needed("slot_minutes", Integer),
    _needed("time_zone", String),
    _needed("valid_from", Date),
    Column("valid_until", Date),
)

appointments = Table(
    "appointments",
    metadata,
    _id(),
    _of("practitioner_id", "users.id"),
    _of("patient_id", "patients.id"),
    _of("encounter_id", "encounters.id", unique=True),
    _needed("starts_at", Instant),
    _needed("ends_at", Instant),
    _needed("created_at", Instant),
    _needed("status", String),
    _needed("reason", Sealed),
    _needed("version", Integer),
    Index(None, "practitioner_id", "starts_at"),
    Index(None, "patient_id", "ends_at"),
    Index(None, "starts_at"),
)

# The primary key is what makes double booking impossible: see docs/decisions/0003-double-booking.md.
booked_cells = Table(
    "booked_cells",
    metadata,
    _needed("practitioner_id", Id),
    _needed("cell_start", Instant),
    _of("appointment_id", "appointments.id", index=True),
    PrimaryKeyConstraint("practitioner_id", "cell_start"),
)

cases = Table(
    "cases",
    metadata,
    _id(),
    _of("encounter_id", "encounters.id", unique=True),
    _of("opened_by", "users.id"),
    _needed("opened_at", Instant),
    _needed("complaint", String),
    _needed("acuity", String),
    _needed("age_band", String),
    _needed("status", String),
    Column("rung_at", Instant),
    _of("accepted_by", "users.id", nullable=True),
    Column("accepted_at", Instant),
    Index(None, "opened_by", "status"),
)

rings = Table(
    "rings",
    metadata,
    _of("case_id", "cases.id"),
    _of("practitioner_id", "users.id"),
    _needed("state", String),
    _needed("at", Instant),
    PrimaryKeyConstraint("case_id", "practitioner_id"),
    Index(None, "practitioner_id", "state"),
)

on_call = Table("on_call", metadata, _of("practitioner_id", "users.id", primary_key=True))

devices = Table(
    "devices",
    metadata,
    _id(),
    _needed("name", String),
    _needed("model", String),
    _needed("simulated", Boolean),
    _needed("revoked", Boolean),
    _needed("kind", String),
)

device_credentials = Table(
    "device_credentials",
    metadata,
    Column("secret_hash", Digest, primary_key=True),
    _of("device_id", "devices.id", index=True),
    _needed("created_at", Instant),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
)

# By what names other systems know a device; each name is of one device.
device_aliases = Table(
    "device_aliases",
    metadata,
    _needed("system", String),
    _needed("value", String),
    _of("device_id", "devices.id", index=True),
    _needed("time_zone", String),
    PrimaryKeyConstraint("system", "value"),
)

device_associations = Table(
    "device_associations",
    metadata,
    Column("number", RowNumber, primary_key=True, autoincrement=True),
    _of("device_id", "devices.id", index=True),
    _of("encounter_id", "encounters.id", index=True),
    _of("patient_id", "patients.id"),
    _needed("since", Instant),
    Column("until", Instant),
    # At most one association of a device is in force.
    Index(
        "uq_device_associations_in_force",
        "device_id",
        unique=True,
        sqlite_where=text("until IS NULL"),
        postgresql_where=text("until IS NULL"),
    ),
)

wave_channels = Table(
    "wave_channels",
    metadata,
    _of("encounter_id", "encounters.id"),
    _needed("number", Integer),
    _of("device_id", "devices.id"),
    _needed("boot", String),
    _needed("device_channel", Integer),
    _needed("mdc", Integer),
    _needed("label", String),
    _needed("unit", String),
    _needed("rate_hz", Float),
    _needed("gain", Float),
    _needed("offset", Float),
    PrimaryKeyConstraint("encounter_id", "number"),
    # A device that goes to another encounter without a restart gets numbers there, too.
    UniqueConstraint("device_id", "boot", "device_channel", "encounter_id"),
)

# Frames are many and small: what they share stands here once, and they name it by a number.
device_boots = Table(
    "device_boots",
    metadata,
    Column("number", RowNumber, primary_key=True, autoincrement=True),
    _needed("device_id", Id),
    _needed("boot", String),
    UniqueConstraint("device_id", "boot"),
)

vital_feeds = Table(
    "vital_feeds",
    metadata,
    Column("number", RowNumber, primary_key=True, autoincrement=True),
    _needed("boot_number", BigInteger),
    _needed("encounter_id", Id),
    UniqueConstraint("boot_number", "encounter_id"),
    Index(None, "encounter_id"),
)

# No foreign keys: thousands of rows a second, and the device was checked when it connected. Instants in microseconds
# since 1970, as they are compared only. SQLite keeps the rows in the tree of the key: no second one finds repeats.
device_frames = Table(
    "device_frames",
    metadata,
    _needed("boot_number", BigInteger, autoincrement=False),
    _needed("channel", Integer, autoincrement=False),
    _needed("sequence", BigInteger, autoincrement=False),
    _needed("feed_number", BigInteger),
    _needed("taken_us", BigInteger),
    _needed("received_us", BigInteger),
    _needed("body", Sealed),
    PrimaryKeyConstraint("boot_number", "channel", "sequence"),
    Index(None, "feed_number", "taken_us"),
    sqlite_with_rowid=False,
)

# What somebody added to an encounter as a whole: a photo of a display, or a reading that was not taken.
documents = Table(
    "documents",
    metadata,
    _id(),
    _of("encounter_id", "encounters.id"),
    _needed("key", String),
    _needed("kind", String),
    _needed("media_type", String),
    _needed("author", Id),
    _needed("created_at", Instant),
    _needed("content", Sealed),
    UniqueConstraint("encounter_id", "key"),
)

# What was kept of an encounter's sound and pictures; the contents are in sealed files named by the id.
recordings = Table(
    "recordings",
    metadata,
    _id(),
    _of("encounter_id", "encounters.id"),
    _needed("by", Id),
    _needed("started_at", Instant),
    Column("ended_at", Instant),
    Column("pieces", Integer),
    Index(None, "encounter_id", "started_at"),
)

enrolment_codes = Table(
    "enrolment_codes",
    metadata,
    Column("code_hash", Digest, primary_key=True),
    _of("device_id", "devices.id", index=True),
    _needed("created_at", Instant),
    _needed("expires_at", Instant),
    Column("used_at", Instant),
)

alarms = Table(
    "alarms",
    metadata,
    _id(),
    _of("encounter_id", "encounters.id"),
    _needed("is_open", Boolean),
    _needed("raised_at", Instant),
    _needed("body", Sealed),
    Index(None, "encounter_id", "raised_at"),
    Index(None, "encounter_id", "is_open"),
)

alarm_events = Table(
    "alarm_events",
    metadata,
    _of("alarm_id", "alarms.id"),
    _needed("change", String),
    _needed("at", Instant),
    _needed("actor", Id),
    PrimaryKeyConstraint("alarm_id", "at", "change"),
)

alarm_limits = Table(
    "alarm_limits",
    metadata,
    _of("encounter_id", "encounters.id"),
    _needed("vital", String),
    _needed("set_at", Instant),
    _needed("body", Sealed),
    PrimaryKeyConstraint("encounter_id", "vital"),
)

entered_values = Table(
    "entered_values",
    metadata,
    _of("encounter_id", "encounters.id"),
    _needed("entry", String),
    _needed("at", Instant),
    _needed("body", Sealed),
    PrimaryKeyConstraint("encounter_id", "entry", "at"),
)

alarm_signals = Table(
    "alarm_signals",
    metadata,
    _of("encounter_id", "encounters.id"),
    _needed("set_at", Instant),
    _needed("body", Sealed),
    PrimaryKeyConstraint("encounter_id", "set_at"),
)

scores = Table(
    "scores",
    metadata,
    _id(),
    _of("encounter_id", "encounters.id"),
    _needed("at", Instant),
    _needed("body", Sealed),
    Index(None, "encounter_id", "at"),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    _needed("node", String),
    _needed("number", BigInteger),
    _needed("at", Instant),
    _needed("action", String),
    _needed("actor", String),
    _needed("role", String),
    _needed("entity", String),
    _needed("patient", String),
    _needed("outcome", String),
    _needed("seal", Digest),
    PrimaryKeyConstraint("node", "number"),
    Index(None, "patient", "at"),
)
