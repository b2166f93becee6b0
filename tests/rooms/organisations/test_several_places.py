"""One person in several organisations: one place at a time, and nothing done or seen in another one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from browser import fields_of, words
from factories import (
    PASSWORD,
    application_at,
    company,
    mails_to,
    messages_of,
    new_application,
    organisation,
    partnership,
    person,
    refetched,
    user,
)
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app import db
from app.accounts import sessions
from app.accounts.models import LoginSession, User
from app.applications import addressees, cabinet, effects, filing, moves, queries
from app.audit.models import AuditEntry
from app.errors import Conflict, NotFound, NotPermitted
from app.organisations import admitting, heads, inviting, joining, operations, staffing
from app.organisations import queries as organisations
from app.organisations.models import Invitation, Membership
from app.permissions import Permission, Role
from app.web import here

SITE = "https://is2in.example"
EMAIL = "eki@orin.example"
TYPED = {
    "last_name": "Екіорынов", "first_name": "Асан", "patronymic": "",
    "position": "Бас бухгалтер", "phone": "+77011112233",
}  # fmt: skip


@pytest.fixture
def both(house):
    """A person of the demo's issuer, its administrator, who works for the other issuer too, as nothing more."""
    found = user(company("ALTN"), email=EMAIL, is_admin=True, position="Директор")
    db.session.add(Membership(user=found, organisation=company("BRKT"), is_usual=False, position="Бас бухгалтер"))
    db.session.flush()
    db.session.expire(found, ["memberships"])
    return found


def somebody():
    return db.session.scalars(select(User).where(User.email == EMAIL)).unique().one()


def place_of(who, code):
    return next(each for each in who.memberships if each.organisation.code == code)


def gone(browser, code):
    """Return the page of the person's browser after going to an organisation."""
    return browser.post("/places", {"place": str(place_of(somebody(), code).id)})


def signed(browser, **given):
    found = browser(**given)
    assert found.sign_in(EMAIL, PASSWORD).status == 303
    found.get("/profile")
    return found


# What a place is


def test_organisation_and_roles_are_those_of_one_place_at_a_time(both, house):
    assert both.organisation.code == "ALTN"
    assert Role.ORG_ADMIN in both.roles

    inviting.work_usually_in(place_of(both, "BRKT"))

    assert both.organisation.code == "BRKT"
    assert Role.ORG_ADMIN not in both.roles
    assert {each.organisation.code for each in both.places} == {"ALTN", "BRKT"}


@pytest.mark.parametrize(("code", "is_usual"), [("ALTN", False), ("SNIM", True)])
def test_the_database_knows_one_membership_of_an_organisation_and_one_usual_place(both, code, is_usual):
    db.session.add(Membership(user=both, organisation=company(code), is_usual=is_usual))

    with pytest.raises(IntegrityError):
        db.session.flush()
    db.session.rollback()


def test_people_are_found_from_their_organisations_whatever_their_present_place(both):
    for code in ("ALTN", "BRKT"):
        assert both in [each.user for each in organisations.people(company(code))], code
    assert both in [each.user for each in staffing_people("BRKT")]


def staffing_people(code):
    return organisations.people(company(code))


# Going from one to another


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_switcher_goes_to_the_other_organisation_and_is_audited(both, browser, language):
    someone = signed(browser, language=language)
    home = someone.get("/")
    assert home.one(data_key="nav.place") is not None
    assert company("ALTN").names[language] in home.says(data_key="nav.place")

    answer = gone(someone, "BRKT")

    assert (answer.status, answer.location) == (303, "/")
    page = someone.follow(answer)
    assert company("BRKT").names[language] in page.says(data_key="nav.place")
    assert page.says(data_key="obj.company_code") == "BRKT"
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.act == "place_changed")).one()
    assert entry.details["organisation"] == company("BRKT").id
    shown = someone.get("/profile/activity")
    assert "activity.place_changed" in shown.terms() or "place_changed" in shown.text


