"""The Exchange's list of organisations, and their names through time (ESRV-16.1)."""

from __future__ import annotations

import pytest
from factories import application_at, company, messages_of, organisation, person

from app import db
from app.applications import cabinet, document
from app.audit.models import AuditEntry
from app.errors import Conflict, Invalid, NotPermitted
from app.organisations import operations, queries


def renamed(now, code="ALTN", by="listing", **given):
    org = company(code)
    names = {"kk": "«Күміскен» АҚ", "ru": "АО «Кумискен»", "en": "Kumisken JSC"}
    operations.rename(
        org, given.get("names", names), basis=given.get("basis", "Анықтама № 7"), seen=given.get("seen", org.names),
        by=person(by), now=now,
    )  # fmt: skip
    return org


@pytest.mark.req("ESRV-16.1.a")
@pytest.mark.parametrize(
    "words", ["Алтынд", "алтындан", "Altyndan", "АЛТЫНДӘН", "Күміс", "кумискен", "050340001235", "altn"]
)
def test_a_client_is_found_by_present_and_former_names_in_three_languages(browser, house, now, words):
    renamed(now)

    page = browser("chancery").get(f"/orgs?q={words}")

    assert [row.get("data-org") for row in page.root.iter("tr") if row.get("data-org")] == ["ALTN"]


def test_the_row_says_by_which_former_name_it_was_found(browser, house, now):
    renamed(now)

    assert "org.former" in browser("listing").get("/orgs?q=Алтындән").terms()
    assert "org.former" not in browser("listing").get("/orgs?q=Күміскен").terms()


@pytest.mark.req("ESRV-16.1.b")
def test_documents_of_an_earlier_application_keep_the_name_of_their_time(house, now):
    application = application_at("archived")
    kept = {row.sha256: house.app.extensions["kezen.storage"].get(row.sha256) for row in _documents(application)}

    renamed(now)

    assert "«Алтындән» АҚ" in document._page(application, language="kk")
    assert "«Күміскен» АҚ" in document._page(application_at("filling"), language="kk")
    storage = house.app.extensions["kezen.storage"]
    assert all(storage.get(sha256) == content for sha256, content in kept.items())


def _documents(application):
    from app.applications import queries as applications

    found = applications.documents(application)
    assert found
    return found


@pytest.mark.req("ESRV-16.1.a")
def test_the_archive_is_searched_by_former_names_too(house, now):
    renamed(now)

    for words in ("Алтындән", "Кумискен"):
        assert application_at("archived") in cabinet.archive(person("chancery"), words=words)
    assert application_at("archived") not in cabinet.archive(person("chancery"), words="Берекет")


def test_the_former_name_stands_with_its_date_and_who_renames_last_is_told(browser, house, now):
    old = company("ALTN").names
    org = renamed(now)

    assert org.names_at(now) == org.names
    assert org.former_names[0].names == old
    assert "org.former_until" in browser("compliance").get(f"/orgs/{org.id}").terms()
    with pytest.raises(Conflict):
        renamed(now, seen=old, names={"kk": "а", "ru": "б", "en": "c"})


@pytest.mark.parametrize("given", [{"names": {"kk": "", "ru": "a", "en": "b"}}, {"basis": " "}])
def test_a_name_needs_three_languages_and_a_basis(house, now, given):
    with pytest.raises(Invalid):
        renamed(now, **given)


@pytest.mark.parametrize("key", ["chancery", "lawyer", "admin", "compliance", "issuer"])
def test_only_the_desk_renames(house, now, key):
    with pytest.raises(NotPermitted):
        renamed(now, by=key)


def test_the_page_of_an_organisation_shows_people_key_partners_and_past_acting_heads(browser, house):
    page = browser("lawyer").get(f"/orgs/{company('ALTN').id}")

    assert page.one(data_user=person("first_head").email) is not None
    assert {"key.st.confirmed", "nav.partnership", "acting.title"} <= page.terms()
    assert "Бұйрық № 41-Ж" in page.main
    assert not page.all(data_form="rename")
    assert browser("listing").get(f"/orgs/{company('ALTN').id}").one(data_form="rename") is not None


def test_the_list_goes_by_pages_and_by_kind(browser, house):
    for number in range(51):
        organisation(f"ZZ{number:02}", kind="candidate")

    page = browser("listing").get("/orgs?kind=candidate")

    assert len([row for row in page.root.iter("tr") if row.get("data-org")]) == 50
    count = len([each for each in queries.everybody() if each.kind == "candidate"])
    assert page.one(data_count=str(count)) is not None


def test_the_desk_corrects_an_iin_and_the_confirmed_key_lapses(browser, house):
    organisation, head = company("ALTN"), person("first_head")
    assert head.membership.may_sign
    wrong, path = head.iin, f"/orgs/{organisation.id}"
    assert f'action="{path}/iin"' not in browser("chancery").get(path).main
    someone = browser("listing")
    shown = someone.get(path)
    given = {"iin_user": f"{head.id}-{wrong}", "iin": "820707300054", "iin_basis": "Жеке куәлік № 012345678"}

    for change, field in (
        ({"iin_user": ""}, "iin_user"),
        ({"iin": "820707300055"}, "iin"),
        ({"iin": wrong}, "iin"),
        ({"iin": person("clerk").iin}, "iin"),
        ({"iin_basis": " "}, "iin_basis"),
    ):
        refused = someone.send(shown, f"{path}/iin", **given | change)
        assert (refused.status, bool(refused.error(field))) == (422, True), change
    answer = someone.send(shown, f"{path}/iin", **given)

    assert answer.status == 303, answer.main
    head = person("first_head")
    assert (head.iin, head.membership.may_sign, head.membership.key_confirmed_at) == ("820707300054", False, None)
    assert queries.signing_iins(company("ALTN")) == frozenset()
    assert messages_of(head)[0].message == messages_of(person("issuer"))[0].message == "notice.iin_corrected"
    row = db.session.query(AuditEntry).filter_by(act="iin_corrected").one()
    assert "820707300054" not in str(row.details)
    assert someone.send(shown, f"{path}/iin", **given | {"iin": "900101300017"}).status == 409, "it has moved"
