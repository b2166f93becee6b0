"""A second procedure by files only: it appears, runs and is archived without a line of Python."""

from __future__ import annotations

import shutil
from pathlib import Path

import houses
import pytest
from browser import signed_in
from factories import mails_to, messages_of, person, refetched
from test_creating import address

from app import catalogue, db
from app.applications import queries
from app.config import ROOT
from app.definition_files import FaultyDefinitions

FORM = """
form: address_notice
version: 1
title: {kk: Мекенжайдың өзгеруі, ru: Изменение адреса, en: Change of address}
sections:
  - key: address
    title: {kk: Жаңа мекенжай, ru: Новый адрес, en: New address}
    fields:
      - key: new_address
        type: text
        required: true
        max_length: 200
        label: {kk: Жаңа мекенжай, ru: Новый адрес, en: New address}
        example: "050000, Алматы қ., Абай даңғылы, 1"
      - key: valid_from
        type: date
        required: true
        label: {kk: Қай күннен бастап, ru: С какого дня, en: Valid from}
        example: "01.12.2026"
"""

RECEIPT = """
form: address_receipt
version: 1
title: {kk: Қабылдау белгісі, ru: Отметка о приеме, en: Receipt}
sections:
  - key: receipt
    title: {kk: Белгі, ru: Отметка, en: Note}
    fields:
      - key: note
        type: text
        required: true
        max_length: 100
        label: {kk: Белгі, ru: Отметка, en: Note}
        example: "Қабылданды"
"""

PROCEDURE = """
procedure: address_change
version: 1
category: disclosure
title: {kk: Мекенжайдың өзгеруі туралы хабарлау, ru: Уведомление об изменении адреса, en: Notice of a change of address}
number_prefix: AD
open_to: [initiator]
initial: filling
processes:
  filling:
    title: {kk: Хабарламаны толтыру, ru: Заполнение уведомления, en: Filling in the notice}
    short_title: {kk: Толтыру, ru: Заполнение, en: Filling}
    executor: author
    state: filling
    subprocesses:
      data:
        title: {kk: Мәліметтер, ru: Сведения, en: Data}
        stages: [address]
  receipt:
    title: {kk: Хабарламаны қабылдау, ru: Прием уведомления, en: Receipt of the notice}
    short_title: {kk: Қабылдау, ru: Прием, en: Receipt}
    executor: chancery
    state: awaiting_registration
    subprocesses:
      receipt:
        title: {kk: Қабылдау, ru: Прием, en: Receipt}
        stages: [receipt]
  archived:
    title: {kk: Мұрағат, ru: Архив, en: Archive}
    state: archived
    final: true
stages:
  address:
    title: {kk: Жаңа мекенжай, ru: Новый адрес, en: New address}
    forms: [address_notice]
  receipt:
    title: {kk: Қабылдау белгісі, ru: Отметка о приеме, en: Note of receipt}
    kind: work
    forms: [address_receipt]
transitions:
  - trigger: hand_in
    title: {kk: Биржаға беру, ru: Подать на Биржу, en: Hand in to the Exchange}
    source: filling
    target: receipt
    guards: [every_stage_done]
    effects: [send_file]
    notify: [author, chancery]
  - trigger: archive
    key: act.archive
    source: receipt
    stage: receipt
    target: archived
    guards: [every_stage_done]
    effects: [assign_number, archive]
    notify: [author]
"""


@pytest.fixture
def second(database, demo_folder, request, tmp_path, built):
    """A house whose folders of definitions hold one procedure and two forms more."""
    for folder in ("workflows", "forms"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "forms" / "address_notice.v1.yaml").write_text(FORM, encoding="utf-8")
    (tmp_path / "forms" / "address_receipt.v1.yaml").write_text(RECEIPT, encoding="utf-8")
    (tmp_path / "workflows" / "address_change.v1.yaml").write_text(PROCEDURE, encoding="utf-8")
    url = ""
    if database == "postgresql":
        url = request.getfixturevalue("server").database(request.getfixturevalue("poured"))
    house = houses.copied(
        demo_folder,
        tmp_path / "var",
        url,
        KEZEN_WORKFLOWS=str(tmp_path / "workflows"),
        KEZEN_FORMS=str(tmp_path / "forms"),
    )
    with house.day() as found:
        yield found
    house.engine.dispose()
    built(database).enter()


