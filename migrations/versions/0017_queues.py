"""Named executors at the Exchange, substitutes, and on whose behalf an act was done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "holding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("executor", sa.String(length=40), nullable=False),
        sa.Column("process", sa.String(length=60), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("ending", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
            name="fk_holding_application_id_application",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_holding_user_id_user_account"),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name="fk_holding_by_id_user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_holding"),
    )
    op.create_index(
        "uq_holding_standing",
        "holding",
        ["application_id", "executor"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_holding_application_id_process", "holding", ["application_id", "process"])
    op.create_table(
        "substitution",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("substitute_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(), nullable=False),
        sa.Column("ends_at", sa.DateTime(), nullable=False),
        sa.Column("basis", sa.String(length=300), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_substitution_user_id_user_account"),
        sa.ForeignKeyConstraint(
            ["substitute_id"], ["user_account.id"], name="fk_substitution_substitute_id_user_account"
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name="fk_substitution_by_id_user_account"),
        sa.ForeignKeyConstraint(["ended_by_id"], ["user_account.id"], name="fk_substitution_ended_by_id_user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_substitution"),
    )
    op.create_index("ix_substitution_user_id", "substitution", ["user_id"])
    op.create_index("ix_substitution_substitute_id", "substitution", ["substitute_id"])
    op.add_column("history", sa.Column("for_id", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Take back; who held what, and on whose behalf an act was done, goes."""
    op.drop_column("history", "for_id")
    op.drop_table("substitution")
    op.drop_table("holding")
