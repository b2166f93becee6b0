"""Creating an application (user manual, paragraph 13), deleting it (15), its stages (14)."""

from __future__ import annotations

import pytest
from browser import words
from factories import (
    Teller,
    application_at,
    company,
    mails_to,
    messages_of,
    new_application,
    organisation,
    partnership,
    person,
    refetched,
    typed,
    user,
    values,
)
from sqlalchemy import func, select

from app import db
from app.applications import answering, filing, moves, queries
from app.applications.models import Application
from app.errors import Conflict, Invalid, NotPermitted
from app.organisations import queries as organisations
from app.terms import say

NEW = "/procedures/share_listing/new"
FIRST_PROCESS = (
    "Қажетті мәліметтерді, өтінішті толтырыңыз, эмитенттің және оның бағалы қағаздарының листингілік критерийлерге "
    "(талаптарға) сәйкестігін растаңыз және құжаттар топтамасын қоса беріңіз"
)
DISPATCH = (
    "Сіз толтырған өтінішті, мәліметтер мен құжаттарды тексеру және одан әрі қол қою мақсатында рұқсаттама "
    "бастамашысының бірінші басшысына жіберіңіз"
)


def address(application: Application | str, *rest: str) -> str:
    """Return the address of an application's page."""
    number = application if isinstance(application, str) else application.number
    return "/".join((f"/applications/{number}", *rest))


def offered(page, name):
    """Return the options of a list, without the one that chooses nothing."""
    return {option.get("value") for option in page.one(name=name).iter("option")} - {""}


def count() -> int:
    """Return how many applications there are."""
    return db.session.scalar(select(func.count(Application.id))) or 0


# Paragraphs 9.1, 12, 13


@pytest.mark.req("IS2IN-9.1.a", "IS2IN-12.1", "IS2IN-12.2", "IS2IN-12.3", "IS2IN-12.4", "IS2IN-12.5")
def test_the_procedures_stand_under_the_five_categories(browser):
    page = browser("issuer").get("/procedures")

    assert {"cat.listing", "cat.nonlisted", "cat.auditors", "cat.membership", "cat.disclosure"} <= page.terms()
    assert "Акцияларды Биржаның ресми тізіміне енгізу" in page.main


def test_what_one_may_file_stands_before_what_others_file(browser):
    page = browser("auditor").get("/procedures")
    folded = {item.get("data-procedure") for each in page.root.iter("details") for item in each.iter("div")} - {None}
    every = {item.get("data-procedure") for item in page.root.iter("div")} - {None}

    assert every - folded == {"auditor_inclusion"}
    assert {"share_listing", "auditor_monitoring", "disclosure_breach"} <= folded
    assert all("/auditor_inclusion/" in item.get("href") for item in page.all(data_key="act.apply"))


def test_a_stage_that_is_not_needed_says_so_and_is_not_counted(browser, house):
    someone, new = browser("issuer", "ru"), "/procedures/category_change/new"
    hub = someone.follow(someone.send(someone.get(new), new))

    unneeded = {item.get("data-stage") for item in hub.root.iter("li") if "Не требуется" in words(item)}
    assert unneeded == {"share_requirements", "debt_requirements"}
    assert "0 из 5" in hub.says(data_key="msg.stages_filled")


@pytest.mark.parametrize(
    ("category", "document"),
    [
        pytest.param("listing", "Листинговые правила", marks=pytest.mark.req("IS2IN-10.1")),
        pytest.param("listing", "Порядок осуществления листинговых процедур", marks=pytest.mark.req("IS2IN-10.2")),
        pytest.param("auditors", "Положение о Комитете по аудиту эмитентов", marks=pytest.mark.req("IS2IN-10.3")),
        pytest.param("auditors", "Порядок формирования перечня", marks=pytest.mark.req("IS2IN-10.4")),
        pytest.param("nonlisted", "Правила допуска ценных бумаг", marks=pytest.mark.req("IS2IN-10.5")),
        pytest.param("membership", "Положение о членстве", marks=pytest.mark.req("IS2IN-10.6")),
        pytest.param("disclosure", "Порядок осуществления его мониторинга", marks=pytest.mark.req("IS2IN-10.7")),
        pytest.param("disclosure", "Правила раскрытия информации", marks=pytest.mark.req("IS2IN-10.8")),
    ],
)
def test_a_category_names_the_internal_documents_behind_it(browser, category, document):
    page = browser("issuer", "ru").get("/procedures")

    assert document in page.says(data_key=f"rules.{category}")