def test_who_works_for_one_organisation_sees_no_switcher(browser, house):
    page = browser("issuer").get("/")

    assert "nav.place" not in page.terms()
    assert browser("issuer").get("/places").all(data_state="present")
    assert browser("listing").get("/places").status == 404
    assert browser().get("/places").location.startswith("/login")


def test_nobody_goes_where_he_does_not_work(both, browser):
    someone = signed(browser)
    foreign = person("adviser").membership.id

    assert someone.post("/places", {"place": str(foreign)}).status == 404
    assert someone.post("/places", {"place": "x"}).status == 404
    assert somebody().organisation.code == "ALTN"


def test_two_browsers_stand_in_two_places(both, browser):
    first, second = signed(browser), signed(browser)

    gone(second, "BRKT")

    assert first.get("/").says(data_key="obj.company_code") == "ALTN"
    assert second.get("/").says(data_key="obj.company_code") == "BRKT"
    assert signed(browser).get("/").says(data_key="obj.company_code") == "BRKT", "the next begins where he last went"


def test_a_page_drawn_in_one_place_does_nothing_in_the_other(both, browser, house):
    someone = signed(browser)
    stale = someone.get("/users/new").form("/users/new")  # an administrator at ALTN
    gone(someone, "BRKT")
    someone.get("/")
    place_of(somebody(), "BRKT").is_admin = True  # even where he might
    before = len(db.session.scalars(select(User.id)).all())

    answer = someone.open("POST", "/users/new", data={**stale, **TYPED, "email": "jana@altn.example"})

    assert answer.status == 400
    assert "басқа ұйымда" in answer.main
    assert len(db.session.scalars(select(User.id)).all()) == before


def test_a_page_drawn_in_a_place_that_was_lost_does_nothing_in_the_next(both, browser, house):
    someone = signed(browser)
    gone(someone, "BRKT")
    someone.get("/")
    drawn = someone.get("/profile").form("/profile")
    place_of(somebody(), "BRKT").is_active = False

    refused = someone.open("POST", "/profile", data=drawn)

    assert refused.status == 409
    assert "басқа ұйымда" in refused.main
    assert someone.get("/").says(data_key="obj.company_code") == "ALTN"


# Nothing leaks


def test_lists_counts_search_and_exports_show_one_place_alone(both, browser, house):
    own = filing.create("share_listing", company_id=company("ALTN").id, author=both, now=here.now())
    number = own.number
    someone = signed(browser)
    assert number in someone.get("/applications").text
    gone(someone, "BRKT")

    home = someone.get("/")
    blocks = [each for each in home.root.iter() if each.get("data-block") not in (None, "recent")]
    assert blocks
    assert all(number not in words(each) for each in blocks)
    told = next(each for each in home.root.iter() if each.get("data-block") == "recent")
    assert company("ALTN").names["kk"] in words(told), "a message says of which organisation it is"
    for path in ("/applications", "/archive", "/questionnaires", "/procedures", f"/applications?q={number}"):
        assert number not in someone.get(path).main, path
    both = somebody()
    inviting.work_usually_in(place_of(both, "BRKT"))
    assert cabinet.under_review(both) == []
    assert cabinet.unfinished_of("share_listing", both) == []
    with pytest.raises(NotFound):
        queries.by_number(number, user=both)


def test_what_a_person_of_both_sides_has_begun_as_the_issuers_is_not_seen_from_the_adviser(both, house):
    firm = organisation("KENS", kind="adviser")
    partnership(company("ALTN"), firm, by=person("issuer"))
    db.session.add(Membership(user=both, organisation=firm, is_usual=False))
    db.session.flush()
    db.session.expire(both, ["memberships"])
    own = filing.create("share_listing", company_id=company("ALTN").id, author=both, now=here.now())

    inviting.work_usually_in(place_of(both, "KENS"))

    assert not queries.sees(own, both)
    assert not queries.acts_as(own, both, "author")
    effects.assign(own, both, "adviser", now=here.now())
    assert queries.sees(own, both)
    assert queries.acts_as(own, both, "adviser")
    assert not queries.acts_as(own, both, "author")
    inviting.work_usually_in(place_of(both, "ALTN"))
    assert queries.acts_as(own, both, "author")
    assert not queries.acts_as(own, both, "adviser")


