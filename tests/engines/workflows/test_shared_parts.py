"""Shared parts of procedures: joined under what the file says itself, and blamed where they stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli.definitions import check
from app.workflows.definitions import load
from app.workflows.machine import Procedure

READING = """\
part: reading
version: 1
processes:
  reading:
    title: {kk: Оқу, ru: Чтение, en: Reading}
    executor: listing
    state: under_review
    subprocesses:
      look:
        title: {kk: Қарау, ru: Просмотр, en: Look}
        stages: [look]
stages:
  look: {title: {kk: Қарау, ru: Просмотр, en: Look}, kind: work}
transitions:
  - {trigger: answer, key: act.send_letter, source: reading, target: archived, guards: [every_stage_done]}
  - {trigger: give_back, key: act.return_for_rework, source: reading, target: writing, reason_required: true}
interruptions:
  - trigger: withdraw
    key: act.withdraw
    sources: [reading]
    target: withdrawn
    guards: [sent, not_decided]
"""

ENDS = """\
part: ends
version: 1
processes:
  archived: {title: {kk: Мұрағат, ru: Архив, en: Archive}, state: archived, final: true}
  withdrawn: {title: {kk: Қайтарылды, ru: Отозвано, en: Withdrawn}, state: withdrawn, final: true}
interruptions:
  - trigger: withdraw
    sources: [writing]
"""

NOTICE = """\
procedure: notice
version: 1
use: [reading.v1, ends.v1]
category: disclosure
title: {kk: Хабарлама, ru: Уведомление, en: Notice}
number_prefix: TN
open_to: [initiator]
initial: writing
processes:
  writing:
    title: {kk: Жазу, ru: Составление, en: Writing}
    executor: author
    state: draft
    subprocesses:
      text: {title: {kk: Мәтін, ru: Текст, en: Text}, stages: [words]}
  reading:
    title: {kk: Хабарламаны оқу, ru: Чтение уведомления, en: Reading of the notice}
    subprocesses:
      look: {stages: [look, opinion]}
stages:
  words: {title: {kk: Сөздер, ru: Слова, en: Words}, forms: [issuer]}
  opinion: {title: {kk: Пікір, ru: Мнение, en: Opinion}, kind: work}
transitions:
  - {trigger: hand_in, key: act.send_file, source: writing, target: reading, effects: [send_file]}
  - {trigger: answer, key: act.archive, source: reading, target: archived, guards: [every_stage_done]}
"""

FILES = {"_shared/reading.v1.yaml": READING, "_shared/ends.v1.yaml": ENDS, "notice.v1.yaml": NOTICE}

Write = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(changed: Mapping[str, str] = {}) -> Path:
        for name, text in {**FILES, **changed}.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return written


def notice_of(folder: Path) -> Procedure:
    library, faults = load(folder, folder)
    assert faults == []
    return library.get("notice")


def faults_of(folder: Path) -> list[str]:
    return [str(fault) for fault in load(folder, folder)[1]]


def line(text: str, words: str) -> int:
    return next(number for number, each in enumerate(text.splitlines(), 1) if words in each)


def test_what_the_procedure_says_stands_in_place_of_what_its_parts_say(write: Write) -> None:
    notice = notice_of(write())

    assert list(notice.processes) == ["reading", "archived", "withdrawn", "writing"]
    reading = notice.processes["reading"]
    assert (reading.title.en, reading.executor) == ("Reading of the notice", "listing")
    [look] = reading.subprocesses
    assert (look.title.en, look.stages) == ("Look", ("look", "opinion"))
    assert {(each.trigger, each.source): each.key for each in notice.transitions if not each.is_interruption} == {
        ("answer", "reading"): "act.archive",
        ("give_back", "reading"): "act.return_for_rework",
        ("hand_in", "writing"): "act.send_file",
    }


def test_an_interruption_said_in_pieces_is_one_from_all_their_sources(write: Write) -> None:
    withdrawals = notice_of(write()).interruptions

    assert [(each.source, each.target, each.key) for each in withdrawals] == [
        ("reading", "withdrawn", "act.withdraw"),
        ("writing", "withdrawn", "act.withdraw"),
    ]


def test_the_stages_come_in_the_order_of_the_processes(write: Write) -> None:
    assert list(notice_of(write()).stages) == ["look", "opinion", "words"]


def test_the_procedure_is_another_when_a_part_is(write: Write) -> None:
    before = notice_of(write()).sha256
    after = notice_of(write({"_shared/ends.v1.yaml": ENDS.replace("Қайтарылды", "Кері алынды")})).sha256

    assert before != after


@pytest.mark.parametrize(
    ("file", "old", "new", "at", "told"),
    [
        ("_shared/reading.v1.yaml", "executor: listing", "executor: listng", "executor: listng", "'listng' is unknown"),
        ("_shared/reading.v1.yaml", "target: writing", "target: wriitng", "wriitng", "process 'wriitng' is unknown"),
        ("_shared/ends.v1.yaml", "sources: [writing]", "sources: [reading]", "sources", "stands 2 times"),
        ("notice.v1.yaml", "stages: [look, opinion]", "stages: [look, opinon]", "opinon", "'opinon' is unknown"),
        ("notice.v1.yaml", "use: [reading.v1", "use: [readng.v1", "use:", "did you mean 'reading.v1'?"),
        ("notice.v1.yaml", "use: [reading.v1, ends.v1]", "use: reading.v1", "use:", "are no list"),
        ("_shared/ends.v1.yaml", "part: ends", "part: end", "part: end", "write part: ends"),
        ("_shared/ends.v1.yaml", "processes:", "proceses:", "proceses", "this key is unknown"),
    ],
)
def test_a_fault_is_told_where_its_line_stands(write: Write, file: str, old: str, new: str, at: str, told: str) -> None:
    text = FILES[file].replace(old, new)
    folder = write({file: text})

    faults = faults_of(folder)

    assert any(fault.startswith(f"{file}:{line(text, at)}: ") and told in fault for fault in faults), faults
    assert all(fault.startswith(f"{file}:") for fault in faults), faults


def test_a_fault_of_a_part_is_told_once_whoever_uses_it(write: Write) -> None:
    faulty = READING.replace("executor: listing", "executor: listng")
    second = NOTICE.replace("procedure: notice", "procedure: other")
    folder = write({"_shared/reading.v1.yaml": faulty, "other.v1.yaml": second})

    [fault] = faults_of(folder)

    assert "(used by notice.v1.yaml)" in fault


def test_a_part_is_checked_by_itself_in_the_procedures_that_use_it(write: Write) -> None:
    folder = write({"_shared/reading.v1.yaml": READING.replace("target: writing", "target: nowhere")})
    (folder / "_shared" / "aside.v1.yaml").write_text("part: aside\nversion: 2\n", encoding="utf-8")

    whole = CliRunner().invoke(check, [str(folder)])
    alone = CliRunner().invoke(check, [str(folder / "_shared" / "reading.v1.yaml")])
    sound = CliRunner().invoke(check, [str(folder / "_shared" / "ends.v1.yaml")])

    assert "process 'nowhere' is unknown" in whole.output
    assert "write version: 1" in whole.output
    assert alone.output.count("_shared/reading.v1.yaml") == 1
    assert (alone.exit_code, sound.exit_code) == (1, 0)
