"""Alarms and what happened to them, limits of a patient, entered values, issued scores."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alarms",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("encounter_id", sa.String(length=64), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounters.id"], name="fk_alarms_encounter_id_encounters"),
        sa.PrimaryKeyConstraint("id", name="pk_alarms"),
    )
    op.create_index("ix_alarms_encounter_id_raised_at", "alarms", ["encounter_id", "raised_at"])
    op.create_index("ix_alarms_encounter_id_is_open", "alarms", ["encounter_id", "is_open"])
    op.create_table(
        "alarm_events",
        sa.Column("alarm_id", sa.String(length=64), nullable=False),
        sa.Column("change", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarms.id"], name="fk_alarm_events_alarm_id_alarms"),
        sa.PrimaryKeyConstraint("alarm_id", "at", "change", name="pk_alarm_events"),
    )
    op.create_table(
        "alarm_limits",
        sa.Column("encounter_id", sa.String(length=64), nullable=False),
        sa.Column("vital", sa.String(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounters.id"], name="fk_alarm_limits_encounter_id_encounters"),
        sa.PrimaryKeyConstraint("encounter_id", "vital", name="pk_alarm_limits"),
    )
    op.create_table(
        "entered_values",
        sa.Column("encounter_id", sa.String(length=64), nullable=False),
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounters.id"], name="fk_entered_values_encounter_id_encounters"),
        sa.PrimaryKeyConstraint("encounter_id", "entry", "at", name="pk_entered_values"),
    )
    op.create_table(
        "scores",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("encounter_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounters.id"], name="fk_scores_encounter_id_encounters"),
        sa.PrimaryKeyConstraint("id", name="pk_scores"),
    )
    op.create_index("ix_scores_encounter_id_at", "scores", ["encounter_id", "at"])


def downgrade() -> None:
    for table in ("scores", "entered_values", "alarm_limits", "alarm_events", "alarms"):
        op.drop_table(table)
