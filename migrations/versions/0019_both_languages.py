"""Reasons and conditions that letters quote stand in both languages; a row of each body to stand in line for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Apply; a condition of the days of one language stands in both as it was written, as its letter printed it."""
    op.add_column("history", sa.Column("texts", sa.JSON(), nullable=True))
    op.add_column("decision_condition", sa.Column("texts", sa.JSON(), nullable=False, server_default="{}"))
    rows = sa.table("decision_condition", sa.column("id"), sa.column("text"), sa.column("texts", sa.JSON()))
    connection = op.get_bind()
    for row in connection.execute(sa.select(rows.c.id, rows.c.text)).all():
        texts = {"kk": row.text, "ru": row.text}
        connection.execute(rows.update().where(rows.c.id == row.id).values(texts=texts))
    with op.batch_alter_table("decision_condition") as batch:
        batch.alter_column("texts", existing_type=sa.JSON(), server_default=None, existing_nullable=False)
        batch.drop_column("text")
    op.create_table(
        "deciding_body",
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_deciding_body"),
    )


def downgrade() -> None:
    """Take back; a condition keeps its Kazakh words, a reason those of its application's language."""
    op.drop_table("deciding_body")
    op.add_column("decision_condition", sa.Column("text", sa.Text(), nullable=False, server_default=""))
    rows = sa.table("decision_condition", sa.column("id"), sa.column("text"), sa.column("texts", sa.JSON()))
    connection = op.get_bind()
    for row in connection.execute(sa.select(rows.c.id, rows.c.texts)).all():
        connection.execute(rows.update().where(rows.c.id == row.id).values(text=row.texts["kk"]))
    with op.batch_alter_table("decision_condition") as batch:
        batch.alter_column("text", existing_type=sa.Text(), server_default=None, existing_nullable=False)
        batch.drop_column("texts")
    op.drop_column("history", "texts")
