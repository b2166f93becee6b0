"""Files as acts of their own: attached, replaced, removed, listed, accepted; wherever a form asks for them."""

from __future__ import annotations

import threading
from pathlib import Path

import houses
import papers
import pytest
from browser import Browser, signed_in, words
from factories import Teller, application_at, person, refetched, var_files
from sqlalchemy import func, select
from test_creating import address

from app import db
from app.applications import accepting, attachments, checklist, moves, queries, uploading
from app.applications.attachments import Upload
from app.applications.models import Attachment, AttachmentDecision
from app.audit.models import AuditEntry
from app.errors import Conflict, Invalid, NotFound, NotPermitted
from app.terms import say
from app.web import here
from tests.paperwork import definitions

NEW = "/procedures/paper_listing/new"
JSON = {"Accept": "application/json"}


@pytest.fixture(scope="module")
def paper_var(tmp_path_factory) -> Path:
    """The folder of the houses of these tests."""
    return tmp_path_factory.mktemp("paper")


@pytest.fixture(scope="module")
def paper_houses():
    """The houses that stand, by the kind of database."""
    found = {}
    yield found
    for house in found.values():
        house.engine.dispose()


@pytest.fixture
def paper(database, demo_folder, paper_var, paper_houses, request, built):
    """A house with the demo and the procedure of files, for one day."""
    if database not in paper_houses:
        url = ""
        if database == "postgresql":
            url = request.getfixturevalue("server").database(request.getfixturevalue("poured"))
        named = definitions(paper_var / database)
        paper_houses[database] = houses.copied(demo_folder, paper_var / database / "var", url, **named)
    with paper_houses[database].day() as found:
        yield found
    built(database).enter()


class Desk:
    """An author at a new application of the procedure of files."""

    def __init__(self, house) -> None:
        self.house = house
        self.author: Browser = signed_in(house, "issuer")
        self.number = self.author.send(self.author.get(NEW), NEW).location.rsplit("/", 1)[-1]

    def path(self, *parts: str) -> str:
        return address(self.number, *parts)

    def attach(self, field: str, *files: tuple[str, bytes], stage: str = "company", by=None, **more):
        """Attach files as the page's script does."""
        import io

        data = {"field": field, "file": [(io.BytesIO(content), name) for name, content in files], **more}
        return (by or self.author).post(self.path("stages", stage, "files"), data, headers=JSON)

    def remove(self, ident: int, stage: str = "company", by=None):
        return (by or self.author).post(self.path("stages", stage, "files", str(ident), "remove"), {}, headers=JSON)

    def press(self, name: str, value: str = "yes", stage: str = "company", **typed):
        path = self.path("stages", stage)
        return self.author.send(self.author.get(path), path, press=name, value=value, **typed)

    def kept(self, stage: str = "company", form: str = "paper_company"):
        row = queries.latest(refetched(self.number), stage)
        return row.values.get(form, {}) if row else {}

    def rows(self):
        return attachments.rows(refetched(self.number))

    def list(self):
        return checklist.of(refetched(self.number))

    def item(self, place: str):
        return next(item for item in self.list().items if item.place == place)


@pytest.fixture
def desk(paper) -> Desk:
    """The author's desk."""
    return Desk(paper)


def json(answer) -> dict:
    """Return what a script reads."""
    assert answer.answer.mimetype == "application/json", answer.text[:300]
    return answer.answer.get_json()


def refused(answer, code: int = 422) -> str:
    """Return the sentence of a refusal."""
    assert answer.status == code, (answer.status, answer.text[:300])
    return " ".join(problem["text"] for problem in json(answer)["problems"])


# Attach, replace, remove