def test_an_address_of_another_place_offers_to_go_there_to_a_true_member_alone(both, browser, house):
    number = filing.create("share_listing", company_id=company("ALTN").id, author=both, now=here.now()).number
    foreign = new_application("issuer").number
    someone = signed(browser)
    gone(someone, "BRKT")

    page = someone.get(f"/applications/{number}")

    assert page.status == 409
    assert company("ALTN").names["kk"] in page.says(data_key="place.belongs")
    assert number not in page.says(data_key="place.belongs")
    assert someone.get(f"/applications/{foreign}").status == 404, "of his organisation, but not his"
    assert browser("clerk").get(f"/applications/{number}").status == 404
    offered = fields_of(page.one(data_state="elsewhere"))
    went = someone.post("/places", {**offered, "place": page.one(data_key="place.go").get("value")})
    assert (went.status, went.location) == (303, f"/applications/{number}")
    assert someone.follow(went).status == 200


def test_nothing_is_done_to_an_application_of_the_other_place(both, browser, house):
    application = filing.create("share_listing", company_id=company("ALTN").id, author=both, now=here.now())
    number = application.number
    someone = signed(browser)
    gone(someone, "BRKT")
    someone.get("/")

    for path in ("delete", "colleagues"):
        assert someone.post(f"/applications/{number}/{path}", {}).status == 404, path
    assert refetched(number).process == "filling"


def test_a_message_reaches_him_names_its_organisation_and_leads_there(both, browser, house):
    operations.add_partner(company("BRKT"), company("SNIM").id, by=person("other_issuer"), now=here.now())
    acted = filing.create("share_listing", company_id=company("ALTN").id, author=both, now=here.now())
    someone = signed(browser)
    gone(someone, "BRKT")

    moves.tell(acted, ["author"], now=here.now())

    page = someone.get("/notifications")
    assert page.says(data_key="obj.company").endswith(company("ALTN").names["kk"])
    assert company("ALTN").names["kk"] in mails_to(EMAIL)[-1].body
    asked = someone.get(f"/users/head?place={company('ALTN').id}")
    assert (asked.status, asked.one(data_state="elsewhere") is not None) == (409, True)
    assert someone.get(f"/users/head?place={company('BRKT').id}").status == 200
    assert someone.get(f"/users/head?place={company('SNIM').id}").status == 200, "no place of his: nothing is said"


def test_who_has_left_an_organisation_is_told_nothing_of_its_applications(both, house):
    acted = filing.create("share_listing", company_id=company("ALTN").id, author=both, now=here.now())
    staffing.switch_off(place_of(both, "ALTN"), successor_id=None, despite=True, by=person("issuer"), now=here.now())

    assert [each.is_active for each in addressees.around(acted)["author"] if each.id == both.id] == [False]
    assert both not in addressees.reached(acted, "author")


# Joining


def added(now, by="other_issuer", email=EMAIL, is_admin=False):
    given = {**TYPED, "email": email, "is_admin": is_admin, "site": SITE, "now": now}
    return operations.add_user(person(by).organisation, by=person(by), **given)


def test_an_address_with_an_account_is_invited_and_nothing_of_it_is_told(browser, house, now):
    known = user(company("ALTN"), email=EMAIL, last_name="Құпиянов", phone="+77770000000")
    someone = browser("other_issuer")
    page = someone.get("/users/new")

    answer = someone.send(page, "/users/new", **TYPED, email=EMAIL)

    assert answer.status == 303, answer.main
    shown = someone.follow(answer)
    assert "Екіорынов" in shown.main
    assert "Құпиянов" not in shown.main
    assert "+77770000000" not in shown.main
    assert shown.one(data_invited=EMAIL) is not None
    assert [each.organisation.code for each in somebody().memberships] == ["ALTN"]
    told = messages_of(known)[0]
    assert (told.message, told.path, told.action_required) == ("notice.invited", "/places", True)
    assert f"{house.config.base_url}/places" in mails_to(EMAIL)[-1].body


