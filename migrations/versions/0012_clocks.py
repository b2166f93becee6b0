"""What has happened of the terms of applications: each reminder and outcome once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.guard import no_longer_guarded, only_added

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "clock_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("term", sa.String(length=60), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name="fk_clock_event_application_id_application"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_clock_event"),
        sa.UniqueConstraint(
            "application_id", "term", "run", "kind", name="uq_clock_event_application_id_term_run_kind"
        ),
    )
    only_added("clock_event")


def downgrade() -> None:
    """Take back."""
    no_longer_guarded("clock_event")
    op.drop_table("clock_event")
