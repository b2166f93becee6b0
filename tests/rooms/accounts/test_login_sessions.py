"""Login sessions: rows that their owner sees and ends, and that end by themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import PASSWORD, company, user
from sqlalchemy import select, update

from app import db
from app.accounts import sessions
from app.accounts.models import LoginSession, User
from app.terms import say
from app.web import clock

SECOND = timedelta(seconds=1)
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36"
YANDEX = CHROME.replace("Safari", "YaBrowser/25.8 Safari")
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5"
    " Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox 141, Windows"),
        (CHROME, "Chrome 139, Linux"),
        (YANDEX, "Yandex 25, Linux"),
        (IPHONE, "Safari 18, iOS"),
        ("curl/8.5", ""),
        ("", ""),
    ],
)
def test_a_browser_is_named(agent, name):
    assert sessions.browser_name(agent) == name


def begun(who, now):
    """Return a session of somebody."""
    token = sessions.begin(who, address="192.0.2.1", agent=FIREFOX, now=now)
    return token, sessions.of_secret(token, now=now)


def test_a_session_ends_after_two_idle_hours_and_not_a_second_before(house, now):
    token, _ = begun(user(company("ALTN")), now)

    assert sessions.of_secret(token, now=now + timedelta(hours=2) - SECOND)
    assert sessions.of_secret(token, now=now + timedelta(hours=2)) is None


def test_presence_prolongs_a_session_up_to_twelve_hours(house, now):
    token, session = begun(user(company("ALTN")), now)
    for hour in range(1, 12):
        sessions.note_presence(session, now=now + timedelta(hours=hour))

    assert sessions.of_secret(token, now=now + timedelta(hours=12) - SECOND)
    assert sessions.of_secret(token, now=now + timedelta(hours=12)) is None


def test_presence_is_noted_once_a_minute_also_by_reading(house, browser):
    who = user(company("ALTN"))
    email, ident = who.email, who.id
    someone = browser()
    someone.sign_in(email, PASSWORD)
    before = clock.unmoved() - timedelta(minutes=3)
    db.session.execute(update(LoginSession).where(LoginSession.user_id == ident).values(last_seen_at=before))

    someone.get("/norms", headers={"Accept": "application/json"})
    by_itself = db.session.scalar(select(LoginSession.last_seen_at).where(LoginSession.user_id == ident))
    someone.get("/norms")
    noted = db.session.scalar(select(LoginSession.last_seen_at).where(LoginSession.user_id == ident))

    assert by_itself == before
    assert noted > before


@pytest.mark.parametrize("path", ["/notifications/since", "/norms", "/nowhere", "/profile/contacts"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_an_ended_page_asks_by_itself_begins_no_session_beside_the_sign_in(house, browser, path, method):
    door = browser()
    sign_in = door.get("/login")
    assert "Set-Cookie" in sign_in.answer.headers

    outside = house.app.test_client()  # as the browser answers whose cookie came after the question was put
    answer = outside.open(path, method=method, headers={"Accept": "application/json"})

    assert answer.status_code >= 400
    assert "Set-Cookie" not in answer.headers


def test_the_profile_lists_the_sessions_and_ends_one_or_all_others(house, browser):
    who = user(company("ALTN"))
    email = who.email
    here_, there, elsewhere = browser(), browser(), browser()
    for each in (here_, there, elsewhere):
        each.headers["User-Agent"] = FIREFOX
        each.sign_in(email, PASSWORD)

    page = here_.get("/profile")
    rows = page.all(data_key="sessions.end")
    assert len(rows) == 2
    assert "Firefox 141, Windows" in page.main
    first = min(int(row.get("data-session")) for row in page.root.iter("tr") if row.get("data-session"))
    other = browser()
    other.sign_in(email, PASSWORD)
    page = here_.get("/profile")
    second = sorted(int(row.get("data-session")) for row in page.root.iter("tr") if row.get("data-session"))[1]
    assert second != first
    assert here_.send(page, f"/profile/sessions/{second}/end").status == 303
    assert there.get("/norms").location.startswith("/login")
    assert elsewhere.get("/norms").status == 200
    here_.send(here_.get("/profile"), "/profile/sessions/end")

    assert elsewhere.get("/norms").location.startswith("/login")
    assert here_.get("/norms").status == 200


def test_nobody_ends_the_session_of_another(house, browser, now):
    stranger = browser("other_issuer")
    who = user(company("ALTN"))
    token, session = begun(who, clock.unmoved())
    ident = session.id
    stranger.get("/profile")

    assert stranger.post(f"/profile/sessions/{ident}/end").status == 404
    assert sessions.of_secret(token, now=clock.unmoved())


def test_signing_out_ends_the_row_and_a_kept_cookie_opens_nothing(house, browser):
    who = user(company("ALTN"))
    someone, thief = browser(), browser()
    someone.sign_in(who.email, PASSWORD)
    cookie = someone.client.get_cookie("is2in")
    someone.get("/norms")

    someone.post("/logout")
    thief.client.set_cookie("is2in", cookie.value)

    assert thief.get("/norms").location.startswith("/login")


def test_switching_somebody_off_shuts_his_sessions(house, browser):
    who = user(company("ALTN"))
    ident = who.id
    someone = browser()
    someone.sign_in(who.email, PASSWORD)

    db.session.get(User, ident).is_active = False

    assert someone.get("/norms").location.startswith("/login")


def test_the_secret_of_a_session_is_not_in_the_database(house, now):
    token, session = begun(user(company("ALTN")), now)

    assert token not in str(vars(session))


@pytest.mark.req("ESRV-38.b")
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_one_is_advised_not_to_leave_an_open_session_unattended(house, browser, language):
    page = browser("issuer", language).get("/profile")

    assert page.says(data_key="sessions.unattended") == say("sessions.unattended", language)
