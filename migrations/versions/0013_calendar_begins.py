"""What the calendar has begun: each procedure for each organisation and day once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.guard import no_longer_guarded, only_added

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "calendar_begin",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("procedure", sa.String(length=60), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.String(length=10), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name="fk_calendar_begin_organisation_id_organisation"
        ),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name="fk_calendar_begin_application_id_application"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_calendar_begin"),
        sa.UniqueConstraint(
            "procedure", "organisation_id", "due_on", name="uq_calendar_begin_procedure_organisation_id_due_on"
        ),
    )
    only_added("calendar_begin")


def downgrade() -> None:
    """Take back."""
    no_longer_guarded("calendar_begin")
    op.drop_table("calendar_begin")
