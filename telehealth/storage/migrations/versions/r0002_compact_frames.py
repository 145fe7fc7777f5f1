"""Frames that name their device, boot and encounter by number: a third of the room, and one tree instead of three."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BATCH = 1_000

_OLD = sa.table(
    "vital_frames",
    sa.column("number", sa.BigInteger),
    sa.column("encounter_id", sa.String),
    sa.column("device_id", sa.String),
    sa.column("boot", sa.String),
    sa.column("channel", sa.Integer),
    sa.column("sequence", sa.BigInteger),
    sa.column("taken_at", sa.DateTime(timezone=True)),
    sa.column("received_at", sa.DateTime(timezone=True)),
    sa.column("body", sa.LargeBinary),
)
_BOOTS = sa.table(
    "device_boots", sa.column("number", sa.BigInteger), sa.column("device_id", sa.String), sa.column("boot", sa.String)
)
_FEEDS = sa.table(
    "vital_feeds",
    sa.column("number", sa.BigInteger),
    sa.column("boot_number", sa.BigInteger),
    sa.column("encounter_id", sa.String),
)
_FRAMES = sa.table(
    "device_frames",
    sa.column("boot_number", sa.BigInteger),
    sa.column("channel", sa.Integer),
    sa.column("sequence", sa.BigInteger),
    sa.column("feed_number", sa.BigInteger),
    sa.column("taken_us", sa.BigInteger),
    sa.column("received_us", sa.BigInteger),
    sa.column("body", sa.LargeBinary),
)


def upgrade() -> None:
    op.create_table(
        "device_boots",
        sa.Column("number", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("boot", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_device_boots"),
        sa.UniqueConstraint("device_id", "boot", name="uq_device_boots_device_id_boot"),
    )
    op.create_table(
        "vital_feeds",
        sa.Column("number", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("boot_number", sa.BigInteger(), nullable=False),
        sa.Column("encounter_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_vital_feeds"),
        sa.UniqueConstraint("boot_number", "encounter_id", name="uq_vital_feeds_boot_number_encounter_id"),
    )
    op.create_index("ix_vital_feeds_encounter_id", "vital_feeds", ["encounter_id"])
    op.create_table(
        "device_frames",
        sa.Column("boot_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("feed_number", sa.BigInteger(), nullable=False),
        sa.Column("taken_us", sa.BigInteger(), nullable=False),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("boot_number", "channel", "sequence", name="pk_device_frames"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_device_frames_feed_number_taken_us", "device_frames", ["feed_number", "taken_us"])
    _number_what_is_there(op.get_bind())
    _move(op.get_bind())
    op.drop_table("vital_frames")


def downgrade() -> None:
    """Bring back the old tables, empty: going back is for a schema, not for data."""
    op.drop_table("device_frames")
    op.drop_table("vital_feeds")
    op.drop_table("device_boots")
    op.create_table(
        "vital_frames",
        sa.Column("number", _NUMBER, autoincrement=True, nullable=False),
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


def _number_what_is_there(connection: sa.Connection) -> None:
    boots = sa.select(_OLD.c.device_id, _OLD.c.boot).distinct()
    connection.execute(sa.insert(_BOOTS).from_select(["device_id", "boot"], boots))
    same = sa.and_(_BOOTS.c.device_id == _OLD.c.device_id, _BOOTS.c.boot == _OLD.c.boot)
    feeds = sa.select(_BOOTS.c.number, _OLD.c.encounter_id).distinct().select_from(_OLD.join(_BOOTS, same))
    connection.execute(sa.insert(_FEEDS).from_select(["boot_number", "encounter_id"], feeds))


def _move(connection: sa.Connection) -> None:
    same_boot = sa.and_(_BOOTS.c.device_id == _OLD.c.device_id, _BOOTS.c.boot == _OLD.c.boot)
    same_feed = sa.and_(_FEEDS.c.boot_number == _BOOTS.c.number, _FEEDS.c.encounter_id == _OLD.c.encounter_id)
    joined = _OLD.join(_BOOTS, same_boot).join(_FEEDS, same_feed)
    columns = (_OLD, _BOOTS.c.number.label("boot_number"), _FEEDS.c.number.label("feed_number"))
    last = 0
    while True:
        statement = sa.select(*columns).select_from(joined).where(_OLD.c.number > last)
        rows = connection.execute(statement.order_by(_OLD.c.number).limit(_BATCH)).all()
        if not rows:
            return
        connection.execute(sa.insert(_FRAMES), [_moved(row) for row in rows])
        last = rows[-1].number


def _moved(row: sa.Row[Any]) -> dict[str, Any]:
    return {
        "boot_number": row.boot_number,
        "channel": row.channel,
        "sequence": row.sequence,
        "feed_number": row.feed_number,
        "taken_us": _microseconds(row.taken_at),
        "received_us": _microseconds(row.received_at),
        "body": row.body,
    }


def _microseconds(at: datetime) -> int:
    aware = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return (aware - _EPOCH) // timedelta(microseconds=1)