def test_he_becomes_a_member_when_he_agrees_and_with_the_rights_he_was_offered(browser, house, now):
    user(company("ALTN"), email=EMAIL)
    ident = added(now, is_admin=True).id
    someone = signed(browser)
    page = someone.get("/places")

    answer = someone.send(page, f"/places/invitations/{ident}", press="act", value="agree")

    assert answer.status == 303, answer.main
    who = somebody()
    joined = place_of(who, "BRKT")
    assert (joined.is_admin, joined.is_usual, joined.works_as) == (True, False, "Бас бухгалтер")
    assert who.organisation.code == "ALTN"
    assert messages_of(person("other_issuer"))[0].message == "notice.invitation_agreed"
    again = someone.post(f"/places/invitations/{ident}", {"act": "agree"})
    assert again.status == 409
    assert len(somebody().memberships) == 2


def test_an_invitation_is_declined_or_withdrawn_and_asked_again(browser, house, now):
    known = user(company("ALTN"), email=EMAIL)
    row = added(now)
    with pytest.raises(Conflict, match="invited"):
        added(now)
    with pytest.raises(NotFound):
        joining.agree(row.id, by=person("clerk"), now=now)
    joining.decline(row.id, by=known, now=now)
    with pytest.raises(Conflict):
        joining.agree(row.id, by=known, now=now)
    second = added(now)
    with pytest.raises(NotFound):
        inviting.withdraw(company("ALTN"), second.id, by=person("issuer"), now=now)
    someone = browser("other_issuer")
    page = someone.get("/users")

    assert someone.send(page, f"/users/invitations/{second.id}/withdraw").status == 303

    assert db.session.get(Invitation, second.id).answer == "withdrawn"
    assert inviting.waiting_for(somebody()) == []
    acts = set(db.session.scalars(select(AuditEntry.act).where(AuditEntry.act.like("invitation_%"))))
    assert acts == {"invitation_declined", "invitation_withdrawn"}


@pytest.mark.parametrize("key", ["listing", "clerk"])
def test_neither_the_exchanges_people_nor_colleagues_are_invited(house, now, key):
    with pytest.raises(Conflict):
        added(now, by="issuer", email=person(key).email)
    assert db.session.scalars(select(Invitation)).all() == []


def test_one_iin_is_one_persons_in_an_organisation_that_he_joins_too(house, now):
    known = user(company("ALTN"), email=EMAIL, iin="760118300039")
    row = added(now)
    user(company("BRKT"), iin="760118300039")

    with pytest.raises(Conflict, match="iin_taken"):
        joining.agree(row.id, by=known, now=now)

    assert [each.organisation.code for each in known.memberships] == ["ALTN"]


def test_who_was_switched_off_may_sign_in_to_answer_and_finds_nothing_else(browser, house, now):
    known = user(company("ALTN"), email=EMAIL)
    staffing.switch_off(known.membership, successor_id=None, despite=True, by=person("issuer"), now=now)
    assert not known.is_active
    ident = added(now).id
    assert known.is_active
    someone = browser()
    assert someone.sign_in(EMAIL, PASSWORD).status == 303

    nowhere = someone.get("/")

    assert (nowhere.status, nowhere.one(data_state="nowhere") is not None) == (404, True)
    assert someone.get("/users").status == 404
    page = someone.get("/places")
    assert someone.send(page, f"/places/invitations/{ident}", press="act", value="agree").status == 303
    assert someone.get("/").says(data_key="obj.company_code") == "BRKT"
    assert not place_of(somebody(), "ALTN").is_active


def test_an_invitation_taken_back_shuts_the_account_again(house, now):
    known = user(company("ALTN"), email=EMAIL)
    staffing.switch_off(known.membership, successor_id=None, despite=True, by=person("issuer"), now=now)
    row = added(now)

    inviting.withdraw(company("BRKT"), row.id, by=person("other_issuer"), now=now)

    assert not known.is_active


