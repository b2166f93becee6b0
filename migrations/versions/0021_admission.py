"""Requests for access, former names, acting first heads, ends and scopes of partnerships."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.guard import no_longer_guarded, only_added

revision = "0021"
down_revision = "0020"


def _of_user(table: str, *columns: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([column], ["user_account.id"], name=f"fk_{table}_{column}_user_account")
        for column in columns
    ]


def _of_organisation(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_organisation_id_organisation"
    return sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=name)


def upgrade() -> None:
    """Apply; who is first head keeps the right to sign that he had."""
    op.create_table(
        "former_name",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("name_kk", sa.String(length=300), nullable=False),
        sa.Column("name_ru", sa.String(length=300), nullable=False),
        sa.Column("name_en", sa.String(length=300), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.Column("basis", sa.String(length=300), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        _of_organisation("former_name"),
        *_of_user("former_name", "by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_former_name"),
    )
    op.create_index("ix_former_name_organisation_id", "former_name", ["organisation_id"])
    op.create_table(
        "acting_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("head_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(), nullable=False),
        sa.Column("ends_at", sa.DateTime(), nullable=False),
        sa.Column("basis", sa.String(length=300), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.Column("end_reason", sa.String(length=300), nullable=False),
        _of_organisation("acting_head"),
        *_of_user("acting_head", "user_id", "head_id", "by_id", "ended_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_acting_head"),
    )
    op.create_index("ix_acting_head_organisation_id", "acting_head", ["organisation_id"])
    op.create_index("ix_acting_head_user_id", "acting_head", ["user_id"])
    op.create_table(
        "access_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("token", sa.String(length=60), nullable=False),
        sa.Column("purpose", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("bin", sa.String(length=12), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("key_report", sa.JSON(), nullable=False),
        sa.Column("basis", sa.String(length=300), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("officer_id", sa.Integer(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        _of_organisation("access_request"),
        *_of_user("access_request", "by_id", "officer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_access_request"),
        sa.UniqueConstraint("number", name="uq_access_request_number"),
        sa.UniqueConstraint("token", name="uq_access_request_token"),
    )
    op.create_index("ix_access_request_bin", "access_request", ["bin"])
    op.create_index("ix_access_request_state", "access_request", ["state"])
    op.create_index("ix_access_request_address_at", "access_request", ["address", "at"])
    op.create_table(
        "request_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["access_request.id"], name="fk_request_step_request_id_access_request"
        ),
        *_of_user("request_step", "by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_request_step"),
    )
    op.create_index("ix_request_step_request_id", "request_step", ["request_id"])
    op.create_table(
        "partnership_scope",
        sa.Column("partnership_id", sa.Integer(), nullable=False),
        sa.Column("procedure", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["partnership_id"],
            ["partnership.id"],
            name="fk_partnership_scope_partnership_id_partnership",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("partnership_id", "procedure", name="pk_partnership_scope"),
    )
    op.add_column("partnership", sa.Column("until", sa.DateTime(), nullable=True))
    op.add_column("partnership", sa.Column("removal_requested_by_id", sa.Integer(), nullable=True))
    op.add_column("partnership", sa.Column("ended_by_id", sa.Integer(), nullable=True))
    for column in ("removal_reason", "end_reason"):
        op.add_column("partnership", sa.Column(column, sa.String(length=500), nullable=True))
    op.add_column("membership", sa.Column("key_confirmed_at", sa.DateTime(), nullable=True))
    op.add_column("membership", sa.Column("key_checked_by_id", sa.Integer(), nullable=True))
    op.add_column("membership", sa.Column("key_note", sa.String(length=300), nullable=True))
    op.add_column("membership", sa.Column("acting_until", sa.DateTime(), nullable=True))
    op.execute(sa.text("UPDATE membership SET may_sign = is_first_head WHERE NOT may_sign"))
    op.add_column("signature", sa.Column("for_name", sa.String(length=200), nullable=True))
    only_added("former_name", "request_step")


def downgrade() -> None:
    """Take back; requests, former names, and who acted for whom go."""
    no_longer_guarded("former_name", "request_step")
    op.drop_column("signature", "for_name")
    for column in ("acting_until", "key_note", "key_checked_by_id", "key_confirmed_at"):
        op.drop_column("membership", column)
    for column in ("end_reason", "removal_reason", "ended_by_id", "removal_requested_by_id", "until"):
        op.drop_column("partnership", column)
    op.drop_table("partnership_scope")
    op.drop_table("request_step")
    op.drop_table("access_request")
    op.drop_table("acting_head")
    op.drop_table("former_name")