@pytest.mark.req("IS2IN-16.i")
def test_a_file_is_attached_at_once_with_history_audit_and_a_revision(desk):
    content = papers.pdf("jargy")

    answer = desk.attach("charter", ("жарғы.pdf", content))

    told = json(answer)
    row = desk.rows()[0]
    assert (told["before"], told["revision"]) == (0, 1)
    assert told["files"] == [{"id": row.id, "name": "жарғы.pdf", "sha256": row.sha256}]
    assert row.sha256 in told["html"]
    assert desk.kept()["charter"] == [{"id": row.id, "name": "жарғы.pdf", "size": len(content), "sha256": row.sha256}]
    application = refetched(desk.number)
    assert application.stages["company"] == "filling"
    history = queries.history(application)[0]
    assert (history.act, history.words, history.stage) == ("attach", "жарғы.pdf", "company")
    entry = db.session.scalars(
        select(AuditEntry).where(AuditEntry.act == "files").order_by(AuditEntry.id.desc())
    ).first()
    assert entry.details["sha256"] == [row.sha256]
    assert desk.author.get(desk.path("attachments", str(row.id))).content == content


def test_what_was_typed_on_the_page_is_saved_after_a_file_was_attached_beside_it(desk):
    path = desk.path("stages", "company")
    page = desk.author.get(path)
    told = json(desk.attach("charter", ("a.pdf", papers.pdf())))

    page.one(name="revision").set("value", str(told["revision"]))  # as the script does
    answer = desk.author.send(page, path, press="save", remark="сөз")

    assert answer.status == 303
    assert set(desk.kept()) == {"remark", "charter"}


def test_replacing_keeps_the_old_file_for_the_history(desk):
    desk.attach("charter", ("old.pdf", papers.pdf("old")))
    old = desk.rows()[0].id

    answer = desk.attach("charter", ("new.pdf", papers.pdf("new")), replaces=str(old))

    assert answer.status == 200
    first, second = desk.rows()
    assert (first.removed_at is not None, first.removed_by_id) == (True, person("issuer").id)
    assert second.replaces_id == first.id
    assert [file["name"] for file in desk.kept()["charter"]] == ["new.pdf"]
    item = desk.item("company.charter")
    assert item.state == "replaced"
    assert [(file.row.name, file.state) for file in item.older] == [("old.pdf", "replaced")]
    assert desk.author.get(desk.path("attachments", str(old))).content == papers.pdf("old")
    assert queries.history(refetched(desk.number))[0].act == "replace_file"


def test_a_file_replaced_by_somebody_else_meanwhile_is_a_conflict(desk):
    desk.attach("charter", ("a.pdf", papers.pdf("a")))
    old = desk.rows()[0].id
    desk.attach("charter", ("b.pdf", papers.pdf("b")), replaces=str(old))

    told = refused(desk.attach("charter", ("c.pdf", papers.pdf("c")), replaces=str(old)), 409)
    removed = refused(desk.remove(old), 409)

    assert told == removed == say("file.err.gone", "kk")
    assert [file["name"] for file in desk.kept()["charter"]] == ["b.pdf"]


def test_a_file_is_removed_at_once_and_stays_for_the_history(desk):
    desk.attach("charter", ("a.pdf", papers.pdf()))
    ident = desk.rows()[0].id

    answer = desk.remove(ident)

    assert json(answer)["files"] == []
    assert "charter" not in desk.kept()
    assert desk.item("company.charter").state == "missing"
    assert [file.state for file in desk.item("company.charter").older] == ["removed"]
    assert desk.author.get(desk.path("attachments", str(ident))).status == 200


def test_several_files_come_in_one_request_or_none_does(desk):
    told = refused(desk.attach("charter", ("good.pdf", papers.pdf()), ("bad.pdf", b"MZ")))

    assert "bad.pdf" in told
    assert "good.pdf" not in told
    assert desk.rows() == []
    assert desk.attach("charter", ("a.pdf", papers.pdf("a")), ("b.jpeg", papers.jpg())).status == 200
    assert [file["name"] for file in desk.kept()["charter"]] == ["a.pdf", "b.jpg"]


@pytest.mark.parametrize("limit", ["count", "same"])
def test_a_file_too_many_and_the_same_file_twice_are_refused(desk, limit):
    desk.attach("charter", ("a.pdf", papers.pdf("a")))
    if limit == "count":
        answer = desk.attach("charter", ("b.pdf", papers.pdf("b")), ("c.pdf", papers.pdf("c")))
        wanted = say("field.err.files", "kk", most=2)
    else:
        answer, wanted = desk.attach("charter", ("b.pdf", papers.pdf("a"))), say("file.err.same", "kk")

    assert refused(answer) == wanted
    assert len(desk.rows()) == 1