# Leaving


def test_who_is_switched_off_in_one_organisation_goes_on_in_the_other(both, browser, house, now):
    here_, there = signed(browser), signed(browser)
    gone(there, "BRKT")
    own = filing.create("share_listing", company_id=company("BRKT").id, author=moved("BRKT"), now=now).number
    inviting.work_usually_in(place_of(somebody(), "ALTN"))
    clerk = place_of(somebody(), "ALTN")

    staffing.switch_off(clerk, successor_id=None, despite=True, by=person("issuer"), now=now)

    assert somebody().is_active
    assert here_.get("/").says(data_key="obj.company_code") == "BRKT"
    assert own in there.get("/applications").text
    assert messages_of(somebody())[0].message == "notice.place_lost"
    assert somebody().usual.organisation.code == "BRKT"
    asked = staffing.switch_on(place_of(somebody(), "ALTN"), by=person("issuer"), site=SITE, now=now)
    assert len(somebody().places) == 1, "he works for another company: nobody makes him a member but himself"
    joining.agree(asked.id, by=somebody(), now=now)
    assert len(somebody().places) == 2
    assert len(somebody().memberships) == 2


def moved(code):
    who = somebody()
    inviting.work_usually_in(place_of(who, code))
    return who


def test_places_as_executor_are_handed_on_in_one_organisation_alone(both, house, now):
    one = filing.create("share_listing", company_id=company("ALTN").id, author=both, now=now)
    other = filing.create("share_listing", company_id=company("BRKT").id, author=moved("BRKT"), now=now)
    moved("ALTN")
    assert staffing.executor_places(place_of(both, "ALTN")) == [one.number]

    clerk = person("clerk")
    staffing.switch_off(place_of(both, "ALTN"), successor_id=clerk.id, despite=False, by=person("issuer"), now=now)

    assert queries.acts_as(one, clerk, "author")
    assert not queries.acts_as(other, clerk, "author")
    assert queries.acts_as(other, both, "author")


def test_rights_given_in_one_organisation_end_no_session_of_the_other(both, browser, house, now):
    here_, there = signed(browser), signed(browser)
    gone(there, "BRKT")
    head = place_of(somebody(), "BRKT")

    staffing.set_administrator(head, is_admin=True, by=person("other_issuer"), now=now)

    assert there.get("/").location.startswith("/login")
    assert here_.get("/").says(data_key="obj.company_code") == "ALTN"


def test_an_administrator_mends_the_position_in_his_organisation_and_nothing_else(both, now):
    member = place_of(both, "BRKT")
    values = {key: getattr(both, key) for key in ("last_name", "first_name", "patronymic", "phone")}

    staffing.edit(member, {**values, "position": "Қаржы директоры"}, by=person("other_issuer"), now=now)
    with pytest.raises(Conflict, match="shared"):
        staffing.edit(member, {**values, "last_name": "Басқаев"}, by=person("other_issuer"), now=now)

    assert (member.works_as, both.position) == ("Қаржы директоры", "Директор")


# Codes, keys, heads


@pytest.mark.parametrize(("codes", "is_asked"), [("everybody", 401), ("none", 422)])
def test_codes_are_asked_as_the_present_organisation_wishes(both, browser, house, codes, is_asked):
    company("BRKT").codes = codes
    place_of(both, "BRKT").is_admin = True
    someone = signed(browser)
    assert someone.post("/users/new", {}).status == 422
    gone(someone, "BRKT")
    someone.get("/")

    assert someone.post("/users/new", {}).status == is_asked


def test_going_elsewhere_shuts_what_a_code_has_opened(both, browser, house):
    someone = signed(browser)
    row = db.session.scalars(select(LoginSession).where(LoginSession.user_id == both.id)).unique().one()
    row.opened_at = row.used_at = row.code_at = here.now()

    gone(someone, "BRKT")

    row = db.session.scalars(select(LoginSession).where(LoginSession.user_id == both.id)).unique().one()
    assert row.opened_at is None
    assert row.place_id == place_of(somebody(), "BRKT").id
    assert sessions.place_in(row) == row.place_id