@pytest.mark.req("IS2IN-13.a", "IS2IN-13.b", "IS2IN-13.e", "IS2IN-14.a", "ESRV-2.8")
def test_an_application_is_made_by_file_company_create(browser, house):
    someone = browser("issuer")
    buttons = someone.get("/procedures").all(data_key="act.apply")
    [button] = [found for found in buttons if "/share_listing/" in found.get("href")]
    page = someone.get(button.get("href"))

    made = someone.send(page, NEW)
    hub = someone.follow(made)

    assert (words(button).split()[0].rstrip(":"), page.says(data_key="act.create")) == ("Беру", "Құру")
    assert offered(page, "company") == {str(company("ALTN").id)}
    assert hub.status == 200
    steps = [item.get("data-process") for item in hub.root.iter("li") if item.get("data-process")]
    assert steps[:4] == ["filling", "first_head", "registration", "completeness"]
    assert steps[-1] == "archived"


@pytest.mark.req("IS2IN-13.c", "IS2IN-13.d")
def test_an_adviser_chooses_among_the_companies_that_made_it_their_partner(browser, house):
    page = browser("adviser").get(NEW)
    lonely = browser("lone_adviser").get(NEW)

    assert offered(page, "company") == {str(company("SNIM").id), str(company("ALTN").id)}
    assert offered(lonely, "company") == {str(company("JLGZ").id)}


@pytest.mark.req("IS2IN-13.c")
@pytest.mark.parametrize(("key", "code"), [("adviser", ""), ("lone_adviser", "JLGZ"), ("issuer", "ALTN")])
def test_a_company_is_chosen_beforehand_only_where_it_is_the_only_one(browser, house, key, code):
    """Reading A13: who has clients says for whom he files; his own company is not slipped in."""
    someone = browser(key)
    page = someone.get(NEW)

    [chosen] = page.form(NEW).get("company", [""])

    assert chosen == (str(company(code).id) if code else "")
    assert someone.send(page, NEW).status == (303 if code else 422)


@pytest.mark.req("IS2IN-13.c")
def test_the_chosen_company_is_the_initiator_of_the_application(browser, house):
    someone = browser("adviser")

    made = someone.send(someone.get(NEW), NEW, company=str(company("ALTN").id))

    application = refetched(made.location.rsplit("/", 1)[-1])
    assert (application.organisation.code, application.author) == ("ALTN", person("adviser"))


@pytest.mark.req("IS2IN-13.d")
@pytest.mark.parametrize(
    ("key", "code"),
    [("adviser", "BRKT"), ("lone_adviser", "ALTN"), ("issuer", "BRKT"), ("issuer", ""), ("auditor", "ADIL")],
)
def test_a_company_that_is_not_offered_cannot_be_filed_for(browser, house, key, code):
    someone, before = browser(key), count()
    someone.get(NEW)

    refused = someone.post(NEW, {"company": str(company(code).id) if code else ""})

    assert refused.status == 422
    assert say("app.err.company", "kk") in refused.main
    assert count() == before


@pytest.mark.req("IS2IN-13.d")
def test_an_ended_partnership_gives_no_company(house, now):
    standing = next(item for item in organisations.partnerships(company("ALTN")) if item.partner.code == "SNIM")
    standing.ended_at = now
    db.session.flush()

    with pytest.raises(Invalid):
        filing.create("share_listing", company_id=company("ALTN").id, author=person("adviser"), now=now)


def test_numbers_run_on_without_gaps_even_after_a_refused_act(house, now):
    first = new_application()
    with pytest.raises(Invalid), db.session.begin_nested():
        filing.create("share_listing", company_id=None, author=person("issuer"), now=now)
    second = new_application()

    assert int(second.number[-6:]) == int(first.number[-6:]) + 1


