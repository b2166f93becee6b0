"""«Request access» and the desk that answers it (user manual, paragraph 3; readings A8, A26, A31)."""

from __future__ import annotations

import contextvars
import re
import threading
from datetime import timedelta

import pytest
from browser import Browser
from factories import company, mails_to, messages_of, organisation, person, user
from sqlalchemy import text

from app import db
from app.accounts.models import User
from app.audit.models import AuditEntry
from app.demo.stories import sign_as
from app.errors import Conflict, Invalid, NotFound, NotPermitted
from app.forms import identifiers
from app.organisations import access, admitting, asked, keys, queries
from app.organisations.models import AccessRequest, RequestState
from app.organisations.views import access as page
from app.sandbox.pki import SandboxPki
from app.terms import say

SITE = "https://is2in.example"
HEAD_IIN = "760118300039"


def bin_(start="21034000777"):
    """Return a BIN with its check digit."""
    return start + str(identifiers.control_digit(start + "0"))


def human(name="Сапаров", email="saparov@jana.example", **given):
    return {
        "last_name": name,
        "first_name": "Асқар",
        "patronymic": "",
        "position": "Қаржы директоры",
        "email": email,
        "phone": "+7 701 111 22 33",
        **given,
    }


def request(**given):
    """Return what a newcomer asks for."""
    return {
        "kind": "initiator",
        "legal_form": "jsc",
        "bin": bin_(),
        "name_kk": "Жаңа Эмитент",
        "name_ru": "Новый Эмитент",
        "name_en": "New Issuer",
        "head": human("Басшыбаев", "head@jana.example", position="Басқарма төрағасы", iin=HEAD_IIN),
        "contacts": [human()],
        **given,
    }


def newest():
    """Return the newest request for the newcomer's company."""
    found = db.session.query(AccessRequest).filter_by(bin=bin_()).order_by(AccessRequest.id.desc())
    return found.first()


def typed(said, **given):
    """Return a request as the page sends it."""
    found = {key: value for key, value in said.items() if isinstance(value, str)}
    found["contacts"] = str(len(said["contacts"]))
    for prefix, each in [("head", said["head"]), *((f"contacts-{n}", one) for n, one in enumerate(said["contacts"]))]:
        found |= {f"{prefix}-{key}": value for key, value in each.items()}
    return {**found, "declared": "yes", **given}


def submitted(now, **given):
    return access.submit(request(**given), language="kk", address="", site=SITE, now=now)


def accepted(row, now, **given):
    names = {language: row.names[language] for language in ("kk", "ru", "en")}
    return admitting.accept(
        row,
        **{
            "code": "JANA",
            "names": names,
            "is_financial": False,
            "administrator": "saparov@jana.example",
            "key_note": "",
            "seen": row.version,
            "by": person("listing"),
            "site": SITE,
            "now": now,
            **given,
        },
    )


@pytest.fixture
def unhurried(monkeypatch):
    """A page that may be filled in at once."""
    monkeypatch.setattr(page, "FASTEST", timedelta(0))


@pytest.fixture
def pki(house):
    """The sandbox's keys, with one of the newcomer's first head."""
    found = SandboxPki.open(house.config.var / "sandbox", environment=house.config.env)
    found.enrol(
        "jana_head", name="Басшыбаев Асқар", iin=HEAD_IIN, bin=bin_(), organisation="Жаңа", roles=["first_head"]
    )
    found.enrol("jana_clerk", name="Сапаров Асқар", iin=HEAD_IIN, bin=bin_(), organisation="Жаңа", roles=["employee"])
    return found


# The page


@pytest.mark.req("IS2IN-3.a", "IS2IN-3.b", "IS2IN-3.c", "IS2IN-3.d", "IS2IN-1.2.b")
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_public_page_names_the_four_kinds_and_their_mailboxes(browser, language):
    found = browser("", language).get("/access")

    kinds = {item.get("value") for item in found.all(name="kind")}
    assert kinds == {"initiator", "adviser", "audit_org", "candidate"}
    for mailbox in ("listing@kase.kz", "auditor_listing@kase.kz", "monitoring@kase.kz"):
        assert mailbox in found.main
    assert found.one(data_form="access") is not None


def test_the_sign_in_page_leads_to_it(browser):
    assert "act.request_access" in browser().get("/login").terms()


