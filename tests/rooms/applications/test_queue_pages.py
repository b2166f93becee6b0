"""The pages of the queue, of the registration desk and of substitutes; nothing of them reaches an applicant."""

from __future__ import annotations

import re

import pytest
from browser import Browser, signed_in, words
from factories import application_at, messages_of, person, refetched
from sqlalchemy import update
from test_creating import address

from app import db
from app.applications import attachments, cabinet, holders, queries, queueing, queues
from app.applications.models import Application, Attachment
from app.terms import say
from app.web import clock
from app.web.templating import ZONE
from tests import herd

pytestmark = pytest.mark.parametrize("database", ["sqlite"])  # the rules themselves: test_queues.py, on both


def listed(page) -> list[str]:
    """Return the numbers of a page's rows."""
    return [item.get("data-app") for item in page.root.iter("tr") if item.get("data-app")]


def counts(page) -> dict[str, int]:
    """Return what stands beside the tabs."""
    found = {}
    for link in page.root.iter("a"):
        key = link.get("data-key", "")
        if key.startswith("queues.tab.") and (number := re.search(r"\d+", words(link))):
            found[key.rpartition(".")[2]] = int(number.group())
    return found


def box(application: Application, executor: str, held: int = 0) -> str:
    return f"{application.id}.{executor}.{held}"


def test_tabs_count_what_they_hold_and_filters_stand_in_the_address(house, now):
    one = signed_in(house, "listing")
    mine = application_at("completeness")
    queueing.take(mine, "listing", by=person("listing"), now=now)

    for tab in queues_tabs():
        page = one.get(f"/queue?tab={tab}")
        assert counts(page)[tab] == len(listed(page)), tab
    page = one.get("/queue")
    assert listed(page) == [mine.number]  # what one holds comes first
    assert say("look.you", "kk") in page.main
    page = one.get("/queue?tab=unit&procedure=bond_listing&sort=company&dir=desc")
    assert {number.split("-")[0] for number in listed(page)} == {"LB"}
    heading = next(item for item in page.root.iter("th") if item.get("aria-sort"))
    assert (heading.get("aria-sort"), words(heading)) == ("descending", say("queues.col.company", "kk"))
    assert page.form("/queue")["procedure"] == ["bond_listing"]
    for asked, expected in (
        ("q=АЛТЫНДЭН", set()),
        ("q=алтындан", {"ALTN"}),
        ("q=берекет", {"BRKT"}),
        (f"q={mine.number.lower()}", {"ALTN"}),
    ):
        found = listed(one.get(f"/queue?tab=unit&{asked}"))
        shown = {refetched(number).organisation.code for number in found}
        assert shown == expected, asked
    nothing = one.get("/queue?tab=unit&q=жоқ-мұндай")
    assert "queues.nothing_found" in nothing.terms()
    assert listed(one.get(f"/queue?tab=unit&executor={person('listing').id}")) == [mine.number]
    assert mine.number not in listed(one.get("/queue?tab=unit&executor=none"))
    assert one.get("/queue?tab=nosuch&sort=nosuch&due=x&company=x&executor=x&page=99").status == 200


def queues_tabs() -> tuple[str, ...]:
    return ("mine", "unit", "unassigned", "waiting", "overdue")


def test_what_is_over_stands_under_overdue_and_the_order_is_by_what_is_due_first(house, now):
    clock.move(house.config, "+40d")
    page = signed_in(house, "listing").get("/queue?tab=overdue")

    assert listed(page)
    assert all(item.get("data-state") == "overdue" for item in page.root.iter("span") if item.get("data-clock"))
    dues = [item.get("datetime") for item in page.root.iter("time") if item.get("datetime")]
    assert dues == sorted(dues)
    home = signed_in(house, "listing_head").get("/")
    assert {"unassigned", "overdue"} <= {item.get("data-block") for item in home.root.iter("section")}