@pytest.mark.req("IS2IN-P.2", "IS2IN-P.4", "ESRV-17.a")
def test_a_procedure_of_files_alone_goes_from_the_list_of_procedures_to_the_archive(second):
    author, chancery = signed_in(second, "issuer"), signed_in(second, "chancery")

    page = author.get("/procedures")
    assert "Мекенжайдың өзгеруі туралы хабарлау" in page.main
    new = "/procedures/address_change/new"
    made = author.send(author.get(new), new)
    number = made.location.rsplit("/", 1)[-1]
    assert number.startswith("AD-")

    stage = address(number, "stages", "address")
    gaping = author.send(author.get(stage), stage, press="done")
    assert gaping.status == 422
    assert gaping.error("new_address")
    early = author.post(address(number, "transitions", "hand_in"), {"seen": str(refetched(number).version)})
    assert early.status == 409
    assert "Жаңа мекенжай" in early.main
    done = author.send(
        author.get(stage),
        stage,
        press="done",
        new_address="050000, Алматы қ., Абай даңғылы, 1",
        valid_from="01.12.2026",
    )
    assert done.status == 303
    assert chancery.get(address(number)).status == 404
    author.send(author.get(address(number)), address(number, "transitions", "hand_in"))

    assert messages_of(person("chancery"))[0].application_number == number
    assert number in mails_to(person("chancery").email)[0].subject
    assert number in chancery.get("/queue").main
    work = address(number, "stages", "receipt")
    archived = chancery.send(chancery.get(work), work, press="trigger", value="archive", note="Қабылданды")

    assert archived.status == 303
    application = refetched(number)
    assert (application.process, bool(application.registration_number)) == ("archived", True)
    assert number in author.get("/archive").main
    assert number not in author.get("/applications").main
    assert number in author.get("/questionnaires").main
    assert author.get(address(number, "summary.pdf")).content.startswith(b"%PDF-")
    assert author.get("/procedures/address_change/map.svg").status == 200
    again = author.send(author.get(f"{new}?from={number}"), new)
    second_number = again.location.rsplit("/", 1)[-1]
    kept = queries.latest(refetched(second_number), "address").values["address_notice"]
    assert kept["new_address"] == "050000, Алматы қ., Абай даңғылы, 1"


def test_who_it_is_not_open_to_cannot_file_it(second):
    someone = signed_in(second, "auditor")
    someone.get("/procedures/address_change/new")

    company = person("auditor").organisation.id
    assert someone.post("/procedures/address_change/new", {"company": str(company)}).status == 422


def test_an_application_keeps_the_version_it_began_with_when_a_new_one_comes(second):
    author = signed_in(second, "issuer")
    new = "/procedures/address_change/new"
    old = author.send(author.get(new), new).location.rsplit("/", 1)[-1]
    folder = Path(second.config.workflows)
    newer = PROCEDURE.replace("version: 1", "version: 2", 1).replace(
        "stages: [address]", "stages: [address, address_two]"
    )
    newer = newer.replace(
        "  receipt:\n    title: {kk: Қабылдау белгісі",
        "  address_two:\n    title: {kk: Екінші мекенжай, ru: Второй адрес, en: Second address}\n"
        "    forms: [address_notice]\n  receipt:\n    title: {kk: Қабылдау белгісі",
    )
    (folder / "address_change.v2.yaml").write_text(newer, encoding="utf-8")
    form = (
        FORM.replace("version: 1", "version: 2")
        .replace("max_length: 200", "max_length: 20")
        .replace('"050000, Алматы қ., Абай даңғылы, 1"', '"Абай даңғылы, 1"')
    )
    (Path(second.config.forms) / "address_notice.v2.yaml").write_text(form, encoding="utf-8")
    db.session.commit()
    catalogue.configure(second.config)

    fresh = author.send(author.get(new), new).location.rsplit("/", 1)[-1]

    assert (refetched(old).procedure, refetched(fresh).procedure) == ("address_change.v1", "address_change.v2")
    assert "Екінші мекенжай" in author.get(address(fresh)).main
    assert "Екінші мекенжай" not in author.get(address(old)).main
    long = {"new_address": "050000, Алматы қ., Абай даңғылы, 1", "valid_from": "01.12.2026"}
    for number, status in ((old, 303), (fresh, 422)):
        path = address(number, "stages", "address")
        assert author.send(author.get(path), path, press="done", **long).status == status


def test_a_broken_file_stops_the_start_and_every_fault_is_told(second):
    (Path(second.config.workflows) / "address_change.v1.yaml").write_text(
        PROCEDURE.replace("target: receipt", "target: nowhere").replace("executor: chancery", "executor: nobody"),
        encoding="utf-8",
    )
    (Path(second.config.forms) / "address_notice.v1.yaml").write_text(
        FORM.replace("type: date", "type: dat"), encoding="utf-8"
    )

    with pytest.raises(FaultyDefinitions) as refusal:
        houses.House.build(second.config)

    told = str(refusal.value)
    for fault in ("nowhere", "nobody", "dat", "address_change.v1.yaml", "address_notice.v1.yaml"):
        assert fault in told