@pytest.mark.req("IS2IN-3.a", "IS2IN-3.e", "IS2IN-3.f", "IS2IN-3.g", "IS2IN-3.h", "IS2IN-3.i")
def test_a_request_is_kept_confirmed_and_told_to_the_desk(browser, house, unhurried):
    someone = browser()
    someone.get("/access")

    answer = someone.post("/access", typed(request(kind="audit_org")))

    shown = someone.follow(answer)
    row = newest()
    assert shown.one(data_state="received") is not None
    assert row.names == {"kk": "«Жаңа Эмитент» АҚ", "ru": "АО «Новый Эмитент»", "en": "New Issuer JSC"}
    assert row.said["contacts"][0]["position"] == "Қаржы директоры"
    mail = mails_to("saparov@jana.example")[0]
    assert row.number in mail.body
    assert f"/access/{access.token_of(row)}" in mail.body
    assert mails_to("auditor_listing@kase.kz")
    assert messages_of(person("listing"))[0].message == "notice.access_waits"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"kind": "bank"}, "kind"),
        ({"legal_form": ""}, "legal_form"),
        ({"bin": "210340007771"}, "bin"),
        ({"bin": "21034"}, "bin"),
        ({"bin": "760118300039"}, "bin"),  # an IIN is no BIN
        ({"name_kk": ""}, "name_kk"),
        ({"name_en": "x" * 281}, "name_en"),
        ({"head": human(iin="760118300038")}, "head-iin"),
        ({"head": human(iin="")}, "head-iin"),
        ({"contacts": [human(email="not an address")]}, "contacts-0-email"),
        ({"contacts": [human(), human()]}, "contacts-1-email"),
        ({"contacts": [human(phone="12")]}, "contacts-0-phone"),
        ({"contacts": [human(), human(email="b@jana.example", position="")]}, "contacts-1-position"),
    ],
)
def test_what_will_not_do_is_told_at_its_field(change, path):
    assert path in {problem.path for problem in asked.faults(request(**change))}


@pytest.mark.parametrize("database", ["sqlite"])
def test_every_refusal_has_words_in_three_languages(database):
    broken = request(kind="", legal_form="", bin="1", name_kk="", head=human(iin="1"), contacts=[human(email="")])
    for problem in asked.faults(broken):
        for language in ("kk", "ru", "en"):
            assert say(problem.key, language, **problem.params)


@pytest.mark.req("IS2IN-3.j")
def test_without_a_test_signature_the_key_must_be_declared(browser, house, unhurried):
    someone = browser()
    someone.get("/access")

    refused = someone.post("/access", typed(request(), declared=""))

    assert refused.status == 422
    assert refused.error("declared") == say("access.err.key", "kk")
    assert refused.one(name="name_kk").get("value") == "Жаңа Эмитент"
    assert newest() is None


@pytest.mark.req("IS2IN-3.j", "ESRV-2.5")
def test_a_test_signature_is_verified_for_real(browser, house, pki, unhurried, now):
    someone = browser()
    someone.get("/access")
    text = someone.get("/access/challenge").content

    cms = sign_as(pki, "jana_head", text, now)
    someone.get("/access")
    answer = someone.post("/access", typed(request(), declared="", cms_file=None) | file_of(cms))

    assert answer.status == 303, answer.main
    row = newest()
    assert (row.key_report["iin"], row.key_report["bin"]) == (HEAD_IIN, bin_())
    assert "access.key_tested" not in row.said


def file_of(cms):
    import base64

    return {"cms": base64.b64encode(cms).decode()}


@pytest.mark.req("IS2IN-3.j")
@pytest.mark.parametrize(
    ("who", "change", "key"),
    [
        ("jana_head", {"bin": bin_("21034000778")}, "key.err.organisation"),
        ("jana_head", {"head": human(iin="850412400012")}, "key.err.person"),
        ("jana_clerk", {}, "key.err.role"),
    ],
)
def test_a_key_of_another_organisation_or_person_confirms_nothing(house, pki, now, who, change, key):
    said = request(**change)
    text = keys.challenge("is2in.example", now=now)

    report = keys.judge(sign_as(pki, who, text.encode(), now), text, now=now)

    assert key in {problem.key for problem in keys.faults(report, bin=said["bin"], iin=said["head"]["iin"])}


def test_a_signature_over_another_text_confirms_nothing(house, pki, now):
    cms = sign_as(pki, "jana_head", keys.challenge("is2in.example", now=now).encode(), now)

    report = keys.judge(cms, keys.challenge("is2in.example", now=now), now=now)

    assert keys.faults(report, bin=bin_(), iin=HEAD_IIN)


