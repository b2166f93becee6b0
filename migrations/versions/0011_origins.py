"""Where answers come from, field by field rather than once for a stage's whole revision."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

ANSWERS = sa.table(
    "answers",
    sa.column("id", sa.Integer()),
    sa.column("values", sa.JSON()),
    sa.column("source", sa.String()),
    sa.column("origins", sa.JSON()),
    sa.column("at", sa.DateTime()),
)


def upgrade() -> None:
    """Apply: what a revision was said to come from is said of each of its fields."""
    op.add_column("answers", sa.Column("origins", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("answers") as batch:  # the default was for the rows that stand there
        batch.alter_column("origins", server_default=None)
    connection = op.get_bind()
    for row in connection.execute(sa.select(ANSWERS).where(ANSWERS.c.source != "")).all():
        origin = {"number": row.source, "on": row.at.date().isoformat()}
        origins = dict.fromkeys(_paths(row.values), origin)
        connection.execute(sa.update(ANSWERS).where(ANSWERS.c.id == row.id).values(origins=origins))
    op.drop_column("answers", "source")


def downgrade() -> None:
    """Take back: a revision comes from where the first of its fields does."""
    op.add_column("answers", sa.Column("source", sa.String(length=20), nullable=False, server_default=""))
    connection = op.get_bind()
    for row in connection.execute(sa.select(ANSWERS.c.id, ANSWERS.c.origins)).all():
        source = next((origin["number"] for origin in row.origins.values() if origin["number"]), "")
        if source:
            connection.execute(sa.update(ANSWERS).where(ANSWERS.c.id == row.id).values(source=source))
    op.drop_column("answers", "origins")


def _paths(values: dict[str, Any]) -> list[str]:
    """Return the paths of the fields and entries of a stage's answers."""
    paths = []
    for form, answers in values.items():
        if "entries" in answers:
            paths += [f"{form}-{entry['id']}" for entry in answers["entries"]]
        else:
            paths += list(answers)
    return paths
