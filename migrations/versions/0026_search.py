"""Saved queries of the search."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "saved_query",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"], name="fk_saved_query_owner_id_user_account"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name="fk_saved_query_organisation_id_organisation"
        ),
        sa.ForeignKeyConstraint(
            ["changed_by_id"], ["user_account.id"], name="fk_saved_query_changed_by_id_user_account"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_saved_query"),
    )
    op.create_index("ix_saved_query_owner_id", "saved_query", ["owner_id"])
    op.create_index("ix_saved_query_organisation_id_is_shared", "saved_query", ["organisation_id", "is_shared"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("saved_query")
