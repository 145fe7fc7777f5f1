"""What people add themselves: sensors paired in a browser, photos of displays; and codes that enrol a device."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("devices") as devices:
        devices.add_column(sa.Column("kind", sa.String(), nullable=False, server_default="registered"))
    with op.batch_alter_table("devices") as devices:
        devices.alter_column("kind", existing_type=sa.String(), existing_nullable=False, server_default=None)
    op.create_table(
        "documents",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("encounter_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounters.id"], name="fk_documents_encounter_id_encounters"),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
        sa.UniqueConstraint("encounter_id", "key", name="uq_documents_encounter_id_key"),
    )
    op.create_table(
        "enrolment_codes",
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name="fk_enrolment_codes_device_id_devices"),
        sa.PrimaryKeyConstraint("code_hash", name="pk_enrolment_codes"),
    )
    op.create_index("ix_enrolment_codes_device_id", "enrolment_codes", ["device_id"])


def downgrade() -> None:
    op.drop_index("ix_enrolment_codes_device_id", "enrolment_codes")
    op.drop_table("enrolment_codes")
    op.drop_table("documents")
    with op.batch_alter_table("devices") as devices:
        devices.drop_column("kind")
