"""Everything that the first consultation needs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_people()
    _create_visits()
    _create_appointments()
    _create_cases()
    _create_devices()
    _create_audit()


def downgrade() -> None:
    for table in (
        "audit_entries",
        "vital_frames",
        "wave_channels",
        "device_associations",
        "device_credentials",
        "devices",
        "on_call",
        "rings",
        "cases",
        "booked_cells",
        "appointments",
        "availabilities",
        "sign_in_links",
        "invitations",
        "timeline",
        "participants",
        "encounters",
        "refresh_tokens",
        "signing_keys",
        "users",
        "patients",
    ):
        op.drop_table(table)


def _create_people() -> None:
    op.create_table(
        "patients",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=True),
        sa.Column("birth_date", sa.LargeBinary(), nullable=False),
        sa.Column("identified", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_patients"),
        sa.UniqueConstraint("user_id", name="uq_patients_user_id"),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("email", sa.LargeBinary(), nullable=False),
        sa.Column("email_index", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("patient_id", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name="fk_users_patient_id_patients"),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email_index", name="uq_users_email_index"),
    )
    op.create_index("ix_users_role", "users", ["role"])
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("private_pem", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("active_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_keys"),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("family", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("is_invitation", sa.Boolean(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_refresh_tokens"),
        sa.UniqueConstraint("secret_hash", name="uq_refresh_tokens_secret_hash"),
    )
    op.create_index("ix_refresh_tokens_family", "refresh_tokens", ["family"])
    op.create_index("ix_refresh_tokens_subject", "refresh_tokens", ["subject"])


def _create_visits() -> None:
    op.create_table(
        "encounters",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("patient_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("practitioner_id", sa.String(length=64), nullable=True),
        sa.Column("paramedic_id", sa.String(length=64), nullable=True),
        sa.Column("appointment_id", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["paramedic_id"], ["users.id"], name="fk_encounters_paramedic_id_users"),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name="fk_encounters_patient_id_patients"),
        sa.ForeignKeyConstraint(["practitioner_id"], ["users.id"], name="fk_encounters_practitioner_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_encounters"),
    )
    op.create_index("ix_encounters_kind_status_created_at", "encounters", ["kind", "status", "created_at"])
    op.create_index("ix_encounters_paramedic_id_status", "encounters", ["paramedic_id", "status"])
    op.create_index("ix_encounters_patient_id_status", "encounters", ["patient_id", "status"])
    op.create_index("ix_encounters_practitioner_id_status", "encounters", ["practitioner_id", "status"])
    op.create_table(
        "participants",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("encounter_id", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("admission", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounters.id"], name="fk_participants_encounter_id_encounters"),
        sa.PrimaryKeyConstraint("id", name="pk_participants"),
        sa.UniqueConstraint("encounter_id", "subject", name="uq_participants_encounter_id_subject"),
    )
    op.create_table(
        "timeline",
        sa.Column("encounter_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounters.id"], name="fk_timeline_encounter_id_encounters"),
        sa.PrimaryKeyConstraint("encounter_id", "number", name="pk_timeline"),
        sa.UniqueConstraint("encounter_id", "key", name="uq_timeline_encounter_id_key"),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("encounter_id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("patient_id", sa.String(length=64), nullable=True),
        sa.Column("device_hash", sa.LargeBinary(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounters.id"], name="fk_invitations_encounter_id_encounters"),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
        sa.UniqueConstraint("secret_hash", name="uq_invitations_secret_hash"),
    )
    op.create_index("ix_invitations_encounter_id", "invitations", ["encounter_id"])
    op.create_table(
        "sign_in_links",
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sign_in_links_user_id_users"),
        sa.PrimaryKeyConstraint("secret_hash", name="pk_sign_in_links"),
    )


def _create_appointments() -> None:
    op.create_table(
        "availabilities",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("practitioner_id", sa.String(length=64), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("starts", sa.Time(), nullable=False),
        sa.Column("ends", sa.Time(), nullable=False),
        sa.Column("slot_minutes", sa.Integer(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["practitioner_id"], ["users.id"], name="fk_availabilities_practitioner_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_availabilities"),
    )
    op.create_index("ix_availabilities_practitioner_id", "availabilities", ["practitioner_id"])
    op.create_table(
        "appointments",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("practitioner_id", sa.String(length=64), nullable=False),
        sa.Column("patient_id", sa.String(length=64), nullable=False),
        sa.Column("encounter_id", sa.String(length=64), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounters.id"], name="fk_appointments_encounter_id_encounters"),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name="fk_appointments_patient_id_patients"),
        sa.ForeignKeyConstraint(["practitioner_id"], ["users.id"], name="fk_appointments_practitioner_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_appointments"),
        sa.UniqueConstraint("encounter_id", name="uq_appointments_encounter_id"),
    )
    op.create_index("ix_appointments_patient_id_ends_at", "appointments", ["patient_id", "ends_at"])
    op.create_index("ix_appointments_practitioner_id_starts_at", "appointments", ["practitioner_id", "starts_at"])
    op.create_index("ix_appointments_starts_at", "appointments", ["starts_at"])
    op.create_table(
        "booked_cells",
        sa.Column("practitioner_id", sa.String(length=64), nullable=False),
        sa.Column("cell_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("appointment_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["appointment_id"], ["appointments.id"], name="fk_booked_cells_appointment_id_appointments"
        ),
        sa.PrimaryKeyConstraint("practitioner_id", "cell_start", name="pk_booked_cells"),
    )
    op.create_index("ix_booked_cells_appointment_id", "booked_cells", ["appointment_id"])


def _create_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("encounter_id", sa.String(length=64), nullable=False),
        sa.Column("opened_by", sa.String(length=64), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("complaint", sa.String(), nullable=False),
        sa.Column("acuity", sa.String(), nullable=False),
        sa.Column("age_band", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("rung_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.String(length=64), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["accepted_by"], ["users.id"], name="fk_cases_accepted_by_users"),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounters.id"], name="fk_cases_encounter_id_encounters"),
        sa.ForeignKeyConstraint(["opened_by"], ["users.id"], name="fk_cases_opened_by_users"),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
        sa.UniqueConstraint("encounter_id", name="uq_cases_encounter_id"),
    )
    op.create_index("ix_cases_opened_by_status", "cases", ["opened_by", "status"])
    op.create_table(
        "rings",
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("practitioner_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_rings_case_id_cases"),
        sa.ForeignKeyConstraint(["practitioner_id"], ["users.id"], name="fk_rings_practitioner_id_users"),
        sa.PrimaryKeyConstraint("case_id", "practitioner_id", name="pk_rings"),
    )
    op.create_index("ix_rings_practitioner_id_state", "rings", ["practitioner_id", "state"])
    op.create_table(
        "on_call",
        sa.Column("practitioner_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["practitioner_id"], ["users.id"], name="fk_on_call_practitioner_id_users"),
        sa.PrimaryKeyConstraint("practitioner_id", name="pk_on_call"),
    )


def _create_devices() -> None:
    op.create_table(
        "devices",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_devices"),
    )
    op.create_table(
        "device_credentials",
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name="fk_device_credentials_device_id_devices"),
        sa.PrimaryKeyConstraint("secret_hash", name="pk_device_credentials"),
    )
    op.create_index("ix_device_credentials_device_id", "device_credentials", ["device_id"])
    op.create_table(
        "device_associations",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("encounter_id", sa.String(length=64), nullable=False),
        sa.Column("patient_id", sa.String(length=64), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name="fk_device_associations_device_id_devices"),
        sa.ForeignKeyConstraint(
            ["encounter_id"], ["encounters.id"], name="fk_device_associations_encounter_id_encounters"
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name="fk_device_associations_patient_id_patients"),
        sa.PrimaryKeyConstraint("number", name="pk_device_associations"),
    )
    op.create_index("ix_device_associations_encounter_id", "device_associations", ["encounter_id"])
    op.create_index(
        "uq_device_associations_in_force",
        "device_associations",
        ["device_id"],
        unique=True,
        sqlite_where=sa.text("until IS NULL"),
        postgresql_where=sa.text("until IS NULL"),
    )
    op.create_table(
        "wave_channels",
        sa.Column("encounter_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("boot", sa.String(), nullable=False),
        sa.Column("device_channel", sa.Integer(), nullable=False),
        sa.Column("mdc", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("rate_hz", sa.Float(), nullable=False),
        sa.Column("gain", sa.Float(), nullable=False),
        sa.Column("offset", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name="fk_wave_channels_device_id_devices"),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounters.id"], name="fk_wave_channels_encounter_id_encounters"),
        sa.PrimaryKeyConstraint("encounter_id", "number", name="pk_wave_channels"),
        sa.UniqueConstraint(
            "device_id",
            "boot",
            "device_channel",
            "encounter_id",
            name="uq_wave_channels_device_id_boot_device_channel_encounter_id",
        ),
    )
    op.create_table(
        "vital_frames",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("encounter_id", sa.String(length=64), nullable=False),
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("boot", sa.String(), nullable=False),
        sa.Column("channel", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_vital_frames"),
        sa.UniqueConstraint(
            "device_id", "boot", "channel", "sequence", name="uq_vital_frames_device_id_boot_channel_sequence"
        ),
    )
    op.create_index("ix_vital_frames_encounter_id_received_at", "vital_frames", ["encounter_id", "received_at"])


def _create_audit() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("patient", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("node", "number", name="pk_audit_entries"),
    )
    op.create_index("ix_audit_entries_patient_at", "audit_entries", ["patient", "at"])
