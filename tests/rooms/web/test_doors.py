"""What every answer carries, and what every refusal looks like: headers, errors, tokens, languages."""

from __future__ import annotations

import json
import re
import time

import pytest
from browser import Browser, plain, signed_in
from factories import application_at, person
from houses import House, settings
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from app import db
from app.accounts import queries as people
from app.config import BadConfiguration
from app.terms import LANGUAGES, say

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def answers(house):
    """Return answers of every sort: pages, refusals, redirects, files."""
    nobody, issuer = Browser(house.app), signed_in(house, "issuer")
    number = application_at("result").number
    return {
        "login": nobody.get("/login"),
        "to the door": nobody.get("/applications"),
        "health": nobody.get("/health"),
        "home": issuer.get("/"),
        "hub": issuer.get(f"/applications/{number}"),
        "stage": issuer.get(f"/applications/{application_at('new').number}/stages/issuer"),
        "documents": issuer.get(f"/applications/{number}/documents"),
        "not found": issuer.get("/nothing/here"),
        "anonymous not found": nobody.get("/nothing/here"),
        "not allowed": issuer.open("DELETE", "/"),
        "no token": issuer.open("POST", "/notifications/read", data={}),
        "refused": issuer.post("/profile", {"last_name": ""}),
        "pdf": issuer.get(f"/applications/{number}/summary.pdf"),
        "static": nobody.get("/static/css/tokens.css"),
        "no static": nobody.get("/static/nothing.css"),
        "odd": nobody.get("/login?next=%ff%00"),
    }


def test_every_answer_tells_the_browser_to_load_nothing_from_elsewhere(house):
    for name, page in answers(house).items():
        policy = page.headers.get("Content-Security-Policy", "")
        assert "default-src 'self'" in policy or "default-src 'none'" in policy, name
        assert "unsafe" not in policy, name
        assert "http" not in policy, name
        if "default-src 'self'" in policy:
            for part in ("object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"):
                assert part in policy, (name, part)
        for header, value in ALWAYS.items():
            assert page.headers.get(header) == value, (name, header)
        assert "Server" not in page.headers or "werkzeug" not in page.headers["Server"].lower()


def test_what_a_signed_in_person_sees_is_kept_by_no_cache(house):
    for name, page in answers(house).items():
        if name in ("home", "hub", "stage", "documents", "refused", "pdf", "not found"):
            assert "no-store" in page.headers["Cache-Control"], name


def test_no_page_carries_a_script_a_handler_or_a_style_of_its_own(house):
    for name, page in answers(house).items():
        if page.answer.mimetype != "text/html":
            continue
        for item in page.root.iter():
            assert not [key for key in item.attrib if key.startswith("on")], (name, item.attrib)
            assert "style" not in item.attrib, (name, item.tag)
            assert item.tag != "style", name
            if item.tag == "script":
                assert item.get("src", "").startswith("/static/"), name
                assert not (item.text or "").strip()
            for key in ("src", "href", "action"):
                target = item.get(key, "")
                assert not re.match(r"(?i)\s*(javascript|data|vbscript):", target), (name, target)
                if item.tag in ("script", "link", "img", "iframe"):
                    assert not re.match(r"(?i)(https?:)?//", target), (name, target)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_refusal_is_a_page_in_the_readers_language(house, language):
    someone = signed_in(house, "issuer", language)
    number = application_at("result").number

    cases = {
        404: (someone.get("/nothing"), "err.not_found"),
        400: (someone.open("POST", "/notifications/read", data={}), "err.stale_page"),
        403: (
            someone.post(f"/applications/{number}/transitions/archive", {"seen": "1"}),
            None,
        ),
    }

    for code, (page, key) in cases.items():
        if code == 403:
            assert page.status in (403, 409)
            continue
        assert page.status == code
        assert say(key, language) in page.main
        assert page.root.get("lang") == language


