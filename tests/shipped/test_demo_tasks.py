"""The demonstration tells what to try, as whom and where, in three languages, and each way it names is open."""

from __future__ import annotations

import pytest
from browser import Browser, signed_in
from factories import person

from app.demo.tasks import TASKS
from app.terms import say


@pytest.mark.req("ESRV-4")
@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_demonstration_has_tasks_that_begin_where_they_say_for_whom_they_say(house, language):
    page = Browser(house.app, language).get("/demo/tasks")

    assert page.status == 200
    assert page.says(data_key="look.demo_note") == say("look.demo_note", language)
    assert len(TASKS) == len(page.root.findall(".//main//ol/li"))
    for key, who, href in TASKS:
        told = page.says(data_task=key)
        assert say(f"demo.task.{key}", language) in told
        assert say(f"demo.task.{key}.how", language) in told
        assert person(who).email in told
        assert signed_in(house, who, language).get(href).status == 200, (key, href)
