"""The workflow files as shipped: sound, complete, and in the manual's own words."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from app.forms.definitions import load as load_forms
from app.permissions import EXECUTOR_ROLES
from app.terms import LANGUAGES, say, terms
from app.workflows.definitions import ProcedureLibrary, cross_check, load
from app.workflows.guards import CATEGORIES, EXECUTORS, ORGANISATION_KINDS, Facts, Position
from app.workflows.machine import Procedure
from app.workflows.parts import Order, StageKind

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def library() -> ProcedureLibrary:
    library, faults = load(ROOT / "workflows", ROOT)
    assert faults == []
    return library


@pytest.fixture(scope="module")
def listing(library: ProcedureLibrary) -> Procedure:
    return library.get("share_listing", 1)


def test_the_procedures_agree_with_the_forms_and_the_words(library):
    forms, faults = load_forms(ROOT / "forms", ROOT)
    keys = forms.keys()

    assert faults == []
    assert cross_check(library, lambda key: forms.get(key) if key in keys else None, terms()) == []


@pytest.mark.req("IS2IN-11.1", "IS2IN-11.2", "IS2IN-11.3", "IS2IN-11.4", "IS2IN-11.a", "IS2IN-14.b", "IS2IN-14.c")
def test_a_procedure_is_processes_of_subprocesses_of_stages_of_forms(listing):
    for process in listing.processes.values():
        assert process.final or process.subprocesses or process.key == "result"
        for subprocess in process.subprocesses:
            assert subprocess.stages
            for key in subprocess.stages:
                stage = listing.stages[key]
                assert bool(stage.forms) is (stage.kind in (StageKind.FILL, StageKind.WORK))
    assert {form for stage in listing.stages.values() for form in stage.forms} == set(listing.forms)


@pytest.mark.req("IS2IN-11.7", "IS2IN-11.a")
def test_every_process_has_a_status_in_three_languages(listing):
    for process in listing.processes.values():
        for language in LANGUAGES:
            assert say(process.state_key, language)


@pytest.mark.parametrize(
    ("process", "subprocess", "stage", "term"),
    [
        ("filling", None, None, "proc.fill"),
        ("filling", "dispatch", None, "proc.check_send_sub"),
        ("filling", "dispatch", "summary", "proc.check_send"),
        ("filling", "data", "requirements", "obj.extra_listing_requirements"),
        ("filling", "data", "adviser_choice", "proc.choose_adviser"),
        ("first_head", "approval", "approval", "proc.head_approval"),
        ("first_head", "approval", "signing", "proc.signing"),
        ("registration", None, None, "proc.registration"),
        ("rework", "dispatch", None, "proc.check_send_sub"),
    ],
)
@pytest.mark.req("IS2IN-14.e", "IS2IN-14.j", "IS2IN-19.a", "IS2IN-23.b")
def test_the_names_are_the_manuals_own(listing, process, subprocess, stage, term):
    title = listing.processes[process].title
    if subprocess is not None:
        [found] = [each for each in listing.processes[process].subprocesses if each.key == subprocess]
        title = found.title
        if stage is not None:
            assert stage in found.stages
            title = listing.stages[stage].title

    assert {language: title[language] for language in LANGUAGES} == terms()[term]


@pytest.mark.req("IS2IN-25.a", "IS2IN-26.a")
def test_the_standing_subprocesses_have_the_manuals_names(listing):
    titles = {subprocess.key: subprocess.title.kk for subprocess in listing.standing}

    assert titles == {
        "view_sent": "Биржаға жіберілген өтініштер мен құжаттарды қарау",
        "withdrawal": "Өтінішті кері қайтарып алу",
    }


def test_the_way_to_the_archive_is_whole(listing):
    way = [
        ("filling", "author"),
        ("first_head", "first_head"),
        ("registration", "chancery"),
        ("completeness", "listing"),
        ("expertise", "listing"),
        ("conclusion", "listing_head"),
        ("meeting", "secretary"),
        ("decision", "secretary"),
        ("letter", "listing"),
        ("result", "listing"),
        ("archived", None),
    ]
    steps = {(each.source, each.target) for each in listing.transitions}

    for (source, executor), (target, _) in pairwise(way):
        assert listing.processes[source].executor == executor
        assert (source, target) in steps


def test_the_departments_review_in_parallel_each_its_own_stage(listing):
    [review] = listing.processes["expertise"].subprocesses

    assert review.order is Order.PARALLEL
    assert [listing.executor_of(stage, "expertise") for stage in review.stages] == ["listing", "lawyer", "analyst"]


def test_every_executor_and_every_button_has_words_in_three_languages(library):
    for procedure in library.procedures.values():
        for transition in procedure.transitions:
            assert transition.title is not None or transition.key in terms()
    for language in LANGUAGES:
        assert all(say(f"workflow.executor.{executor}", language) for executor in EXECUTORS)


def test_the_engines_words_are_those_of_the_rest_of_the_house():
    assert set(EXECUTOR_ROLES) | {"author", "adviser", "first_head", "respondent"} == set(EXECUTORS)
    assert {f"cat.{category}" for category in CATEGORIES} <= set(terms())
    assert {f"role.{kind}" for kind in ORGANISATION_KINDS} <= set(terms())


def test_every_stage_can_be_opened(library):
    for procedure in library.procedures.values():
        for process in procedure.processes.values():
            position = Position(process.key)
            for _ in process.stages:
                for stage in procedure.open_stages(position, Facts()):
                    if stage in procedure.unfinished(position):
                        position = procedure.finish(
                            position, stage, Facts(signature_valid=True, issued=frozenset([stage]))
                        )
            assert set(process.stages) <= set(procedure.reachable(position, Facts()))


CRITERIA = {"kk": "листингілік критерий", "ru": "листинговым критериям", "en": "listing criteria"}
INITIATOR = {"kk": "рұқсаттама бастамашы", "ru": "инициатор", "en": "initiator"}
WITHOUT_CRITERIA = {"issue_changes", "voluntary_delisting"}
"""Of category listing, and about securities that are listed already: no criteria are confirmed again."""


@pytest.mark.req("IS2IN-14.e")
@pytest.mark.parametrize("language", LANGUAGES)
def test_only_who_is_to_be_listed_confirms_the_listing_criteria_in_the_manuals_sentence(library, language):
    asking = {
        each.key
        for each in library.newest()
        if "filling" in each.processes and CRITERIA[language] in each.processes["filling"].title[language]
    }

    filed = {each.key for each in library.newest() if each.category == "listing" and "filling" in each.processes}
    assert asking == filed - WITHOUT_CRITERIA
    titles = {library.get(key).processes["filling"].title[language] for key in asking}
    assert titles == {say("proc.fill", language)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_is_no_initiator_of_admission_is_not_called_one(library, language):
    for procedure in library.newest():
        if procedure.category in ("listing", "nonlisted"):
            continue
        titles = [(key, process.title[language]) for key, process in procedure.processes.items()]
        titles += [(key, stage.title[language]) for key, stage in procedure.stages.items()]
        titles += [
            (each.key, each.title[language])
            for process in procedure.processes.values()
            for each in process.subprocesses
        ]
        assert [key for key, title in titles if INITIATOR[language] in title.lower()] == [], procedure.key


@pytest.mark.parametrize(
    ("key", "body"),
    [
        ("share_listing", "listing_commission"),
        ("bond_listing", "listing_commission"),
        ("commercial_bonds", "management_board"),
    ],
)
def test_the_decision_table_says_which_body_decides_on_a_listing(library, key, body):
    procedure = library.get(key)
    [use] = [each for each in procedure.tables if each.key == "body"]
    asked = [each.trigger for each in procedure.transitions if "body" in each.decides]

    given = {name: value for name, value in use.given.items() if value is not None}
    assert use.versions[-1].row(given).then == {"body": body}
    assert asked == ["approve_conclusion"]
