"""From registration to the archive, results, withdrawal, questionnaires (user manual, 9.4 to 9.6, 23 to 26)."""

from __future__ import annotations

import re

import pytest
from browser import words
from factories import Teller, application_at, company, mails_to, messages_of, person, refetched, user, values
from sqlalchemy import select
from test_creating import NEW, address

from app import db
from app.applications import approval, cabinet, moves, queries
from app.applications.models import History
from app.errors import Conflict, Invalid, NotPermitted
from app.terms import say
from app.web.templating import date_text

VIEW = "Биржаға жіберілген өтініштер мен құжаттарды қарау"


def acts(application) -> list[str]:
    """Return what has happened to an application, oldest first."""
    rows = db.session.execute(
        select(History.act).where(History.application_id == application.id).order_by(History.id)
    ).all()
    return [row.act for row in rows]


# The list «Қарауда»


@pytest.mark.req("IS2IN-9.4.a", "IS2IN-9.4.b")
def test_a_row_under_review_shows_what_the_manual_names(browser, house):
    application = application_at("registration")

    page = browser("issuer").get("/applications")
    row = next(item for item in page.all(data_app=application.number) if item.tag == "tr")

    assert {
        "col.app_number",
        "obj.company",
        "role.author",
        "obj.procedure",
        "col.current_process",
        "role.executor",
        "obj.status",
        "col.created_at",
        "col.submitted_at",
    } <= page.terms()
    for shown in (
        application.number,
        "«Алтындән» АҚ",
        "Ахметова Айгүл",
        "Акцияларды Биржаның ресми тізіміне енгізу",
        "Өтінішті тіркеу",
        say("workflow.executor.chancery", "kk"),
        say("st.awaiting_registration", "kk"),
        date_text(application.created_at),
        date_text(application.submitted_at),
    ):
        assert shown in words(row), shown
    assert row.get("data-state") == "awaiting_registration"


@pytest.mark.req("IS2IN-9.4.a")
def test_all_active_applications_of_the_user_are_listed_and_archived_ones_are_not(browser, house):
    page = browser("issuer").get("/applications?tab=all")

    listed = {item.get("data-app") for item in page.root.iter("tr")} - {None}
    own = {item.number for item in cabinet.of_glances(cabinet.under_review(person("issuer")))}
    assert listed == own
    assert application_at("archived").number not in listed
    assert application_at("result").number in listed  # finished, and not archived yet (A29)


def test_the_tabs_count_what_they_hold(browser, house):
    someone = browser("issuer")
    for tab in ("mine", "waiting", "all"):
        page = someone.get(f"/applications?tab={tab}")
        link = next(
            item for item in page.root.iter("a") if item.get("aria-current") == "page" and "tab=" in item.get("href")
        )
        assert int(re.search(r"\d+", words(link)).group()) == len(
            [item for item in page.root.iter("tr") if item.get("data-app")]
        )


# Registration and the work of the Exchange


@pytest.mark.req("IS2IN-23.c", "IS2IN-24.b")
def test_the_chancery_registers_and_the_application_gets_its_number(browser, house):
    application, teller = application_at("registration"), Teller(house.config)
    someone = browser("chancery")
    path = address(application, "stages", "registration")
    page = someone.get(path)

    done = someone.send(page, path, press="trigger", value="register", **teller.typed(application, "registration").raw)

    application = refetched(application)
    assert done.location == address(application)
    assert application.process == "completeness"
    assert re.fullmatch(r"\d{4}/\d{5}", application.registration_number)
    assert application.registered_at is not None
    told = messages_of(person("issuer"))[0]
    assert (told.application_number, told.message) == (application.number, "notice.moved")


def test_registration_numbers_are_given_once_each(house):
    teller = Teller(house.config)
    before = {row.registration_number for row in _all() if row.registration_number}
    for code in ("ALTN", "BRKT"):
        teller.work(application_at("registration", code), "registration", "chancery", "register")

    after = [row.registration_number for row in _all() if row.registration_number]
    assert len(after) == len(set(after)) == len(before) + 2


def _all():
    from app.applications.models import Application

    db.session.expire_all()
    return db.session.scalars(select(Application)).unique().all()


