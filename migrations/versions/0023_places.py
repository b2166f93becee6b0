"""Several organisations of one person: memberships, invitations, and for whom somebody works on an application."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
DEFAULTED = (
    ("membership", "is_usual", sa.Boolean()),
    ("membership", "position", sa.String(200)),
    ("notification", "company", sa.JSON()),
)
"""Whose defaults were for the rows that stand."""
_ONE = "SELECT organisation_id FROM membership WHERE membership.user_id = "


def upgrade() -> None:
    """Apply; everybody's one membership becomes his usual one, and all he has done was done for it."""
    with op.batch_alter_table("membership") as table:
        table.add_column(sa.Column("is_usual", sa.Boolean(), nullable=False, server_default=sa.true()))
        table.add_column(sa.Column("position", sa.String(length=200), nullable=False, server_default=""))
        table.drop_constraint("uq_membership_user_id", type_="unique")
        table.create_unique_constraint("uq_membership_user_id_organisation_id", ["user_id", "organisation_id"])
    op.create_index(
        "uq_membership_usual",
        "membership",
        ["user_id"],
        unique=True,
        sqlite_where=sa.text("is_usual"),
        postgresql_where=sa.text("is_usual"),
    )
    with op.batch_alter_table("login_session") as table:
        table.add_column(sa.Column("place_id", sa.Integer(), nullable=True))
        table.create_foreign_key("fk_login_session_place_id_membership", "membership", ["place_id"], ["id"])
    with op.batch_alter_table("notification") as table:
        table.add_column(sa.Column("company", sa.JSON(), nullable=False, server_default="{}"))
    for name, column, kind in DEFAULTED:
        with op.batch_alter_table(name) as table:
            table.alter_column(column, existing_type=kind, server_default=None, existing_nullable=False)
    with op.batch_alter_table("application") as table:
        table.add_column(sa.Column("author_for_id", sa.Integer(), nullable=True))
        table.create_foreign_key("fk_application_author_for_id_organisation", "organisation", ["author_for_id"], ["id"])
    with op.batch_alter_table("assignment") as table:
        table.add_column(sa.Column("organisation_id", sa.Integer(), nullable=True))
        table.create_foreign_key(
            "fk_assignment_organisation_id_organisation", "organisation", ["organisation_id"], ["id"]
        )
    op.execute("UPDATE login_session SET place_id = (SELECT id FROM membership WHERE user_id = login_session.user_id)")
    op.execute(f"UPDATE application SET author_for_id = ({_ONE}application.author_id)")  # noqa: S608 - fixed words
    op.execute(f"UPDATE assignment SET organisation_id = ({_ONE}assignment.user_id)")  # noqa: S608 - fixed words
    op.create_table(
        "invitation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=310), nullable=False),
        sa.Column("position", sa.String(length=200), nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("as_head", sa.Boolean(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=True),
        sa.Column("key_note", sa.String(length=300), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("answered_at", sa.DateTime(), nullable=True),
        sa.Column("answer", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name="fk_invitation_organisation_id_organisation"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_invitation_user_id_user_account"),
        sa.ForeignKeyConstraint(["request_id"], ["access_request.id"], name="fk_invitation_request_id_access_request"),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name="fk_invitation_by_id_user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_invitation"),
    )
    op.create_index("ix_invitation_user_id", "invitation", ["user_id"])
    op.create_index(
        "uq_invitation_standing",
        "invitation",
        ["organisation_id", "user_id"],
        unique=True,
        sqlite_where=sa.text("answered_at IS NULL"),
        postgresql_where=sa.text("answered_at IS NULL"),
    )


def downgrade() -> None:
    """Take back; of somebody's memberships the usual one stays."""
    op.drop_table("invitation")
    with op.batch_alter_table("assignment") as table:
        table.drop_constraint("fk_assignment_organisation_id_organisation", type_="foreignkey")
        table.drop_column("organisation_id")
    with op.batch_alter_table("application") as table:
        table.drop_constraint("fk_application_author_for_id_organisation", type_="foreignkey")
        table.drop_column("author_for_id")
    with op.batch_alter_table("notification") as table:
        table.drop_column("company")
    with op.batch_alter_table("login_session") as table:
        table.drop_constraint("fk_login_session_place_id_membership", type_="foreignkey")
        table.drop_column("place_id")
    op.drop_index("uq_membership_usual", "membership")
    op.execute("DELETE FROM membership WHERE NOT is_usual")
    with op.batch_alter_table("membership") as table:
        table.drop_constraint("uq_membership_user_id_organisation_id", type_="unique")
        table.create_unique_constraint("uq_membership_user_id", ["user_id"])
        table.drop_column("position")
        table.drop_column("is_usual")
