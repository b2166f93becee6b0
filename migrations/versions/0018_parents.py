"""Applications that belong to another one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("application") as table:
        table.add_column(sa.Column("parent_id", sa.Integer(), nullable=True))
        table.create_foreign_key("fk_application_parent_id_application", "application", ["parent_id"], ["id"])
        table.create_index("ix_application_parent_id", ["parent_id"])


def downgrade() -> None:
    """Take back; which application belonged to which goes."""
    with op.batch_alter_table("application") as table:
        table.drop_index("ix_application_parent_id")
        table.drop_constraint("fk_application_parent_id_application", type_="foreignkey")
        table.drop_column("parent_id")