def test_an_unknown_procedure_is_not_found(browser):
    someone = browser("issuer")

    assert someone.get("/procedures/no_such/new").status == 404
    assert someone.post("/procedures/no_such/new", {"company": "1"}).status == 404


# Paragraph 14: the stages


@pytest.mark.req("IS2IN-14.e", "IS2IN-14.b")
def test_the_first_process_and_its_last_subprocess_carry_the_manuals_names(browser, house):
    page = browser("issuer").get(address(application_at("new")))

    assert FIRST_PROCESS in page.main
    assert DISPATCH in page.main


@pytest.mark.req("IS2IN-14.d")
def test_stages_that_may_be_worked_on_are_links_and_the_others_are_not(browser, house):
    page = browser("issuer").get(address(application_at("new")))

    links = {item.get("data-stage") for item in page.root.iter("a") if item.get("data-stage")}
    rows = {item.get("data-stage") for item in page.root.iter("li") if item.get("data-stage")}
    assert {"issuer", "requirements", "adviser_choice", "documents"} <= links
    assert {"adviser_statement", "summary"} <= rows - links


@pytest.mark.req("IS2IN-14.1.a", "IS2IN-14.1.b", "IS2IN-14.f", "IS2IN-16.b")
def test_save_keeps_what_is_there_and_stays_in_the_stage(browser, house):
    someone, application = browser("issuer"), new_application()
    path = address(application, "stages", "issuer")
    page = someone.get(path)
    assert page.says(data_key="act.save") == "Сақтау"

    saved = someone.send(page, path, press="save", activity="06.10 Добыча нефти", full_name__kk="«Мұнай» АҚ")
    again = someone.follow(saved)

    assert saved.location == path
    assert again.form(path)["activity"] == ["06.10 Добыча нефти"]
    assert again.one(data_stage="issuer", data_state="filling") is not None
    assert again.all(data_note_for="legal_address")  # what is still missing is told, and nothing refused
    assert queries.position(refetched(application)).status("issuer") == "filling"


@pytest.mark.req("IS2IN-14.2.a", "IS2IN-14.2.b", "IS2IN-14.f")
def test_done_keeps_and_moves_on_to_the_next_stage(browser, house):
    someone, teller = browser("issuer"), Teller(house.config)
    application = teller.new()
    path = address(application, "stages", "issuer")
    page = someone.get(path)
    assert page.says(data_key="act.done") == "Дайын"

    done = someone.send(page, path, press="done", **teller.typed(application, "issuer").raw)

    assert done.location == address(application, "stages", "requirements")
    hub = someone.get(address(application))
    row = next(item for item in hub.all(data_stage="issuer") if item.tag == "li")
    assert row.get("data-state") == "filled"
    assert "Толтырылды" in words(row)
    assert values(application, "issuer")["bin"] == "050340001235"


@pytest.mark.req("IS2IN-16.b", "IS2IN-14.2.a")
def test_done_with_gaps_names_every_field_keeps_the_input_and_finishes_nothing(browser, house):
    someone, application = browser("issuer"), new_application()
    path = address(application, "stages", "issuer")

    refused = someone.send(someone.get(path), path, press="done", bin="12", legal_address="Алматы")

    assert refused.status == 422
    for field in ("bin", "full_name", "phone", "resolution_body"):
        assert refused.error(field)
    assert refused.form(path)["legal_address"] == ["Алматы"]
    assert refused.form(path)["bin"] == ["12"]
    assert refused.says(data_key="answers.kept_unfinished")
    assert someone.get(path).form(path)["legal_address"] == ["Алматы"]
    assert queries.position(refetched(application)).status("issuer") == "filling"


