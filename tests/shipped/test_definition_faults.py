"""`flask check` finds every seeded fault of a copy of the shipped files, and names its file and key.

Each row is one slip of the pen: the file, the words replaced, and the key that must be named.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli.definitions import check, graph
from app.cli.forms import example
from app.demo.people import COMPANIES, PEOPLE
from app.workflows.definitions import load_files

ROOT = Path(__file__).resolve().parents[2]
LISTING = "workflows/share_listing.v1.yaml"
UI = "words/ui.csv"

WORKFLOW_FAULTS = [
    # (the slip, what stood there, what stands there now, the key, a part of the line)
    ("a procedure of another name", "procedure: share_listing", "procedure: bond_listing", "procedure", "file's name"),
    ("a version of another number", "version: 1\n", "version: 2\n", "version", "file's name"),
    ("an unknown category", "category: listing", "category: lisitng", "category", "'listing'"),
    ("a missing language", "\n  ru: Включение акций в официальный список Биржи", "", "title.ru", "required"),
    ("a number prefix in small letters", "number_prefix: LP", "number_prefix: lp", "number_prefix", "capital"),
    ("an unknown kind of organisation", "[initiator, adviser]", "[issuer, adviser]", "open_to.0", "known: adviser"),
    ("an unknown initial process", "initial: filling", "initial: filing", "initial", "did you mean 'filling'?"),
    ("a final process at the beginning", "initial: filling", "initial: archived", "initial", "is final"),
    ("an unknown key", "    state: on_approval", "    statte: on_approval", "statte", "remove it or correct"),
    (
        "an unknown executor",
        "executor: chancery",
        "executor: chancary",
        "processes.registration.executor",
        "'chancery'?",
    ),
    ("a process without an executor", "    executor: chancery\n", "", "processes.registration", "no executor"),
    (
        "an unknown executor of a stage",
        "executor: lawyer",
        "executor: layer",
        "stages.legal_review.executor",
        "'lawyer'?",
    ),
    ("an unknown kind of stage", "kind: signing", "kind: singing", "stages.signing.kind", "'signing'"),
    ("an unknown order", "order: parallel", "order: paralel", "subprocesses.review.order", "'parallel'"),
    ("an unknown stage in a process", "[registration]", "[registraton]", "registration.stages.0", "'registration'?"),
    (
        "a stage twice in a process",
        "[approval, signing]",
        "[approval, approval, signing]",
        "first_head.subprocesses",
        "2 times",
    ),
    (
        "a stage that stands nowhere",
        "[conclusion, conclusion_approval, ",
        "[meeting, conclusion_approval, ",
        "stages.conclusion",
        "stands in no process",
    ),
    ("an unknown form", "forms: [listing_review]", "forms: [listing_revue]", "listing_review.forms.0", "is unknown"),
    (
        "forms in a stage that asks nothing",
        "kind: approval",
        "kind: approval\n    forms: [issuer]",
        "forms",
        "no forms",
    ),
    ("a stage with nothing to fill in", "    forms: [documents]\n", "", "stages.documents", "nothing to fill in"),
    (
        "a stage that follows none",
        "follows: adviser_choice",
        "follows: advicer",
        "adviser_statement.follows",
        "unknown",
    ),
    (
        "stages that follow each other",
        "skip_if: financial_organisation_without_adviser",
        "follows: adviser_statement",
        "stages.adviser_choice.follows",
        "circle",
    ),
    ("an unknown condition of skipping", "skip_if: financial_org", "skip_if: finansial_org", "skip_if", "did you mean"),
    ("an unknown guard", "guards: [has_comments]", "guards: [has_coments]", "guards.0", "did you mean 'has_comments'?"),
    (
        "a guard with an argument too many",
        "[has_comments]",
        "[{has_comments: issuer}]",
        "guards.0",
        "write has_comments",
    ),
    (
        "a guard without its stage",
        "{stage_done: listing_review}",
        "stage_done",
        "guards.2",
        "write stage_done: <stage>",
    ),
    ("a guard on an unknown stage", "{stage_done: listing_review}", "{stage_done: review}", "stage_done", "unknown"),
    ("an outcome without its value", ", value: complete}", "}", "transitions.5.guards.1", "outcome_is: {stage"),
    (
        "an outcome of an unknown field",
        "field: verdict, value: complete}",
        "field: verdikt, value: complete}",
        "outcome_is.field",
        "did you mean 'verdict'?",
    ),
    ("an outcome of an unknown option", "value: incomplete", "value: uncomplete", "outcome_is.value", "incomplete"),
    ("an unknown effect", "effects: [record_meeting]", "effects: [record_meting]", "effects.0", "'record_meeting'?"),
    ("an unknown target", "target: meeting", "target: meting", "transitions.13.target", "did you mean 'meeting'?"),
    ("an unknown source", "source: letter", "source: leter", "transitions.16.source", "did you mean 'letter'?"),
    ("a way out of a final process", "source: result", "source: withdrawn", "source", "is final"),
    ("a process with no way to an end", "source: result", "source: letter", "processes.result", "final process"),
    ("a process that cannot be reached", "target: rework_approval", "target: rework", "rework_approval", "be reached"),
    ("a button on a stage of another process", "stage: meeting\n", "stage: letter\n", "transitions.14.stage", "letter"),
    ("somebody unknown to be told", "notify: [secretary]", "notify: [secretery]", "notify.0", "'secretary'?"),
    (
        "a button of unknown words",
        "key: act.send_letter",
        "key: act.send_leter",
        "key",
        "did you mean 'act.send_letter'?",
    ),
    ("a button without words", "    key: act.send_letter\n", "", "transitions.16", "no words"),
    ("a status of unknown words", "state: decision_made", "state: decision_mad", "letter.state", "'decision_made'?"),
    (
        "two ways that cannot be told apart",
        "signed_by_first_head, {stage_done: listing_review}]",
        "signed_by_first_head, {stage_not_done: listing_review}]",
        "transitions.12.trigger",
        "already leaves",
    ),
    (
        "deleting after sending",
        "sources: [filling, first_head]",
        "sources: [filling, rework]",
        "sources.1",
        "after sending",
    ),
    ("deleting what was sent", "guards: [not_sent]", "guards: []", "interruptions.0.guards", "not_sent"),
    (
        "withdrawing without end",
        "guards: [sent, meeting_not_appointed]\n    effects",
        "guards: [sent]\n    effects",
        "interruptions.1.guards",
        "never ends",
    ),
    (
        "an interruption offered that there is not",
        "offers: [withdraw]",
        "offers: [withdrow]",
        "offers.0",
        "'withdraw'?",
    ),
    ("work that stands everywhere", "stages: [view_sent]", "stages: [letter]", "view_sent.stages.0", "kind view"),
    ("a key that stands twice", "initial: filling", "initial: filling\ninitial: filling", "initial", "duplicate key"),
    ("broken brackets", "open_to: [initiator, adviser]", "open_to: [initiator, adviser", "(file)", "correct the YAML"),
    ("markup in words", "en: Inclusion of", "en: <b>Inclusion</b> of", "title.en", "plain text"),
    ("an alias", "open_to: [initiator, adviser]", "open_to: &all [initiator, adviser]", "(file)", "aliases"),
]

ISSUER, CRITERIA = "issuer.v1.yaml", "extra_listing_requirements/_criteria.v1.yaml"
PREMIUM = "extra_listing_requirements/main/shares/premium.v1.yaml"

FORM_FAULTS = [
    # (the file, the slip, what stood there, what stands there now, the key, a part of the line)
    (ISSUER, "a form of another name", "form: issuer", "form: isuer", "form", "file's name"),
    (ISSUER, "a version of another number", "version: 1", "version: 3", "version", "file's version"),
    (ISSUER, "an unknown type of field", "type: bin", "type: binn", "fields.bin.type", "did you mean 'bin'?"),
    (ISSUER, "a field that stands twice", "key: short_name", "key: full_name", "full_name.key", "stands twice"),
    (ISSUER, "a missing language", ', en: "BIN"}', "}", "fields.bin.label.en", "required"),
    (ISSUER, "an example that is not valid", '"091240999993"', '"091240999990"', "fields.bin.example", "not valid"),
    (
        ISSUER,
        "a choice of an unknown example",
        "example: joint_stock_company",
        "example: jsc",
        "legal_form.example",
        "not valid",
    ),
    (
        ISSUER,
        "an option its type does not know",
        "type: bin",
        "type: bin\n        currency: KZT",
        "fields.bin.currency",
        "remove it",
    ),
    (ISSUER, "an unknown key", "required: true", "requiered: true", "fields.full_name.requiered", "remove it"),
    (ISSUER, "no form at all", "sections:", "sektions:", "sektions", "did you mean 'sections'?"),
    (CRITERIA, "a list that leads nowhere", "under: [main]", "under: [mian]", "under", "no path of the levels"),
    (
        CRITERIA,
        "a form to which no choice leads",
        "      premium: {",
        "      premuim: {",
        "levels",
        "no choice leads to",
    ),
    (PREMIUM, "a form inside of another name", "form: premium", "form: premuim", "form", "file's name"),
]

TERM_FAULTS = [
    ("a missing language", "act.save,Сақтау,Сохранить,Save", "act.save,Сақтау,,Save", "act.save", "'ru'"),
    ("a key that stands twice", "act.save,", "act.done,", "act.done", "stands already"),
    (
        "a comma without quotes",
        "act.save,Сақтау,Сохранить,Save",
        "act.save,Сақтау,Сохранить,Save, now",
        "act.save",
        "quotes",
    ),
    (
        "a placeholder of another name",
        "not allowed. Allowed: {types}",
        "not allowed. Allowed: {kinds}",
        "err.file_type",
        "differ",
    ),
    ("an open brace", "larger than allowed: {max}", "larger than allowed: {max", "err.file_size", "braces"),
    ("a key that will not do", "act.save,", "Act Save,", "Act Save", "key will not do"),
    ("other columns", "key,kk,ru,en", "key,kk,en,ru", "(file)", "columns"),
]


def _not_of(asked: Collection[str], folder: str, names: Sequence[str]) -> list[str]:
    """Return what of the folder of forms is not among those ``asked`` for; a test a fault is many readings."""
    return [name for name in names if name.partition(".")[0] not in asked] if Path(folder) == ROOT / "forms" else []


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the shipped definition files: of the share listing, its forms and all words."""
    procedure, _ = load_files([ROOT / LISTING], ROOT)
    asked = procedure.get("share_listing").forms
    (tmp_path / "workflows").mkdir()
    shutil.copy(ROOT / LISTING, tmp_path / LISTING)
    shutil.copytree(ROOT / "workflows" / "_tables", tmp_path / "workflows" / "_tables")
    shutil.copytree(ROOT / "forms", tmp_path / "forms", ignore=lambda folder, names: _not_of(asked, folder, names))
    shutil.copytree(ROOT / "app" / "terms" / "words", tmp_path / "words")
    return tmp_path