def test_rows_chosen_at_once_have_each_their_verdict(house, now):
    free, held = application_at("completeness"), application_at("expertise")
    queueing.take(held, "listing", by=person("officer"), now=now)
    one = signed_in(house, "listing")
    one.get("/queue?tab=unit")

    nothing = one.post("/queue", {"act": "take"})
    many = one.post("/queue", {"act": "take", "row": [f"{number}.listing.0" for number in range(1, 52)]})
    done = one.post("/queue", {"act": "take", "row": [box(free, "listing"), box(held, "listing")]})

    assert (nothing.status, many.status, done.status) == (422, 422, 200)
    assert say("queues.err.too_many", "kk", most=50, n=51) in many.main
    verdicts = {row.get("data-app"): row.get("data-state") for row in done.root.iter("tr") if row.get("data-app")}
    assert verdicts == {free.number: "done", held.number: "refused"}
    assert person("officer").name in done.main
    head = signed_in(house, "listing_head")
    given = head.post(
        "/queue",
        {"act": "hand_over", "to": str(person("officer").id), "row": [box(free, "listing", person("listing").id)]},
    )
    assert [row.get("data-state") for row in given.root.iter("tr") if row.get("data-app")] == ["done"]
    assert holders.holder(refetched(free.number), "listing") == person("officer")


def test_what_a_colleague_holds_is_read_only_and_may_be_taken_over_on_the_page(house, now):
    application = application_at("completeness")
    queueing.take(application, "listing", by=person("listing"), now=now)
    two = signed_in(house, "officer")
    path = address(application, "holder")

    stage = two.get(address(application, "stages", "completeness"))
    saved = two.post(address(application, "stages", "completeness"), {"save": "1", "revision": "0"})
    page = two.get(address(application))
    bare = two.post(path, {"act": "take_over", "executor": "listing", "held": str(person("listing").id)})
    taken = two.post(
        path, {"act": "take_over", "executor": "listing", "held": str(person("listing").id), "words": "ауырып қалды"}
    )

    assert person("listing").name in stage.main
    assert not [form for form in stage.root.iter("form") if "stages/completeness" in (form.get("action") or "")]
    assert saved.status == 409
    assert person("listing").name in saved.text
    assert page.all(data_act="take_over")
    assert (bare.status, taken.status) == (422, 303)
    assert bare.error("words") == say("err.reason_required", "kk")
    assert messages_of(person("listing"))[0].message == "notice.work_taken_over"
    assert "ауырып қалды" in two.get(address(application, "timeline")).main


def test_an_applicant_learns_nothing_of_queues(house, now):
    application = application_at("completeness")
    queueing.take(application, "listing", by=person("listing"), now=now)
    queueing.hand_over(
        application, "listing", person("officer").id, seen=person("listing").id, by=person("listing"), now=now,
        words="құпия-сөз",
    )  # fmt: skip

    for key in ("issuer", "first_head", "adviser"):
        one = signed_in(house, key)
        for path in (address(application), address(application, "timeline"), "/", "/applications", "/notifications",
                     address(application, "map"), address(application, "documents")):  # fmt: skip
            page = one.get(path)
            assert page.status == 200, path
            for secret in ("құпия-сөз", person("officer").name, "data-queue", say("history.take", "kk")):
                assert secret not in page.text, (key, path, secret)
        assert say("workflow.executor.listing", "kk") in one.get(address(application)).main
        refused = one.post(address(application, "holder"), {"act": "take", "executor": "listing"})
        assert refused.status == 403
    assert holders.holder(refetched(application.number), "listing") == person("officer")


def test_the_desk_shows_what_came_first_and_registers_for_whom_was_chosen(house, now):
    application, chancery = application_at("registration"), signed_in(house, "chancery")
    page = chancery.get("/registration")
    arrived = listed(page)
    sent = [refetched(number).sent_at for number in arrived]
    path = address(application, "registration")
    desk = chancery.get(path)

    assert application.number in arrived
    assert sent == sorted(sent)
    assert {
        item.get("data-check"): item.get("data-state") for item in desk.root.iter("section") if item.get("data-check")
    } == {
        "signature": "ok",
        "complete": "ok",
        "duplicates": "doubt",  # the demo's company has more of the same
        "organisation": "ok",
    }
    done = chancery.send(desk, path, press="act", value="register", note="№ 5", to=str(person("officer").id))
    assert done.location == "/registration"
    moved = refetched(application.number)
    assert (moved.process, bool(moved.registration_number)) == ("completeness", True)
    assert holders.holder(moved, "listing") == person("officer")
    assert [m.message for m in messages_of(person("officer"))[:1]] == ["notice.work_given"]
    again = chancery.send(desk, path, press="act", value="register", note="№ 5")
    assert again.status == 409
    assert say("desk.err.not_here", "kk") in chancery.get(path).main


