"""The first head, who acts for him, and another one (issue of people; reading A26)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from browser import signed_in
from factories import application_at, company, mails_to, messages_of, person, refetched
from factories import user as new_user
from papers import pdf

from app import db
from app.accounts import sessions
from app.applications import addressees, approval, cabinet, document, moves, queries, signing
from app.applications.models import History, Signature
from app.demo.stories import sign_as
from app.errors import Conflict, Invalid, NotFound, NotPermitted
from app.organisations import access, acting, admitting, heads
from app.organisations import queries as organisations
from app.organisations.models import ActingHead, RequestState
from app.permissions import Permission
from app.sandbox.pki import SandboxPki
from app.terms import say
from app.web import clock, here
from app.web.templating import ZONE

IIN = "900523300021"  # the clerk's own
SITE = "https://is2in.example"


def appointed(now, *, starts=timedelta(hours=-1), ends=timedelta(hours=2), key="clerk", by="issuer", **given):
    """Return an appointment of the clerk as acting first head."""
    user = person(key)
    return acting.appoint(
        company("ALTN"),
        **{
            "user_id": user.id,
            "iin": user.iin,
            "starts_at": now + starts,
            "ends_at": now + ends,
            "basis": "Бұйрық № 12, 20.11.2026",
            "file_name": "order.pdf",
            "sha256": here.storage().put(pdf("order")),
            "by": person(by),
            "now": now,
            **given,
        },
    )


@pytest.fixture
def pki(house):
    """The sandbox's keys, with one of the clerk that may sign."""
    found = SandboxPki.open(house.config.var / "sandbox", environment=house.config.env)
    found.enrol(
        "clerk", name="Жұмабеков Ерлан Қайратұлы", iin=IIN, bin="050340001235", organisation="«Алтындән» АҚ",
        roles=["sign_right"],
    )  # fmt: skip
    return found


def signed(pki, application, key, by, now, *, at=None):
    """Offer the document, sign it with a key, and give the signature at a moment."""
    made = document.offered(application)
    cms = sign_as(pki, key, here.storage().get(made.sha256), now)
    given = signing.judge(cms, sha256=made.sha256, now=now)
    return signing.accept(application, given, by=person(by), now=at or now)


def test_the_acting_head_agrees_and_signs_with_his_own_key_and_both_names_stand_everywhere(house, browser, pki, now):
    application = application_at("first_head")
    appointed(now)
    clerk, head = person("clerk"), person("first_head")

    approval.comment(application, by=clerk, comments={"issuer.legal_address": "Түзету"}, now=now)
    approval.agree(application, by=clerk, comments={}, seen=application.version, now=now)
    row = signed(pki, refetched(application), "clerk", "clerk", now)

    assert (row.signer_iin, row.for_name) == (IIN, head.full_name)
    acts = {each.act: each for each in queries.history(refetched(application))}
    assert (acts["agree"].by_id, acts["agree"].for_id) == (clerk.id, head.id)
    assert (acts["sign"].by_id, acts["sign"].for_id) == (clerk.id, head.id)
    both = say("acting.who_for_whom", "kk", who=clerk.name, whom=head.name)
    for path in ("timeline", "comments"):
        assert both in browser("issuer").get(f"/applications/{application.number}/{path}").main
    page = browser("issuer").get(f"/applications/{application.number}/sign").main
    assert say("acting.for", "kk", whom=head.full_name) in page
    printed = document._page(refetched(application), language="kk", signed=queries.present_document(application))
    assert say("acting.for", "kk", whom=head.full_name) in printed
    about = moves.about(refetched(application))
    assert both in about.executor["kk"]
    assert clerk.name in {each.name for each in addressees.around(refetched(application))["first_head"]}


def test_he_finds_what_lies_with_the_head_and_only_while_he_acts(house, now):
    application = application_at("first_head")
    clerk = person("clerk")
    assert not queries.sees(application, clerk)

    row = appointed(now)
    assert queries.sees(application, clerk)
    assert any(each.id == application.id and each.is_mine for each in cabinet.under_review(clerk))

    acting.end(company("ALTN"), row.id, by=person("first_head"), now=now)
    assert not queries.sees(application, clerk)


def test_who_has_acted_may_read_it_afterwards(house, now):
    application, clerk = application_at("first_head"), person("clerk")
    row = appointed(now)
    approval.agree(application, by=clerk, comments={}, seen=application.version, now=now)

    acting.end(company("ALTN"), row.id, by=person("issuer"), now=now)

    assert queries.sees(application, clerk)
    assert not queries.acts_as(application, clerk, "first_head", now=now)