def test_what_was_to_be_signed_grows_old(house, now):
    text = keys.challenge("is2in.example", now=now)

    assert keys.is_fresh(text, now=now + keys.LIFE)
    assert not keys.is_fresh(text, now=now + keys.LIFE + timedelta(seconds=1))
    assert not keys.is_fresh("kezen sign-in challenge 1\nhost\nsign in\nnonce\n2026", now=now)
    with pytest.raises(Conflict):
        keys.judge(b"x", text, now=now + keys.LIFE + timedelta(seconds=1))


def test_contact_persons_are_added_and_removed_without_scripts(browser, house):
    someone = browser()
    first = someone.get("/access")

    two = someone.send(first, "/access", press="add", contacts__0__last_name="Бірінші")
    assert two.status == 200
    assert two.one(name="contacts-0-last_name").get("value") == "Бірінші"
    assert two.one(name="contacts-1-last_name") is not None
    one = someone.send(two, "/access", press="remove", value="0", contacts__1__last_name="Екінші")
    assert one.one(name="contacts-0-last_name").get("value") == "Екінші"
    assert not one.all(name="contacts-1-last_name")


def test_a_program_is_sent_away_quietly(browser, house, unhurried):
    someone = browser()
    someone.get("/access")

    refused = someone.post("/access", typed(request(), website="https://spam.example"))

    assert refused.status == 422
    assert newest() is None


def test_whoever_is_quicker_than_a_person_only_has_to_send_again(browser, house, monkeypatch):
    monkeypatch.setattr(page, "FASTEST", timedelta(hours=1))
    someone = browser()
    someone.get("/access")
    assert someone.post("/access", typed(request())).status == 422

    monkeypatch.setattr(page, "FASTEST", timedelta(0))
    assert someone.post("/access", typed(request())).status == 303


def test_one_address_sends_no_more_than_a_few_requests_an_hour(house, now):
    for _ in range(access.MOST_AN_HOUR):
        access.submit(request(), language="kk", address="203.0.113.7", site=SITE, now=now)
    late = now + timedelta(hours=1)

    with pytest.raises(Conflict, match="many"):
        access.submit(request(), language="kk", address="203.0.113.7", site=SITE, now=late - timedelta(seconds=1))
    access.submit(request(), language="kk", address="203.0.113.8", site=SITE, now=now)
    access.submit(request(), language="kk", address="203.0.113.7", site=SITE, now=late)
    assert len(mails_to("saparov@jana.example")) == access.MOST_MAILS


def test_no_word_tells_whether_a_company_or_an_address_is_known(browser, house, unhurried):
    known, fresh = browser(), browser()
    answers = []
    for someone, said in (
        (known, request(bin=company("ALTN").bin, contacts=[human(email=person("issuer").email)])),
        (fresh, request()),
    ):
        someone.get("/access")
        shown = someone.follow(someone.post("/access", typed(said)))
        answers.append(re.sub(r"AR-\d+-\d+|\d\d\.\d\d\.\d{4} \d\d:\d\d|\d{12}", "…", shown.main))

    assert answers[0] == answers[1]


def test_the_page_of_a_request_opens_to_its_link_alone(browser, house, now):
    row = submitted(now)

    assert browser().get(f"/access/{access.token_of(row)}").status == 200
    assert browser().get(f"/access/{access.token_of(row)[:-1]}x").status == 404
    assert browser().get(f"/access/{row.number}").status == 404
    with pytest.raises(NotFound):
        access.by_token("x" * 43)


def test_the_secret_of_a_request_is_kept_nowhere(house, now):
    row = submitted(now)
    token = access.token_of(row)

    kept = [str(value) for value in db.session.execute(text("SELECT * FROM access_request")).all()]

    assert len(token) == 64
    assert not any(token in line for line in kept)
    assert access.by_token(token) is row


def test_where_the_key_of_the_installation_has_changed_mails_lead_nowhere_wrong(house, now):
    row = submitted(now)
    row.seed = "of another key"

    admitting.ask_more(row, words="Кім басшы?", seen=1, by=person("listing"), site=SITE, now=now)

    assert access.token_of(row) == ""
    assert "/access/" not in mails_to("saparov@jana.example")[0].body


