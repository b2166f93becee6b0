"""Meetings of the deciding bodies: members, agendas, votes, conditions, minutes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.guard import no_longer_guarded, only_added

revision = "0014"
down_revision = "0013"

TABLES = (
    "body_member",
    "meeting",
    "agenda_item",
    "attendance",
    "interest_conflict",
    "vote",
    "decision_condition",
    "meeting_minutes",
    "meeting_event",
)
ONLY_ADDED = ("meeting_minutes", "meeting_event")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "body_member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("body", sa.String(length=60), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("position", sa.String(length=200), nullable=False),
        sa.Column("office", sa.String(length=10), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_body_member_user_id_user_account"),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name="fk_body_member_by_id_user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_body_member"),
    )
    op.create_index("ix_body_member_body", "body_member", ["body"])
    op.create_table(
        "meeting",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("body", sa.String(length=60), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("starts", sa.String(length=5), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("is_remote", sa.Boolean(), nullable=False),
        sa.Column("paper_reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("appointed_at", sa.DateTime(), nullable=True),
        sa.Column("held_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name="fk_meeting_by_id_user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_meeting"),
    )
    op.create_index("ix_meeting_body", "meeting", ["body"])
    op.create_index("ix_meeting_day", "meeting", ["day"])
    op.create_table(
        "agenda_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("meeting_id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("proposal", sa.String(length=60), nullable=False),
        sa.Column("ballot", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=60), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name="fk_agenda_item_meeting_id_meeting"),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name="fk_agenda_item_application_id_application"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_agenda_item"),
        sa.UniqueConstraint("meeting_id", "application_id", name="uq_agenda_item_meeting_id_application_id"),
    )
    op.create_index("ix_agenda_item_application_id", "agenda_item", ["application_id"])
    op.create_index("ix_agenda_item_meeting_id", "agenda_item", ["meeting_id"])
    op.create_table(
        "attendance",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("meeting_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("presence", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name="fk_attendance_meeting_id_meeting"),
        sa.ForeignKeyConstraint(["member_id"], ["body_member.id"], name="fk_attendance_member_id_body_member"),
        sa.PrimaryKeyConstraint("id", name="pk_attendance"),
        sa.UniqueConstraint("meeting_id", "member_id", name="uq_attendance_meeting_id_member_id"),
    )
    op.create_table(
        "interest_conflict",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["agenda_item.id"], name="fk_interest_conflict_item_id_agenda_item"),
        sa.ForeignKeyConstraint(["member_id"], ["body_member.id"], name="fk_interest_conflict_member_id_body_member"),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name="fk_interest_conflict_by_id_user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_interest_conflict"),
        sa.UniqueConstraint("item_id", "member_id", name="uq_interest_conflict_item_id_member_id"),
    )
    op.create_table(
        "vote",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("ballot", sa.Integer(), nullable=False),
        sa.Column("proposal", sa.String(length=60), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("choice", sa.String(length=10), nullable=False),
        sa.Column("opinion", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["agenda_item.id"], name="fk_vote_item_id_agenda_item"),
        sa.ForeignKeyConstraint(["member_id"], ["body_member.id"], name="fk_vote_member_id_body_member"),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name="fk_vote_by_id_user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_vote"),
        sa.UniqueConstraint("item_id", "ballot", "member_id", name="uq_vote_item_id_ballot_member_id"),
    )
    op.create_table(
        "decision_condition",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("due", sa.Date(), nullable=True),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("met_at", sa.DateTime(), nullable=True),
        sa.Column("met_by_id", sa.Integer(), nullable=True),
        sa.Column("met_words", sa.Text(), nullable=False),
        sa.Column("reminded_at", sa.DateTime(), nullable=True),
        sa.Column("overdue_told_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["agenda_item.id"], name="fk_decision_condition_item_id_agenda_item"),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name="fk_decision_condition_by_id_user_account"),
        sa.ForeignKeyConstraint(
            ["met_by_id"], ["user_account.id"], name="fk_decision_condition_met_by_id_user_account"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_decision_condition"),
    )
    op.create_index("ix_decision_condition_item_id", "decision_condition", ["item_id"])
    op.create_table(
        "meeting_minutes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("meeting_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name="fk_meeting_minutes_meeting_id_meeting"),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name="fk_meeting_minutes_by_id_user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_meeting_minutes"),
        sa.UniqueConstraint("meeting_id", "version", name="uq_meeting_minutes_meeting_id_version"),
    )
    op.create_table(
        "meeting_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("meeting_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(length=40), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name="fk_meeting_event_meeting_id_meeting"),
        sa.ForeignKeyConstraint(["item_id"], ["agenda_item.id"], name="fk_meeting_event_item_id_agenda_item"),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name="fk_meeting_event_by_id_user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_meeting_event"),
    )
    op.create_index("ix_meeting_event_meeting_id", "meeting_event", ["meeting_id"])
    only_added(*ONLY_ADDED)


def downgrade() -> None:
    """Take back."""
    no_longer_guarded(*ONLY_ADDED)
    for table in reversed(TABLES):
        op.drop_table(table)
