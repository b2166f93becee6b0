"""The newest act on an application is found by an index alone."""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Apply."""
    op.create_index("ix_history_application_id_id", "history", ["application_id", "id"])
    op.drop_index("ix_history_application_id", "history")


def downgrade() -> None:
    """Take back."""
    op.create_index("ix_history_application_id", "history", ["application_id"])
    op.drop_index("ix_history_application_id_id", "history")
