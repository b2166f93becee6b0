"""How people get in: one-time links, sessions, counted failures, blocks, authenticators.

Counted failures and rounds of sessions leave the account: whoever is signed in signs in again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "used_challenge",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_used_challenge"),
    )
    op.create_table(
        "recovery_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("answered_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=("pk_recovery_request")),
    )
    op.create_index("ix_recovery_request_answered_at", "recovery_request", ["answered_at"])
    op.create_index("ix_recovery_request_login_at", "recovery_request", ["login", "at"])
    op.create_table(
        "account_block",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("identified_at", sa.DateTime(), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("presence_at", sa.DateTime(), nullable=True),
        sa.Column("presence_by_id", sa.Integer(), nullable=True),
        sa.Column("presence_note", sa.String(length=300), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name=("fk_account_block_by_id_user_account")),
        sa.ForeignKeyConstraint(
            ["ended_by_id"], ["user_account.id"], name=("fk_account_block_ended_by_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["presence_by_id"], ["user_account.id"], name=("fk_account_block_presence_by_id_user_account")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=("fk_account_block_user_id_user_account")),
        sa.PrimaryKeyConstraint("id", name=("pk_account_block")),
    )
    op.create_index(
        "uq_account_block_standing",
        "account_block",
        ["user_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "address_block",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.Column("is_told", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=("fk_address_block_user_id_user_account")),
        sa.PrimaryKeyConstraint("id", name=("pk_address_block")),
    )
    op.create_index("ix_address_block_login_address", "address_block", ["login", "address"])
    op.create_table(
        "agreement_acceptance",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=("fk_agreement_acceptance_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_agreement_acceptance")),
        sa.UniqueConstraint("user_id", "version", name=("uq_agreement_acceptance_user_id_version")),
    )
    op.create_table(
        "authenticator",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("secret", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=("fk_authenticator_user_id_user_account")),
        sa.PrimaryKeyConstraint("user_id", name=("pk_authenticator")),
    )
    op.create_table(
        "block_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("identified_at", sa.DateTime(), nullable=False),
        sa.Column("how", sa.String(length=300), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("done_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name=("fk_block_request_by_id_user_account")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=("fk_block_request_user_id_user_account")),
        sa.PrimaryKeyConstraint("id", name=("pk_block_request")),
    )
    op.create_index("ix_block_request_user_id", "block_request", ["user_id"])
    op.create_table(
        "declared_address",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("network", sa.String(length=50), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name=("fk_declared_address_by_id_user_account")),
        sa.PrimaryKeyConstraint("id", name=("pk_declared_address")),
        sa.UniqueConstraint("network", name=("uq_declared_address_network")),
    )
    op.create_table(
        "former_password",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=("fk_former_password_user_id_user_account")),
        sa.PrimaryKeyConstraint("id", name=("pk_former_password")),
    )
    op.create_index("ix_former_password_user_id", "former_password", ["user_id"])
    op.create_table(
        "login_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("browser", sa.String(length=100), nullable=False),
        sa.Column("way", sa.String(length=10), nullable=False),
        sa.Column("begun_at", sa.DateTime(), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("ending", sa.String(length=20), nullable=False),
        sa.Column("opened_at", sa.DateTime(), nullable=True),
        sa.Column("used_at", sa.DateTime(), nullable=True),
        sa.Column("code_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=("fk_login_session_user_id_user_account")),
        sa.PrimaryKeyConstraint("id", name=("pk_login_session")),
        sa.UniqueConstraint("token_hash", name=("uq_login_session_token_hash")),
    )
    op.create_index("ix_login_session_user_id", "login_session", ["user_id"])
    op.create_table(
        "one_time_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("issued_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("used_at", sa.DateTime(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=("fk_one_time_link_user_id_user_account")),
        sa.PrimaryKeyConstraint("id", name=("pk_one_time_link")),
        sa.UniqueConstraint("token_hash", name=("uq_one_time_link_token_hash")),
    )
    op.create_index("ix_one_time_link_user_id", "one_time_link", ["user_id"])
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("used_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=("fk_recovery_code_user_id_user_account")),
        sa.PrimaryKeyConstraint("id", name=("pk_recovery_code")),
    )
    op.create_index("ix_recovery_code_user_id", "recovery_code", ["user_id"])
    op.create_table(
        "sign_in_attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=("fk_sign_in_attempt_user_id_user_account")),
        sa.PrimaryKeyConstraint("id", name=("pk_sign_in_attempt")),
    )
    op.create_index("ix_sign_in_attempt_address_at", "sign_in_attempt", ["address", "at"])
    op.create_table(
        "sign_in_counter",
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(), nullable=True),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("is_told", sa.Boolean(), nullable=False),
        sa.Column("last_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=("fk_sign_in_counter_user_id_user_account")),
        sa.PrimaryKeyConstraint("login", name=("pk_sign_in_counter")),
    )
    op.execute(
        "INSERT INTO agreement_acceptance (user_id, version, at)"
        " SELECT id, agreement_version, agreement_at FROM user_account"
        " WHERE agreement_version <> '' AND agreement_at IS NOT NULL"
    )
    op.drop_column("user_account", "failures")
    op.drop_column("user_account", "session_round")
    op.drop_column("user_account", "locked_until")
    op.add_column(
        "organisation", sa.Column("codes", sa.String(length=12), nullable=False, server_default="first_heads")
    )


def downgrade() -> None:
    """Take back; sessions, counted failures, blocks and authenticators go."""
    op.drop_column("organisation", "codes")
    op.add_column("user_account", sa.Column("locked_until", sa.DateTime(), nullable=True))
    op.add_column("user_account", sa.Column("session_round", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("user_account", sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
    op.drop_table("sign_in_counter")
    op.drop_table("sign_in_attempt")
    op.drop_table("recovery_code")
    op.drop_table("one_time_link")
    op.drop_table("login_session")
    op.drop_table("former_password")
    op.drop_table("declared_address")
    op.drop_table("block_request")
    op.drop_table("authenticator")
    op.drop_table("agreement_acceptance")
    op.drop_table("address_block")
    op.drop_table("account_block")
    op.drop_table("recovery_request")
    op.drop_table("used_challenge")