def head_asked(now, who, code="ALTN"):
    said = {
        "last_name": who.last_name, "first_name": who.first_name, "patronymic": who.patronymic, "iin": who.iin,
        "position": "Басқарма төрағасы", "email": who.email, "phone": "+7 701 111 22 33",
    }  # fmt: skip
    return heads.ask(
        company(code), said, basis="Жиналыс шешімі", file_name="d.pdf",
        sha256=here.storage().put(b"%PDF-1.7 decision"), by=person("issuer"), site=SITE, now=now,
    )  # fmt: skip


def test_the_head_of_one_company_becomes_head_of_another_when_he_agrees(house, now):
    who, old = person("other_first_head"), person("first_head")
    row = head_asked(now, who)
    note = {"key_note": "Кілт тексерілді", "seen": row.version, "site": SITE, "now": now}

    assert admitting.accept_head(row, by=person("listing"), **note) is None

    assert organisations.first_head(company("ALTN")) is old
    with pytest.raises(NotPermitted):
        inviting.withdraw(company("ALTN"), inviting.waiting_for(who)[0].id, by=person("clerk"), now=now)
    joining.agree(inviting.waiting_for(who)[0].id, by=who, now=now)
    assert organisations.first_head(company("ALTN")) is who
    assert organisations.first_head(company("BRKT")) is who
    assert organisations.signing_iins(company("ALTN")) == {who.iin}
    assert who.membership.organisation.code == "BRKT"
    application = application_at("first_head")
    assert not queries.acts_as(application, who, "first_head"), "he stands in the other company now"
    inviting.work_usually_in(place_of(who, "ALTN"))
    assert queries.acts_as(application, who, "first_head")
    assert who.may(Permission.APPROVE)


def test_who_was_asked_to_be_head_is_asked_no_more_once_another_is_registered(house, now):
    who, clerk = person("other_first_head"), person("clerk")
    first = head_asked(now, who)
    admitting.accept_head(first, key_note="x", seen=first.version, by=person("listing"), site=SITE, now=now)
    ident = inviting.waiting_for(who)[0].id
    second = head_asked(now, clerk)
    admitting.accept_head(second, key_note="x", seen=second.version, by=person("listing"), site=SITE, now=now)

    with pytest.raises(Conflict):
        joining.agree(ident, by=who, now=now)

    assert organisations.first_head(company("ALTN")) is clerk


def accepted(row, now):
    return admitting.accept_head(row, key_note="x", seen=row.version, by=person("listing"), site=SITE, now=now)


def test_nobody_becomes_head_by_an_invitation_under_a_name_that_no_officer_has_read(house, now):
    who, old = person("other_first_head"), person("first_head")
    accepted(head_asked(now, who), now)
    who.last_name = "Басқа"
    db.session.flush()

    with pytest.raises(Conflict) as refused:
        joining.agree(inviting.waiting_for(who)[0].id, by=who, now=now)

    assert refused.value.key == "access.err.name_other"
    assert organisations.first_head(company("ALTN")) is old


def test_who_has_left_and_works_elsewhere_becomes_head_only_when_he_agrees(house, now):
    old, who = person("first_head"), person("other_first_head")
    left = Membership(user=who, organisation=company("ALTN"), is_usual=False, is_active=False, position="Кеңесші")
    db.session.add(left)
    db.session.flush()
    db.session.expire(who, ["memberships"])

    assert accepted(head_asked(now, who), now) is None

    assert organisations.first_head(company("ALTN")) is old
    assert not left.is_active
    assert joining.agree(inviting.waiting_for(who)[0].id, by=who, now=now) is left
    assert organisations.first_head(company("ALTN")) is who


