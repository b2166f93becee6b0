"""What an officer prepares at a client's request, and the client confirms by a one-time code (ESRV-35.3)."""

from __future__ import annotations

from datetime import timedelta

import papers
import pytest
from browser import signed_in
from factories import NO_CODES, Teller, application_at, company, mails_to, messages_of, person, refetched, typed, user
from sqlalchemy import func, select
from test_conflicts import at_once
from test_creating import address, offered

from app import db
from app.accounts import authenticators, one_time_codes, security_sessions
from app.accounts.models import LoginSession
from app.applications import answering, assisting, attachments, cabinet, filing, intake, moves, outages, queries, reuse
from app.applications.attachments import Upload
from app.applications.models import Application, AssistedDraft, Attachment
from app.audit.models import AuditEntry
from app.errors import Conflict, Invalid, NotPermitted
from app.organisations.models import Membership
from app.outputs import queries as outputs
from app.web import clock, here

SECOND = timedelta(seconds=1)
STAGE = "issuer"
WORDS = "Хат № 12-4/77"
ADDRESS = "Астана қ., Мәңгілік Ел 8"


def begun(**changed):
    """Return an application that the listing officer has begun for the first company's clerk."""
    given = {
        "procedure_key": "share_listing",
        "company_id": company("ALTN").id,
        "person_id": person("clerk").id,
        "basis": WORDS,
        "asked_on": here.now().date() - timedelta(days=1),
        "once": "a" * 32,
        "by": person("listing"),
        "now": here.now(),
    } | changed
    return assisting.begin(**given)


def filled(**changed):
    """Return the same with something filled in."""
    application, by = begun(**changed), changed.get("by") or person("listing")
    given = typed(application, STAGE, legal_address=ADDRESS)
    answering.save(application, STAGE, given, by=by, done=False, now=here.now())
    return application


def offer(application, *, key="clerk", by="listing", now=None):
    given = {"person_id": person(key).id, "by": person(by), "seen": application.version, "now": now or here.now()}
    assisting.offer(application, **given)
    return application


def confirm(application, *, by="clerk", now=None, seen=None):
    chosen = application.version if seen is None else seen
    assisting.confirm(application, by=person(by), seen=chosen, now=now or here.now())


def enrolled(key):
    """Give somebody a generator of codes; return its secret."""
    who, now = person(key), clock.unmoved()
    secret, before = authenticators.begin(who, now=now), now - timedelta(minutes=10)
    authenticators.confirm(who, one_time_codes.code_of(secret, one_time_codes.step_at(before)), now=before)
    return secret


def code(secret):
    return one_time_codes.code_of(secret, one_time_codes.step_at(clock.unmoved()))


def draft_of(application):
    return queries.assisted(refetched(application))


def acts(application):
    return {row.act: row.by for row in queries.history(application)}


