"""Papers that the system issues to organisations: extracts, reports, references; announcements to everybody."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.guard import no_longer_guarded, only_added

revision = "0025"
down_revision = "0024"
ONLY_ADDED = ("output_document", "output_subject", "announcement")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "output_document",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("tells_of_people", sa.Boolean(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("corrects_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name="fk_output_document_organisation_id_organisation"
        ),
        sa.ForeignKeyConstraint(
            ["corrects_id"], ["output_document.id"], name="fk_output_document_corrects_id_output_document"
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name="fk_output_document_by_id_user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_output_document"),
        sa.UniqueConstraint("number", name="uq_output_document_number"),
        sa.UniqueConstraint("code", name="uq_output_document_code"),
        sa.UniqueConstraint("corrects_id", name="uq_output_document_corrects_id"),
    )
    op.create_index("ix_output_document_organisation_id_id", "output_document", ["organisation_id", "id"])
    op.create_table(
        "output_subject",
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["output_document.id"], name="fk_output_subject_document_id_output_document"
        ),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name="fk_output_subject_application_id_application"
        ),
        sa.PrimaryKeyConstraint("document_id", "application_id", name="pk_output_subject"),
    )
    op.create_index("ix_output_subject_application_id", "output_subject", ["application_id"])
    op.create_table(
        "announcement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("titles", sa.JSON(), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("contacts", sa.JSON(), nullable=True),
        sa.Column("holds_from", sa.Date(), nullable=True),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name="fk_announcement_by_id_user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_announcement"),
    )
    op.create_index("ix_announcement_holds_from", "announcement", ["holds_from"])
    only_added(*ONLY_ADDED)


def downgrade() -> None:
    """Take back."""
    no_longer_guarded(*ONLY_ADDED)
    op.drop_table("announcement")
    op.drop_table("output_subject")
    op.drop_table("output_document")