def test_the_desk_sees_that_a_head_is_awaited_and_the_organisation_takes_him_back(browser, house, now):
    who = person("other_first_head")
    row = head_asked(now, who)
    accepted(row, now)
    db.session.commit()
    page = f"/orgs/requests/{row.id}"
    assert who.full_name in browser("listing").get(page).says(data_key="place.awaited")
    issuer = browser("issuer")

    done = issuer.send(issuer.get("/users"), f"/users/invitations/{inviting.waiting_for(who)[0].id}/withdraw")

    assert done.status == 303
    assert browser("listing").get(page).all(data_key="place.awaited") == []
    assert inviting.waiting_for(who) == []


def test_to_be_head_goes_before_what_he_was_asked_otherwise(house, now):
    who = person("other_first_head")
    added(now, by="issuer", email=who.email)

    accepted(head_asked(now, who), now)

    assert [each.as_head for each in inviting.waiting_for(who)] == [True]


@pytest.mark.parametrize("act", ["rights", "off"])
def test_whom_an_administrator_has_asked_is_asked_no_more_once_he_is_none(house, now, act):
    known, asking = user(company("ALTN"), email=EMAIL), user(company("BRKT"), email="b@orin.example", is_admin=True)
    given = {**TYPED, "email": EMAIL, "is_admin": True, "site": SITE, "now": now}
    operations.add_user(company("BRKT"), by=asking, **given)
    by = person("other_issuer")

    if act == "rights":
        staffing.set_administrator(asking.membership, is_admin=False, by=by, now=now)
    else:
        staffing.switch_off(asking.membership, successor_id=None, despite=True, by=by, now=now)

    assert inviting.waiting_for(known) == []


def test_an_invitation_lapses_at_the_second_and_a_new_one_is_sent(house, now):
    known = user(company("ALTN"), email=EMAIL)
    row = added(now - inviting.LIFE)

    assert inviting.waiting_for(known) == []
    with pytest.raises(Conflict) as refused:
        joining.agree(row.id, by=known, now=now)
    assert refused.value.key == "place.err.lapsed"
    assert joining.agree(added(now).id, by=known, now=now).organisation.code == "BRKT"


def test_who_declines_and_works_nowhere_opens_nothing_more(house, now):
    known = user(company("ALTN"), email=EMAIL)
    staffing.switch_off(known.membership, successor_id=None, despite=True, by=person("issuer"), now=now)
    row = added(now)

    joining.decline(row.id, by=known, now=now)

    assert not known.is_active


def test_who_is_asked_back_answers_first_and_sets_a_new_password_then(browser, house, now):
    known = user(company("ALTN"), email=EMAIL)
    staffing.switch_off(known.membership, successor_id=None, despite=True, by=person("issuer"), now=now)
    ident = added(now).id
    known.must_change_password = True
    db.session.commit()
    someone = browser()
    someone.sign_in(EMAIL, PASSWORD)

    done = someone.send(someone.get("/places"), f"/places/invitations/{ident}", press="act", value="agree")

    assert done.status == 303
    assert place_of(somebody(), "BRKT").is_active
    assert someone.get("/applications").location == "/profile"


def test_a_newcomer_whose_people_have_accounts_is_admitted_and_they_are_asked(house, now):
    from test_access import accepted, human, submitted

    who = person("other_first_head")
    named = {key: getattr(who, key) for key in ("last_name", "first_name", "patronymic", "email")}
    row = submitted(now, head={**human(), **named, "iin": who.iin}, contacts=[human()])

    made = accepted(row, now, key_note="Кілт тексерілді")

    assert organisations.first_head(made) is None
    member = joining.agree(inviting.waiting_for(who)[0].id, by=who, now=now)
    assert (member.is_first_head, member.may_sign) == (True, True)
    assert {each.organisation.code for each in who.places} == {"BRKT", made.code}


def test_a_key_opens_the_place_it_was_issued_for(both, house, now):
    from types import SimpleNamespace

    from app.accounts import key_entrance

    report = SimpleNamespace(signers=(SimpleNamespace(bin=company("BRKT").bin),))
    place = key_entrance.place_of(both, report)
    token = sessions.begin(both, address="", agent="", now=now, way="key", place_id=place)

    assert sessions.of_secret(token, now=now + timedelta(seconds=1)).place_id == place_of(both, "BRKT").id
