"""An application under way is moved to a newer version of its procedure: an explicit, checked, logged act of staff."""

from __future__ import annotations

import shutil

import houses
import pytest
from browser import signed_in
from factories import Teller, application_at, messages_of, new_application, person, refetched
from test_creating import address

from app import catalogue, db
from app.applications import queries, transfer, versions
from app.cli import versions as command
from app.config import ROOT
from app.errors import Conflict, NotPermitted
from app.web import clock

CHANGES = (
    ("version: 1", "version: 2"),
    (
        "stages: [listing_review, legal_review, financial_review]",
        "stages: [listing_review, risk_review, financial_review]",
    ),
    ("forms: [listing_review]", "forms: [listing_review, legal_review]"),
    ("forms: [issuer, listing_application]", "forms: [issuer]"),
    ("  legal_review:\n    title: {kk: Заң", "  risk_review:\n    title: {kk: Тәуекел"),
)
"""Of the listing of shares: another review, one that asks more, an application form that is asked no more."""


@pytest.fixture
def renewed(demo_folder, tmp_path, built, database, request):
    """A house whose listing of shares has a second version."""
    for folder in ("workflows", "forms"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    path = tmp_path / "workflows" / "share_listing.v1.yaml"
    text = path.read_text(encoding="utf-8")
    for old, new in CHANGES:
        assert old in text, old
        text = text.replace(old, new, 1)
    url = ""
    if database == "postgresql":
        url = request.getfixturevalue("server").database(request.getfixturevalue("poured"))
    named = {"KEZEN_WORKFLOWS": str(tmp_path / "workflows"), "KEZEN_FORMS": str(tmp_path / "forms")}
    found = houses.copied(demo_folder, tmp_path / "var", url, **named)
    with found.day() as house:
        (tmp_path / "workflows" / "share_listing.v2.yaml").write_text(text, encoding="utf-8")
        catalogue.configure(house.config)
        yield house
    found.engine.dispose()
    built(database).enter()


def reviewed(house):
    """Return an application in expertise, with the first review finished."""
    application = application_at("expertise")
    Teller(house.config).fill(application, ("listing_review",))
    db.session.commit()
    return refetched(application)


def test_nothing_moves_by_itself_and_those_who_may_move_it_are_told(renewed):
    application = application_at("expertise")
    root = address(application)

    told = {key: "transfer.offer" in signed_in(renewed, key).get(root).terms() for key in ("listing_head", "listing")}

    assert told == {"listing_head": True, "listing": False}
    assert refetched(application).procedure == "share_listing.v1"
    assert new_application().procedure == "share_listing.v2"


def test_the_page_tells_what_becomes_of_it_and_a_confirmed_move_does_just_that(renewed):
    application = reviewed(renewed)
    path, head = address(application, "procedure"), signed_in(renewed, "listing_head", "ru")
    before = len(messages_of(person("issuer")))
    page = head.get(path)
    assert page.one(data_key="transfer.affects").get("data-state") == "affects"
    assert "Экспертиза подразделения листинга" in page.says(data_told="transfer.again")
    assert "Экспертиза юридического подразделения" in page.says(data_told="transfer.due")
    assert "Заявление" in page.says(data_told="transfer.unasked")
    sent = versions.values(application, versions.sent(application, user=person("issuer")))

    done = head.send(page, path)

    assert done.location == address(application)
    moved = refetched(application)
    assert (moved.procedure, moved.process) == ("share_listing.v2", "expertise")
    assert moved.procedure_sha256 == catalogue.present().procedures.get("share_listing", 2).sha256
    assert (moved.stages["listing_review"], moved.stages["issuer"]) == ("filling", "filled")
    assert moved.forms == application.forms
    last = queries.history(moved)[0]
    assert (last.act, last.words, last.by_id) == ("transfer", "1 → 2", person("listing_head").id)
    assert len(messages_of(person("issuer"))) == before + 1
    assert versions.values(moved, versions.sent(moved, user=person("issuer"))) == sent
    for key in ("issuer", "lawyer", "listing"):
        for part in ("", "summary", "changes", "comments", "timeline", "documents"):
            assert signed_in(renewed, key).get(address(moved, part).rstrip("/")).status == 200, (key, part)
    assert "transfer.offer" not in head.get(address(moved)).terms()


def test_only_who_holds_the_permission_moves_what_was_sent_and_the_author_what_never_was(renewed):
    now = clock.now(renewed.config)
    sent, begun, at_head = (application_at(process).number for process in ("expertise", "filling", "first_head"))
    for key, number in (("listing", sent), ("issuer", sent), ("listing_head", begun), ("issuer", at_head)):
        assert signed_in(renewed, key).get(address(number, "procedure")).status in (403, 404), key
        application = refetched(number)
        with pytest.raises(NotPermitted):
            transfer.carry_out(application, seen=application.version, version=2, by=person(key), now=now)

    author, path = signed_in(renewed, "issuer"), address(begun, "procedure")
    assert author.send(author.get(path), path).status == 303
    assert refetched(begun).procedure == "share_listing.v2"


def test_where_it_stands_must_exist_in_the_new_version(renewed):
    path = renewed.config.workflows / "share_listing.v2.yaml"
    text = path.read_text(encoding="utf-8").replace(
        "  meeting:\n    title:\n      kk: Биржаның", "  sitting:\n    title:\n      kk: Биржаның", 1
    )
    text = text.replace("source: meeting\n", "source: sitting\n").replace("target: meeting\n", "target: sitting\n")
    text = text.replace(
        "sources: [registration, completeness, expertise, rework, rework_approval, conclusion, meeting",
        "sources: [registration, completeness, expertise, rework, rework_approval, conclusion, sitting",
    )
    path.write_text(text, encoding="utf-8")
    catalogue.configure(renewed.config)
    application = application_at("meeting")
    head, page_path = signed_in(renewed, "listing_head"), address(application, "procedure")

    page = head.get(page_path)

    assert "transfer.err.process_gone" in page.terms()
    assert "transfer.act" not in page.terms()
    now = clock.now(renewed.config)
    with pytest.raises(Conflict) as refusal:
        transfer.carry_out(application, seen=application.version, version=2, by=person("listing_head"), now=now)
    assert refusal.value.key == "transfer.err.process_gone"
    assert refetched(application).procedure == "share_listing.v1"


def test_what_has_moved_since_the_page_was_shown_is_not_moved_unseen(renewed):
    application = reviewed(renewed)
    head, path = signed_in(renewed, "listing_head"), address(application, "procedure")
    page = head.get(path)
    Teller(renewed.config).fill(refetched(application), ("legal_review",))
    db.session.commit()

    late = head.send(page, path)
    other = head.post(path, {**{name: texts[-1] for name, texts in head.get(path).form(path).items()}, "version": "3"})

    assert (late.status, other.status) == (409, 409)
    assert refetched(application).procedure == "share_listing.v1"
    assert head.send(late, path).status == 303
    assert head.get(path).says(data_key="transfer.nothing")


def test_check_against_says_what_moving_each_application_would_do(renewed, capsys):
    application = reviewed(renewed)

    code = command.tell(str(ROOT), renewed.config.workflows.parent)

    told = capsys.readouterr().out
    assert code == command.AFFECTS_DATA
    assert "share_listing.v1 -> share_listing.v2: affects data" in told
    assert "process expertise: stage risk_review added (affects running applications)" in told
    assert (
        f"application {application.number} (expertise): due now: risk_review; to be finished again: listing_review"
        in told
    )
    assert "(archived)" not in told
