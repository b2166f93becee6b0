"""Sent versions; comments with their labels, suggestions, offices and the steps of their lives."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations.guard import no_longer_guarded, only_added

revision = "0010"
down_revision = "0009"

ADDRESSEES = {"send_for_approval": "first_head", "send_file": "exchange"}


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("comment", schema=None) as batch_op:
        batch_op.alter_column(
            "field", existing_type=sa.String(length=160), type_=sa.String(length=400), existing_nullable=False
        )
        batch_op.add_column(sa.Column("suggested", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("labels", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("office", sa.String(length=40), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("reopened_at", sa.DateTime(), nullable=True))
    with op.batch_alter_table("comment", schema=None) as batch_op:  # the defaults were for the rows that stand
        batch_op.alter_column("suggested", existing_type=sa.Text(), server_default=None, existing_nullable=False)
        batch_op.alter_column("labels", existing_type=sa.JSON(), server_default=None, existing_nullable=False)
        batch_op.alter_column("office", existing_type=sa.String(40), server_default=None, existing_nullable=False)
    op.create_table(
        "comment_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("comment_id", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name="fk_comment_event_by_id_user_account"),
        sa.ForeignKeyConstraint(["comment_id"], ["comment.id"], name="fk_comment_event_comment_id_comment"),
        sa.PrimaryKeyConstraint("id", name="pk_comment_event"),
    )
    op.create_table(
        "sent_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("addressee", sa.String(length=20), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("revisions", sa.JSON(), nullable=False),
        sa.Column("skipped", sa.JSON(), nullable=False),
        sa.Column("forms", sa.JSON(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name="fk_sent_version_application_id_application"
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name="fk_sent_version_by_id_user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_sent_version"),
    )
    with op.batch_alter_table("comment_event", schema=None) as batch_op:
        batch_op.create_index("ix_comment_event_comment_id", ["comment_id"], unique=False)
    with op.batch_alter_table("sent_version", schema=None) as batch_op:
        batch_op.create_index("ix_sent_version_application_id", ["application_id"], unique=False)
    _tell_what_has_happened()
    only_added("comment_event", "sent_version")


def downgrade() -> None:
    """Take back; internal notes go with what could keep them apart."""
    no_longer_guarded("comment_event", "sent_version")
    op.drop_table("sent_version")
    op.drop_table("comment_event")
    op.execute(sa.text("DELETE FROM comment WHERE kind = 'internal'"))
    with op.batch_alter_table("comment", schema=None) as batch_op:
        for name in ("reopened_at", "office", "labels", "suggested"):
            batch_op.drop_column(name)
        batch_op.alter_column(
            "field", existing_type=sa.String(length=400), type_=sa.String(length=160), existing_nullable=False
        )


def _tell_what_has_happened() -> None:
    """Make the versions that have been sent, and the steps of the comments that stand, from what is kept of them."""
    connection = op.get_bind()
    tables = sa.MetaData()
    names = ("application", "answers", "history", "comment", "comment_event", "sent_version")
    tables.reflect(connection, only=names)
    application, answers, history, comment, event, sent = (tables.tables[name] for name in names)

    events = []
    for row in connection.execute(sa.select(comment).order_by(comment.c.id)):
        for act, at, by, words in (
            ("published", row.published_at, row.by_id, ""),
            ("answered", row.answered_at, row.answered_by_id, row.answer),
            ("resolved", row.resolved_at, row.by_id, ""),
        ):
            if at is not None:
                told = {"comment_id": row.id, "act": act, "words": words, "round": row.round, "by_id": by, "at": at}
                events.append(told)
    if events:
        connection.execute(event.insert(), events)
    connection.execute(comment.update().where(comment.c.kind == "comment").values(office="first_head"))

    versions = []
    for found in connection.execute(sa.select(application).where(application.c["round"] > 0)):
        own = sa.select(history).where(history.c.application_id == found.id, history.c.act.in_(ADDRESSEES))
        saved = connection.execute(
            sa.select(answers.c.stage, answers.c.revision, answers.c.at).where(answers.c.application_id == found.id)
        ).all()
        number = 0
        for row in connection.execute(own.order_by(history.c.id)):
            number += row.act == "send_for_approval"
            versions.append(
                {
                    "application_id": found.id,
                    "addressee": ADDRESSEES[row.act],
                    "round": number,
                    "revisions": _revisions(saved, row.at),
                    "skipped": [stage for stage, status in (found.stages or {}).items() if status == "skipped"],
                    "forms": found.forms,
                    "by_id": row.by_id or found.author_id,
                    "at": row.at,
                }
            )
    if versions:
        connection.execute(sent.insert(), versions)


def _revisions(saved: Iterable[Any], at: datetime) -> dict[str, int]:
    newest: dict[str, int] = {}
    for row in saved:
        if row.at <= at:
            newest[row.stage] = max(row.revision, newest.get(row.stage, 0))
    return newest