@pytest.mark.req("IS2IN-23.c")
@pytest.mark.parametrize("key", ["issuer", "first_head", "listing", "lawyer", "secretary"])
def test_nobody_else_registers(browser, house, key):
    application = application_at("registration")
    someone = browser(key)

    answer = someone.post(
        address(application, "stages", "registration"),
        {"trigger": "register", "revision": "0", "seen": str(application.version)},
    )
    other = someone.post(address(application, "transitions", "register"), {"seen": str(application.version)})

    assert answer.status in (403, 404)
    assert other.status in (403, 404)
    assert refetched(application).process == "registration"


@pytest.mark.req("ESRV-19.a", "ESRV-19.b", "ESRV-30.0")
def test_refusing_to_register_needs_a_reason_of_the_list_and_a_text(browser, house):
    application, someone = application_at("registration"), browser("chancery")
    page = someone.get(address(application, "registration"))
    path = address(application, "registration")
    said = {"kk": "Өтінішке өкілетті емес тұлға қол қойған", "ru": "Заявление подписано неуполномоченным лицом"}
    both = {f"text-{language}": words for language, words in said.items()}

    bare = someone.send(page, path, press="act", value="refuse", reason="", **{"text-kk": "   ", "text-ru": said["ru"]})
    only = someone.send(page, path, press="act", value="refuse", reason="other", **{"text-kk": said["kk"]})
    by_hand = address(application, "transitions", "refuse_registration")
    aside = someone.post(by_hand, {"reason": said["kk"], "seen": "0"})
    assert (bare.status, only.status, aside.status) == (422, 422, 409)
    assert bare.error("reason") == say("desk.err.reason", "kk")
    assert bare.error("text-kk") == only.error("text-ru") == say("desk.err.text", "kk")
    done = someone.send(page, path, press="act", value="refuse", reason="signature_invalid", **both)

    assert done.status == 303
    assert refetched(application).process == "refused"
    for language, own in (("kk", "kk"), ("ru", "ru"), ("en", "ru")):
        page = browser("issuer", language).get(address(application))
        ending = page.one(data_ending="")
        assert say("desk.reason.signature_invalid", language) in words(ending)
        assert said[own] in words(ending), language
        assert bool(ending.findall(".//abbr")) is (language == "en")
        assert f"{say('desk.reason.signature_invalid', own)}. {said[own]}" in words(page.root)
    kept = queries.latest(refetched(application), "registration")
    assert kept is not None
    assert kept.values["refusal"] == {"refusal_reason": "signature_invalid", "refusal_text": said}


@pytest.mark.req("IS2IN-24.a", "IS2IN-1.5")
def test_three_departments_work_at_the_same_time_each_in_its_own_stage(browser, house):
    application, teller = application_at("expertise"), Teller(house.config)
    own = {"listing": "listing_review", "lawyer": "legal_review", "analyst": "financial_review"}

    for key, stage in own.items():
        someone = browser(key)
        for other in own.values():
            page = someone.get(address(application, "stages", other))
            assert bool(page.all(name="done")) is (other == stage), (key, other)
        page = someone.get(address(application, "stages", stage))
        raw = teller.typed(refetched(application), stage).raw
        done = someone.send(page, address(application, "stages", stage), press="done", **raw)
        assert done.status == 303

    standing = queries.position(refetched(application))
    assert {standing.status(stage) for stage in own.values()} == {"filled"}


def test_the_expertise_is_not_finished_before_every_department_has(browser, house):
    application, someone = application_at("expertise"), browser("listing")
    someone.get(address(application))

    refused = someone.post(address(application, "transitions", "finish_expertise"), {"seen": str(application.version)})

    assert refused.status == 409
    assert "Заң бөлімшесінің сараптамасы" in refused.main
    assert refetched(application).process == "expertise"