def requests_of_the_newcomer() -> int:
    return db.session.query(AccessRequest).filter_by(bin=bin_()).count()


def test_a_form_sent_twice_makes_one_request_and_the_second_gets_the_answer_of_the_first(browser, house, unhurried):
    someone = browser()
    page = someone.get("/access")

    answers = [someone.post("/access", typed(request(), once=page.form("/access")["once"][0])) for _ in range(3)]

    assert {answer.location for answer in answers} == {answers[0].location}
    assert answers[0].location.startswith("/access/")
    assert requests_of_the_newcomer() == 1
    assert len(mails_to("saparov@jana.example")) == 1


def test_the_form_with_other_words_or_a_new_form_is_another_request(browser, house, unhurried):
    someone = browser()
    once = someone.get("/access").form("/access")["once"][0]
    first = someone.post("/access", typed(request(), once=once))
    someone.get("/access")
    other = someone.post("/access", typed(request(name_en="Newer Issuer"), once=once))
    again = someone.get("/access").form("/access")["once"][0]
    third = someone.post("/access", typed(request(), once=again))

    assert len({first.location, other.location, third.location}) == 3
    assert requests_of_the_newcomer() == 3


def test_a_test_signature_given_afterwards_is_not_dropped(browser, house, unhurried):
    someone = browser()
    once = someone.get("/access").form("/access")["once"][0]
    first = someone.post("/access", typed(request(), once=once))

    someone.get("/access")
    signed = someone.post("/access", typed(request(), once=once, cms="bm9uZQ=="))

    assert first.status == 303
    assert signed.status == 422
    assert signed.error("cms")


