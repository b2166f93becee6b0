"""The shipped share listing, and a tiny second procedure that no Python knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.workflows.definitions import ProcedureLibrary, load
from app.workflows.machine import Procedure

ROOT = Path(__file__).resolve().parents[3]

TINY = """\
procedure: tiny_notice
version: 1
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
      text:
        title: {kk: Мәтін, ru: Текст, en: Text}
        stages: [first, second, extra]
  reading:
    title: {kk: Оқу, ru: Чтение, en: Reading}
    executor: listing
    state: under_review
    subprocesses:
      look:
        title: {kk: Қарау, ru: Просмотр, en: Look}
        stages: [look]
  archived: {title: {kk: Мұрағат, ru: Архив, en: Archive}, state: archived, final: true}
  withdrawn: {title: {kk: Қайтарылды, ru: Отозвано, en: Withdrawn}, state: withdrawn, final: true}
stages:
  first: {title: {kk: Бірінші, ru: Первый, en: First}, forms: [issuer]}
  second: {title: {kk: Екінші, ru: Второй, en: Second}, forms: [issuer]}
  extra: {title: {kk: Қосымша, ru: Дополнительный, en: Extra}, forms: [issuer], optional: true}
  look: {title: {kk: Қарау, ru: Просмотр, en: Look}, kind: work}
transitions:
  - trigger: hand_in
    title: {kk: Тапсыру, ru: Сдать, en: Hand in}
    source: writing
    target: reading
    guards: [every_stage_done]
    effects: [send_file]
  - {trigger: archive, key: act.archive, source: reading, target: archived, guards: [every_stage_done]}
interruptions:
  - {trigger: withdraw, key: act.withdraw, sources: everywhere, target: withdrawn, guards: [not_decided]}
"""


@pytest.fixture(scope="session")
def shipped() -> ProcedureLibrary:
    library, faults = load(ROOT / "workflows", ROOT)
    assert faults == []
    return library


@pytest.fixture(scope="session")
def listing(shipped: ProcedureLibrary) -> Procedure:
    return shipped.get("share_listing", 1)


@pytest.fixture
def tiny_text() -> str:
    """The file of the tiny procedure."""
    return TINY


@pytest.fixture
def tiny(tmp_path: Path) -> Procedure:
    (tmp_path / "tiny_notice.v1.yaml").write_text(TINY, encoding="utf-8")
    library, faults = load(tmp_path, tmp_path)
    assert faults == []
    return library.get("tiny_notice")
