"""Bundles of remarks, verdicts on criteria, words on the draft of a conclusion."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.guard import no_longer_guarded, only_added

revision = "0015"
down_revision = "0014"

GUARDED = ("remark_bundle", "bundled_remark", "criteria_pin", "criterion_verdict", "conclusion_note")


def _key(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}_{to}")


def upgrade() -> None:
    """Apply."""
    op.add_column("comment", sa.Column("answered_as", sa.String(length=10), nullable=True))
    op.create_table(
        "remark_bundle",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("process", sa.String(length=60), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        _key("remark_bundle", "application_id", "application"),
        _key("remark_bundle", "by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_remark_bundle"),
        sa.UniqueConstraint("application_id", "number", name="uq_remark_bundle_application_id_number"),
    )
    op.create_table(
        "bundled_remark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("bundle_id", sa.Integer(), nullable=False),
        sa.Column("comment_id", sa.Integer(), nullable=False),
        _key("bundled_remark", "bundle_id", "remark_bundle"),
        _key("bundled_remark", "comment_id", "comment"),
        sa.PrimaryKeyConstraint("id", name="pk_bundled_remark"),
        sa.UniqueConstraint("bundle_id", "comment_id", name="uq_bundled_remark_bundle_id_comment_id"),
    )
    op.create_table(
        "criteria_pin",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("criteria", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        _key("criteria_pin", "application_id", "application"),
        sa.PrimaryKeyConstraint("id", name="pk_criteria_pin"),
        sa.UniqueConstraint("application_id", "criteria", name="uq_criteria_pin_application_id_criteria"),
    )
    op.create_table(
        "criterion_verdict",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("entry", sa.String(length=120), nullable=False),
        sa.Column("criteria", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("criterion", sa.String(length=60), nullable=False),
        sa.Column("finding", sa.String(length=10), nullable=False),
        sa.Column("basis", sa.JSON(), nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=60), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        _key("criterion_verdict", "application_id", "application"),
        _key("criterion_verdict", "by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_criterion_verdict"),
    )
    op.create_table(
        "conclusion_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(length=10), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        _key("conclusion_note", "application_id", "application"),
        _key("conclusion_note", "by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_conclusion_note"),
    )
    op.create_index("ix_criterion_verdict_application_id", "criterion_verdict", ["application_id"], unique=False)
    op.create_index("ix_conclusion_note_application_id", "conclusion_note", ["application_id"], unique=False)
    _bundle_what_was_sent()
    only_added(*GUARDED)


def downgrade() -> None:
    """Take back."""
    no_longer_guarded(*GUARDED)
    for table in ("conclusion_note", "criterion_verdict", "criteria_pin", "bundled_remark", "remark_bundle"):
        op.drop_table(table)
    op.drop_column("comment", "answered_as")


def _bundle_what_was_sent() -> None:
    """Make bundles of the remarks that went together: those of one application published at one moment."""
    connection = op.get_bind()
    tables = sa.MetaData()
    names = ("application", "comment", "comment_event", "history", "remark_bundle", "bundled_remark")
    tables.reflect(connection, only=names)
    comment, event, history, bundle, bundled = (tables.tables[name] for name in names[1:])
    sent = sa.select(comment.c.application_id, comment.c.id, event.c.at, event.c.by_id)
    sent = sent.join(event, event.c.comment_id == comment.c.id)
    sent = sent.where(comment.c.kind == "remark", event.c.act == "published").order_by(event.c.at, comment.c.id)
    together: dict[tuple[int, object], list[tuple[int, int]]] = {}
    for application_id, comment_id, at, by_id in connection.execute(sent):
        together.setdefault((application_id, at), []).append((comment_id, by_id))
    numbers: dict[int, int] = {}
    for (application_id, at), remarks in together.items():
        numbers[application_id] = numbers.get(application_id, 0) + 1
        moved = sa.select(history.c.source).where(history.c.application_id == application_id, history.c.at == at)
        process = connection.scalar(moved.where(history.c.target != "").limit(1)) or ""
        made = bundle.insert().values(
            application_id=application_id,
            number=numbers[application_id],
            process=process,
            by_id=remarks[0][1],
            at=at,
        )
        [bundle_id] = connection.execute(made).inserted_primary_key or [None]
        rows = [{"bundle_id": bundle_id, "comment_id": comment_id} for comment_id, _ in remarks]
        connection.execute(bundled.insert(), rows)
