"""By what names other systems know a device."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "device_aliases",
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name="fk_device_aliases_device_id_devices"),
        sa.PrimaryKeyConstraint("system", "value", name="pk_device_aliases"),
    )
    op.create_index("ix_device_aliases_device_id", "device_aliases", ["device_id"])


def downgrade() -> None:
    op.drop_table("device_aliases")