@pytest.mark.parametrize(("after", "may"), [(timedelta(hours=2, seconds=-1), True), (timedelta(hours=2), False)])
def test_at_the_second_of_its_end_it_is_worth_nothing(house, now, after, may):
    application, clerk = application_at("first_head"), person("clerk")
    appointed(now)

    assert queries.acts_as(application, clerk, "first_head", now=now + after) is may
    if may:
        approval.agree(application, by=clerk, comments={}, seen=application.version, now=now + after)
        return
    with pytest.raises(NotPermitted) as refusal:
        approval.agree(application, by=clerk, comments={}, seen=application.version, now=now + after)
    assert refusal.value.key == "acting.err.over"


@pytest.mark.parametrize(("before", "may"), [(timedelta(seconds=1), False), (timedelta(0), True)])
def test_before_its_first_second_it_is_worth_nothing_either(house, now, before, may):
    application, clerk = application_at("first_head"), person("clerk")
    row = appointed(now, starts=timedelta(hours=1))

    assert queries.acts_as(application, clerk, "first_head", now=row.starts_at - before) is may


def test_a_signature_begun_in_time_and_given_a_second_late_is_refused(house, pki, now):
    application, clerk = application_at("first_head"), person("clerk")
    row = appointed(now)
    approval.agree(application, by=clerk, comments={}, seen=application.version, now=now)
    application = refetched(application)

    with pytest.raises(NotPermitted) as refusal:
        signed(pki, application, "clerk", "clerk", now, at=row.ends_at)

    assert refusal.value.key == "acting.err.over"
    assert db.session.query(Signature).filter_by(signer_iin=IIN).count() == 0
    assert signed(pki, application, "clerk", "clerk", now, at=row.ends_at - timedelta(seconds=1)).for_name


def test_the_page_of_signing_takes_the_moment_after_the_verification(house, browser, pki, now, monkeypatch):
    application = application_at("first_head")
    number, version = application.number, application.version
    appointed(now, ends=timedelta(hours=1))
    approval.agree(application, by=person("clerk"), comments={}, seen=version, now=now)
    made = document.offered(refetched(number))
    cms = sign_as(pki, "clerk", here.storage().get(made.sha256), now)
    someone = browser("clerk")
    assert someone.get(f"/applications/{number}/sign").status == 200
    judge = signing.judge

    def slow(*given, **named):
        found = judge(*given, **named)
        clock.move(house.config, "+61m")  # the authorities took their time
        return found

    monkeypatch.setattr(signing, "judge", slow)
    import base64

    answer = someone.post(
        f"/applications/{number}/sign", {"sha256": made.sha256, "cms": base64.b64encode(cms).decode()}
    )

    assert answer.status in (403, 404)
    assert db.session.query(Signature).filter_by(signer_iin=IIN).count() == 0


def test_he_signs_with_no_other_key_than_his_own(house, pki, now):
    application, clerk = application_at("first_head"), person("clerk")
    appointed(now)
    approval.agree(application, by=clerk, comments={}, seen=application.version, now=now)

    with pytest.raises(Invalid) as refusal:
        signed(pki, refetched(application), "first_head", "clerk", now)

    assert "err.cert_person" in {problem.key for problem in refusal.value.problems}


def test_the_head_himself_acts_on_meanwhile_and_as_himself(house, now):
    application = application_at("first_head")
    appointed(now)

    approval.agree(application, by=person("first_head"), comments={}, seen=application.version, now=now)

    agreed = db.session.query(History).filter_by(application_id=application.id, act="agree").one()
    assert agreed.for_id is None


def test_the_head_the_colleague_and_the_desk_are_told(house, now):
    appointed(now)

    for key in ("clerk", "first_head", "listing", "listing_head"):
        assert messages_of(person(key))[0].message == "notice.acting", key
    assert person("first_head").full_name in mails_to(person("clerk").email)[0].body


def test_the_exchange_takes_an_appointment_back_with_a_reason(house, now):
    row, clerk = appointed(now), person("clerk")
    assert clerk.may(Permission.APPROVE)

    with pytest.raises(Invalid):
        acting.end(company("ALTN"), row.id, by=person("listing"), now=now)
    with pytest.raises(NotPermitted):
        acting.end(company("ALTN"), row.id, reason="жоқ", by=person("chancery"), now=now)
    acting.end(company("ALTN"), row.id, reason="Бұйрықта қол жоқ", by=person("listing"), now=now)

    assert not clerk.may(Permission.APPROVE)
    assert (row.ended_by_id, row.end_reason) == (person("listing").id, "Бұйрықта қол жоқ")
    assert "Бұйрықта қол жоқ" in mails_to(clerk.email)[0].body
    assert messages_of(person("first_head"))[0].message == "notice.acting_revoked"


