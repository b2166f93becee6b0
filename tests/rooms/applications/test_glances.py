"""Lists sort applications by columns alone: they say the same of whose turn it is as the application's own page."""

from __future__ import annotations

import pytest
from factories import person
from sqlalchemy import event, select

from app import db
from app.applications import cabinet, queries
from app.applications.models import Application
from app.demo.people import PEOPLE
from tests import herd


@pytest.mark.req("IS2IN-9.4.a")
@pytest.mark.parametrize("key", [each.key for each in PEOPLE])
def test_a_list_holds_what_one_sees_and_knows_whose_turn_it_is(house, key):
    user = person(key)

    glances = {each.id: each for each in cabinet.under_review(user)}

    seen = {item.id: item for item in db.session.scalars(select(Application)).unique() if queries.sees(item, user)}
    assert list(glances) == sorted((ident for ident, item in seen.items() if item.archived_at is None), reverse=True)
    for ident, glance in glances.items():
        executors = queries.current_executors(seen[ident])
        assert glance.is_awaited is bool(executors)
        assert glance.is_mine is any(queries.acts_as(seen[ident], user, each) for each in executors)


def test_the_statements_of_a_list_do_not_grow_with_the_applications(house):
    user = person("listing")

    def statements() -> int:
        db.session.expire_all()
        sent: list[str] = []

        def note(connection, cursor, statement, *_: object) -> None:
            sent.append(statement)

        event.listen(house.engine, "before_cursor_execute", note)
        try:
            shown = cabinet.of_glances(cabinet.under_review(user)[:50])
            assert all(item.author.name and item.assignments is not None for item in shown)
        finally:
            event.remove(house.engine, "before_cursor_execute", note)
        return len(sent)

    few = statements()
    herd.multiply(db.session.connection(), 7, first_id=800_000, count=200)

    assert statements() <= few