@pytest.mark.req("ESRV-35.3.a", "ESRV-35.3.b")
@pytest.mark.parametrize("database", ["sqlite"])
def test_an_officer_prepares_it_and_the_client_confirms_it_by_his_code(house, browser):
    officer, secret = browser("listing"), enrolled("clerk")
    listed = officer.get("/procedures")
    [way] = [link for link in listed.links() if link == "/assisted/new?procedure=share_listing"]
    assert f"/assisted/new?company={company('ALTN').id}" in set(officer.get(f"/orgs/{company('ALTN').id}").links())
    page = officer.get(f"{way}&company={company('ALTN').id}")
    assert offered(page, "person") == {str(person(key).id) for key in ("issuer", "clerk", "first_head")}
    typed_in = {"person": str(person("clerk").id), "basis": WORDS, "asked_on": "01.10.2026"}
    made = officer.send(page, "/assisted/new", **typed_in)
    again = officer.send(page, "/assisted/new", **typed_in)
    assert made.location == again.location
    number = made.location.rpartition("/")[2]
    stage, root = address(number, "stages", STAGE), address(number, "assisted")
    assert officer.send(officer.get(stage), stage, press="save", legal_address=ADDRESS).status == 303
    client = browser("clerk")
    assert client.get(address(number)).status == 404
    assert number not in client.get("/").text

    assert officer.send(officer.get(address(number)), f"{root}/offer").status == 303

    home = client.get("/")
    [block] = home.all(data_block="mine")
    assert [item for item in block.iter() if item.get("data-app") == number]
    assert not [item for block in home.all(data_block="drafts") for item in block.iter() if item.get("data-app")]
    page = client.get(address(number))
    assert {"assisted.for_you", "assisted.mark", "msg.your_action"} <= page.terms()
    assert WORDS in page.main
    assert "01.10.2026" in page.main
    assert person("listing").full_name in page.main
    assert ADDRESS in client.get(address(number, "summary")).main
    asked = client.send(page, f"{root}/confirmation")
    assert (asked.status, draft_of(number).confirmed_at) == (401, None)
    wrong = client.send(asked, f"{root}/confirmation", security_code="000000")
    assert (wrong.status, draft_of(number).confirmed_at) == (401, None)
    done = client.send(wrong, f"{root}/confirmation", security_code=code(secret))

    assert done.status == 303
    application = refetched(number)
    assert (application.author, application.author_for_id) == (person("clerk"), company("ALTN").id)
    assert acts(application)["assist_confirmed"] == person("clerk")
    told = select(AuditEntry).where(AuditEntry.act == "assist_confirmed")
    entry = db.session.scalars(told).one()
    assert entry.user_id == person("clerk").id
    assert (entry.details["officer"], entry.details["person"]) == (person("listing").id, person("clerk").id)
    assert client.send(client.get(stage), stage, press="save", legal_address="Алматы").status == 303
    assert number in client.get("/").main
    assert officer.get(address(number)).status == 404
    assert officer.get(stage).status == 404
    row = officer.get("/assisted").one(data_app=number)
    assert row.get("data-state") == "confirmed"
    told_officer = messages_of(person("listing"))[0]
    assert (told_officer.message, told_officer.path) == ("notice.assisted_confirmed", "/assisted")
    assert client.post(f"{root}/confirmation", {"seen": "1", "security_code": "1"}).status in (401, 409)


@pytest.mark.parametrize("database", ["sqlite"])
def test_whoever_has_no_generator_sets_one_up_first_whatever_his_organisation_asks(house, browser):
    application = offer(filled())
    number, client = application.number, browser("clerk")
    assert company("ALTN").codes == NO_CODES["codes"]
    db.session.commit()

    asked = client.send(client.get(address(number)), address(number, "assisted", "confirmation"))

    assert asked.status == 401
    assert "codes.set_up_first" in asked.terms()
    assert draft_of(number).confirmed_at is None
    fields = {"seen": str(refetched(number).version), "security_code": "123456"}
    assert client.post(address(number, "assisted", "confirmation"), fields).status == 401


@pytest.mark.parametrize("database", ["sqlite"])
def test_nobody_else_sees_it_unanswered_and_nobody_else_answers(house, browser):
    application = offer(filled())
    number, root = application.number, address(application, "assisted")
    seen = {"seen": str(application.version), "decline_reason": "жоқ", "security_code": "1"}
    db.session.commit()

    for key in ("issuer", "first_head", "other_issuer", "other_first_head", "adviser", "compliance"):
        someone = browser(key)
        for path in (address(number), address(number, "summary"), address(number, "stages", STAGE)):
            assert someone.get(path).status == 404, key
        assert number not in someone.get("/applications").text, key
        assert number not in someone.get("/notifications").text, key
        assert someone.post(f"{root}/refusal", seen).status == 404
        assert draft_of(number).state_at(here.now()) == "offered"
        with pytest.raises(NotPermitted) as refused:
            assisting.decline(refetched(number), reason="x", by=person(key), seen=int(seen["seen"]), now=here.now())
        assert refused.value.params == {"who": person("clerk").name}
    for key in ("listing", "officer", "listing_head", "chancery", "lawyer"):
        someone = browser(key)
        for act in ("confirmation", "refusal"):
            assert someone.post(f"{root}/{act}", seen).status == 404, key
        with pytest.raises(NotPermitted):
            confirm(refetched(number), by=key)


