"""Applications that officers prepare at a client's request, for him to confirm."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
OFFERED = sa.text("lapses_at IS NOT NULL AND confirmed_at IS NULL")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "assisted_draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("basis", sa.String(length=300), nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("once", sa.String(length=64), nullable=False),
        sa.Column("offered_at", sa.DateTime(), nullable=True),
        sa.Column("offered_by_id", sa.Integer(), nullable=True),
        sa.Column("lapses_at", sa.DateTime(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(), nullable=True),
        sa.Column("returned", sa.String(length=12), nullable=False),
        sa.Column("returned_at", sa.DateTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name="fk_assisted_draft_application_id_application"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["user_account.id"], name="fk_assisted_draft_person_id_user_account"),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name="fk_assisted_draft_by_id_user_account"),
        sa.ForeignKeyConstraint(
            ["offered_by_id"], ["user_account.id"], name="fk_assisted_draft_offered_by_id_user_account"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_assisted_draft"),
        sa.UniqueConstraint("application_id", name="uq_assisted_draft_application_id"),
        sa.UniqueConstraint("once", name="uq_assisted_draft_once"),
    )
    op.create_index(
        "ix_assisted_draft_offered",
        "assisted_draft",
        ["person_id"],
        sqlite_where=OFFERED,
        postgresql_where=OFFERED,
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("assisted_draft")