def run(*paths: Path) -> Result:
    return CliRunner().invoke(check, [str(path) for path in paths])


def test_the_folders_in_force_are_checked_drawn_and_given_examples_from(tmp_path, monkeypatch):
    for name in ("workflows", "forms"):
        shutil.copytree(ROOT / name, tmp_path / name)
        monkeypatch.setenv(f"KEZEN_{name.upper()}", str(tmp_path / name))
    (tmp_path / "workflows" / "own_way.v1.yaml").write_text("x: 1\n", encoding="utf-8")
    own = (tmp_path / "forms" / "letter.v1.yaml").rename(tmp_path / "forms" / "own_letter.v1.yaml")
    own.write_text(own.read_text(encoding="utf-8").replace("form: letter", "form: own_letter"), encoding="utf-8")

    found = run()

    assert found.exit_code == 1
    assert str(tmp_path / "workflows" / "own_way.v1.yaml") in found.output
    assert "form 'letter' is unknown" in found.output
    assert CliRunner().invoke(example, ["own_letter"]).exit_code == 0


def seed(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is no longer in {path.name}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def assert_told(result: Result, file: Path, key: str, words: str) -> None:
    assert result.exit_code == 1, result.output
    lines = [line for line in result.stdout.splitlines() if line.startswith(str(file))]
    assert any(f"{key}: " in line and words in line for line in lines), result.output


def assert_told_alone(result: Result, file: Path, key: str, words: str) -> None:
    assert_told(result, file, key, words)
    assert len(result.stdout.splitlines()) == 1, result.output


@pytest.mark.parametrize(
    ("slip", "old", "new", "key", "words"), WORKFLOW_FAULTS, ids=[row[0] for row in WORKFLOW_FAULTS]
)
def test_a_fault_of_a_workflow_is_told_with_its_file_and_key(copy, slip, old, new, key, words):
    seed(copy / LISTING, old, new)

    result = run(copy / "workflows")

    if slip == "a process that cannot be reached":  # its neighbour comes to no end either
        assert_told(result, copy / LISTING, key, words)
    else:
        assert_told_alone(result, copy / LISTING, key, words)


@pytest.mark.parametrize(("slip", "old", "new", "key", "words"), TERM_FAULTS, ids=[row[0] for row in TERM_FAULTS])
def test_a_fault_of_a_term_is_told_with_its_file_and_key(copy, slip, old, new, key, words):
    seed(copy / UI, old, new)

    assert_told_alone(run(copy / "words"), copy / UI, key, words)


@pytest.mark.parametrize(
    ("file", "slip", "old", "new", "key", "words"), FORM_FAULTS, ids=[row[1] for row in FORM_FAULTS]
)
def test_a_fault_of_a_form_is_told_with_its_file_and_key(copy, file, slip, old, new, key, words):
    seed(copy / "forms" / file, old, new)

    assert_told_alone(run(copy / "forms"), copy / "forms" / file, key, words)


def test_a_dynamic_form_without_its_criteria_is_told(copy):
    (copy / "forms" / CRITERIA).unlink()

    assert_told(run(copy / "forms"), (copy / "forms" / CRITERIA).parent, "(file)", "criteria")


def test_a_faulty_form_is_told_once_and_not_again_by_the_procedures_that_name_it(copy):
    seed(copy / "forms" / "completeness.v1.yaml", "type: choice", "type: choise")

    lines = run(copy).stdout.splitlines()

    assert {line.partition(":")[0] for line in lines} == {str(copy / "forms" / "completeness.v1.yaml")}


def test_every_fault_of_every_file_is_told_at_once(copy):
    seed(copy / LISTING, "executor: chancery", "executor: chancary")
    seed(copy / LISTING, "target: meeting", "target: meting")
    seed(copy / UI, "act.save,Сақтау,Сохранить,Save", "act.save,Сақтау,,Save")

    result = run(copy)

    assert_told(result, copy / LISTING, "processes.registration.executor", "chancary")
    assert_told(result, copy / LISTING, "transitions.13.target", "meting")
    assert_told(result, copy / UI, "act.save", "'ru'")


MANY = [
    # (the file, what stood there, what stands there now, the key, a part of the line), all independent of each other
    (LISTING, "version: 1\n", "version: one\n", "version", "integer"),
    (LISTING, "category: listing", "category: lisitng", "category", "'listing'"),
    (LISTING, "\n  ru: Включение акций в официальный список Биржи", "", "title.ru", "required"),
    (LISTING, "[initiator, adviser]", "[issuer, adviser]", "open_to.0", "known: adviser"),
    (LISTING, "    state: on_approval", "    statte: on_approval", "processes.first_head.statte", "mean 'state'"),
    (LISTING, "executor: chancery", "executor: chancary", "processes.registration.executor", "'chancery'?"),
    (LISTING, "[registration]", "[registraton]", "registration.stages.0", "'registration'?"),
    (LISTING, "kind: signing", "kind: singing", "stages.signing.kind", "'signing'"),
    (LISTING, "state: decision_made", "state: decision_mad", "letter.state", "'decision_made'?"),
    (LISTING, "forms: [meeting]", "forms: [meetingx]", "stages.meeting.forms.0", "is unknown"),
    (LISTING, "forms: [documents]", "forms: documents", "stages.documents.forms", "list"),
    (LISTING, "follows: adviser_choice", "follows: advicer", "adviser_statement.follows", "unknown"),
    (LISTING, "guards: [has_comments]", "guards: [no_such_guard]", "transitions.1.guards.0", "is unknown"),
    (LISTING, ", value: complete}", "}", "transitions.5.guards.1", "outcome_is: {stage"),
    (LISTING, "value: incomplete", "value: uncomplete", "outcome_is.value", "incomplete"),
    (LISTING, "target: conclusion", "target: nowhere_at_all", "transitions.8.target", "is unknown"),
    (LISTING, "effects: [record_meeting]", "effects: [record_meting]", "effects.0", "'record_meeting'?"),
    (LISTING, "notify: [secretary]", "notify: [secretery]", "notify.0", "'secretary'?"),
    (LISTING, "key: act.send_letter", "key: act.send_leter", "transitions.16.key", "'act.send_letter'?"),
    (LISTING, "guards: [not_sent]", "guards: []", "interruptions.0.guards", "not_sent"),
    ("forms/issuer.v1.yaml", "version: 1", "version: one", "version", "integer"),
    ("forms/issuer.v1.yaml", "form: issuer", "form: isuer", "form", "file's name"),
    ("forms/issuer.v1.yaml", "key: short_name", "key: full_name", "full_name.key", "stands twice"),
    ("forms/issuer.v1.yaml", ', en: "Foreign organisation"', "", "options.foreign_company.en", "required"),
    ("forms/issuer.v1.yaml", "example: joint_stock_company", "example: jsc", "legal_form.example", "not valid"),
    ("forms/issuer.v1.yaml", "type: bin", "type: binn", "fields.bin.type", "did you mean 'bin'?"),
    ("forms/completeness.v1.yaml", "max_length: 6000", "max_length: 0", "gaps.max_length", "greater than"),
    (f"forms/{CRITERIA}", "version: 1", "version: one", "version", "integer"),
    (f"forms/{CRITERIA}", 'main: {kk: "Негізгі", ', "main: {", "options.main.kk", "required"),
    (f"forms/{CRITERIA}", "under: [main]", "under: [mian]", "fund_securities.under", "no path of the levels"),
    (f"forms/{CRITERIA}", "      premium: {", "      premuim: {", "levels", "no choice leads to"),
    (f"forms/{CRITERIA}", "key: nin", "key: share_kind", "keys.share_kind.key", "stands in"),
    (f"forms/{PREMIUM}", "form: premium", "form: premuim", "form", "file's name"),
    (f"forms/{PREMIUM}", "type: cfi", "type: cfii", "fields.cfi.type", "did you mean 'cfi'?"),
    (UI, "act.save,Сақтау,Сохранить,Save", "act.save,Сақтау,,Save", "act.save", "'ru'"),
    (UI, "larger than allowed: {max}", "larger than allowed: {max", "err.file_size", "braces"),
    (UI, "act.send_file,", 'act.send_file,"', "act.send_file", "quotes"),
]


def test_many_faults_of_many_files_are_all_told_at_once_and_nothing_else(copy):
    for file, old, new, _, _ in MANY:
        seed(copy / file, old, new)

    result = run(copy)

    for file, _, _, key, words in MANY:
        assert_told(result, copy / file, key, words)
    lines = result.stdout.splitlines()
    assert len(lines) == len(MANY), result.output
    places = [(line.split(":")[0], int(line.split(":")[1])) for line in lines]
    assert places == sorted(places)


@pytest.mark.parametrize("value", ["one", "5", "[1]", "null", '""'])
@pytest.mark.parametrize(
    "key", ["version", "procedure", "open_to", "initial", "processes", "stages", "standing", "transitions", "title"]
)
def test_a_part_of_a_wrong_shape_is_told_alone_and_the_rest_is_checked(copy, key, value):
    text = (copy / LISTING).read_text(encoding="utf-8")
    part = re.search(rf"^{key}:.*\n(?:(?: .*)?\n| .*\n|#.*\n)*", text, re.MULTILINE)
    spoilt = text.replace(part[0], f"{key}: {value}\n")
    spoilt = spoilt.replace("number_prefix: LP", "number_prefix: lp")
    (copy / LISTING).write_text(spoilt, encoding="utf-8")

    keys = [line.split(": ")[1] for line in run(copy).stdout.splitlines()]

    assert "number_prefix" in keys
    assert len(keys) > 1
    assert all(each == "number_prefix" or each.startswith(key) for each in keys), keys


@pytest.mark.parametrize("target", ["registration", "rework_approval", "conclusion", "decision", "letter", "archived"])
def test_a_wrong_target_is_told_once_and_not_again_by_what_follows_it(copy, target):
    seed(copy / LISTING, f"target: {target}\n", "target: nowhere_at_all\n")

    lines = run(copy).stdout.splitlines()

    assert len(lines) == 1, lines
    assert "'nowhere_at_all' is unknown" in lines[0]


def test_a_cut_road_is_told_where_it_is_cut(copy):
    seed(copy / LISTING, "source: conclusion\n", "source: meeting\n")

    lines = run(copy).stdout.splitlines()

    assert [
        line.split(": ", 1)[1].partition("; for example")[0] for line in lines if "reach" in line or "leads" in line
    ] == [
        "processes.conclusion: no transition leads from here to a final process; "
        "add a transition with source: conclusion",
        "processes.meeting: cannot be reached; add a transition with target: meeting",
    ]


def test_a_file_of_another_name_is_told(copy):
    (copy / LISTING).rename(copy / "workflows" / "listing.yaml")

    assert_told(run(copy / "workflows"), copy / "workflows" / "listing.yaml", "(file)", "share_listing.v1.yaml")


def test_a_file_that_is_nothing_of_the_kind_is_told(copy):
    (copy / "workflows" / "notes.yaml").write_text("milk: 2\n", encoding="utf-8")

    assert_told(run(copy / "workflows"), copy / "workflows" / "notes.yaml", "(file)", "neither a workflow")


def test_the_shipped_files_have_no_fault():
    result = run()

    assert result.exit_code == 0, result.output
    assert result.output.rstrip().endswith("files, no faults")


def test_a_single_file_of_any_kind_can_be_checked(copy):
    for path in (copy / LISTING, copy / UI, copy / "forms" / ISSUER, copy / "forms" / PREMIUM):
        assert run(path).output == "1 files, no faults\n"


def test_a_single_form_inside_a_dynamic_one_is_checked_with_its_tree_and_told_alone(copy):
    seed(copy / "forms" / PREMIUM, "form: premium", "form: premuim")
    seed(copy / "forms" / ISSUER, "form: issuer", "form: isuer")

    lines = run(copy / "forms" / PREMIUM).stdout.splitlines()

    assert lines
    assert all(line.startswith(str(copy / "forms" / PREMIUM)) for line in lines)


def test_a_procedure_is_drawn_by_its_key_or_its_version():
    for name in ("share_listing", "share_listing.v1"):
        result = CliRunner().invoke(graph, [name, "--language", "ru"])
        assert result.exit_code == 0
        assert result.output.startswith("<svg ")
        assert "Включение акций" in result.output


@pytest.mark.parametrize("name", ["nosuch", "share_listing.v99", "share_listing.vx"])
def test_an_unknown_procedure_is_refused_with_the_known_ones(name):
    result = CliRunner().invoke(graph, [name])

    assert result.exit_code == 2
    known = result.output.partition("known: ")[2].replace("\n", " ").split(", ")
    assert {"bond_listing.v1", "share_listing.v1"} <= {each.strip() for each in known}


@pytest.mark.parametrize(
    ("missing", "key", "words"),
    [
        ("chancery", "processes.registration.executor", "nobody who is chancery"),
        ("lawyer", "stages.legal_review.executor", "nobody who is lawyer"),
        ("first_head", "processes.first_head.executor", "no first head of initiator or adviser"),
        ("adviser", "open_to.1", "nobody of an organisation of kind 'adviser'"),
    ],
)
def test_a_part_that_nobody_in_the_demo_can_play_is_told(copy, monkeypatch, missing, key, words):
    advisers = {company.code for company in COMPANIES if company.kind == "adviser"}
    left = [person for person in PEOPLE if missing not in person.roles]
    if missing == "first_head":
        left = [person for person in PEOPLE if not person.is_first_head]
    if missing == "adviser":
        left = [person for person in PEOPLE if person.company not in advisers]
    monkeypatch.setattr("app.cli.definitions.PEOPLE", tuple(left))

    assert_told(run(copy / "workflows"), copy / LISTING, key, words)


def test_an_unsound_procedure_is_told_with_an_example(copy):
    seed(copy / LISTING, "    executor: lawyer\n", "    executor: adviser\n")

    result = run(copy)

    key = "processes.expertise.subprocesses.review.stages.1"
    assert_told(result, copy / LISTING, key, "for example: a new application")
