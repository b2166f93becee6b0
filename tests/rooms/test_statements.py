"""Statements that the driver is given directly: the same rows, the same types, the same refusals."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from app import db
from app.audit.models import AuditEntry
from app.notifications.models import Mail
from app.statements import Statement

NOW = datetime(2026, 11, 21, 8, 0, 1, 250, tzinfo=UTC)
ENTRIES = db.table_of(AuditEntry)
MAILS = db.table_of(Mail)
ADD = Statement(insert(ENTRIES), ("at", "act", "user_id", "subject", "address", "details"))
ADD_MAIL = Statement(insert(MAILS), ("to", "subject", "body", "language", "message_id", "next_try_at", "created_at"))


def entry(act: str) -> dict[str, object]:
    return {"at": NOW, "act": act, "user_id": None, "subject": "Қ", "address": "", "details": {"ә": [1, None]}}


def test_a_row_comes_back_as_the_objects_of_its_columns(house):
    assert ADD.run(entry("written")) == 1
    row = db.session.scalars(select(AuditEntry).where(AuditEntry.act == "written")).one()
    read = Statement(
        select(ENTRIES.c.at, ENTRIES.c.details, ENTRIES.c.subject).where(ENTRIES.c.act == bindparam("act"))
    )

    assert [list(found) for found in read.rows({"act": "written"})] == [[NOW, {"ә": [1, None]}, "Қ"]]
    assert (row.at, row.details, row.subject) == (NOW, {"ә": [1, None]}, "Қ")
    assert list(read.rows({"act": "nothing of the kind"})) == []


def test_many_rows_are_sent_at_once_and_an_update_tells_how_many_it_touched(house):
    ADD_MAIL.run_many([mail(number) for number in range(3)])
    named = Statement(update(MAILS).where(MAILS.c.message_id.like(bindparam("some"))), ("subject",))

    assert named.run({"some": "<%@prepared>", "subject": "жаңа"}) == 3
    assert named.run({"some": "<9@prepared>", "subject": "жаңа"}) == 0
    found = db.session.scalars(select(Mail).where(Mail.message_id.like("<%@prepared>"))).all()
    assert {(one.subject, one.state, one.tries) for one in found} == {("жаңа", "waiting", 0)}


def mail(number: int) -> dict[str, object]:
    return {
        "to": "a@kezen.example",
        "subject": "s",
        "body": "b",
        "language": "kk",
        "message_id": f"<{number}@prepared>",
        "next_try_at": NOW,
        "created_at": NOW,
    }


def test_a_refusal_of_the_database_is_the_error_every_caller_knows(house):
    ADD_MAIL.run(mail(1))
    with pytest.raises(IntegrityError):
        ADD_MAIL.run(mail(1))
    db.session.rollback()


def test_it_is_part_of_the_session_s_transaction(house):
    ADD.run(entry("undone"))
    db.session.rollback()
    assert db.session.scalar(select(AuditEntry.id).where(AuditEntry.act == "undone")) is None