@pytest.mark.req("IS2IN-24.b")
def test_remarks_go_to_the_applicant_who_answers_and_sends_again(browser, house):
    application, teller = application_at("expertise"), Teller(house.config)
    lawyer, application = browser("lawyer"), application.number
    place = "issuer.legal_address"
    page = lawyer.get(address(application, "review"))
    lawyer.send(page, address(application, "review"), press="comment", value=place, **{f"comment-{place}": "Анықтаңыз"})
    author = browser("issuer")
    assert "Анықтаңыз" not in author.get(address(application, "comments")).text  # not sent yet
    teller.fill(refetched(application), ("listing_review", "legal_review", "financial_review"))
    listing = browser("listing")
    page = listing.get(address(application))
    listing.send(page, address(application, "transitions", "send_remarks"))

    assert refetched(application).process == "rework"
    told = messages_of(person("issuer"))[0]
    assert (told.application_number, told.action_required) == (application, True)
    assert application in mails_to(person("issuer").email)[0].body
    page = author.get(address(application, "comments"))
    assert "Анықтаңыз" in page.main
    refused = author.post(
        address(application, "transitions", "send_for_approval"), {"seen": str(refetched(application).version)}
    )
    assert refused.status == 409
    answer = next(name for name in page.form(address(application, "comments")) if name.startswith("answer-"))
    author.send(page, address(application, "comments"), press="save", **{answer: "Анықталды"})
    sent = author.send(
        author.get(address(application, "summary")), address(application, "transitions", "send_for_approval")
    )

    assert sent.status == 303
    assert refetched(application).process == "rework_approval"
    assert "Анықталды" in lawyer.get(address(application, "comments")).main


def test_the_exchange_reads_what_was_sent_whatever_the_applicant_changes_meanwhile(browser, house):
    application, author = application_at("rework"), browser("issuer")
    path = address(application, "stages", "issuer")
    author.send(author.get(path), path, press="save", legal_address="Жаңа мекенжай 1")

    lawyer = browser("lawyer")

    for page in (path, address(application, "summary"), address(application, "documents")):
        assert "Жаңа мекенжай 1" not in lawyer.get(page).text, page
    assert "Жаңа мекенжай 1" in author.get(address(application, "summary")).main
    assert lawyer.get(address(application, "summary.pdf")).status == 404


def test_the_exchanges_own_papers_are_read_by_nobody_else(browser, house):
    application = application_at("conclusion")
    remark = (
        Teller(house.config).typed(application, "listing_review").raw["opinion_text"][0].replace(" belgialtn77", "")
    )
    author, listing = browser("issuer"), browser("listing")

    for page in ("", "documents", "summary", "timeline", "comments"):
        assert remark not in author.get(address(application, page)).text
    assert author.get(address(application, "stages", "listing_review")).status == 404
    assert remark in listing.get(address(application, "documents")).main


# Paragraph 25


@pytest.mark.req("IS2IN-25.a", "IS2IN-25.b")
@pytest.mark.parametrize(
    "process",
    ["registration", "completeness", "expertise", "rework", "conclusion", "meeting", "decision", "result", "archived"],
)
def test_in_every_process_after_sending_the_user_can_look_at_what_was_sent(browser, house, process):
    someone, application = browser("issuer"), application_at(process)

    hub = someone.get(address(application))
    page = someone.get(address(application, "documents"))

    assert VIEW in hub.main or process == "archived"
    assert page.status == 200
    assert {item.get("data-kind") for item in page.root.iter("article")} >= {"application", "signed_copy"}
    assert "charter-belgialtn" in page.main


def test_before_sending_there_is_nothing_sent_to_look_at(browser, house):
    someone, application = browser("issuer"), application_at("filling")

    page = someone.get(address(application, "documents"))

    assert page.status == 200  # the checklist alone
    assert VIEW not in page.main
    assert not page.all(data_kind="application")
    assert VIEW not in someone.get(address(application)).main


@pytest.mark.req("IS2IN-25.c", "IS2IN-25.d", "IS2IN-25.e")
@pytest.mark.parametrize("process", ["result", "archived"])
@pytest.mark.parametrize("key", ["issuer", "first_head", "adviser"])
def test_the_letter_is_received_and_copied(browser, house, process, key):
    someone, application = browser(key), application_at(process)
    page = someone.get(address(application))

    button = page.one(data_key="act.copy_document")
    letter = someone.get(button.get("href"))

    assert words(button) == "Құжатты көшіру"
    assert letter.content.startswith(b"%PDF-")
    assert letter.headers["Content-Disposition"].startswith("attachment")
    assert letter.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.req("IS2IN-25.c")
def test_a_letter_that_has_not_been_sent_is_not_there_for_the_applicant(browser, house):
    application = application_at("letter")
    page = browser("issuer").get(address(application))

    assert "act.copy_document" not in page.terms()
    assert [row for row in queries.documents(application) if row.kind == "letter" and row.delivered_at] == []


