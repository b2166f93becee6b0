"""The Exchange's letters on their way, outages, and what came on paper meanwhile."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "letter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("occasion", sa.String(length=60), nullable=False),
        sa.Column("stage", sa.String(length=60), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("is_automatic", sa.Boolean(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=True),
        sa.Column("copy_id", sa.Integer(), nullable=True),
        sa.Column("sent_by_id", sa.Integer(), nullable=True),
        sa.Column("sent_at", sa.DateTime(), nullable=True),
        sa.Column("read_by_id", sa.Integer(), nullable=True),
        sa.Column("read_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name="fk_letter_application_id_application"),
        sa.ForeignKeyConstraint(["made_by_id"], ["user_account.id"], name="fk_letter_made_by_id_user_account"),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name="fk_letter_document_id_document"),
        sa.ForeignKeyConstraint(["copy_id"], ["document.id"], name="fk_letter_copy_id_document"),
        sa.ForeignKeyConstraint(["sent_by_id"], ["user_account.id"], name="fk_letter_sent_by_id_user_account"),
        sa.ForeignKeyConstraint(["read_by_id"], ["user_account.id"], name="fk_letter_read_by_id_user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_letter"),
        sa.UniqueConstraint(
            "application_id", "kind", "stage", "revision", name="uq_letter_application_id_kind_stage_revision"
        ),
    )
    op.create_index("ix_letter_sent_at", "letter", ["sent_at"])
    op.create_table(
        "outage",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("begins_at", sa.DateTime(), nullable=False),
        sa.Column("ends_at", sa.DateTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name="fk_outage_by_id_user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_outage"),
    )
    op.create_table(
        "paper_intake",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("outage_id", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("brought_by", sa.String(length=300), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("entered_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name="fk_paper_intake_application_id_application"
        ),
        sa.ForeignKeyConstraint(["outage_id"], ["outage.id"], name="fk_paper_intake_outage_id_outage"),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name="fk_paper_intake_by_id_user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_paper_intake"),
        sa.UniqueConstraint("application_id", name="uq_paper_intake_application_id"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("paper_intake")
    op.drop_table("outage")
    op.drop_index("ix_letter_sent_at", table_name="letter")
    op.drop_table("letter")