@pytest.mark.parametrize("database", ["sqlite"])
def test_the_officer_never_sends_or_signs_it(house, browser):
    application = filled()
    number, officer = application.number, browser("listing")
    db.session.commit()

    def tried():
        seen = {"seen": str(refetched(number).version)}
        return [
            officer.post(address(number, "transitions", "send_for_approval"), seen).status,
            officer.post(address(number, "transitions", "send_file"), seen).status,
            officer.post(address(number, "sign"), seen).status,
            officer.post(address(number, "paper"), seen).status,
        ]

    assert all(status in (403, 404, 409, 303) for status in tried())
    offer(refetched(number))
    db.session.commit()
    assert all(status in (403, 404, 409, 303) for status in tried())
    assert (refetched(number).process, refetched(number).submitted_at) == ("filling", None)
    assert not queries.documents(refetched(number))  # nothing was frozen, and so nothing signed
    for by in ("listing", "clerk"):
        with pytest.raises(Conflict) as refused:
            moves.fire(
                refetched(number), "send_for_approval", by=person(by), seen=refetched(number).version, now=here.now()
            )
        assert refused.value.key == "assisted.err.only_offer"


@pytest.mark.parametrize("database", ["sqlite"])
def test_while_it_is_offered_nobody_changes_it(house, browser):
    application = offer(filled())
    number, stage = application.number, address(application, "stages", STAGE)
    db.session.commit()

    for key in ("clerk", "listing", "officer"):
        someone = browser(key)
        page = someone.get(stage)
        assert page.status == 200
        assert not page.all(name="save"), key
        refused = someone.post(stage, {"save": "yes", "revision": "1", "legal_address": "Басқа"})
        assert refused.status == 403, key
        deleted = someone.post(address(number, "transitions", "delete"), {"seen": str(refetched(number).version)})
        assert deleted.status == 403, key
        with pytest.raises(NotPermitted):
            answering.save(
                refetched(number), STAGE, typed(refetched(number), STAGE, legal_address="Б"), by=person(key),
                done=False, now=here.now(),
            )  # fmt: skip
    assert "assisted.take_back" in browser("officer").get(address(number)).terms()
    assert "assisted.take_back" not in browser("chancery").get(address(number)).terms()


@pytest.mark.parametrize("database", ["sqlite"])
def test_it_is_declined_with_a_reason_mended_and_offered_again(house, browser):
    application = offer(filled())
    number, root = application.number, address(application, "assisted")
    db.session.commit()
    client = browser("clerk")
    page = client.get(address(number))

    bare = client.send(page, f"{root}/refusal", decline_reason=" ")
    assert (bare.status, bool(bare.error("decline_reason"))) == (422, True)
    long = client.send(page, f"{root}/refusal", decline_reason="я" * 1001)
    assert (long.status, draft_of(number).state_at(here.now())) == (422, "offered")
    done = client.send(page, f"{root}/refusal", decline_reason="Мекенжай қате")

    assert done.location == "/"
    assert client.get(address(number)).status == 404
    assert client.send(page, f"{root}/refusal", decline_reason="тағы").status == 404
    told = messages_of(person("listing"))[0]
    assert (told.message, told.action_required) == ("notice.assisted_declined", True)
    assert told.params["reason"] == "Мекенжай қате"
    colleague, stage = browser("officer"), address(number, "stages", STAGE)
    assert "Мекенжай қате" in colleague.get(address(number)).main
    assert colleague.send(colleague.get(stage), stage, press="save", legal_address="Алматы").status == 303
    again = colleague.get(address(number))
    assert colleague.send(again, f"{root}/offer", person=str(person("issuer").id)).status == 303
    assert colleague.send(again, f"{root}/offer", person=str(person("issuer").id)).status == 409
    assert client.get(address(number)).status == 404
    assert browser("issuer").get(address(number)).status == 200
    confirm(refetched(number), by="issuer")
    assert {each.id for each in (person("listing"), person("officer"))} == {
        row.user_id for key in ("listing", "officer") for row in messages_of(person(key))[:1]
        if row.message == "notice.assisted_confirmed"
    }  # fmt: skip