@pytest.mark.req("IS2IN-25.c", "IS2IN-24.b")
def test_sending_the_letter_tells_the_applicant(house):
    application = application_at("letter")
    Teller(house.config).work(application, "letter", "listing", "send_letter")

    for key in ("issuer", "first_head", "adviser"):
        assert messages_of(person(key))[0].application_number == application.number
        assert application.number in mails_to(person(key).email)[0].body


# Paragraph 26


@pytest.mark.req("IS2IN-26.a")
@pytest.mark.parametrize("process", ["registration", "completeness", "expertise", "rework", "conclusion", "meeting"])
def test_until_the_meeting_is_appointed_the_application_can_be_withdrawn(browser, house, process):
    someone, application = browser("issuer"), application_at(process)
    page = someone.get(address(application))
    assert "Өтінішті кері қайтарып алу" in page.main
    path = address(application, "transitions", "withdraw")

    bare = someone.send(page, path, reason="")
    done = someone.send(page, path, reason="Эмиссия мерзімі өзгерді")

    assert (bare.status, done.status) == (422, 303)
    assert refetched(application).process == "withdrawn"
    assert messages_of(person("first_head"))[0].application_number == application.number


@pytest.mark.req("IS2IN-26.b")
@pytest.mark.parametrize("process", ["decision", "letter", "result"])
def test_once_the_meeting_is_appointed_withdrawal_is_refused_with_the_reason(browser, house, process):
    someone, application = browser("issuer"), application_at(process)
    page = someone.get(address(application))

    refused = someone.post(
        address(application, "transitions", "withdraw"), {"seen": str(application.version), "reason": "Кеш"}
    )

    assert not [item for item in page.root.iter("form") if (item.get("action") or "").endswith("/withdraw")]
    assert refused.status == 409
    assert say("err.withdraw_late", "kk") in refused.main
    assert refetched(application).process == process


@pytest.mark.req("IS2IN-26.b")
def test_the_moment_counts_is_the_recording_of_the_date_not_the_next_process(house, now):
    application, teller = application_at("meeting"), Teller(house.config)
    teller.fill(application, ("meeting",))
    application = refetched(application)

    with pytest.raises(Conflict) as refusal:
        moves.fire(application, "withdraw", by=person("issuer"), seen=application.version, words="Кеш", now=now)

    assert refusal.value.key == "err.withdraw_late"


@pytest.mark.parametrize("key", ["first_head", "adviser", "listing"])
def test_only_the_author_withdraws(house, now, key):
    application = application_at("expertise")

    with pytest.raises(NotPermitted):
        moves.fire(application, "withdraw", by=person(key), seen=application.version, words="?", now=now)


def test_a_reason_is_asked_of_the_verb_too(house, now):
    application = application_at("expertise")

    with pytest.raises(Invalid):
        moves.fire(application, "withdraw", by=person("issuer"), seen=application.version, words=" ", now=now)


# Paragraphs 9.5 and 9.6


@pytest.mark.req("IS2IN-9.5.c")
@pytest.mark.parametrize("key", ["issuer", "first_head", "adviser", "chancery", "secretary", "clerk", "compliance"])
def test_nobody_but_the_authorised_person_archives(browser, house, key):
    application = application_at("result")
    someone = browser(key)

    answer = someone.post(address(application, "transitions", "archive"), {"seen": str(application.version)})

    assert answer.status in (403, 404)
    assert refetched(application).process == "result"


@pytest.mark.req("IS2IN-9.5.a", "IS2IN-9.5.b", "IS2IN-9.5.c", "IS2IN-9.5.d", "IS2IN-9.6.b", "IS2IN-25.e")
def test_archiving_moves_the_application_to_the_archive_and_its_forms_to_the_questionnaires(browser, house):
    application, author, listing = application_at("result"), browser("issuer"), browser("listing")
    number = application.number
    assert number in author.get("/applications").main
    assert number not in author.get("/archive").main
    assert number not in author.get("/questionnaires").main
    assert author.get(f"/questionnaires/{number}").status == 404

    listing.send(listing.get(address(number)), address(number, "transitions", "archive"))

    assert number not in author.get("/applications").main
    page = author.get("/archive")
    row = next(item for item in page.all(data_app=number) if item.tag == "tr")
    assert say("st.archived", "kk") == "Мұрағат"
    assert "Мұрағат" in words(row) or row.get("data-state") == "archived"
    button = next(item for item in row.iter("a") if item.get("data-key") == "act.details")
    assert words(button) == "Толығырақ"
    assert author.get(button.get("href")).status == 200
    assert author.get(address(number, "documents")).all(data_kind="signed_copy")
    assert number in author.get("/questionnaires").main
    assert author.get(f"/questionnaires/{number}").status == 200


