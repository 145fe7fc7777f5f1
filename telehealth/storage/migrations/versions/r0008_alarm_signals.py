"""Whether the alarms of a patient are paused or off, and who has set it so."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alarm_signals",
        sa.Column("encounter_id", sa.String(length=64), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounters.id"], name="fk_alarm_signals_encounter_id_encounters"),
        sa.PrimaryKeyConstraint("encounter_id", "set_at", name="pk_alarm_signals"),
    )


def downgrade() -> None:
    op.drop_table("alarm_signals")