def test_done_refused_and_sent_again_adds_nothing_and_its_faults_have_an_address(browser, house):
    someone, application = browser("issuer"), new_application()
    path = address(application, "stages", "issuer")
    page = someone.get(path)

    refused = someone.send(page, path, press="done", legal_address="Алматы")
    stands, history = queries.latest(refetched(application), "issuer").revision, len(queries.history(application))
    again = someone.send(page, path, press="done", legal_address="Алматы")

    assert (refused.status, again.status) == (422, 422)
    assert queries.latest(refetched(application), "issuer").revision == stands
    assert len(queries.history(refetched(application))) == history
    seen = someone.get(refused.one(data_key="err.summary").get("data-again", ""))
    assert seen.status == 200
    assert seen.error("full_name") == refused.error("full_name")
    assert words(seen.one(data_key="err.summary")) == words(refused.one(data_key="err.summary"))


def test_done_with_nothing_typed_begins_nothing(browser, house):
    someone, application = browser("issuer"), new_application()
    path = address(application, "stages", "issuer")

    assert someone.send(someone.get(path), path, press="done").status == 422

    assert queries.latest(refetched(application), "issuer") is None
    assert queries.position(refetched(application)).stages == {}


def test_what_cannot_be_read_is_kept_as_it_was_typed_and_told_on_the_page_that_comes(browser, house):
    someone, application = browser("issuer"), new_application()
    path = address(application, "stages", "issuer")

    saved = someone.send(someone.get(path), path, press="save", activity="мұнай", registration_date="31.02.2026")
    page = someone.follow(saved)

    assert (saved.status, saved.location) == (303, path)
    assert page.error("registration_date")
    assert not page.all(data_note_for="registration_date")  # one fault, one sentence
    assert page.says(data_key="answers.unread_here")
    assert page.form(path)["registration_date"] == ["31.02.2026"]
    assert page.form(path)["activity"] == ["мұнай"]
    row = queries.latest(refetched(application), "issuer")
    assert row.unread == {"registration_date": {"registration_date": "31.02.2026"}}
    assert "registration_date" not in row.values["issuer"]
    assert queries.position(refetched(application)).status("issuer") == "filling"
    assert someone.send(page, path, press="done").error("registration_date") == page.error("registration_date")


@pytest.mark.parametrize(
    ("field", "text"), [("bin", "123456789013"), ("email", "жоқ"), ("iban", "KZ00"), ("phone", "7"), ("lei", "X")]
)
def test_save_keeps_what_can_be_read_with_a_note_and_done_refuses_it(browser, house, field, text):
    someone, application = browser("issuer"), new_application()
    path = address(application, "stages", "issuer")

    someone.send(someone.get(path), path, press="save", **{field: text})
    page = someone.get(path)
    refused = someone.send(page, path, press="done")

    assert page.form(path)[field] == [text]
    assert page.says(data_note_for=field)
    assert refused.status == 422
    assert refused.error(field)


def test_enter_saves_and_does_not_finish(browser, house):
    someone, application = browser("issuer"), new_application()
    path = address(application, "stages", "issuer")

    saved = someone.send(someone.get(path), path, activity="мұнай")

    assert saved.location == path
    assert queries.position(refetched(application)).status("issuer") == "filling"


@pytest.mark.req("IS2IN-14.g")
def test_only_people_of_partner_advisers_are_offered_as_adviser(browser, house):
    someone, application = browser("issuer"), new_application()
    colleague = user(company("SNIM"))
    user(company("SNIM"), is_active=False)
    path = address(application, "stages", "adviser_choice")

    page = someone.get(path)

    assert offered(page, "adviser") == {str(person("adviser").id), str(colleague.id)}


@pytest.mark.req("IS2IN-14.g")
@pytest.mark.parametrize("key", ["lone_adviser", "auditor", "issuer", "chancery"])
def test_nobody_else_can_be_sent_as_adviser(browser, house, key):
    someone, application = browser("issuer"), new_application()
    path = address(application, "stages", "adviser_choice")

    refused = someone.send(someone.get(path), path, press="done", adviser=str(person(key).id))

    assert refused.status == 422
    assert refused.error("adviser")
    assert queries.assigned(refetched(application), "adviser") == []


