"""New messages without reloading, the filters of the list, and one's own acts in the profile."""

from __future__ import annotations

import ast
from datetime import timedelta

import pytest
from browser import Browser
from factories import messages_of, person
from sqlalchemy import select

from app import db
from app.audit import operations as audit
from app.audit.models import AuditEntry
from app.config import ROOT
from app.notifications import operations, queries
from app.notifications.operations import About
from app.terms import LANGUAGES, say, terms

SINCE = "/notifications/since"


def test_a_page_learns_what_is_new_and_nothing_while_nothing_is(browser, now):
    someone, who = browser("issuer"), person("issuer")
    first = someone.get(SINCE)
    standing = first.answer.get_json()
    assert (standing["unread"], standing["news"]) == (queries.unread(who.id), [])

    unchanged = someone.get(f"{SINCE}?id={standing['last']}", headers={"If-None-Match": first.headers["ETag"]})
    assert (unchanged.status, unchanged.content) == (304, b"")
    operations.notify([who], "notice.created", about=About(number="LP-1", procedure={"kk": "Акциялар"}), now=now)
    operations.notify([person("clerk")], "notice.created", about=About(number="LP-2"), now=now)
    fresh = someone.get(f"{SINCE}?id={standing['last']}", headers={"If-None-Match": first.headers["ETag"]})

    said = fresh.answer.get_json()
    assert said["unread"] == standing["unread"] + 1
    [news] = said["news"]
    assert news["text"] == say("notice.created", "kk")
    assert (news["about"], news["href"]) == ("LP-1 · Акциялар", "/applications/LP-1")
    assert someone.get(f"{SINCE}?id={said['last']}").answer.get_json()["news"] == []


def test_of_many_new_messages_only_their_being_many_is_told(browser, now):
    someone = browser("issuer")
    last = someone.get(SINCE).answer.get_json()["last"]
    for number in range(5):
        operations.notify([person("issuer")], "notice.created", about=About(number=f"LP-{number}"), now=now)

    [news] = someone.get(f"{SINCE}?id={last}").answer.get_json()["news"]

    assert (news["text"], news["href"]) == (say("notices.several", "kk"), "/notifications")


def test_reading_in_another_tab_is_news_too(browser, now):
    someone = browser("issuer")
    operations.notify([person("issuer")], "notice.created", about=About(number="LP-1"), now=now)
    tag = someone.get(SINCE).headers["ETag"]

    operations.mark_read(person("issuer").id, now=now)

    assert someone.get(SINCE, headers={"If-None-Match": tag}).answer.get_json()["unread"] == 0


@pytest.mark.parametrize("odd", ["", "x", "-1", "9" * 30, "1%20OR%201"])
def test_an_odd_question_is_answered_without_news(browser, house, odd):
    assert browser("issuer").get(f"{SINCE}?id={odd}").answer.get_json()["news"] == []


def test_a_page_of_somebody_signed_out_is_told_so(house):
    answer = Browser(house.app).get(SINCE, headers={"Accept": "application/json"})

    assert answer.status == 401


def test_the_list_is_filtered_and_paged_and_says_when_nothing_is_left(browser, now):
    who, someone = person("issuer"), browser("issuer")
    operations.mark_read(who.id, now=now)
    operations.notify([who], "notice.created", about=About(number="LP-1"), now=now)
    operations.notify([who], "notice.assigned", about=About(number="LP-2"), action_required=True, now=now)
    db.session.flush()
    newest = messages_of(who)[0]

    def shown(query: str) -> set[str]:
        page = someone.get(f"/notifications?{query}")
        return {item.get("data-notification") for item in page.root.iter("li")} - {None}

    assert len(shown("unread=yes")) == 2
    assert shown("unread=yes&action=yes") == shown("application=LP-2") == {str(newest.id)}
    assert shown("application=LP-3") == shown("unread=yes&application=LP-3") == set()
    assert "msg.nothing_found" in someone.get("/notifications?application=LP-3").terms()
    assert all("LP-1" in link for link in [someone.get("/notifications?application=LP-1").main])