def test_a_failure_tells_nothing_of_itself(house, monkeypatch):
    someone = signed_in(house, "issuer")

    def fails(*_args, **_given):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("app.library.queries.norms", fails)
    page = someone.get("/norms")

    assert page.status == 500
    assert say("err.server", "kk") in page.main
    assert "secret detail" not in page.text
    assert "Traceback" not in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_act_that_waited_in_vain_for_others_may_be_tried_again(live, database, language):
    number = application_at("filling").number
    someone = signed_in(live, "issuer", language)
    page = someone.get(f"/applications/{number}/stages/issuer")
    db.session.remove()
    patience = {"sqlite": "PRAGMA busy_timeout=50", "postgresql": "SET lock_timeout='50ms'"}[database]

    @event.listens_for(live.engine, "checkout")
    def _impatient(connection, *_others):
        connection.cursor().execute(patience)

    with live.engine.begin() as other:
        other.execute(text("UPDATE application SET version = version WHERE number = :number"), {"number": number})
        told = someone.send(page, f"/applications/{number}/stages/issuer", press="save", activity="Мұнай")
    after = someone.send(page, f"/applications/{number}/stages/issuer", press="save", activity="Мұнай")

    assert (told.status, told.answer.headers["Retry-After"]) == (503, "5")
    assert say("err.busy", language) in told.main
    assert after.status == 303


def test_when_the_database_is_away_the_answer_is_a_refusal_and_the_next_one_works(house, monkeypatch):
    someone = signed_in(house, "issuer")

    def away(*_args, **_given):
        raise OperationalError("SELECT 1", {}, OSError("the database is away"))

    monkeypatch.setattr("app.library.queries.norms", away)
    assert someone.get("/norms").status in (500, 503)
    monkeypatch.undo()

    assert someone.get("/norms").status == 200


@pytest.mark.parametrize("token", ["", "x", None, "IjEi.YQ.zz"])
def test_no_form_is_taken_without_its_token(house, token):
    someone = signed_in(house, "issuer")
    number = application_at("new").number
    rules = [rule for rule in house.app.url_map.iter_rules() if "POST" in rule.methods]
    rules = [rule for rule in rules if rule.endpoint != "notifications.leave"]  # a mail programme presses it (RFC 8058)
    assert len(rules) > 12

    for rule in rules:
        path = re.sub(
            r"<(\w+)>", lambda match: {"number": number, "key": "share_listing"}.get(match[1], "1"), plain(rule.rule)
        )
        data = {} if token is None else {"csrf_token": token}
        assert someone.open("POST", path, data=data).status == 400, path


def test_the_token_of_another_session_is_not_taken(house):
    one, two = signed_in(house, "issuer"), signed_in(house, "clerk")

    answer = two.open("POST", "/notifications/read", data={"csrf_token": one.token})

    assert answer.status == 400


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_is_chosen_by_a_link_and_stays_and_changes_no_hook(house, language):
    someone = signed_in(house, "issuer")
    hooks = someone.get("/").terms()

    page = someone.get(f"/?lang={language}")

    assert page.root.get("lang") == language
    assert page.terms() == hooks
    assert someone.get("/norms").root.get("lang") == language
    assert someone.get("/norms?lang=xx").root.get("lang") == language


@pytest.mark.parametrize(
    ("came_from", "led_to"),
    [
        ("http://localhost/profile?tab=2", "/profile?tab=2&lang=ru"),
        ("http://elsewhere.example/profile", "/?lang=ru"),
        ("http://localhost/profile/password", "/?lang=ru"),
        ("", "/?lang=ru"),
    ],
    ids=["its page", "another host", "not to be opened", "unknown"],
)
def test_the_language_links_of_an_answer_that_cannot_be_opened_lead_to_where_it_was_sent_from(house, came_from, led_to):
    someone = signed_in(house, "issuer")
    someone.get("/profile")

    refused = someone.post("/profile/password", {}, headers={"Referer": came_from})

    assert refused.status == 422
    assert refused.one(hreflang="ru").get("href") == led_to


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("ru-RU,ru;q=0.9", "ru"),
        ("en", "en"),
        ("de,fr", "kk"),
        ("", "kk"),
        ("kk-KZ", "kk"),
        ("*", "kk"),
        ("\xff;;q=", "kk"),
    ],
)
def test_the_browsers_language_is_followed_where_the_house_speaks_it(house, header, language):
    page = Browser(house.app, header).get("/login")

    assert page.root.get("lang") == language


@pytest.mark.parametrize(
    "path",
    ["/static/../wsgi.py", "/static/%2e%2e/wsgi.py", "/static/..%2f..%2fetc/passwd", "/.git/config", "/var/kezen.db"],
)
def test_no_file_of_the_house_is_reached_by_its_path(house, path):
    assert Browser(house.app).get(path).status == 404


