"""How people want to be told, digests, dead addresses; editions of the normative base, who entered an insider."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.guard import no_longer_guarded, only_added

revision = "0022"
down_revision = "0021"
DEFAULTED = (
    ("notification", "path", sa.String(200)),
    ("notification", "channel", sa.String(10)),
    ("notification", "message_id", sa.String(120)),
    ("mail", "about", sa.String(20)),
    ("mail", "content", sa.JSON()),
    ("mail", "groups", sa.JSON()),
)
"""Whose defaults were for the rows that stand."""
ONLY_ADDED = ("norm_edition", "norm_clause", "norm_file")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "notice_choice",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("group", sa.String(length=20), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_notice_choice_user_id_user_account"),
        sa.PrimaryKeyConstraint("user_id", "group", name="pk_notice_choice"),
    )
    op.create_table(
        "digest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("message_id", sa.String(length=120), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_digest_user_id_user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_digest"),
        sa.UniqueConstraint("user_id", "day", name="uq_digest_user_id_day"),
    )
    op.create_table(
        "bounce",
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("reply", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("address", name="pk_bounce"),
    )
    with op.batch_alter_table("notification", schema=None) as batch_op:
        batch_op.add_column(sa.Column("path", sa.String(length=200), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("channel", sa.String(length=10), nullable=False, server_default="at_once"))
        batch_op.add_column(sa.Column("message_id", sa.String(length=120), nullable=False, server_default=""))
    op.create_index(
        "ix_notification_awaits_digest",
        "notification",
        ["user_id"],
        sqlite_where=sa.text("channel = 'digest' AND message_id = ''"),
        postgresql_where=sa.text("channel = 'digest' AND message_id = ''"),
    )
    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.add_column(sa.Column("user_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("about", sa.String(length=20), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("content", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("groups", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.create_foreign_key("fk_mail_user_id_user_account", "user_account", ["user_id"], ["id"])
        batch_op.create_index("ix_mail_user_id_created_at", ["user_id", "created_at"])
        batch_op.create_index("ix_mail_to", ["to"])
    for table, name, kind in DEFAULTED:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.alter_column(name, existing_type=kind, server_default=None, existing_nullable=False)
    _library()


def _library() -> None:
    op.create_table(
        "norm_edition",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("norm_id", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("is_repeal", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("added_by_id", sa.Integer(), nullable=True),
        sa.Column("added_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["norm_id"], ["norm.id"], name="fk_norm_edition_norm_id_norm"),
        sa.ForeignKeyConstraint(["added_by_id"], ["user_account.id"], name="fk_norm_edition_added_by_id_user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_norm_edition"),
    )
    op.create_index("ix_norm_edition_norm_id_starts_on", "norm_edition", ["norm_id", "starts_on"])
    op.create_table(
        "norm_clause",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("anchor", sa.String(length=60), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["norm_edition.id"], name="fk_norm_clause_edition_id_norm_edition"),
        sa.PrimaryKeyConstraint("id", name="pk_norm_clause"),
        sa.UniqueConstraint("edition_id", "language", "anchor", name="uq_norm_clause_edition_id_language_anchor"),
    )
    op.create_table(
        "norm_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["norm_edition.id"], name="fk_norm_file_edition_id_norm_edition"),
        sa.PrimaryKeyConstraint("id", name="pk_norm_file"),
    )
    op.create_index("ix_norm_file_edition_id", "norm_file", ["edition_id"])
    op.execute(
        "INSERT INTO norm_edition (norm_id, starts_on, is_repeal, source, note, added_at)"
        " SELECT id, edition, FALSE, source, '', CURRENT_TIMESTAMP FROM norm WHERE edition IS NOT NULL"
    )
    only_added(*ONLY_ADDED)
    with op.batch_alter_table("norm", schema=None) as batch_op:
        batch_op.add_column(sa.Column("key", sa.String(length=60), nullable=True))
    op.execute("UPDATE norm SET key = 'act_' || id")
    with op.batch_alter_table("norm", schema=None) as batch_op:
        batch_op.alter_column("key", existing_type=sa.String(60), nullable=False)
        batch_op.create_unique_constraint("uq_norm_key", ["key"])
        batch_op.drop_column("edition")
        batch_op.drop_column("source")
    with op.batch_alter_table("insider", schema=None) as batch_op:
        for who, when in (("added_by_id", "added_at"), ("ended_by_id", "ended_at")):
            batch_op.add_column(sa.Column(who, sa.Integer(), nullable=True))
            batch_op.add_column(sa.Column(when, sa.DateTime(), nullable=True))
            batch_op.create_foreign_key(f"fk_insider_{who}_user_account", "user_account", [who], ["id"])


def _no_library() -> None:
    with op.batch_alter_table("insider", schema=None) as batch_op:
        for who, when in (("ended_by_id", "ended_at"), ("added_by_id", "added_at")):
            batch_op.drop_constraint(f"fk_insider_{who}_user_account", type_="foreignkey")
            batch_op.drop_column(when)
            batch_op.drop_column(who)
    with op.batch_alter_table("norm", schema=None) as batch_op:
        batch_op.add_column(sa.Column("source", sa.String(length=300), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("edition", sa.Date(), nullable=True))
        batch_op.drop_constraint("uq_norm_key", type_="unique")
        batch_op.drop_column("key")
    with op.batch_alter_table("norm", schema=None) as batch_op:
        batch_op.alter_column("source", existing_type=sa.String(300), server_default=None, existing_nullable=False)
    no_longer_guarded(*ONLY_ADDED)
    for table in ("norm_file", "norm_clause", "norm_edition"):
        op.drop_table(table)


def downgrade() -> None:
    """Take back; editions and their texts, what people chose, digests and what is known of addresses goes."""
    _no_library()
    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.drop_index("ix_mail_to")
        batch_op.drop_index("ix_mail_user_id_created_at")
        batch_op.drop_constraint("fk_mail_user_id_user_account", type_="foreignkey")
        for column in ("groups", "content", "about", "user_id"):
            batch_op.drop_column(column)
    op.drop_index("ix_notification_awaits_digest", "notification")
    with op.batch_alter_table("notification", schema=None) as batch_op:
        for column in ("message_id", "channel", "path"):
            batch_op.drop_column(column)
    op.drop_table("bounce")
    op.drop_table("digest")
    op.drop_table("notice_choice")