@pytest.mark.parametrize("database", ["sqlite"])
def test_an_offer_is_taken_back_and_the_page_of_before_confirms_nothing(house, browser):
    application = offer(filled())
    number, seen = application.number, application.version
    with pytest.raises(NotPermitted):
        assisting.take_back(application, by=person("chancery"), seen=seen, now=here.now())

    assisting.take_back(application, by=person("officer"), seen=seen, now=here.now())

    assert not queries.sees(application, person("clerk"))
    assert messages_of(person("clerk"))[0].message == "notice.assisted_gone"
    assert messages_of(person("clerk"))[0].path == ""
    for version in (seen, refetched(number).version):
        with pytest.raises(Conflict):
            confirm(refetched(number), seen=version)
    with pytest.raises(Conflict):
        assisting.take_back(refetched(number), by=person("officer"), seen=refetched(number).version, now=here.now())
    answering.save(
        refetched(number), STAGE, typed(refetched(number), STAGE, legal_address="Басқа"), by=person("listing"),
        done=False, now=here.now(),
    )  # fmt: skip
    offer(refetched(number))
    with pytest.raises(Conflict):  # he has read another text
        confirm(refetched(number), seen=seen)
    confirm(refetched(number))
    moves.fire(refetched(number), "delete", by=person("clerk"), seen=refetched(number).version, now=here.now())


@pytest.mark.parametrize("database", ["sqlite"])
def test_the_officer_deletes_what_is_not_offered(house, browser):
    application = filled()
    number, officer = application.number, browser("listing")
    db.session.commit()

    deleted = officer.send(officer.get(address(number)), address(number, "transitions", "delete"))

    assert deleted.status == 303
    assert refetched(number).process == queries.DELETED
    assert not officer.get("/assisted").all(data_app=number)


def test_at_the_second_at_which_it_lapses_it_is_answered_no_more(house):
    now = here.now() - assisting.STANDS
    application = offer(filled(), now=now)
    number, end = application.number, now + assisting.STANDS
    assert assisting.keep(now=end - SECOND) == 0
    assert queries.offer(refetched(number), now=end - SECOND) is not None
    assert queries.answers_offer(refetched(number), person("clerk"), now=end - SECOND)
    with pytest.raises(Conflict):
        confirm(refetched(number), now=end)
    assert queries.offers_among(now=end) == {}
    assert queries.offers_among(now=end - SECOND) == {refetched(number).id: person("clerk").id}

    assert (assisting.keep(now=end), assisting.keep(now=end)) == (1, 0)

    assert draft_of(number).state_at(end) == "lapsed"
    assert messages_of(person("listing"))[0].message == "notice.assisted_lapsed"
    assert messages_of(person("clerk"))[0].message == "notice.assisted_gone"
    assert acts(refetched(number))["assist_lapsed"] is None
    offer(refetched(number))
    confirm(refetched(number))


def test_a_lapsed_offer_is_offered_again_though_the_worker_was_away(house):
    application = offer(filled(), now=here.now() - assisting.STANDS)

    assert not queries.sees(application, person("clerk"))
    assert draft_of(application).state_at(here.now()) == "lapsed"
    answering.save(
        application, STAGE, typed(application, STAGE, legal_address="Б"), by=person("listing"), done=False,
        now=here.now(),
    )  # fmt: skip
    offer(application)

    assert queries.sees(application, person("clerk"))