@pytest.mark.req("IS2IN-14.h", "IS2IN-9.4.c")
def test_the_chosen_adviser_is_told_by_mail_and_in_the_cabinet_and_sees_the_application(browser, house):
    someone, application = browser("issuer"), new_application()
    adviser = browser("adviser")
    path = address(application, "stages", "adviser_choice")
    assert adviser.get(address(application)).status == 404

    someone.send(someone.get(path), path, press="done", adviser=str(person("adviser").id))

    told = messages_of(person("adviser"))[0]
    assert (told.message, told.application_number, told.action_required) == (
        "notice.adviser_chosen",
        application.number,
        True,
    )
    assert application.number in mails_to(person("adviser").email)[0].body
    assert application.number in adviser.get("/notifications").main
    assert adviser.get(address(application, "stages", "adviser_statement")).all(name="done")
    assert not adviser.get(address(application, "stages", "issuer")).all(name="done")


def test_choosing_the_same_adviser_again_tells_nothing_new(house, now):
    application, issuer = new_application(), person("issuer")
    for _ in range(2):
        chosen = typed(application, "adviser_choice", adviser=str(person("adviser").id))
        answering.save(application, "adviser_choice", chosen, by=issuer, done=True, now=now)
        db.session.expire(application)

    assert [item.message for item in messages_of(person("adviser"))].count("notice.adviser_chosen") == len(
        {item.application_number for item in messages_of(person("adviser")) if item.message == "notice.adviser_chosen"}
    )


@pytest.mark.req("IS2IN-14.i")
def test_a_financial_organisation_without_an_adviser_skips_the_stage_and_what_follows_it(browser, house):
    someone, application = browser("other_issuer"), new_application("other_issuer")
    path = address(application, "stages", "adviser_choice")
    page = someone.get(path)
    assert page.says(data_key="act.skip_stage") == "Кезеңді өткізіп жіберу"

    skipped = someone.send(page, path, press="skip")

    standing = queries.position(refetched(application))
    assert skipped.location == address(application, "stages", "documents")
    assert (standing.status("adviser_choice"), standing.status("adviser_statement")) == ("skipped", "skipped")


@pytest.mark.req("IS2IN-14.i")
def test_who_is_no_financial_organisation_cannot_skip(browser, house):
    someone, application = browser("issuer"), new_application()
    path = address(application, "stages", "adviser_choice")
    page = someone.get(path)

    refused = someone.send(page, path, press="skip")

    assert "act.skip_stage" not in page.terms()
    assert refused.status == 409
    assert queries.position(refetched(application)).stages == {}


@pytest.mark.req("IS2IN-14.i")
def test_a_financial_organisation_that_has_chosen_an_adviser_cannot_skip(house, now):
    partnership(company("BRKT"), company("JLGZ"), by=person("other_issuer"))
    application, author = new_application("other_issuer"), person("other_issuer")
    chosen = typed(application, "adviser_choice", adviser=str(person("lone_adviser").id))
    answering.save(application, "adviser_choice", chosen, by=author, done=True, now=now)
    db.session.expire(application)

    with pytest.raises(Conflict):
        filing.skip(application, "adviser_choice", by=author, now=now)


@pytest.mark.req("IS2IN-14.i")
@pytest.mark.parametrize("stage", ["issuer", "requirements", "documents", "summary"])
def test_no_other_stage_can_be_skipped(house, now, stage):
    application = new_application("other_issuer")

    with pytest.raises(Conflict):
        filing.skip(application, stage, by=person("other_issuer"), now=now)


@pytest.mark.req("IS2IN-14.j", "ESRV-30.0")
def test_sending_to_the_first_head_is_refused_and_names_the_unfinished_stages(browser, house):
    someone, application = browser("issuer"), application_at("filling")
    someone.get(address(application))

    refused = someone.post(address(application, "transitions", "send_for_approval"), {"seen": str(application.version)})

    assert refused.status == 409
    for stage in ("Құжаттар топтамасы",):
        assert stage in refused.main
    assert refetched(application).process == "filling"
    assert len(messages_of(person("first_head"))) == len(
        [item for item in messages_of(person("first_head")) if item.application_number != application.number]
    )


