"""Answers that the page saves by itself: texts that are no values yet, and the mark of each save."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

INDEX = "ix_answers_application_id_stage_by_id_key"


def upgrade() -> None:
    """Apply."""
    op.add_column("answers", sa.Column("unread", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("answers", sa.Column("is_autosaved", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("answers", sa.Column("key", sa.String(length=40), nullable=True))
    with op.batch_alter_table("answers") as batch:  # the defaults were for the rows that stand there
        batch.alter_column("unread", server_default=None)
        batch.alter_column("is_autosaved", server_default=None)
    op.create_index(INDEX, "answers", ["application_id", "stage", "by_id", "key"], unique=True)


def downgrade() -> None:
    """Take back; texts that are no values yet go."""
    op.drop_index(INDEX, "answers")
    for column in ("key", "is_autosaved", "unread"):
        op.drop_column("answers", column)
