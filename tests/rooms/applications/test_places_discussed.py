"""A comment is written and read where one reads: at a field, a group, a row or an entry itself."""

from __future__ import annotations

from collections import Counter

import pytest
from browser import signed_in, words
from factories import person, refetched
from test_creating import address
from test_round_engine import begun  # noqa: F401 - a fixture

from app.applications import places, queries, versions
from app.applications.models import WHOLE

# What is read and written here is on pages; both databases keep comments in test_comments.
pytestmark = pytest.mark.parametrize("database", ["sqlite"])

ROW = "company.directors-e1-posts-e1"
CARD = "company.directors-e1"
GROUP = "company.holders"
ENTRY = "securities.deep_securities-e1"
FIELD = "company.brand"


def all_places(application) -> dict[str, str]:
    """Return name -> kind of every place of an application as it was sent."""
    [said] = versions.values(application, [versions.now_standing(application)])
    return {
        place.name: place.kind
        for stage in queries.applicant_stages(application)
        for place in places.of_stage(application, stage, said.get(stage, {}), application.forms)
    }


def at_place(page, place) -> str:
    """Return what the page says at the very place, besides its answer: what was said on it."""
    return " ".join(
        words(talk) for item in page.all(data_place=place) for talk in item.iter("ul") if talk.get("class") == "talk"
    )


def test_every_field_group_row_and_entry_has_one_window_for_a_comment_and_the_list_is_for_the_whole(deep, begun):  # noqa: F811
    application, _ = begun
    someone, path = signed_in(deep, "first_head"), address(application, "review")
    page = someone.get(path)

    boxes = Counter(item.get("name") for item in page.root.iter("textarea"))

    known = all_places(refetched(application))
    assert set(known.values()) == {"field", "group", "row", "entry"}
    assert boxes == Counter({f"comment-{place}": 1 for place in known}) + Counter({"other-words": 1})
    assert page.form(path)["other-place"] == [WHOLE]


@pytest.mark.req("IS2IN-20.f", "IS2IN-20.h", "IS2IN-20.i")
@pytest.mark.parametrize("place", [ROW, CARD, GROUP, ENTRY])
def test_what_is_said_on_a_row_a_group_or_an_entry_stands_beside_it_on_every_page(deep, begun, place):  # noqa: F811
    application, _ = begun
    head, path = signed_in(deep, "first_head"), address(application, "review")
    head.send(head.get(path), path, press="comment", value=place, **{f"comment-{place}": "Осы жазба артық"})
    pending = head.get(path)
    assert "Осы жазба артық" in at_place(pending, place)
    assert not pending.all(data_elsewhere=place)

    head.send(pending, path, press="return", value="yes")

    author, stage = signed_in(deep, "issuer"), place.partition(".")[0]
    for shown in (
        author.get(address(application, "summary")),
        author.get(address(application, "stages", stage) + ("?entry=deep_securities-e1" if place == ENTRY else "")),
        head.get(path),
    ):
        assert "Осы жазба артық" in at_place(shown, place), shown.answer.request.path
        assert "Осы жазба артық" not in at_place(shown, FIELD)
    article = author.get(address(application, "comments"))
    [link] = [item.get("href") for item in article.root.iter("a") if "/summary#f-" in item.get("href", "")]
    assert author.get(address(application, "summary")).all(id=link.partition("#")[2])
    assert queries.comments(refetched(application), user=person("issuer"))[0].place == place
