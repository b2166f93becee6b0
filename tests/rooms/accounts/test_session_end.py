"""A page knows when the login session ends, is told anew by what it fetches anyway, and may prolong idleness."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import PASSWORD, company, user
from sqlalchemy import update

from app import db
from app.accounts import sessions
from app.accounts.models import LoginSession
from app.web import clock

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
JSON = {"Accept": "application/json"}


@pytest.fixture
def someone(house, browser):
    who = user(company("ALTN"))
    found = browser()
    found.sign_in(who.email, PASSWORD)
    return found


def seen(ago, *, begun=timedelta(minutes=1)):
    """Let the newest session have begun, and its owner have been there last, so long ago."""
    now = clock.unmoved()
    newest = db.session.query(LoginSession).order_by(LoginSession.id.desc()).first()
    moved = {"last_seen_at": now - ago, "begun_at": now - max(begun, ago)}
    db.session.execute(update(LoginSession).where(LoginSession.id == newest.id).values(**moved))
    db.session.commit()


@pytest.mark.parametrize(
    ("begun", "idle", "is_seen", "expected"),
    [
        (timedelta(), timedelta(), True, (7200, "idle")),
        (2 * HOUR, 100 * MINUTE, False, (1200, "idle")),
        (2 * HOUR, 100 * MINUTE, True, (7200, "idle")),
        (11 * HOUR, timedelta(), True, (3600, "absolute")),
        (12 * HOUR, timedelta(), True, (0, "absolute")),
    ],
)
def test_what_is_left_is_the_nearer_end(house, now, begun, idle, is_seen, expected):
    row = LoginSession(begun_at=now - begun, last_seen_at=now - idle)

    assert sessions.left(row, seen=is_seen, now=now) == expected


def test_a_page_carries_how_long_the_session_lasts(someone):
    region = someone.get("/").one(role="status", aria_live="polite", data_ends="idle")

    assert 7190 <= int(region.get("data-left")) <= 7200
    assert region.get("data-warning") == "300"


def test_nobody_is_told_who_has_no_session(browser):
    page = browser().get("/login")

    assert not page.all(data_ends="idle")
    assert "Kezen-Session-Left" not in page.headers


def test_the_question_for_news_tells_it_and_prolongs_nothing(someone):
    tag = someone.get("/notifications/since", headers=JSON).headers["ETag"]
    seen(116 * MINUTE)

    for _ in range(2):
        answer = someone.get("/notifications/since", headers={**JSON, "If-None-Match": tag})
        assert answer.status == 304
        assert 230 <= int(answer.headers["Kezen-Session-Left"]) <= 240
        assert answer.headers["Kezen-Session-Ends"] == "idle"


def test_staying_prolongs_idleness(someone):
    someone.get("/")
    seen(116 * MINUTE)

    answer = someone.post("/session/stay", headers=JSON)

    assert answer.status == 204
    assert int(answer.headers["Kezen-Session-Left"]) > 7000
    assert int(someone.get("/notifications/since", headers=JSON).headers["Kezen-Session-Left"]) > 7000


def test_staying_does_not_prolong_the_longest_time(someone):
    someone.get("/")
    seen(MINUTE, begun=12 * HOUR - 4 * MINUTE)

    answer = someone.post("/session/stay", headers=JSON)

    assert int(answer.headers["Kezen-Session-Left"]) <= 240
    assert answer.headers["Kezen-Session-Ends"] == "absolute"


def test_what_is_over_is_not_brought_back(someone):
    someone.get("/")
    seen(120 * MINUTE)

    answer = someone.post("/session/stay", headers=JSON)

    assert answer.status == 401
    assert "Kezen-Session-Left" not in answer.headers
