"""Attachments: what replaced what, who took a file out, what was found in it; reviewers' decisions on files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.guard import no_longer_guarded, only_added

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.alter_column("field", existing_type=sa.String(length=160), type_=sa.String(length=500))
        batch_op.add_column(sa.Column("notes", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("replaces_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("removed_by_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key("fk_attachment_replaces_id_attachment", "attachment", ["replaces_id"], ["id"])
        batch_op.create_foreign_key(
            "fk_attachment_removed_by_id_user_account", "user_account", ["removed_by_id"], ["id"]
        )
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.alter_column("notes", existing_type=sa.JSON(), existing_nullable=False, server_default=None)
    op.create_table(
        "attachment_decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("attachment_id", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name="fk_attachment_decision_application_id_application"
        ),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachment.id"], name="fk_attachment_decision_attachment_id_attachment"
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name="fk_attachment_decision_by_id_user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_attachment_decision"),
    )
    with op.batch_alter_table("attachment_decision", schema=None) as batch_op:
        batch_op.create_index("ix_attachment_decision_application_id", ["application_id"], unique=False)
        batch_op.create_index("ix_attachment_decision_attachment_id", ["attachment_id"], unique=False)
    only_added("attachment_decision")


def downgrade() -> None:
    """Take back."""
    no_longer_guarded("attachment_decision")
    op.drop_table("attachment_decision")
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.drop_constraint("fk_attachment_removed_by_id_user_account", type_="foreignkey")
        batch_op.drop_constraint("fk_attachment_replaces_id_attachment", type_="foreignkey")
        batch_op.drop_column("removed_by_id")
        batch_op.drop_column("replaces_id")
        batch_op.drop_column("notes")
        batch_op.alter_column("field", existing_type=sa.String(length=500), type_=sa.String(length=160))