@pytest.mark.parametrize("path", ["stages/issuer", "stages/letter", "review", "comments", "colleagues", "sign"])
@pytest.mark.parametrize("key", ["issuer", "first_head", "listing"])
def test_what_is_archived_is_changed_by_nobody(browser, house, path, key):
    application = application_at("archived")
    someone, before = browser(key), acts(application)

    answer = someone.post(
        address(application, path),
        {
            "save": "yes",
            "seen": str(application.version),
            "revision": "1",
            "activity": "?",
            "colleague": "2",
            "cms": "MA==",
        },
    )

    assert answer.status >= 400
    assert acts(refetched(application)) == before


@pytest.mark.req("IS2IN-9.6.a")
def test_a_questionnaire_fills_a_new_application_which_stays_to_be_checked(browser, house):
    origin, someone = application_at("archived"), browser("issuer")
    page = someone.get("/questionnaires")
    links = [item.get("href") for item in page.all(data_key="act.use_questionnaire")]
    link = next(found for found in links if found.startswith(NEW))

    made = someone.send(someone.get(link), NEW)

    application = refetched(made.location.rsplit("/", 1)[-1])
    assert values(application, "issuer") == values(origin, "issuer")
    assert values(application, "requirements")["entries"] == values(origin, "requirements")["entries"]
    assert "charter" not in values(application, "documents")
    standing = queries.position(application)
    assert (standing.status("issuer"), standing.status("requirements")) == ("filling", "filling")
    assert origin.number in someone.get(address(application, "stages", "issuer")).main


@pytest.mark.req("IS2IN-9.6.a")
def test_a_questionnaire_fills_one_stage_of_a_standing_application(browser, house):
    origin, application, someone = application_at("archived"), application_at("new"), browser("issuer")
    path = address(application, "stages", "requirements")
    assert values(application, "requirements") == {}

    choosing = someone.get(f"{path}/questionnaire?from={origin.number}")
    filled = someone.send(choosing, f"{path}/questionnaire")

    assert filled.location == path
    assert values(refetched(application), "requirements")["entries"] == values(origin, "requirements")["entries"]


@pytest.mark.req("IS2IN-9.6.a")
@pytest.mark.parametrize(
    ("key", "sees"), [("clerk", True), ("adviser", True), ("other_issuer", False), ("auditor", False)]
)
def test_questionnaires_are_the_organisations_and_its_advisers_who_was_executor(browser, house, key, sees):
    origin, someone = application_at("archived"), browser(key)

    assert (origin.number in someone.get("/questionnaires").main) is sees
    assert someone.get(f"/questionnaires/{origin.number}").status == (200 if sees else 404)
    someone.get(NEW)
    taken = someone.post(NEW, {"company": str(person(key).organisation.id), "from": origin.number})
    if not sees:
        assert taken.status in (404, 422)


def test_an_adviser_who_was_not_executor_sees_no_questionnaire_of_a_client(browser, house):
    colleague = user(company("SNIM"), email="ekinshi@snim.example")
    someone = browser()
    someone.sign_in(colleague.email, "Jasyl-7qala")

    assert application_at("archived").number not in someone.get("/questionnaires").main


def test_the_archive_can_be_searched(browser, house):
    someone, number = browser("issuer"), application_at("archived").number

    assert number in someone.get("/archive?q=алтын").main
    assert number in someone.get(f"/archive?q={number[-6:]}").main
    assert number not in someone.get("/archive?q=жоқ%25сөз").main
    assert someone.get("/archive?q=%25%27%22;--").status == 200


def test_every_move_of_the_whole_way_leaves_one_line_of_history(house):
    done = acts(application_at("archived"))

    assert [
        act for act in done if act in {"create", "send_for_approval", "agree", "sign", "send_file", "register"}
    ] == [
        "create",
        "send_for_approval",
        "agree",
        "sign",
        "send_file",
        "register",
    ]
    assert done[-1] == "archive"


def test_remarks_of_a_reviewer_who_is_not_at_work_are_refused(house, now):
    with pytest.raises(NotPermitted):
        approval.comment(application_at("conclusion"), by=person("lawyer"), comments={"issuer.bin": "?"}, now=now)