def test_whose_person_has_left_comes_back_and_another_is_named(house):
    application = offer(filled())
    number = application.number
    member = person("clerk").member_of(company("ALTN").id)
    member.is_active = False
    db.session.flush()
    with pytest.raises(NotPermitted):
        confirm(application)

    assert assisting.keep(now=here.now()) == 1

    assert draft_of(number).state_at(here.now()) == "left"
    assert messages_of(person("listing"))[0].message == "notice.assisted_left"
    with pytest.raises(Invalid):
        offer(refetched(number))
    offer(refetched(number), key="issuer")
    confirm(refetched(number), by="issuer")
    assert refetched(number).author == person("issuer")


@pytest.mark.parametrize("database", ["sqlite"])
def test_it_is_seen_from_the_place_of_its_company_alone(house, browser):
    both = user(company("BRKT"), email="eki@orin.example", is_admin=True)
    place = Membership(user=both, organisation=company("ALTN"), is_usual=False)
    db.session.add(place)
    db.session.flush()
    db.session.expire(both, ["memberships"])
    application = filled(person_id=both.id)
    assisting.offer(application, person_id=both.id, by=person("listing"), seen=application.version, now=here.now())
    number, ident = application.number, place.id
    with pytest.raises(NotPermitted):
        assisting.confirm(application, by=both, seen=application.version, now=here.now())
    db.session.commit()
    someone = browser()
    assert someone.sign_in("eki@orin.example", "Jasyl-7qala").status == 303

    elsewhere = someone.get(address(number))
    assert "assisted.confirm" not in elsewhere.terms()
    assert number not in someone.get("/applications").main
    someone.post("/places", {"place": str(ident)})

    assert "assisted.confirm" in someone.get(address(number)).terms()
    assert number in someone.get("/applications").main


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"procedure_key": "nosuch"}, "procedure"),
        ({"procedure_key": ""}, "procedure"),
        ({"procedure_key": "disclosure_breach"}, "procedure"),
        ({"company_id": 0}, "company"),
        ({"company": "ADIL"}, "company"),
        ({"person_id": None}, "person"),
        ({"person": "other_issuer"}, "person"),
        ({"person": "listing"}, "person"),
        ({"basis": " \n"}, "basis"),
        ({"basis": "я" * 301}, "basis"),
        ({"asked_on": None}, "asked_on"),
        ({"days": 1}, "asked_on"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"])
def test_what_is_wrong_with_the_request_is_told_at_its_field(house, changed, path):
    given = dict(changed)
    if "company" in given:
        given["company_id"] = company(given.pop("company")).id
    if "person" in given:
        given["person_id"] = person(given.pop("person")).id
    if "days" in given:
        given["asked_on"] = here.now().date() + timedelta(days=given.pop("days") + 1)

    with pytest.raises(Invalid) as refused:
        begun(**given)

    assert {problem.path for problem in refused.value.problems} == {path}
    assert db.session.scalar(select(func.count(AssistedDraft.id))) == 0


@pytest.mark.parametrize("database", ["sqlite"])
def test_nothing_is_offered_that_is_empty_or_another_desks(house):
    application = begun()

    with pytest.raises(Conflict) as empty:
        offer(application)
    with pytest.raises(NotPermitted) as another:
        offer(application, by="chancery")
    with pytest.raises(Conflict):
        assisting.offer(
            application_at("filling"), person_id=person("clerk").id, by=person("listing"),
            seen=application_at("filling").version, now=here.now(),
        )  # fmt: skip

    assert empty.value.key == "assisted.err.empty"
    assert another.value.params == {"who": person("listing").name}


@pytest.mark.parametrize("database", ["sqlite"])
def test_lists_know_whose_turn_it_is(house):
    application = offer(filled())

    for key, theirs in (("clerk", True), ("listing", False), ("officer", False)):
        glance = next(each for each in cabinet.under_review(person(key)) if each.id == application.id)
        assert glance.is_mine is theirs, key
    assert queries.executor_people(application, "author") == [person("clerk")]


@pytest.mark.parametrize("database", ["sqlite"])
def test_contacts_are_those_of_the_person_for_whom_it_is(house):
    person("clerk").language, person("listing").language = "ru", "en"
    application = begun()

    assert reuse.record(application)["contact_name"] == person("clerk").full_name
    assert application.language == "ru"


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_chosen_adviser_learns_of_it_once_it_is_the_clients(house):
    application, mailed = filled(), len(mails_to(person("adviser").email))
    effects_before = queries.assigned(application, "adviser")
    teller = Teller(house.config)
    teller.person = lambda key: person("adviser" if key == "adviser" else "listing")
    teller.fill(application, ("issuer", "adviser_choice"))
    assert queries.assigned(application, "adviser") == effects_before == []
    assert not queries.sees(application, person("adviser"))
    assert len(mails_to(person("adviser").email)) == mailed

    offer(application)
    assert not queries.sees(application, person("adviser"))
    confirm(application)

    assert queries.assigned(application, "adviser") == [person("adviser")]
    assert queries.sees(application, person("adviser"))
    assert application.number in mails_to(person("adviser").email)[0].body


@pytest.mark.parametrize("database", ["sqlite"])
def test_paper_is_not_confirmed_and_a_prepared_draft_is_not_handed_in(house):
    now = here.now()
    outage = outages.declare(now - timedelta(days=6), None, reason="Желі", by=person("chancery"), now=now)
    with attachments.received([Upload("o.pdf", papers.pdf("x"))]) as found:
        paper = intake.begin(
            outage, procedure_key="disclosure_extension", company_id=company("BRKT").id,
            received_at=now - timedelta(days=5), brought_by="И.", scans=found, by=person("chancery"), now=now,
        )  # fmt: skip
    with pytest.raises(Conflict):
        assisting.offer(paper, person_id=person("other_issuer").id, by=person("chancery"), seen=paper.version, now=now)
    prepared = filled()
    with pytest.raises(Conflict):
        intake.enter(prepared, by=person("listing"), seen=prepared.version, now=now)


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
@pytest.mark.parametrize("database", ["sqlite"])
def test_every_page_of_it_is_said_in_three_languages(house, browser, language):
    application = offer(filled())
    number = application.number
    db.session.commit()
    words = {
        "kk": ("Клиенттер үшін дайындау", "Өтініш сіз үшін дайындалды", "Кодпен растау"),
        "ru": ("Подготовка для клиентов", "Заявление подготовлено для вас", "Подтвердить кодом"),
        "en": ("Prepared for clients", "This application was prepared for you", "Confirm by code"),
    }[language]

    officer, client = browser("listing", language), browser("clerk", language)
    listed, page = officer.get("/assisted"), client.get(address(number))

    assert words[0] in listed.main
    assert all(word in page.main for word in words[1:])
    for shown in (listed, page, officer.get("/assisted/new"), client.get("/notifications"), client.get("/")):
        assert "assisted." not in shown.main
    for wrong in ("?procedure=nosuch&company=1", "?procedure=share_listing&company=999", "?company=x"):
        assert officer.get(f"/assisted/new{wrong}").status == 200
    assert client.get("/assisted").status == 404


def test_of_two_answers_at_once_one_stands(live):
    application = offer(filled())
    number, secret = application.number, enrolled("clerk")
    path = address(number, "assisted")
    db.session.commit()
    browsers = [signed_in(live, "clerk") for _ in range(4)]
    pages = [someone.get(address(number)) for someone in browsers]
    version = refetched(number).version
    first = browsers[0].send(pages[0], f"{path}/confirmation")
    confirmed = {"security_code": code(secret)}
    db.session.remove()

    answers = at_once(
        live,
        [
            lambda: browsers[0].send(first, f"{path}/confirmation", **confirmed),
            *(
                lambda place=place: browsers[place].send(pages[place], f"{path}/refusal", decline_reason="жоқ")
                for place in (1, 2, 3)
            ),
        ],
    )

    assert [answer.status for answer in answers].count(303) >= 1
    draft = draft_of(number)
    assert (draft.confirmed_at is None) is (draft.returned == "declined")
    done = {"assist_confirmed", "assist_declined"} & set(acts(refetched(number)))
    assert len(done) == 1
    assert refetched(number).version == version + 1


def test_a_form_sent_twice_at_once_begins_one(live):
    browsers = [signed_in(live, "listing")] * 1 + [signed_in(live, "listing") for _ in range(2)]
    page = browsers[0].get(f"/assisted/new?procedure=share_listing&company={company('ALTN').id}")
    given = {"person": str(person("clerk").id), "basis": WORDS, "asked_on": "01.10.2026"}
    mark = page.form("/assisted/new")["once"]
    for each in browsers:
        each.get("/assisted")
    pages = [each.get(f"/assisted/new?procedure=share_listing&company={company('ALTN').id}") for each in browsers]
    before = db.session.scalar(select(func.count(Application.id)))
    db.session.remove()

    answers = at_once(
        live,
        [
            lambda each=each, shown=shown: each.send(shown, "/assisted/new", once=mark, **given)
            for each, shown in zip(browsers, pages, strict=True)
        ],
    )

    assert {answer.status for answer in answers} == {303}
    assert len({answer.location for answer in answers}) == 1
    assert db.session.scalar(select(func.count(Application.id))) == before + 1


@pytest.mark.req("ESRV-35.3.b")
@pytest.mark.parametrize("database", ["sqlite"])
def test_no_code_given_before_is_the_word_for_it(house, browser):
    secret, client = enrolled("clerk"), browser("clerk")
    application = offer(filled())
    session = db.session.scalars(select(LoginSession).order_by(LoginSession.id.desc()).limit(1)).one()
    security_sessions.open_by_code(session, code(secret), now=clock.unmoved())
    db.session.commit()

    page = client.get(address(application.number))
    asked = client.send(page, f"{address(application.number, 'assisted')}/confirmation")

    assert (asked.status, draft_of(application.number).confirmed_at) == (401, None)


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_file_that_the_officer_took_out_again_is_never_the_clients(house, browser):
    application, officer, now = filled(), person("listing"), here.now()
    with attachments.received([Upload("theirs.pdf", papers.pdf("x")), Upload("ours.pdf", papers.pdf("y"))]) as found:
        for each in found:
            attachments.keep(application, "documents", "documents.charter", each, by=officer, now=now)
    mine = select(Attachment).where(Attachment.application_id == application.id).order_by(Attachment.id)
    wrong, right = db.session.scalars(mine).unique()
    attachments.take_out(application, wrong.id, by=officer, now=now)
    number = offer(application).number
    db.session.commit()

    client = browser("clerk")

    def status(row):
        return client.get(address(number, "attachments", str(row.id))).status

    assert (status(wrong), status(right)) == (404, 200)
    confirm(refetched(number))
    db.session.commit()
    assert (status(wrong), status(right)) == (404, 200)


@pytest.mark.parametrize("database", ["sqlite"])
def test_the_client_himself_names_the_application_within_which_it_is(house):
    application = begun(procedure_key="bond_listing")
    by, seen = person("listing"), application.version
    assert not filing.may_name_parent(application, by)
    with pytest.raises(Conflict) as refused:
        filing.name_parent(application, "", by=by, seen=seen, now=here.now())

    assert refused.value.key == "parents.err.prepared"


@pytest.mark.parametrize("database", ["sqlite"])
def test_papers_tell_nothing_of_what_is_only_offered(house):
    number = offer(filled()).number

    assert number not in {each.number for each in outputs.own_applications(person("clerk"))}
    confirm(refetched(number))
    assert number in {each.number for each in outputs.own_applications(person("clerk"))}


@pytest.mark.parametrize("database", ["sqlite"])
def test_what_was_deleted_lapses_no_more(house):
    application = offer(filled(), now=here.now() - assisting.STANDS)
    moves.fire(application, "delete", by=person("listing"), seen=application.version, now=here.now())
    db.session.commit()

    assert assisting.keep(now=here.now()) == 0