def test_two_clicks_at_the_same_moment_make_one_request(live, monkeypatch):
    monkeypatch.setattr(page, "FASTEST", timedelta(0))
    first, second = Browser(live.app), Browser(live.app)
    shown = first.get("/access")
    cookie = first.client.get_cookie("is2in")
    second.client.set_cookie("is2in", cookie.value)
    second.token = first.token
    form = typed(request(), once=shown.form("/access")["once"][0])
    gate, found = threading.Barrier(2), []

    def click(someone):
        gate.wait()
        found.append(someone.post("/access", form))

    clicks = [threading.Thread(target=contextvars.Context().run, args=(click, each)) for each in (first, second)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()

    assert [answer.status for answer in found] == [303, 303]
    assert found[0].location == found[1].location
    assert requests_of_the_newcomer() == 1


# The desk


@pytest.mark.parametrize("key", ["chancery", "lawyer", "secretary", "compliance", "admin", "issuer", "first_head"])
def test_only_the_listing_officers_and_their_head_keep_the_desk(browser, house, now, key):
    row = submitted(now)

    assert browser(key).get("/orgs/requests").status == 404
    with pytest.raises(NotPermitted):
        admitting.take(row, seen=row.version, by=person(key), now=now)


def test_the_desk_shows_each_request_under_its_own_tab(browser, house, now):
    one, other = submitted(now), submitted(now, kind="candidate")

    listing = browser("listing").get("/orgs/requests?desk=listing")
    monitoring = browser("listing").get("/orgs/requests?desk=monitoring")

    shown = {item.get("data-request") for item in listing.root.iter("tr")} - {None}
    assert one.number in shown
    assert other.number not in shown
    assert other.number in monitoring.main
    assert "monitoring@kase.kz" in monitoring.main


def test_the_check_finds_bin_addresses_similar_names_and_other_requests(house, now):
    organisation("JANB", name_kk="«Жана эмитент» ЖШС", name_ru="ТОО «Жана»", name_en="Zhana LLP")
    earlier = submitted(now)
    row = submitted(now, bin=company("ALTN").bin, contacts=[human(email=person("clerk").email)])
    same = submitted(now)

    found = admitting.check(row)

    assert found.same_bin == company("ALTN")
    assert list(found.known_people) == [person("clerk").email]
    assert [each.code for each in found.alike] == ["JANB"]
    assert [each.id for each in admitting.check(same).other_requests] == [earlier.id]


@pytest.mark.req("IS2IN-3.k", "ESRV-2.5", "ESRV-23")
def test_acceptance_creates_the_organisation_and_mails_links_never_a_password(house, now):
    row = submitted(now, kind="adviser")

    made = accepted(row, now, is_financial=True)

    admin = db.session.query(User).filter_by(email="saparov@jana.example").one()
    head = db.session.query(User).filter_by(email="head@jana.example").one()
    assert (made.code, made.kind, made.is_financial, made.bin) == ("JANA", "adviser", True, bin_())
    assert made.names["ru"] == "АО «Новый Эмитент»"
    assert admin.membership.is_admin
    assert not head.membership.is_admin
    assert queries.first_head(made) == head
    assert head.iin == HEAD_IIN
    for address in ("saparov@jana.example", "head@jana.example"):
        body = next(mail.body for mail in mails_to(address) if "/password/" in mail.body)
        assert say("mail.first_password", "kk") in body
    assert admin.password_hash == ""
    assert RequestState(row.state) is RequestState.ACCEPTED
    assert row.organisation_id == made.id


def test_one_who_is_contact_and_head_gets_one_account(house, now):
    row = submitted(now, contacts=[human(email="Head@jana.example"), human(email="b@jana.example")])

    made = accepted(row, now, administrator="head@jana.example")

    assert len(queries.people(made)) == 2
    assert queries.first_head_of(made).is_admin


@pytest.mark.req("IS2IN-3.j")
def test_the_first_head_signs_only_after_his_key_is_confirmed(house, now):
    made = accepted(submitted(now), now)
    head = queries.first_head_of(made)
    assert queries.signing_iins(made) == frozenset()

    with pytest.raises(Invalid):
        admitting.confirm_key(head, note=" ", by=person("listing"), now=now)
    with pytest.raises(NotPermitted):
        admitting.confirm_key(head, note="келді", by=person("chancery"), now=now)
    admitting.confirm_key(head, note="Қол қойылған хат, 20.11.2026", by=person("listing"), now=now)

    assert queries.signing_iins(made) == {HEAD_IIN}
    assert head.key_checked_by_id == person("listing").id
    with pytest.raises(Conflict):
        admitting.confirm_key(head, note="тағы", by=person("listing"), now=now)


def test_a_verified_test_signature_or_an_officers_note_confirms_at_once(house, now):
    tested = {"iin": HEAD_IIN, "bin": bin_(), "name": "Басшыбаев", "serial": "1", "valid_to": None}
    row = access.submit(request(), key_report=tested, language="ru", address="", site=SITE, now=now)
    assert queries.signing_iins(accepted(row, now)) == {HEAD_IIN}

    other = bin_("21034000779")
    head = human("Екінші", "h2@b.example", iin="850412400012")
    row = submitted(now, bin=other, head=head, contacts=[human(email="c2@b.example")])
    made = accepted(row, now, code="EKIN", administrator="c2@b.example", key_note="Жеке өзі келді")
    assert queries.signing_iins(made) == {"850412400012"}


@pytest.mark.req("ESRV-2.12", "ESRV-12")
def test_an_accepted_newcomer_signs_in_and_works(browser, house, now):
    made = accepted(submitted(now), now)
    link = next(mail.body for mail in mails_to("saparov@jana.example") if "/password/" in mail.body)
    path = re.search(rf"{SITE}(/password/\S+)", link)[1]
    someone = browser()
    shown = someone.get(path)
    assert shown.status == 200
    someone.send(shown, path, new_password="Jasyl-7qala", repeat_password="Jasyl-7qala")

    entered = someone.sign_in("saparov@jana.example", "Jasyl-7qala")

    assert entered.status == 303
    assert made.names["kk"] in someone.get("/users").text


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"code": "ж"}, "code"),
        ({"code": "ALTN"}, "code"),
        ({"administrator": "stranger@x.example"}, "administrator"),
        ({"names": {"kk": "", "ru": "a", "en": "b"}}, "name_kk"),
    ],
)
def test_an_officer_is_told_what_will_not_do_and_nothing_is_created(house, now, given, path):
    row = submitted(now)

    with pytest.raises(Invalid) as refusal:
        accepted(row, now, **given)

    assert path in {problem.path for problem in refusal.value.problems}
    assert queries.by_bin(bin_()) is None


def test_a_known_bin_or_address_cannot_be_accepted(house, now):
    with pytest.raises(Conflict, match="bin_known"):
        accepted(submitted(now, bin=company("ALTN").bin), now)
    for key, refused in (("clerk", "access.err.name_other"), ("listing", "access.err.email_known")):
        known = person(key).email
        with pytest.raises(Invalid) as refusal:
            accepted(submitted(now, contacts=[human(email=known)]), now, administrator=known)

        assert refusal.value.problems[0].key == refused