def test_a_scan_is_taken_and_told_of_now_and_in_the_checklist(desk):
    told = json(desk.attach("charter", ("scan.pdf", papers.pdf(""))))

    assert told["notes"] == [{"name": "scan.pdf", "text": say("file.note.image_only", "kk")}]
    page = desk.author.get(desk.path("documents"))
    assert say("file.note.image_only", "kk") in page.main


@pytest.mark.parametrize("limit", ["MOST_FILES", "MOST_BYTES"])
def test_an_application_has_room_for_so_many_files(desk, limit, monkeypatch):
    monkeypatch.setattr(attachments, limit, 1)
    if limit == "MOST_FILES":
        desk.attach("charter", ("a.pdf", papers.pdf("a")))

    answer = desk.attach("charter", ("b.pdf", papers.pdf("b")))

    assert answer.status == 422
    assert len(desk.rows()) == (limit == "MOST_FILES")


# Files anywhere


def test_a_file_in_a_group_within_a_group_is_attached_and_removed_by_its_path(desk):
    desk.press("row-add", "directors")
    desk.press("row-add", "directors-e1-posts")
    path = "directors-e1-posts-e1-order"
    assert desk.item(f"company.{path}").wanted.is_missing

    assert desk.attach(path, ("order.pdf", papers.pdf())).status == 200

    assert desk.item(f"company.{path}").state == "attached"
    assert desk.author.get(desk.path("stages", "company")).one(data_file=str(desk.rows()[0].id)) is not None
    desk.remove(desk.rows()[0].id)
    assert desk.item(f"company.{path}").state == "missing"


def added(desk) -> None:
    """Add a security."""
    typed = {"paper_securities-platform": "main", "paper_securities-sector": "shares"}
    typed["paper_securities-isin"] = "KZ1C00001619"
    path = desk.path("stages", "securities")
    page = desk.author.get(path)
    desk.author.open("POST", path, data={**page.form(path), **typed, "add": "paper_securities"})
    assert desk.kept("securities", "paper_securities")["entries"]


def test_files_of_an_entry_and_of_a_group_in_it(desk):
    added(desk)
    desk.press("row-add", "paper_securities-e1-reports", stage="securities")
    prospectus, table = "paper_securities-e1-prospectus", "paper_securities-e1-reports-e1-table"

    assert desk.attach(prospectus, ("p.pdf", papers.pdf()), stage="securities").status == 200
    assert desk.attach(table, ("t.xlsx", papers.office("xlsx")), stage="securities").status == 200

    item = desk.item(f"securities.{prospectus}")
    assert (item.state, item.wanted.criteria, item.wanted.entry) == ("attached", ("main", "shares"), "e1")
    page = desk.author.get(desk.path("documents"))
    assert "Негізгі › Акциялар · Шығарылым құжаттары" in page.says(data_place=f"securities.{prospectus}")
    assert page.says(data_place=f"securities.{table}", data_state="attached")


def test_files_sent_with_the_form_of_an_entry_are_put_into_it(desk):
    added(desk)

    answer = desk.press("save", stage="securities", **{"paper_securities-e1-prospectus": ("p.pdf", papers.pdf())})

    assert answer.status == 303
    assert desk.item("securities.paper_securities-e1-prospectus").state == "attached"


def test_a_file_with_the_form_replaces_the_one_that_is_ticked(desk):
    desk.press("save", charter=("a.pdf", papers.pdf("a")))
    old = desk.rows()[0].id

    desk.press("save", charter=("b.pdf", papers.pdf("b")), **{f"remove-{old}": "yes"})

    assert desk.rows()[1].replaces_id == old
    assert [file["name"] for file in desk.kept()["charter"]] == ["b.pdf"]


# The checklist


def test_the_checklist_asks_for_exactly_what_done_demands(desk):
    added(desk)
    desk.press("save", has_pledge="yes")

    missing = {item.wanted.path for item in desk.list().missing}

    page = desk.press("done")
    demanded = {e.get("data-error-for") for e in page.root.iter() if e.get("data-error-for")}
    assert missing == {"charter", "pledge", "paper_securities-e1-prospectus"}
    assert demanded == {"charter", "pledge"}
    page = desk.press("done", stage="securities")
    assert {e.get("data-error-for") for e in page.root.iter()} - {None} == {"paper_securities-e1-prospectus"}


