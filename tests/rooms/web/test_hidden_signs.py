"""Signs that hide or turn text reach no name, no announcement and no paper."""

from __future__ import annotations

import pytest
from factories import new_application, person
from sqlalchemy import func, select

from app import db
from app.news.models import Announcement
from app.outputs.models import OutputDocument
from app.terms import say

WORDS = {
    "title_kk": "Жаңа анықтама", "title_ru": "Новая справка", "title_en": "A new reference",
    "text_kk": "Енді бар.", "text_ru": "Теперь есть.", "text_en": "There is one.",
}  # fmt: skip
BAD = ["\u202a", "\u202e", "\u2066", "\u2069", "\x01", "\x0b", "\x1b", "\x7f", "\x85", "\x9f"]


def count(model) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.parametrize(("sign", "language"), [(sign, "ru") for sign in BAD] + [("\u202e", "kk"), ("\u202e", "en")])
def test_such_a_sign_in_any_form_is_refused_and_named(browser, house, sign, language):
    officer, clerk = browser("listing_head", language), browser("clerk", language)
    said = say("field.err.control", language, code=f"U+{ord(sign):04X}")

    told = officer.send(officer.get("/news"), "/news", **{**WORDS, "text_ru": f"Срок {sign}01"})
    named = clerk.send(clerk.get("/profile"), "/profile", last_name=f"А{sign}Б")

    assert (told.status, named.status) == (422, 422)
    assert said in told.main
    assert said in named.main
    assert count(Announcement) == 0
    assert sign not in person("clerk").full_name


def test_a_paper_takes_none_in_its_reason(browser, house):
    someone = browser("issuer")
    assert someone.send(someone.get("/outputs"), "/outputs", kind="extract").status == 303
    first = db.session.scalars(select(OutputDocument)).unique().one()
    page = someone.get("/outputs")

    for reason in ("Қате \u202e000 1", "Қате\r\nНөмірі", "Қа\u200bте"):
        refused = someone.post("/outputs", {"corrects": str(first.id), "language": "kk", "reason": reason})
        assert refused.status == 422
    assert count(OutputDocument) == 1
    assert page.status == 200


def test_line_breaks_tabs_joiners_and_soft_hyphens_are_text(browser, house):
    officer = browser("listing_head")
    text = "Бірінші\r\nекінші\tүш\u00a0төрт\u200c\u200dбес\u00adалты"

    assert officer.send(officer.get("/news"), "/news", **{**WORDS, "text_kk": text}).status == 303
    row = db.session.scalars(select(Announcement)).unique().one()
    assert row.texts["kk"] == text


@pytest.mark.parametrize(
    ("sign", "language"), [("\r\n", "kk"), ("\n", "ru"), ("\u2028", "ru"), ("\u200b", "ru"), ("\u200b", "en")]
)
def test_titles_and_names_are_one_line_and_the_field_says_so(browser, house, sign, language):
    officer, clerk = browser("listing_head", language), browser("clerk", language)
    said = say("field.err.line", language)

    told = officer.post("/news", {**WORDS, "kind": "other", "title_ru": f"Новая{sign}справка"})
    named = clerk.send(clerk.get("/profile"), "/profile", last_name=f"А{sign}Б")

    assert (told.status, named.status) == (422, 422)
    assert said in told.error("title_ru")
    assert said in named.error("last_name")
    assert count(Announcement) == 0


def test_a_stage_names_the_field_itself_and_keeps_the_rest(browser, house):
    number = new_application().number
    path = f"/applications/{number}/stages/issuer"
    someone = browser("issuer")

    answer = someone.send(someone.get(path), path, press="save", issuer_name__ru="Сөз \u202e1")

    assert (answer.status, answer.location) == (303, path)