def test_the_second_officer_is_told_that_the_first_has_acted(browser, house, now):
    row = submitted(now)
    ident, seen = row.id, row.version
    first, second = browser("listing"), browser("officer")
    page_of_second = second.get(f"/orgs/requests/{ident}")
    shown = first.get(f"/orgs/requests/{ident}")
    data = shown.form(f"/orgs/requests/{ident}") | {"act": "refuse", "words": "Толық емес", "seen": str(seen)}
    assert first.post(f"/orgs/requests/{ident}", data).status == 303

    refused = second.post(f"/orgs/requests/{ident}", {"act": "take", "seen": str(seen)})

    assert page_of_second.status == 200
    assert refused.status == 409
    assert row.number in refused.main
    assert db.session.get(AccessRequest, ident).state == "refused"


def test_more_is_asked_answered_on_the_page_and_checked_again(browser, house, now):
    row = submitted(now)
    token, ident = access.token_of(row), row.id
    admitting.ask_more(row, words="БСН анықтамасын жіберіңіз", seen=1, by=person("listing"), site=SITE, now=now)
    assert "БСН анықтамасын жіберіңіз" in mails_to("saparov@jana.example")[0].body
    someone = browser()
    shown = someone.get(f"/access/{token}")
    assert "БСН анықтамасын жіберіңіз" in shown.main
    unchanged = someone.send(shown, f"/access/{token}")
    assert unchanged.status == 422
    assert unchanged.error("words") == say("access.err.answer", "kk")

    answered = someone.send(shown, f"/access/{token}", words="Түзетілді", contacts__0__position="Бас бухгалтер")

    assert answered.status == 303
    row = db.session.get(AccessRequest, ident)
    assert row.state == "in_check"
    assert row.said["contacts"][0]["position"] == "Бас бухгалтер"
    assert row.names["kk"] == "«Жаңа Эмитент» АҚ"
    assert [step.act for step in row.steps] == ["received", "more_asked", "answered"]
    assert someone.send(shown, f"/access/{token}", words="тағы").status == 409


def test_another_number_takes_the_tested_key_back(house, now):
    tested = {"iin": HEAD_IIN, "bin": bin_(), "name": "Басшыбаев", "serial": "1", "valid_to": None}
    row = access.submit(request(), key_report=tested, language="ru", address="", site=SITE, now=now)
    admitting.ask_more(row, words="Кім басшы?", seen=1, by=person("listing"), site=SITE, now=now)

    changed = {**row.said, "head": {**row.said["head"], "iin": "850412400012"}}
    access.answer(row, changed, words="Басқа адам", site=SITE, now=now)

    assert row.key_report == {}


def test_a_refusal_needs_its_reason_and_is_told(house, now):
    row = submitted(now)
    with pytest.raises(Invalid):
        admitting.refuse(row, words=" ", seen=1, by=person("listing"), site=SITE, now=now)

    admitting.refuse(row, words="Басқа ұйым", seen=1, by=person("listing"), site=SITE, now=now)

    assert "Басқа ұйым" in mails_to("saparov@jana.example")[0].body
    with pytest.raises(Conflict):
        accepted(row, now)


def test_every_step_is_audited_and_no_personal_number_stands_there(house, now):
    row = submitted(now)
    admitting.take(row, seen=1, by=person("listing"), now=now)
    accepted(row, now)

    rows = db.session.query(AuditEntry).filter(AuditEntry.subject == f"request {row.number}").all()
    assert [each.act for each in rows] == ["request_received", "request_taken", "request_accepted"]
    whole = " ".join(str((each.subject, each.details)) for each in db.session.query(AuditEntry).all())
    assert HEAD_IIN not in whole
    assert "saparov@jana.example" not in whole


def test_the_officer_accepts_through_his_page(browser, house, now):
    row = submitted(now)
    ident = row.id
    someone = browser("listing_head")
    shown = someone.get(f"/orgs/requests/{ident}")
    form = next(item for item in shown.root.iter("form") if item.get("data-form") == "accept")
    from browser import fields_of

    data = fields_of(form) | {"code": "jana", "administrator": "saparov@jana.example", "act": "accept"}

    answer = someone.post(f"/orgs/requests/{ident}", data)

    assert answer.status == 303, answer.main
    assert queries.by_code("JANA") is not None
    assert user(queries.by_code("JANA"))