@pytest.mark.req("IS2IN-14.j", "IS2IN-19.c", "IS2IN-20.a")
def test_once_every_stage_is_filled_the_application_goes_to_the_first_head(browser, house):
    someone, application = browser("issuer"), Teller(house.config).filled()
    page = someone.get(address(application, "summary"))
    assert page.says(data_trigger="send_for_approval").endswith("Келісуге жіберу")

    sent = someone.send(page, address(application, "transitions", "send_for_approval"))

    assert sent.location == address(application)
    assert refetched(application).process == "first_head"
    told = messages_of(person("first_head"))[0]
    assert (told.message, told.application_number, told.action_required) == (
        "notice.your_action",
        application.number,
        True,
    )
    assert application.number in mails_to(person("first_head").email)[0].body


def test_without_a_first_head_the_application_cannot_be_sent(house):
    teller = Teller(house.config)
    application = teller.filled()
    person("first_head").membership.is_first_head = False
    db.session.flush()

    with pytest.raises(Conflict) as refusal:
        teller.dispatch(application)

    assert refusal.value.key == "app.err.no_first_head"


# Paragraphs 18 and 19


@pytest.mark.req("IS2IN-19.a")
def test_the_summary_form_shows_what_was_filled_in_every_stage(browser, house):
    page = browser("issuer").get(address(application_at("first_head"), "summary"))

    assert {item.get("data-stage") for item in page.root.iter("section")} >= {
        "issuer",
        "requirements",
        "adviser_choice",
        "adviser_statement",
        "documents",
    }
    assert "«Алтындән» АҚ" in page.main
    assert "Негізгі › Акциялар › Премиум" in page.main
    assert "charter-belgialtn03.pdf" in page.main


@pytest.mark.req("IS2IN-18.a", "IS2IN-18.b", "IS2IN-19.b")
def test_the_summary_form_is_given_as_pdf(browser, house):
    someone, application = browser("issuer"), application_at("filling")
    button = someone.get(address(application, "summary")).one(data_key="act.download_document")
    assert words(button) == "Құжатты жүктеу"

    answer = someone.get(button.get("href"))

    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"%PDF-")
    assert answer.headers["Content-Disposition"].startswith("attachment")


# Paragraph 15


@pytest.mark.req("IS2IN-15.a", "IS2IN-15.b")
@pytest.mark.parametrize("process", ["new", "filling", "first_head"])
def test_an_application_that_was_not_sent_can_be_deleted_and_is_gone(browser, house, process):
    someone, application = browser("issuer"), application_at(process)
    page = someone.get(address(application))
    assert page.says(data_key="act.delete_application") == "Өтінішті жою"

    gone = someone.send(page, address(application, "transitions", "delete"))

    assert gone.location == "/applications"
    for key in ("issuer", "first_head", "adviser"):
        other = browser(key)
        assert other.get(address(application)).status == 404
        assert application.number not in other.get("/applications").main
        assert application.number not in other.get("/").main.split(say("nav.notifications", "kk"))[0]


@pytest.mark.req("IS2IN-15.b")
@pytest.mark.parametrize(
    "process", ["registration", "completeness", "expertise", "rework", "rework_approval", "result"]
)
def test_what_was_sent_can_never_be_deleted_again(browser, house, process):
    someone, application = browser("issuer"), application_at(process)
    page = someone.get(address(application))

    refused = someone.post(address(application, "transitions", "delete"), {"seen": str(application.version)})

    assert "act.delete_application" not in page.terms()
    assert refused.status == 409
    assert refetched(application).process == process


@pytest.mark.parametrize("key", ["first_head", "adviser"])
def test_only_the_author_deletes(house, now, key):
    application = application_at("first_head")

    with pytest.raises(NotPermitted):
        moves.fire(application, "delete", by=person(key), seen=application.version, now=now)


def test_a_company_closed_meanwhile_is_not_offered(house):
    gone = organisation("JABQ", is_active=False)
    partnership(gone, company("SNIM"), by=person("issuer"))

    assert gone not in organisations.clients_of(company("SNIM"))