@pytest.mark.parametrize("key", ["clerk", "other_issuer", "adviser", "listing", "admin"])
def test_only_the_head_and_the_administrators_name_somebody(house, now, key):
    with pytest.raises(NotPermitted):
        appointed(now, by=key)
    assert db.session.query(ActingHead).filter(ActingHead.ends_at > now).count() == 0


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"user_id": None}, "user"),
        ({"iin": "1"}, "iin"),
        ({"iin": "850412400012"}, "iin"),
        ({"starts_at": None}, "starts"),
        ({"ends_at": None}, "ends"),
        ({"ends": timedelta(0)}, "ends"),
        ({"starts": timedelta(hours=3)}, "ends"),
        ({"ends": timedelta(days=400)}, "ends"),
        ({"starts": timedelta(days=367), "ends": timedelta(days=368)}, "starts"),
        ({"basis": " "}, "basis"),
        ({"sha256": ""}, "file"),
    ],
)
def test_what_will_not_do_is_told_at_its_field(house, now, given, path):
    with pytest.raises(Invalid) as refusal:
        appointed(now, **given)

    assert path in {problem.path for problem in refusal.value.problems}


def test_periods_of_two_do_not_overlap_and_one_may_follow_another(house, now):
    first = appointed(now)
    with pytest.raises(Invalid) as refusal:
        appointed(now, key="issuer", by="first_head", starts=timedelta(hours=1), ends=timedelta(hours=3))
    assert refusal.value.problems[0].key == "acting.err.overlap"

    then = appointed(now, starts=timedelta(hours=2), ends=timedelta(hours=4))

    clerk = person("clerk").membership
    assert clerk.acting_at(now) == first
    assert clerk.acting_at(first.ends_at) == then
    assert clerk.acting_at(then.ends_at) is None


