"""Forty seeded edits over three rounds: every one is told, and nothing else, whatever was typed anew."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from browser import signed_in, words
from factories import person, refetched

from app import catalogue, db
from app.applications import approval, changes, effects, filing, moves, queries, versions
from app.applications.drawing import Drawing
from app.applications.models import Application
from app.forms import outline
from app.forms.definitions import DynamicForm, Form
from app.terms import say
from app.web import here
from tests.deep import COMPANY, SECURITIES, isin

Told = set[tuple[str, str]]
"""Place and kind of each change."""


def row(number: int, **values: Any) -> dict[str, Any]:
    return {"id": f"e{number}", "values": values}


def group(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"entries": list(rows), "last": len(rows)}


def scan(number: int, name: str = "") -> dict[str, Any]:
    return {"id": 1000 + number, "name": name or f"{number}.pdf", "size": 9, "sha256": f"{number:064x}"}


def company() -> dict[str, Any]:
    """Return a company with groups three levels deep; each director's lists are of his own."""

    def papers() -> dict[str, Any]:
        return group(*(row(n, title=f"Бұйрық {n}", dated="2020-02-01", scan=[scan(n)]) for n in range(1, 7)))

    def posts() -> dict[str, Any]:
        money = {"amount": "1000.00", "currency": "KZT"}
        return group(
            *(row(n, place=f"«Дала {n}» АҚ", since="2020-02-01", pay=dict(money), papers=papers()) for n in range(1, 7))
        )

    directors = [row(n, name=f"Ахметова {n}", independent=True, posts=posts()) for n in range(1, 9)]
    holders = [row(n, name=f"Ұстаушы {n}", kind="founder", share="40") for n in range(1, 9)]
    about = {"kk": "Астық", "ru": "Зерно", "en": "Grain"}
    return {"brand": "Алтын дала", "about": about, "directors": group(*directors), "holders": group(*holders)}


def securities(form: DynamicForm) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number in range(16):
        found = form.add(found, ("main", "shares"), {"isin": isin(number)})
        found["entries"][-1]["values"] = {
            "answer_1": "12.5",
            "answer_2": "2026-10-05",
            "answer_3": {"amount": "1000.00", "currency": "KZT"},
        }
    return found


class Editor:
    """Makes edits, each where no other has been, and knows what each ought to be told as."""

    def __init__(self, seed: int, answers: dict[str, dict[str, Any]]) -> None:
        self.chance = random.Random(seed)
        self.answers = answers
        self.told: Told = set()
        numbers = {name: self.chance.sample(range(1, top), top - 1) for name, top in (("d", 9), ("h", 9), ("s", 15))}
        self.directors, self.holders, self.entries = numbers["d"], numbers["h"], numbers["s"]
        self.spare = 100

    @property
    def company(self) -> dict[str, Any]:
        return self.answers["company"][COMPANY]

    @property
    def securities(self) -> dict[str, Any]:
        return self.answers["securities"][SECURITIES]

    def posts(self) -> tuple[str, dict[str, Any]]:
        """Return the posts of a director whom nobody has edited, with their path."""
        number = self.directors.pop()
        director = next(found for found in self.company["directors"]["entries"] if found["id"] == f"e{number}")
        return f"directors-e{number}-posts", director["values"]["posts"]

    def entry(self) -> dict[str, Any]:
        number = self.entries.pop()
        return next(found for found in self.securities["entries"] if found["id"] == f"e{number}")

    def expect(self, stage: str, path: str, kind: str) -> None:
        self.told.add((f"{stage}.{path}", kind))

    def number(self) -> int:
        self.spare += 1
        return self.spare

    # Each of these is one edit, or a few at one place

    def values_of_rows(self) -> None:
        path, posts = self.posts()
        one, other, third = self.chance.sample(posts["entries"], 3)
        one["values"]["place"] += " жаңа"
        self.expect("company", f"{path}-{one['id']}-place", "changed")
        other["values"]["pay"]["amount"] = "2000.00"
        self.expect("company", f"{path}-{other['id']}-pay", "changed")
        del third["values"]["since"]
        self.expect("company", f"{path}-{third['id']}-since", "removed")

    def rows_come_and_go(self) -> None:
        path, posts = self.posts()
        gone = posts["entries"].pop(self.chance.randrange(len(posts["entries"])))
        self.expect("company", f"{path}-{gone['id']}", "removed")
        posts["last"] += 1
        come = {"id": f"e{posts['last']}", "values": {"place": "Жаңа"}}
        posts["entries"].insert(self.chance.randrange(len(posts["entries"])), come)
        self.expect("company", f"{path}-{come['id']}", "added")

    def rows_move(self) -> None:
        path, posts = self.posts()
        paper_of = self.chance.choice(posts["entries"])
        for where, held in ((path, posts), (f"{path}-{paper_of['id']}-papers", paper_of["values"]["papers"])):
            rows = held["entries"]
            start = self.chance.randrange(2)
            moved = rows.pop(start)
            rows.insert(start + self.chance.randrange(2, 5), moved)
            self.expect("company", f"{where}-{moved['id']}", "moved")

    def files(self) -> None:
        path, posts = self.posts()
        for post, act in zip(self.chance.sample(posts["entries"], 4), range(4), strict=True):
            paper = self.chance.choice(post["values"]["papers"]["entries"])
            place = f"{path}-{post['id']}-papers-{paper['id']}-scan"
            held = paper["values"]["scan"]
            if act == 0:
                paper["values"]["scan"] = [scan(self.number())]
            elif act == 1:  # another file under the same name
                paper["values"]["scan"] = [scan(self.number(), held[0]["name"])]
            elif act == 2:
                held.append(scan(self.number()))
            else:
                del paper["values"]["scan"]
            self.expect("company", place, ("file_replaced", "file_replaced", "file_added", "file_removed")[act])

    def answers_of_an_entry(self) -> None:
        entry = self.entry()
        entry["values"]["answer_1"] = str(self.number())
        self.expect("securities", f"{SECURITIES}-{entry['id']}-answer_1", "changed")
        entry["values"]["answer_6"] = "сөз"
        self.expect("securities", f"{SECURITIES}-{entry['id']}-answer_6", "added")

    def key_of_an_entry(self) -> None:
        entry = self.entry()
        entry["keys"]["isin"] = isin(self.number())
        self.expect("securities", f"{SECURITIES}-{entry['id']}-isin", "changed")

    def criteria(self) -> None:
        entry = self.entry()
        entry["path"], entry["form"] = ["main", "notes"], "deep_securities/main/notes.v1"
        entry["parked"] = {"answer_2": entry["values"].pop("answer_2")}
        self.expect("securities", f"{SECURITIES}-{entry['id']}", "criteria")
        self.expect("securities", f"{SECURITIES}-{entry['id']}-answer_2", "removed")

    def entry_goes(self) -> None:
        entry = self.entry()
        self.securities["entries"].remove(entry)
        self.expect("securities", f"{SECURITIES}-{entry['id']}", "removed")

    def entry_comes(self) -> None:
        self.securities["last"] += 1
        entry = {**copy.deepcopy(self.securities["entries"][0]), "id": f"e{self.securities['last']}"}
        self.securities["entries"].append(entry)
        self.expect("securities", f"{SECURITIES}-{entry['id']}", "added")

    def holder(self) -> None:
        number = self.holders.pop()
        found = next(one for one in self.company["holders"]["entries"] if one["id"] == f"e{number}")
        found["values"]["kind"] = "fund"
        self.expect("company", f"holders-e{number}-kind", "changed")
        del found["values"]["share"]
        self.expect("company", f"holders-e{number}-share", "removed")