def test_all_gaps_stand_at_once_on_the_hub_and_on_the_page_of_documents(desk):
    desk.press("save", has_pledge="yes")

    for path in (desk.path(), desk.path("documents")):
        page = desk.author.get(path)
        found = page.one(data_checklist="")
        assert (found.get("data-done"), found.get("data-total")) == ("0", "2")
        assert "Жарғы" in words(found)
        assert "Кепіл шарты" in words(found)
    item = page.says(data_place="company.pledge")
    assert "Ереженің 7-тармағы" in item
    assert say("st.missing", "kk") in item


def test_a_file_of_a_hidden_field_stays_as_not_applicable_until_it_is_removed(desk):
    desk.press("save", has_pledge="yes")
    desk.attach("pledge", ("pledge.pdf", papers.pdf()))
    desk.attach("charter", ("a.pdf", papers.pdf("a")))
    ident = desk.rows()[0].id

    desk.press("save", has_pledge="no")
    assert desk.press("done").status == 303

    found = desk.list()
    assert [(file.row.id, file.state) for file in found.unneeded] == [(ident, "not_applicable")]
    assert "pledge.pdf" in desk.author.get(desk.path("documents")).main
    assert "pledge.pdf" not in desk.author.get(desk.path("summary")).main
    assert desk.remove(ident).status == 200
    assert desk.list().unneeded == ()
    assert "pledge" not in desk.kept()
    assert refetched(desk.number).stages["company"] == "filled"  # nobody had asked for it


def test_a_file_that_is_not_applicable_comes_back_with_its_question(desk):
    desk.press("save", has_pledge="yes")
    desk.attach("pledge", ("pledge.pdf", papers.pdf()))
    desk.press("save", has_pledge="no")

    desk.press("save", has_pledge="yes")

    assert desk.list().unneeded == ()
    assert desk.item("company.pledge").state == "attached"


@pytest.mark.parametrize("gone", ["row", "entry"])
def test_a_file_of_an_entry_that_is_gone_stays_as_not_applicable_until_it_is_removed(desk, gone):
    if gone == "row":
        stage = "company"
        desk.press("row-add", "directors")
        desk.press("row-add", "directors-e1-posts")
        desk.attach("directors-e1-posts-e1-order", ("order.pdf", papers.pdf()))
        desk.press("row-remove", "directors-e1")
    else:
        stage = "securities"
        added(desk)
        desk.attach("paper_securities-e1-prospectus", ("p.pdf", papers.pdf()), stage=stage)
        desk.press("remove", "paper_securities-e1", stage=stage)
    ident = desk.rows()[0].id

    assert [(file.row.id, file.state) for file in desk.list().unneeded] == [(ident, "not_applicable")]
    page = desk.author.get(desk.path("documents"))
    action = desk.path("stages", stage, "files", str(ident), "remove")
    assert desk.author.send(page, action).status == 303
    assert desk.list().unneeded == ()
    assert desk.rows()[0].removed_at is not None


def test_without_scripts_files_are_attached_and_replaced_on_the_page_of_documents(desk):
    path, action = desk.path("documents"), desk.path("stages", "company", "files")
    page = desk.author.get(path)

    answer = desk.author.send(page, action, file=("a.pdf", papers.pdf("")))

    page = desk.author.follow(answer)
    assert desk.item("company.charter").state == "attached"
    assert say("file.note.image_only", "kk") in page.main
    bad = desk.author.send(page, action, file=("a.exe", b"MZ"))
    assert bad.status == 422
    assert say("err.file_type", "kk", types="pdf, jpg") in bad.main
    nothing = desk.author.send(page, action)
    assert nothing.status == 422
    assert say("file.err.none_given", "kk") in nothing.main


# Two at once


