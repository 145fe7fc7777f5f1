"""An index by which all associations of a device are found, those that have ended too."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_device_associations_device_id", "device_associations", ["device_id"])


def downgrade() -> None:
    op.drop_index("ix_device_associations_device_id", table_name="device_associations")