EDITS = (
    Editor.values_of_rows,
    Editor.rows_come_and_go,
    Editor.rows_move,
    Editor.files,
    Editor.answers_of_an_entry,
    Editor.key_of_an_entry,
    Editor.criteria,
    Editor.entry_goes,
    Editor.entry_comes,
    Editor.holder,
)


def retyped(form: Form, values: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Return what is kept after all of a form was typed anew, each answer in another of its ways."""
    raw: dict[str, str] = {}
    for asked in outline.leaves(form.outline(values)):
        if asked.value is None or not asked.field.kind.typed:
            continue
        for part in asked.field.parts or ("",):
            text = asked.field.entry(asked.value, part)
            if asked.field.type == "money":
                whole = f"{float(asked.value['amount']):,.2f}"
                text = chance.choice((whole.replace(",", " ").replace(".", ","), whole.replace(",", "\u00a0")))
            elif asked.field.type == "date":
                text = text.replace(".0", ".") if chance.random() < 0.5 else text
            elif asked.field.type in ("text", "multilingual"):
                text = f"  {text}\u00a0"
            raw[f"{asked.path}-{part}" if part else asked.path] = text
    parsed = form.parse(raw, before=values)
    assert parsed.problems == ()
    return parsed.values


def shuffled(value: Any, chance: random.Random) -> Any:
    """Return equal answers with the keys of every mapping in another order, read from JSON."""
    if isinstance(value, dict):
        return {key: shuffled(value[key], chance) for key in chance.sample(list(value), len(value))}
    if isinstance(value, list):
        return [shuffled(item, chance) for item in value]
    return json.loads(json.dumps(value))


def saved(application: Application, answers: dict[str, dict[str, Any]]) -> None:
    for stage, forms in answers.items():
        row_ = effects.save_answers(application, stage, copy.deepcopy(forms), by=person("issuer"), now=here.now())
        assert row_ is not None


def sent(application: Application) -> Application:
    moves.fire(application, "send_for_approval", by=person("issuer"), seen=application.version, now=here.now())
    return refetched(application)


def returned(application: Application) -> Application:
    approval.return_for_rework(
        application,
        by=person("first_head"),
        comments={"company.brand": "Тексеріңіз"},
        seen=application.version,
        now=here.now(),
    )
    return refetched(application)


def told(application: Application, old: int, new: int) -> list[tuple[str, str]]:
    """Return what a comparison of two versions tells, by their numbers."""
    known = {item.number: item for item in versions.sent(application, user=person("first_head"))}
    found = changes.between(application, known[old], known[new], drawing=Drawing("kk"))
    return [(change.place, change.kind) for stage in found.stages for change in stage.changes]


@pytest.fixture
def begun(deep):
    """A new application of the procedure of rounds, with its first version sent, and its answers."""
    signed_in(deep, "issuer")
    by = person("issuer")
    application = filing.create("deep_rounds", company_id=by.organisation.id, author=by, now=here.now())
    form = catalogue.present().forms.get(SECURITIES)
    rules = {"kind": "paid", "amount": "5", "pieces": "2", "twice": "4"}
    answers = {
        "company": {COMPANY: catalogue.present().forms.get(COMPANY).settled(company())},
        "securities": {SECURITIES: securities(form)},
        "rules": {"deep_rules": rules},
    }
    saved(application, answers)
    return sent(application), answers


@pytest.mark.parametrize("seed", range(3))
def test_forty_edits_over_three_rounds_are_all_told_and_nothing_else(begun, seed):
    application, answers = begun
    editor = Editor(seed, answers)
    form = catalogue.present().forms.get(COMPANY)
    expected: list[Told] = []
    for _ in range(2):
        application = returned(application)
        editor.told = set()
        total = form.settled(answers["company"][COMPANY])["total"]
        for edit in EDITS:
            edit(editor)
        if form.settled(answers["company"][COMPANY])["total"] != total:
            editor.told.add(("company.total", "changed"))  # what is reckoned from what was edited
        answers["company"][COMPANY] = retyped(form, answers["company"][COMPANY], editor.chance)
        saved(application, shuffled(answers, editor.chance))
        expected.append(editor.told)
        application = sent(application)

    assert sum(map(len, expected)) >= 40
    for number, ought in enumerate(expected, 1):
        found = told(application, number, number + 1)
        assert set(found) == ought
        assert len(found) == len(ought)  # and each once
    assert set(told(application, 1, 3)) == expected[0] | expected[1]


@pytest.mark.parametrize("seed", range(3))
def test_saving_and_typing_everything_anew_is_no_change(begun, seed):
    application, answers = begun
    chance = random.Random(seed)
    form = catalogue.present().forms.get(COMPANY)
    application = returned(application)
    before = queries.latest(application, "company").revision

    answers["company"][COMPANY] = retyped(form, answers["company"][COMPANY], chance)
    for number in range(3):
        answers["company"][COMPANY]["brand"] = f"Басқа {number}"  # there and back again
        saved(application, answers)
    answers["company"][COMPANY]["brand"] = "Алтын дала"
    saved(application, shuffled(answers, chance))
    application = sent(application)

    assert queries.latest(application, "company").revision > before
    assert told(application, 1, 2) == []


def test_what_a_version_says_never_changes_afterwards(begun):
    application, answers = begun
    application = returned(application)
    answers["company"][COMPANY]["brand"] = "Басқа"
    saved(application, answers)
    application = sent(application)
    [before] = versions.values(application, versions.sent(application, user=person("issuer"))[:1])
    application = returned(application)
    answers["company"][COMPANY]["brand"] = "Тағы басқа"
    saved(application, answers)
    db.session.commit()

    [after] = versions.values(application, versions.sent(application, user=person("issuer"))[:1])

    assert after == before
    assert after["company"][COMPANY]["brand"] == "Алтын дала"


def test_what_is_hidden_is_not_compared_and_what_is_computed_is_not_flagged(begun):
    application, answers = begun
    application = returned(application)
    answers["rules"]["deep_rules"] |= {"kind": "free", "amount": "7", "pieces": "3", "twice": "6"}
    saved(application, answers)
    application = sent(application)
    application = returned(application)
    answers["rules"]["deep_rules"]["amount"] = "9"  # hidden before and after
    saved(application, answers)
    application = sent(application)
    known = versions.sent(application, user=person("first_head"))

    [stage] = changes.between(application, known[0], known[1], drawing=Drawing("kk")).stages

    assert [(change.path, change.kind, change.is_unasked) for change in stage.changes] == [
        ("kind", "changed", True),
        ("amount", "removed", True),
        ("pieces", "changed", True),
        ("twice", "changed", False),
    ]
    assert told(application, 2, 3) == []


def test_a_comment_on_a_field_that_is_hidden_now_is_still_readable(deep, begun):
    application, answers = begun
    comments = {"rules.amount": "Тым аз"}
    approval.return_for_rework(
        application, by=person("first_head"), comments=comments, seen=application.version, now=here.now()
    )
    answers["rules"]["deep_rules"]["kind"] = "free"
    application = refetched(application)
    saved(application, answers)

    page = signed_in(deep, "issuer").get(f"/applications/{application.number}/comments")

    article = words(page.one(data_place="rules.amount"))
    for said in ("Тым аз", "Мөлшері", "1-нұсқадағы мәні:5", say("rounds.not_asked", "kk")):
        assert said in article