def test_two_people_attach_to_one_field_at_once_and_both_files_stay(live):
    application = application_at("filling")
    number, newest = application.number, queries.latest(application, "documents")
    barrier, faults = threading.Barrier(2), []

    def give(key: str) -> None:
        with live.app.app_context():
            try:
                with attachments.received([Upload(f"{key}.pdf", papers.pdf(key))]) as given:
                    barrier.wait()
                    by = person(key)
                    db.session.rollback()
                    mine = queries.by_number(number, user=by, for_update=True)
                    uploading.attach(mine, "documents", "charter", given, by=by, now=here.now())
                    db.session.commit()
            except Exception as error:
                faults.append(error)
            finally:
                db.session.remove()

    from app.applications import filing

    filing.assign_colleague(application, person("clerk").id, by=person("issuer"), now=here.now())
    db.session.commit()
    threads = [threading.Thread(target=give, args=(key,)) for key in ("issuer", "clerk")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    values = queries.latest(refetched(number), "documents").values["documents"]
    assert {file["name"] for file in values["charter"]} == {"issuer.pdf", "clerk.pdf"}
    before = newest.revision if newest else 0
    assert queries.latest(refetched(number), "documents").revision == before + 2
    kept = {path.name for path in var_files(live.config)}
    assert {file["sha256"] for file in values["charter"]} <= kept


# The Exchange's people


def reviewed():
    """Return an application under expertise and one of its files."""
    application = application_at("expertise")
    row = next(row for row in attachments.rows(application) if row.field == "charter")
    return application, row


def decided(application, row, key="listing", seen=0, accepted=False, reason="Мөр жоқ"):
    """Record a reviewer's word."""
    return accepting.decide(
        application, row.id, accepted=accepted, reason=reason, seen=seen, by=person(key), now=here.now()
    )


def test_a_reviewer_does_not_accept_a_document_and_says_why(house):
    application, row = reviewed()
    number, ident = application.number, row.id
    reviewer, issuer = signed_in(house, "listing"), signed_in(house, "issuer")
    path = address(number, "documents")
    action = address(number, "attachments", str(ident), "decision")

    page = reviewer.get(path)
    without = reviewer.send(page, action, press="decision", value="reject")
    answer = reviewer.send(page, action, press="decision", value="reject", **{f"reason-{ident}": "Мөр жоқ"})

    assert without.status == 422
    assert without.error(f"reason-{ident}") == say("file.err.reason", "kk")
    assert answer.status == 303
    page = reviewer.get(path)
    assert page.one(data_place="documents.charter").get("data-state") == "rejected"
    assert "Мөр жоқ" in page.main
    history = queries.history(refetched(number))[0]
    assert (history.act, history.by_id) == ("reject_document", person("listing").id)
    # The applicant learns of it when this process has ended, as of remarks.
    for where in ("", "/documents", "/timeline"):
        assert "Мөр жоқ" not in issuer.get(address(number) + where).text
    assert issuer.get(path).one(data_place="documents.charter").get("data-state") == "attached"


def test_the_applicant_reads_the_decision_in_the_rework_and_a_new_file_is_to_be_judged_anew(house):
    application, row = reviewed()
    number = application.number
    decided(application, row)
    Teller(house.config).remark(application)
    db.session.commit()
    issuer = signed_in(house, "issuer")
    page = issuer.get(address(number, "documents"))

    assert "Мөр жоқ" in page.main
    assert page.one(data_place="documents.charter").get("data-state") == "rejected"
    assert person("listing").name not in page.says(data_place="documents.charter")
    assert say("docs.rejected", "kk") in page.main
    application = refetched(number)
    with attachments.received([Upload("b.pdf", papers.pdf("b"))]) as given:
        uploading.attach(
            application, "documents", "charter", given, by=person("issuer"), now=here.now(), replaces=row.id
        )
    item = next(item for item in checklist.of(application).items if item.place == "documents.charter")
    assert item.state == "replaced"
    # What is not sent yet, the Exchange does not see.
    sent = checklist.of(refetched(application), as_of=application.sent_at, for_exchange=True)
    assert [file.row.id for item in sent.items for file in item.files if item.place == "documents.charter"] == [row.id]
    assert "b.pdf" not in signed_in(house, "listing").get(address(number, "documents")).text


def test_two_reviewers_at_once_get_a_conflict_and_every_word_is_kept(house):
    application, row = reviewed()
    first = decided(application, row)

    with pytest.raises(Conflict, match=r"file\.err\.decided"):
        decided(application, row, key="lawyer", accepted=True)
    decided(application, row, key="lawyer", accepted=True, seen=first.id)

    rows = db.session.scalars(select(AttachmentDecision).order_by(AttachmentDecision.id)).all()
    assert [(item.accepted, item.reason) for item in rows] == [(False, "Мөр жоқ"), (True, "")]
    assert checklist.decisions(application)[row.id].accepted


@pytest.mark.parametrize("key", ["issuer", "first_head", "secretary", "compliance"])
def test_nobody_else_decides_on_documents(house, key):
    application, row = reviewed()

    with pytest.raises(NotPermitted):
        decided(application, row, key=key)


def test_a_file_that_was_not_sent_or_is_anothers_cannot_be_decided_on(house):
    application, _ = reviewed()
    foreign = next(iter(attachments.rows(application_at("registration", "BRKT"))))

    with pytest.raises(NotFound):
        decided(application, foreign)


def test_the_exchanges_own_files_are_not_the_applicants(desk):
    application = refetched(desk.number)
    for field, stage in (("charter", "company"),):
        desk.attach(field, ("a.pdf", papers.pdf()), stage=stage)
    for stage in ("company", "securities"):
        assert desk.press("done", stage=stage).status == 303
    application = refetched(desk.number)
    moves.fire(application, "hand_in", by=person("issuer"), seen=application.version, now=here.now())
    chancery = signed_in(desk.house, "chancery")
    chancery.get(desk.path("stages", "receipt"))

    assert desk.attach("memo", ("memo.pdf", papers.pdf("qupiya")), stage="receipt", by=chancery).status == 200

    row = desk.rows()[-1]
    path = desk.path("attachments", str(row.id))
    assert chancery.get(path).status == 200
    assert desk.author.get(path).status == 404
    assert "memo.pdf" not in desk.author.get(desk.path("documents")).text
    assert "memo.pdf" not in desk.author.get(desk.path("timeline")).text


# Nothing half done


def test_a_file_is_on_the_disk_exactly_when_its_row_is(live):
    application = application_at("filling")
    by, before = person("issuer"), var_files(live.config)

    def give(words: str) -> None:
        with attachments.received([Upload("a.pdf", papers.pdf(words))]) as given:
            uploading.attach(application, "documents", "charter", given, by=by, now=here.now())

    give("undone")
    db.session.rollback()
    assert {path for path in var_files(live.config) - before if "files" in path.parts} == set()
    assert db.session.scalar(select(func.count(Attachment.id)).where(Attachment.name == "a.pdf")) == 0
    application, by = application_at("filling"), person("issuer")
    with db.session.begin_nested():
        give("done")  # a savepoint that ends is no commit
    db.session.commit()
    row = db.session.scalars(select(Attachment).where(Attachment.name == "a.pdf")).one()
    assert [path.name for path in var_files(live.config) - before if "files" in path.parts] == [row.sha256]


def test_a_disk_that_takes_nothing_keeps_everything_as_it_was(desk, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(desk.house.app.extensions["kezen.storage"], "draft", full)

    answer = desk.attach("charter", ("a.pdf", papers.pdf()))

    assert refused(answer, 409) == say("file.err.not_kept", "kk")
    assert desk.rows() == []
    assert desk.kept() == {}


def test_drafts_that_a_killed_process_left_are_swept_away(tmp_path):
    import io

    from app.storage import Storage

    storage = Storage(tmp_path)
    left = storage.draft(io.BytesIO(b"half"), most=10)

    assert storage.sweep(before=left.path.stat().st_mtime) == 0
    assert storage.sweep(before=left.path.stat().st_mtime + 1) == 1
    assert not left.path.exists()


def test_a_field_that_is_not_asked_for_takes_no_file(desk):
    for field in (
        "pledge",
        "nosuch",
        "remark",
        "directors",
        "charter-1",
        "",
        "directors-e9-posts-e1-order",
        "__proto__",
    ):
        assert refused(desk.attach(field, ("a.pdf", papers.pdf()))) == say("file.err.no_field", "kk")
    with pytest.raises(Invalid):
        uploading.attach(refetched(desk.number), "company", "charter", [], by=person("issuer"), now=here.now())
    assert desk.rows() == []