def test_the_desk_finds_a_file_without_its_bytes_and_never_a_draft_of_the_applicant(house, now):
    application, draft = application_at("registration"), application_at("filling").number
    row = next(row for row in attachments.rows(application) if not row.removed_at)
    db.session.execute(update(Attachment).where(Attachment.id == row.id).values(size=row.size + 1))

    desk = signed_in(house, "chancery").get(address(application, "registration"))

    assert row.name in desk.says(data_check="complete")
    assert draft not in desk.text


def test_substitutes_are_named_on_a_page_and_act_for_the_absent(house, now):
    application = application_at("completeness")
    queueing.take(application, "listing", by=person("listing"), now=now)
    one, two = signed_in(house, "listing"), signed_in(house, "officer")
    today = now.astimezone(ZONE).date()
    page = one.get("/substitutions")

    own = one.send(page, "/substitutions", substitute=str(person("listing").id), last_day=str(today), basis="№ 1")
    done = one.send(page, "/substitutions", substitute=str(person("officer").id), last_day=str(today), basis="№ 1")
    twice = one.send(page, "/substitutions", substitute=str(person("officer").id), last_day=str(today), basis="№ 1")
    other = two.post("/substitutions", {"user": str(person("lawyer").id), "substitute": "1"})

    assert (own.status, done.status, twice.status, other.status) == (422, 303, 422, 403)
    assert own.error("substitute") == say("substitute.err.self", "kk")
    assert "№ 1" in one.get("/substitutions").main
    stage = address(application, "stages", "completeness")
    saved = two.send(two.get(stage), stage, press="save", gaps="Жоқ")
    assert saved.status == 303
    shown = one.get(address(application, "timeline")).main
    assert say("queues.who_for_whom", "kk", who=person("officer").name, whom=person("listing").name) in shown
    assert application.number in listed(two.get("/queue?tab=mine"))


def test_who_has_no_colleague_of_his_role_is_told_so_and_a_day_too_far_is_refused(house):
    alone, one = signed_in(house, "chancery"), signed_in(house, "listing")
    page = alone.get("/substitutions")
    given = {"substitute": str(person("officer").id), "first_day": "31.12.9999", "last_day": "31.12.9999"}
    far = one.send(one.get("/substitutions"), "/substitutions", basis="№ 1", **given)

    assert "substitute.nobody" in page.terms()
    assert page.all(data_form="substitution") == []
    assert far.status == 422
    assert far.error("first_day") == far.error("last_day") == say("substitute.err.day", "kk")


def test_the_queue_asks_the_database_as_often_for_many_as_for_few(house, now):
    user = person("listing")
    queues.entries(user, now=now)
    herd.multiply(db.session.connection(), application_at("expertise").id, first_id=700_000, count=300)

    found = queues.entries(user, now=now)

    assert len([entry for entry in found if entry.number.startswith("XC-")]) == 300
    own = {entry.id: entry for entry in found}
    for item in cabinet.of_glances(cabinet.under_review(user)[:20]):
        executors = queries.current_executors(item)
        assert (item.id in own) is bool(executors)
        if executors:
            assert own[item.id].standing.executors == executors


def test_everybody_finds_on_the_home_page_what_waits_on_him(house, now):
    held, free = application_at("expertise"), application_at("completeness")
    queueing.take(held, "listing", by=person("officer"), now=now)

    def block(browser: Browser, name: str) -> str:
        return "".join(words(item) for item in browser.get("/").all(data_block=name))

    assert held.number in block(signed_in(house, "officer"), "mine")
    other = block(signed_in(house, "listing"), "mine")
    assert free.number in other
    assert held.number not in other
    assert held.number in block(signed_in(house, "listing"), "waiting")
    assert free.number in block(signed_in(house, "listing_head"), "unassigned")
    assert application_at("rework").number in block(signed_in(house, "issuer"), "mine")