def test_the_page_appoints_with_its_file_and_gives_it_back(browser, house, now):
    someone = browser("first_head")
    shown = someone.get("/users/head")
    day = (now + timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M")
    typed = {
        "user": str(person("clerk").id), "iin": IIN, "starts": "2026-11-20T09:00", "ends": day, "basis": "Бұйрық № 5",
        "file": ("order.pdf", pdf("buiryq")),
    }  # fmt: skip

    answer = someone.send(shown, "/users/head/acting", **typed)

    assert answer.status == 303, answer.main
    row = db.session.query(ActingHead).filter_by(basis="Бұйрық № 5").one()
    path = f"/users/head/acting/{row.id}/file"
    assert someone.get(path).content == pdf("buiryq") or someone.get(path).content.startswith(b"%PDF")
    organisation = company("ALTN").id
    assert browser("chancery").get(f"/orgs/{organisation}/acting/{row.id}/file").status == 200
    assert browser("other_issuer").get(path).status == 404


def test_a_program_is_no_order(browser, house, now):
    someone = browser("issuer")
    shown = someone.get("/users/head")

    refused = someone.send(shown, "/users/head/acting", file=("order.pdf", b"MZ\x90\x00 not a paper"))

    assert refused.status == 422
    assert refused.one(data_error_for="file") is not None


# Another first head


def person_of(email="jana.head@altn.example", iin="820707300054", **given):
    return {
        "last_name": "Жаңабаев", "first_name": "Болат", "patronymic": "", "position": "Басқарма төрағасы",
        "email": email, "phone": "+7 701 111 22 33", "iin": iin, **given,
    }  # fmt: skip


def called(user):
    """Return somebody's name as a request bears it."""
    return {key: getattr(user, key) for key in ("last_name", "first_name", "patronymic")}


def asked(now, by="issuer", **given):
    return heads.ask(
        company("ALTN"),
        person_of(**given),
        basis="Жиналыс шешімі",
        file_name="decision.pdf",
        sha256=here.storage().put(pdf("decision")),
        by=person(by),
        site=SITE,
        now=now,
    )


@pytest.mark.req("ESRV-7.2.b")
def test_another_head_is_asked_for_and_registered_by_the_desk(house, now):
    application = application_at("first_head")
    old = person("first_head")
    appointed(now)
    row = asked(now)
    assert row.purpose == access.HEAD
    with pytest.raises(Conflict):
        asked(now, by="first_head")
    note = {"key_note": "Кілт тексерілді", "seen": row.version, "site": SITE, "now": now}

    member = admitting.accept_head(row, by=person("listing"), **note)

    organisation = company("ALTN")
    assert organisations.first_head(organisation) == member.user
    assert organisations.signing_iins(organisation) == {"820707300054"}
    assert old.is_active
    assert not old.may(Permission.APPROVE)
    assert not person("clerk").may(Permission.APPROVE), "who acted for the former head no longer does"
    application = refetched(application)
    assert queries.acts_as(application, member.user, "first_head", now=now)
    assert queries.sees(application, old)
    assert not queries.acts_as(application, old, "first_head", now=now)
    assert any("/password/" in mail.body for mail in mails_to("jana.head@altn.example"))
    with pytest.raises(Conflict):
        admitting.accept_head(row, by=person("officer"), **note)


def test_a_colleague_becomes_the_head_and_signs_only_with_a_confirmed_key(house, now):
    clerk = person("clerk")
    row = asked(now, **called(clerk), email=clerk.email, iin=clerk.iin)

    admitting.accept_head(row, key_note="", seen=row.version, by=person("listing"), site=SITE, now=now)

    assert organisations.first_head(company("ALTN")) == clerk
    assert organisations.signing_iins(company("ALTN")) == frozenset()
    with pytest.raises(Invalid):
        heads.confirm_own_key(clerk.membership, {"iin": "1", "bin": "2"}, now=now)
    heads.confirm_own_key(clerk.membership, {"iin": IIN, "bin": company("ALTN").bin}, now=now)
    assert organisations.signing_iins(company("ALTN")) == {IIN}


def test_one_of_the_exchange_or_somebody_under_another_name_cannot_become_the_head(house, now):
    with pytest.raises(Invalid) as refusal:
        asked(now, email=person("listing").email)
    assert [problem.path for problem in refusal.value.problems] == ["head-email"]

    row = asked(now, email="kelesi@altn.example")
    new_user(company("BRKT"), email="kelesi@altn.example")  # meanwhile
    with pytest.raises(Invalid):
        admitting.accept_head(row, key_note="x", seen=row.version, by=person("listing"), site=SITE, now=now)


@pytest.mark.parametrize("key", ["clerk", "other_issuer", "listing"])
def test_only_the_head_and_the_administrators_ask_for_another(house, now, key):
    with pytest.raises(NotPermitted):
        asked(now, by=key)


def test_nobody_becomes_the_head_under_another_name_than_his_accounts(house, now):
    clerk = person("clerk")
    with pytest.raises(Invalid) as refusal:
        asked(now, email=clerk.email, iin=clerk.iin)
    assert {problem.path: problem.key for problem in refusal.value.problems} == {
        "head-last_name": "access.err.name_other"
    }

    row = asked(now, **called(clerk) | {"last_name": clerk.last_name.upper()}, email=clerk.email, iin=clerk.iin)
    clerk.first_name = "Басқа"  # mended by the administrator after the request
    with pytest.raises(Invalid) as refusal:
        admitting.accept_head(row, key_note="x", seen=row.version, by=person("listing"), site=SITE, now=now)
    assert [(each.path, each.key) for each in refusal.value.problems] == [("person-0", "access.err.name_other")]
    assert organisations.first_head(company("ALTN")) == person("first_head")


def test_one_iin_is_one_persons(house, now):
    issuer, clerk = person("issuer"), person("clerk")
    issuer.iin = ""
    with pytest.raises(Invalid) as refusal:
        appointed(now, key="issuer", by="first_head", iin=clerk.iin)
    assert [(each.path, each.key) for each in refusal.value.problems] == [("iin", "org.err.iin_taken")]
    with pytest.raises(Invalid) as refusal:
        asked(now, iin=clerk.iin)
    assert [(each.path, each.key) for each in refusal.value.problems] == [("head-iin", "org.err.iin_taken")]

    row = asked(now)
    clerk.iin = row.said["head"]["iin"]  # meanwhile
    with pytest.raises(Invalid) as refusal:
        admitting.accept_head(row, key_note="x", seen=row.version, by=person("listing"), site=SITE, now=now)
    assert [(each.path, each.key) for each in refusal.value.problems] == [("person-0", "org.err.iin_taken")]


def test_an_administrator_does_not_name_himself(browser, house, now):
    with pytest.raises(Invalid) as refusal:
        appointed(now, key="issuer", by="issuer")
    assert [(each.path, each.key) for each in refusal.value.problems] == [("user", "acting.err.user")]

    offered = browser("issuer").get("/users/head").main
    assert person("clerk").position in offered
    assert f'value="{person("issuer").id}"' not in offered
    assert appointed(now, key="issuer", by="first_head").user == person("issuer")


def sessions_of(user):
    return list(sessions.standing_of(user, now=clock.unmoved()))


def test_whose_powers_change_signs_in_anew(house, browser, now):
    signed_in(house, "clerk")
    ident = appointed(now).id
    assert sessions_of(person("clerk")) == []

    one, other = signed_in(house, "clerk"), signed_in(house, "first_head")
    asked_for = asked(now)
    admitting.accept_head(asked_for, key_note="x", seen=asked_for.version, by=person("listing"), site=SITE, now=now)

    assert one.get("/users").status == other.get("/users").status == 303
    assert db.session.get(ActingHead, ident).over_at == now


def test_who_ends_his_own_acting_keeps_the_session_in_which_he_does_it(house, now):
    row = appointed(now, key="issuer", by="first_head")
    here_, elsewhere = signed_in(house, "issuer"), signed_in(house, "issuer")

    ended = here_.send(here_.get("/users/head"), f"/users/head/acting/{row.id}/end")

    assert ended.status == 303
    assert here_.get("/users/head").status == 200
    assert elsewhere.get("/users/head").status == 303


def test_every_notice_of_acting_leads_to_its_page(house, now):
    row = appointed(now)
    paths = {key: messages_of(person(key))[0].path for key in ("clerk", "first_head", "listing")}
    staff, own = f"/orgs/{company('ALTN').id}", f"/users/head?place={company('ALTN').id}"
    assert paths == {"clerk": own, "first_head": own, "listing": staff}

    acting.end(company("ALTN"), row.id, reason="Қате", by=person("listing"), now=now)
    assert messages_of(person("issuer"))[0].path == own


def test_a_waiting_request_for_another_head_is_taken_back(browser, house, now):
    row = asked(now)
    admitting.take(row, seen=row.version, by=person("listing"), now=now)
    action = f"/users/head/change/{row.id}/withdraw"
    assert action not in browser("clerk").get("/users/head").main
    with pytest.raises(NotPermitted):
        heads.withdraw(company("ALTN"), row.id, by=person("clerk"), site=SITE, now=now)
    with pytest.raises(NotFound):
        heads.withdraw(company("BRKT"), row.id, by=person("other_issuer"), site=SITE, now=now)
    ident, version = row.id, row.version
    someone = browser("issuer")
    shown = someone.get("/users/head")

    assert someone.send(shown, action).status == 303

    row = admitting.one(ident)
    assert row.state == "withdrawn"
    told = messages_of(person("listing"))[0]
    assert (told.message, told.path) == ("notice.head_withdrawn", f"/orgs/requests/{ident}")
    assert browser("listing").get(f"/orgs/requests/{ident}").status == 200
    with pytest.raises(Conflict):
        admitting.accept_head(row, key_note="x", seen=version, by=person("listing"), site=SITE, now=now)
    assert someone.send(shown, action).status == 409
    assert asked(now).state == "received", "another one may be asked for"


@pytest.mark.req("ESRV-7.2.c")
@pytest.mark.parametrize(
    ("asked_at", "due_at"),
    [
        ("2026-11-16T10:00", "2026-11-19T18:00"),  # Monday: the close of the third working day after it
        ("2026-11-20T17:59", "2026-11-25T18:00"),  # Friday, over a weekend
        ("2026-11-21T12:00", "2026-11-26T18:00"),  # Saturday counts as the Monday that opens next
    ],
)
def test_an_order_to_change_data_is_due_in_three_working_days_and_the_desk_sees_what_is_late(
    house, browser, now, asked_at, due_at
):
    row = asked(datetime.fromisoformat(asked_at).replace(tzinfo=ZONE))

    assert admitting.due(row).astimezone(ZONE).strftime("%Y-%m-%dT%H:%M") == due_at
    state = "overdue" if admitting.due(row) <= now else "in_time"
    assert browser("listing").get("/orgs/requests").one(data_due="").get("data-state") == state
    row.state = RequestState.ACCEPTED.value
    assert admitting.due(row) is None
