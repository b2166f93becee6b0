"""Time-stamps added to signatures after their acceptance."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.guard import no_longer_guarded, only_added

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "signature_stamp",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("signature_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("proven_at", sa.DateTime(), nullable=False),
        sa.Column("cms_sha256", sa.String(length=64), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["signature_id"], ["signature.id"], name="fk_signature_stamp_signature_id_signature", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_signature_stamp"),
        sa.UniqueConstraint("signature_id", name="uq_signature_stamp_signature_id"),
    )
    only_added("signature_stamp")


def downgrade() -> None:
    """Take back."""
    no_longer_guarded("signature_stamp")
    op.drop_table("signature_stamp")