@pytest.mark.parametrize("method", ["TRACE", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_refused(house, method):
    assert signed_in(house, "issuer").open(method, "/").status in (405, 400)


def test_a_foreign_host_header_leads_nowhere(house):
    answer = Browser(house.app).get(
        "/applications", headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    )

    assert "evil.example" not in answer.headers.get("Location", "")


@pytest.mark.req("IS2IN-27.b", "ESRV-46")
@pytest.mark.parametrize("key", ["", "issuer", "lawyer"])
def test_every_page_names_telephones_and_mailbox_of_support(house, key):
    page = signed_in(house, key).get("/agreement" if not key else "/")

    for contact in ("+7 (727) 237 53 24", "+7 (727) 237 53 27", "listing@kase.kz"):
        assert contact in page.text


@pytest.mark.req("IS2IN-7.1")
@pytest.mark.parametrize("path", ["/norms", "/applications", "/profile", "/nothing"])
def test_the_logo_leads_to_the_main_page_from_everywhere(house, path):
    page = signed_in(house, "issuer").get(path)

    assert page.one(data_key="app.name").get("href") == "/"


def test_health_answers_without_signing_in(house):
    page = Browser(house.app).get("/health")

    assert page.status == 200
    assert page.answer.get_json()["ready"] is True


def test_health_names_what_computes_gost(house, monkeypatch):
    monkeypatch.setenv("KEZEN_NATIVE", "0")

    told = Browser(house.app).get("/health").answer.get_json()["signatures"]

    assert told == {"streebog": "pure Python", "gost34311": "pure Python", "curve": "pure Python"}


def test_health_tells_whether_the_revocation_lists_are_kept_fresh(house):
    address = "http://127.0.0.1:9/ca.crl"
    (house.config.var / "authorities").mkdir(exist_ok=True)
    kept = house.config.var / "authorities/state.json"
    assert Browser(house.app).get("/health").answer.get_json()["lists"] == {"state": "none"}
    failing = {address: {"since": "2026-11-20T08:01:00+00:00", "why": "timeout", "failures": 3}}
    kept.write_text(json.dumps({"at": "", "written": time.time(), "lists": 1, "failing": failing}))

    page = Browser(house.app).get("/health")

    kept.unlink()
    assert page.status == 200  # signatures are judged all the same, by asking while somebody waits
    assert page.answer.get_json()["lists"] == {"state": "failing", "lists": 1, "failing": failing}


def test_health_says_that_migrations_are_missing(house, monkeypatch):
    monkeypatch.setattr("app.schema.is_current", lambda _engine: False)

    page = Browser(house.app).get("/health")

    assert page.status == 503
    assert "migrations" in page.answer.get_json()["parts"]["database"]


# Production


@pytest.mark.parametrize("database", ["sqlite"])
def test_production_has_no_default_secret_no_demo_mail_and_no_accounts_on_the_door(house, tmp_path):
    with pytest.raises(BadConfiguration):
        settings(tmp_path / "a", KEZEN_ENV="production")
    with pytest.raises(BadConfiguration):
        settings(tmp_path / "b", KEZEN_ENV="production", SECRET_KEY="short")
    config = settings(
        tmp_path / "c", KEZEN_ENV="production", SECRET_KEY="k" * 40, DATABASE_URL=house.config.database_url
    )
    strict = House.build(config)
    try:
        strict.enter()
        door = Browser(strict.app).get("/login", base_url="https://localhost")
        mail = Browser(strict.app).get("/demo/mail", base_url="https://localhost")
    finally:
        strict.engine.dispose()
        house.enter()

    assert "Qazaq#2026" not in door.text
    assert not door.all(data_account="issuer")
    assert mail.status == 404
    cookies = door.headers.getlist("Set-Cookie")
    assert cookies
    for cookie in cookies:
        assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "max-age=31536000" in door.headers["Strict-Transport-Security"]


def test_an_unknown_environment_is_refused(tmp_path):
    with pytest.raises(BadConfiguration):
        settings(tmp_path, KEZEN_ENV="staging")


def test_what_a_person_wrote_is_shown_as_words_everywhere(house):
    evil = "<img src=x onerror=alert(1)>{{7*7}}"
    people.by_id(person("issuer").id).last_name = evil
    db.session.commit()
    someone = signed_in(house, "issuer")

    for path in (
        "/",
        "/users",
        "/profile",
        "/applications",
        f"/applications/{application_at('filling').number}",
        "/notifications",
    ):
        page = someone.get(path)
        assert "<img src=x" not in page.text, path
        assert "49" not in page.one(id="content").findtext(".//h1", ""), path