def test_one_message_is_marked_read_and_the_filter_stays(browser, now):
    who, someone = person("issuer"), browser("issuer")
    operations.mark_read(who.id, now=now)
    for number in ("LP-1", "LP-2"):
        operations.notify([who], "notice.created", about=About(number=number), now=now)
    page = someone.get("/notifications?unread=yes")
    form = page.one(data_read=str(messages_of(who)[0].id))

    answer = someone.post(form.get("action"), {"id": str(messages_of(who)[0].id)})

    assert answer.location == "/notifications?unread=yes"
    assert queries.unread(who.id) == 1
    someone.post("/notifications/read", {"id": "x"})  # an odd id reads nothing, not everything
    assert queries.unread(who.id) == 1


@pytest.mark.parametrize("state", ["waiting", "sent", "failed", "bounced", "stopped"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message_says_how_its_mail_fared(browser, now, state, language):
    who = person("issuer")
    operations.notify([who], "notice.created", about=About(number="LP-1"), now=now)
    row = messages_of(who)[0]
    mail = queries.mails_of([row.message_id])[row.message_id]
    mail.state, mail.sent_at = state, now if state == "sent" else None
    db.session.flush()

    page = browser("issuer", language).get("/notifications")

    assert any(item.get("data-delivery") == state for item in page.one(data_notification=str(row.id)).iter())


def test_a_message_about_no_application_leads_where_its_mail_does(browser, now, house):
    url = f"{house.config.base_url}/meetings/1"
    operations.notify([person("secretary")], "notice.created", about=About(url=url), now=now)

    row = messages_of(person("secretary"))[0]

    assert row.path == "/meetings/1"
    page = browser("secretary").get("/notifications")
    assert any(link.get("href") == "/meetings/1" for link in page.one(data_notification=str(row.id)).iter("a"))


# One's own acts


def acts_in(source: str) -> set[str]:
    """Return the acts that a source records by name."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.record":
            act = node.args[0]
            if isinstance(act, ast.Constant):
                found.add(str(act.value))
    return found


def test_every_act_that_the_code_records_by_name_has_its_words():
    acts = set().union(*(acts_in(path.read_text(encoding="utf-8")) for path in (ROOT / "app").rglob("*.py")))

    assert len(acts) > 20
    assert {act for act in acts if not {f"activity.{act}", f"history.{act}"} & set(terms())} == set()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", ["issuer", "first_head", "chancery", "lawyer", "secretary"])
def test_all_that_happened_in_the_demo_has_words(browser, house, key, language):
    page = browser(key, language).get("/profile/activity")

    assert page.all(data_activity="signed_in") or page.all(data_activity="take") or page.root.findall(".//tbody/tr")
    assert say("activity.other", language) not in page.main


def test_one_sees_ones_own_acts_and_failed_sign_ins_and_nothing_foreign(browser, house, now):
    me, other = person("clerk"), person("issuer")
    audit.record("signed_in", f"user {me.id}", by=me.id, at=now)
    audit.record("sign_in_failed", f"user {me.id}", by=None, at=now)
    audit.record("contacts_changed", f"user {other.id}", by=other.id, at=now)
    audit.record("member_added", f"user {me.id}", by=other.id, at=now)
    audit.record("sign_in_failed", f"user {other.id}", by=None, at=now)
    audit.record("sign_in_failed", f"user {me.id}0", by=None, at=now)
    db.session.flush()

    page = browser("clerk").get("/profile/activity")

    mine = [item.get("data-activity") for item in page.root.iter("tr") if item.get("data-activity")]
    assert mine.count("sign_in_failed") == 1
    assert mine.count("signed_in") >= 1
    assert not {"contacts_changed", "member_added"} & set(mine)


def test_the_log_is_paged_to_its_end(browser, house, now):
    me = person("clerk")
    for number in range(120):
        audit.record("signed_in", f"user {me.id}", by=me.id, at=now - timedelta(minutes=number))
    total = len(db.session.scalars(select(AuditEntry.id).where(AuditEntry.user_id == me.id)).all())
    someone, seen, path = browser("clerk"), 0, "/profile/activity"
    while path:
        page = someone.get(path)
        seen += len(page.root.findall(".//tbody/tr"))
        path = next((link.get("href") for link in page.all(rel="next")), "")

    assert seen >= total
