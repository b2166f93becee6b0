"""Confirmations on another device, codes by mail, lost generators, asked accounts; secrets of requests as hashes."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def _key(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}_{other}")


def upgrade() -> None:
    """Apply; the links of requests that stand go on working."""
    op.add_column("login_session", sa.Column("proved_at", sa.DateTime(), nullable=True))
    op.create_table(
        "device_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("browser", sa.String(length=100), nullable=False),
        sa.Column("number", sa.String(length=2), nullable=False),
        sa.Column("is_fresh", sa.Boolean(), nullable=False),
        sa.Column("asked_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(), nullable=True),
        sa.Column("confirmed_in_id", sa.Integer(), nullable=True),
        sa.Column("refused_at", sa.DateTime(), nullable=True),
        sa.Column("used_at", sa.DateTime(), nullable=True),
        _key("device_request", "session_id", "login_session"),
        _key("device_request", "confirmed_in_id", "login_session"),
        sa.PrimaryKeyConstraint("id", name="pk_device_request"),
        sa.UniqueConstraint("token_hash", name="uq_device_request_token_hash"),
    )
    op.create_index("ix_device_request_session_id", "device_request", ["session_id"])
    op.create_table(
        "mail_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("asked_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("used_at", sa.DateTime(), nullable=True),
        _key("mail_code", "user_id", "user_account"),
        _key("mail_code", "session_id", "login_session"),
        sa.PrimaryKeyConstraint("id", name="pk_mail_code"),
    )
    op.create_index("ix_mail_code_user_id_asked_at", "mail_code", ["user_id", "asked_at"])
    op.create_table(
        "authenticator_reset",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("how", sa.String(length=300), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("done_at", sa.DateTime(), nullable=True),
        sa.Column("done_by_id", sa.Integer(), nullable=True),
        sa.Column("dropped_at", sa.DateTime(), nullable=True),
        sa.Column("dropped_by_id", sa.Integer(), nullable=True),
        sa.Column("replaced_at", sa.DateTime(), nullable=True),
        *(_key("authenticator_reset", each, "user_account") for each in ("user_id", "by_id", "done_by_id")),
        _key("authenticator_reset", "dropped_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_authenticator_reset"),
    )
    waiting = sa.text("done_at IS NULL AND dropped_at IS NULL")
    op.create_index(
        "uq_authenticator_reset_waiting",
        "authenticator_reset",
        ["user_id"],
        unique=True,
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_index("ix_authenticator_reset_user_id", "authenticator_reset", ["user_id"])
    op.create_table(
        "account_question",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        _key("account_question", "by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_account_question"),
    )
    op.create_index("ix_account_question_by_id_at", "account_question", ["by_id", "at"])
    _hash_tokens()


def _hash_tokens() -> None:
    with op.batch_alter_table("access_request", schema=None) as batch_op:
        batch_op.add_column(sa.Column("seed", sa.String(length=64), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("token_hash", sa.String(length=64), nullable=True))
    connection = op.get_bind()
    for ident, token in connection.execute(sa.text("SELECT id, token FROM access_request")).all():
        connection.execute(
            sa.text("UPDATE access_request SET token_hash = :hashed WHERE id = :id"),
            {"hashed": hashlib.sha256(token.encode()).hexdigest(), "id": ident},
        )
    with op.batch_alter_table("access_request", schema=None) as batch_op:
        batch_op.alter_column("seed", existing_type=sa.String(64), existing_nullable=False, server_default=None)
        batch_op.alter_column("token_hash", existing_type=sa.String(64), nullable=False)
        batch_op.drop_constraint("uq_access_request_token", type_="unique")
        batch_op.create_unique_constraint("uq_access_request_token_hash", ["token_hash"])
        batch_op.drop_column("token")


def downgrade() -> None:
    """Take back; the links of requests work no more, what waited for a second officer goes."""
    with op.batch_alter_table("access_request", schema=None) as batch_op:
        batch_op.add_column(sa.Column("token", sa.String(length=60), nullable=True))
    op.execute("UPDATE access_request SET token = substr(token_hash, 1, 40) || id")
    with op.batch_alter_table("access_request", schema=None) as batch_op:
        batch_op.alter_column("token", existing_type=sa.String(60), nullable=False)
        batch_op.drop_constraint("uq_access_request_token_hash", type_="unique")
        batch_op.create_unique_constraint("uq_access_request_token", ["token"])
        batch_op.drop_column("token_hash")
        batch_op.drop_column("seed")
    op.drop_table("account_question")
    op.drop_table("authenticator_reset")
    op.drop_table("mail_code")
    op.drop_table("device_request")
    op.drop_column("login_session", "proved_at")
