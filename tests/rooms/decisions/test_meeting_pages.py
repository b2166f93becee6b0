"""Meetings through the browser's door: the secretary's way, refusals, and who sees what."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest
from browser import signed_in
from factories import Teller, application_at, person, refetched
from sqlalchemy import select

from app import db
from app.audit.models import AuditEntry
from app.decisions import minutes, queries, sitting
from app.decisions.models import AgendaItem, Meeting
from app.terms import LANGUAGES, say

pytestmark = pytest.mark.parametrize("database", ["sqlite"])  # the verbs are tried on both


def newest() -> Meeting:
    """Return the meeting made last."""
    db.session.expire_all()
    return db.session.scalars(select(Meeting).order_by(Meeting.id.desc())).first()


def test_the_pages_ask_about_a_day_off_and_let_a_draft_be_thrown_away(house, secretary):
    someone = signed_in(house, "secretary")
    sunday = secretary.today + timedelta(days=13 - secretary.today.weekday())
    page = someone.get("/meetings/new")
    assert "meetings.day_off" not in page.terms()
    given = {"body": "listing_commission", "day": sunday.isoformat(), "starts": "", "place": "Зал"}

    asked = someone.send(page, "/meetings/new", **given)

    assert asked.status == 422
    assert "meetings.day_off" in asked.terms()
    assert asked.error("day_off")
    made = someone.send(asked, "/meetings/new", day_off="yes", **given)
    assert made.status == 303
    page = someone.get(made.location)
    assert "meetings.discard" in page.terms()
    gone = someone.send(page, made.location, press="act", value="discard")
    assert gone.location == "/meetings"
    assert someone.get(made.location).status == 404
    assert made.location not in someone.get("/meetings").text


@pytest.mark.req("IS2IN-26.b")
def test_the_secretary_comes_from_the_application_to_its_meeting_and_decides(house, secretary):
    application = application_at("meeting")
    number = application.number
    someone, issuer = signed_in(house, "secretary"), signed_in(house, "issuer")
    hub = someone.get(f"/applications/{number}")
    assert hub.one(href=f"/applications/{number}/stages/meeting") is not None

    led = someone.follow(someone.get(f"/applications/{number}/stages/meeting"))
    assert "meetings.closes" in led.terms()
    page = someone.get(led.one(data_key="meetings.new").get("href"))
    wrong = someone.send(page, "/meetings/new", day="2020-01-01", starts="25:00", place="")
    assert wrong.status == 422
    assert {item.get("data-error-for") for item in wrong.root.iter()} >= {"day", "starts", "place"}
    day = {"day": secretary.today.isoformat(), "day_off": "yes"}
    made = someone.send(wrong, "/meetings/new", body="listing_commission", starts="15:00", place="Зал", **day)
    assert made.status == 303, made.main
    page = someone.follow(made)
    assert "meetings.appoint_hint" in page.terms()
    assert signed_in(house, "listing").get(made.location).status == 404  # nobody is told of what is being prepared
    assert 'data-trigger="withdraw"' in issuer.get(f"/applications/{number}").text

    assert someone.send(page, made.location, press="act", value="appoint").status == 303

    assert 'data-trigger="withdraw"' not in issuer.get(f"/applications/{number}").text
    assert refetched(number).process == "decision"
    stale = someone.send(page, made.location, press="act", value="appoint")
    assert stale.status == 409
    assert say("meetings.err.moved", "kk") in stale.main
    led = someone.get(f"/applications/{number}/stages/decision")
    item_path = led.location
    assert item_path.startswith(f"{made.location}/items/")
    refused = someone.post(
        f"/applications/{number}/stages/decision", {"outcome": "refuse", "revision": "0", "done": "yes"}
    )
    assert refused.status == 409
    assert say("app.err.filled_elsewhere", "kk") in refused.main

    page = someone.get(made.location)
    voters = queries.voters(newest())
    given = {f"presence-{member.id}": "present" for member in voters}
    assert someone.send(page, made.location, press="act", value="attend").status == 422
    assert someone.send(page, made.location, press="act", value="attend", **given).status == 303
    page = someone.get(item_path)
    votes = {f"vote-{member.id}": "for" for member in voters[1:]}
    missing = someone.send(page, item_path, press="act", value="vote", proposal="include_with_conditions", **votes)
    assert missing.status == 422
    assert missing.error(f"vote-{voters[0].id}") == say("meetings.err.vote", "kk")
    votes |= {f"vote-{voters[0].id}": "against", f"opinion-{voters[0].id}": "belgisyr пікір"}
    sent = someone.send(missing, item_path, press="act", value="vote", proposal="include_with_conditions", **votes)
    assert sent.status == 303
    page = someone.get(item_path)
    assert page.one(data_result="adopted") is not None
    early = someone.send(page, item_path, press="act", value="decide")
    assert early.status == 422
    assert say("meetings.err.no_conditions", "kk") in early.main
    due = (secretary.today + timedelta(days=5)).strftime("%d.%m.%Y")
    said = {"condition-kk": "belgisyr шарт", "condition-ru": "belgisyr условие"}
    added = someone.send(page, item_path, press="act", value="add_condition", due=due, **said)
    assert added.status == 303, added.main
    wrong = someone.send(someone.get(item_path), item_path, press="act", value="decide", effective_date="ертең")
    assert wrong.status == 422
    assert wrong.error("effective_date")
    done = someone.send(wrong, item_path, press="act", value="decide", effective_date=due)
    assert done.status == 303, done.main
    assert refetched(number).process == "letter"
    closed = someone.send(someone.get(made.location), made.location, press="act", value="close")
    assert closed.status == 303
    paper = someone.get(f"{made.location}/minutes/1")
    assert paper.content.startswith(b"%PDF")

    for path in ("", "/timeline", "/documents", "/comments", "/map", "/summary.json"):
        said = issuer.get(f"/applications/{number}{path}").text
        assert "belgisyr" not in said, path
        assert say("meetings.conditions", "kk") not in said, path
    for path in ("/", "/notifications", "/applications", "/demo/mail"):
        assert "belgisyr" not in issuer.get(path).text
    Teller(house.config).work(refetched(number), "letter", "listing", "send_letter")
    shown = issuer.get(f"/applications/{number}").one(data_panel="conditions")
    assert "belgisyr шарт" in "".join(shown.itertext())
    assert "belgisyr пікір" not in issuer.get(f"/applications/{number}").text

    listing = signed_in(house, "listing")
    page = listing.get(f"/applications/{number}")
    [condition] = queries.conditions(refetched(number), person("listing"))
    path = f"/meetings/conditions/{condition.id}"
    met = listing.send(page, path, **{f"met_words-{condition.id}": "Хат № 5"})
    assert met.status == 303
    assert issuer.get(f"/applications/{number}").one(data_condition=str(condition.id)).get("data-state") == "met"
    assert issuer.post(path, {"met_words": "x"}).status == 404


@pytest.mark.parametrize("key", ["issuer", "first_head", "adviser", "other_issuer", "admin"])
def test_to_applicants_there_are_no_meetings(house, key):
    someone = signed_in(house, key)

    for path in ("/meetings", "/meetings/1", "/meetings/1/items/1", "/meetings/1/packet", "/meetings/1/minutes/1"):
        assert someone.get(path).status == 404, path
    for path in ("/meetings/1", "/meetings/1/items/1", "/meetings/new", "/meetings/bodies", "/meetings/conditions/1"):
        assert someone.post(path, {"act": "close", "seen": "1"}).status == 404, path


def test_staff_see_the_calendar_readers_the_votes_and_compliance_the_minutes_alone(house):
    votes = say("meetings.votes", "kk")
    assert votes in signed_in(house, "listing_head").get("/meetings/1/items/1").main
    chancery = signed_in(house, "chancery").get("/meetings/1")
    assert "Сүлейменов" not in chancery.main
    assert not chancery.all(data_minutes="1")
    compliance = signed_in(house, "compliance").get("/meetings/1")
    assert not compliance.all(data_minutes="1")  # one item waits for another meeting
    assert not compliance.all(data_item="1")
    assert not compliance.all(data_key="obj.agenda")
    for key in ("listing_head", "lawyer", "chancery", "compliance"):
        someone = signed_in(house, key)
        for path in ("/meetings/1", "/meetings/1/items/1", "/meetings/new", "/meetings/bodies"):
            assert someone.post(path, {"act": "close", "seen": "1"}).status == 404, (key, path)


def test_the_packet_is_the_members_but_not_of_an_item_in_which_they_have_a_conflict(house):
    before = len(db.session.scalars(select(AuditEntry.id).where(AuditEntry.act.like("packet_%"))).all())
    analyst, lawyer = signed_in(house, "analyst"), signed_in(house, "lawyer")
    first, second = db.session.get_one(Meeting, 1).agenda
    numbers = [item.application.number for item in (first, second)]

    page = analyst.get("/meetings/1/packet")
    archive = zipfile.ZipFile(io.BytesIO(analyst.get("/meetings/1/packet.zip").content))

    assert page.all(data_app=numbers[0])
    assert "meetings.err.conflicted" not in page.terms()
    names = archive.namelist()
    assert f"01-{numbers[0]}/conclusion.pdf" in names
    assert any(name.startswith(f"01-{numbers[0]}/{numbers[0]}") for name in names)
    assert any(name.startswith(f"02-{numbers[1]}/documents/") for name in names)
    assert all(archive.read(name).startswith(b"%PDF") for name in names if name.endswith("conclusion.pdf"))
    withheld = lawyer.get("/meetings/1/packet")
    assert "meetings.err.conflicted" in withheld.terms()
    held_back = zipfile.ZipFile(io.BytesIO(lawyer.get("/meetings/1/packet.zip").content)).namelist()
    assert not [name for name in held_back if numbers[0] in name]
    entries = db.session.scalars(
        select(AuditEntry).where(AuditEntry.act.like("packet_%")).order_by(AuditEntry.id)
    ).all()
    assert [row.act for row in entries[before:]] == ["packet_page", "packet_archive"] * 2
    assert entries[-1].details["applications"] == numbers[1:]


def test_minutes_open_to_compliance_after_the_letters_and_never_to_a_conflict(house, secretary):
    number = application_at("meeting").number
    meeting = secretary.meeting(refetched(number))
    [item] = meeting.agenda
    secretary.attend(meeting)
    lawyer = next(row for row in queries.voters(meeting) if row.user_id == person("lawyer").id)
    given = {"by": secretary.user, "now": secretary.now}
    sitting.declare_conflict(item, lawyer.id, reason="Акция иесі", seen=meeting.version, **given)
    secretary.vote(item, "include", "".join("+" for _ in queries.voters(meeting)))
    secretary.decide(item)
    minutes.close(meeting, seen=meeting.version, **given)
    db.session.commit()
    path = f"/meetings/{meeting.id}"
    compliance, conflicted, analyst = (signed_in(house, key) for key in ("compliance", "lawyer", "analyst"))

    def refusal(someone, what, key):
        page = someone.get(f"{path}{what}")
        return page.status == 403 and say(key, "kk") in page.main

    assert refusal(compliance, "/minutes/1", "meetings.err.minutes_early")
    assert "meetings.err.minutes_early" in compliance.get(path).terms()
    assert refusal(conflicted, "/minutes/1", "meetings.err.minutes_conflict")
    assert refusal(conflicted, "/packet.zip", "meetings.err.packet_conflict")
    assert not conflicted.get(path).all(data_minutes="1")
    assert analyst.get(f"{path}/minutes/1").content.startswith(b"%PDF")

    Teller(house.config).work(refetched(number), "letter", "listing", "send_letter")

    assert compliance.get(f"{path}/minutes/1").content.startswith(b"%PDF")
    assert compliance.get(path).all(data_minutes="1")
    assert conflicted.get(f"{path}/minutes/1").status == 403
    empty = secretary.meeting(days=2, appointed=False)
    db.session.commit()
    bare = signed_in(house, "secretary").get(f"/meetings/{empty.id}/packet.zip")
    assert bare.status == 404
    assert say("meetings.err.packet_empty", "kk") in bare.main


def test_the_agenda_is_ordered_moved_and_emptied_from_its_page(house, secretary):
    someone = signed_in(house, "secretary")
    meeting = db.session.get_one(Meeting, 2)
    path = f"/meetings/{meeting.id}"
    ids = [item.id for item in meeting.agenda]
    page = someone.get(path)
    sent = someone.post(path, {"act": "shift", "seen": page.form(path)["seen"][0], "up": str(ids[1])})
    assert sent.status == 303
    assert [item.id for item in newest().agenda] == ids[::-1]

    item_path = f"{path}/items/{ids[0]}"
    page = someone.get(item_path)
    bare = someone.send(page, item_path, press="act", value="take_off")
    assert bare.status == 422
    assert bare.error("reason") == say("err.reason_required", "kk")
    assert someone.send(bare, item_path, press="act", value="take_off", reason="Қайта қарау").status == 303
    assert [item.id for item in newest().agenda] == [ids[1]]
    late = someone.send(page, item_path, press="act", value="take_off", reason="Тағы")
    assert late.status == 409
    change = someone.get(path)
    day = (secretary.today + timedelta(days=9)).isoformat()
    assert someone.send(change, path, press="act", value="change", day=day, day_off="yes", reason="Кворум").status in (
        303,
        422,
    )
    for wrong in ("nosuch", ""):
        assert someone.post(path, {"act": wrong, "seen": "1"}).status == 404


def test_a_member_is_added_and_ended_on_the_page_of_the_bodies(house, secretary):
    someone = signed_in(house, "secretary")
    page = someone.get("/meetings/bodies")
    given = {"act": "add", "body": "audit_committee", "office": "member", "since": "кеше", "name": "Жаңа Мүше"}
    wrong = someone.post("/meetings/bodies", given)
    assert wrong.status == 422
    assert wrong.error("since") == say("meetings.err.day", "kk")
    given["since"] = secretary.today.isoformat()
    assert someone.post("/meetings/bodies", given).status == 303
    [member] = [row for row in queries.members("audit_committee") if row.name == "Жаңа Мүше"]
    assert someone.post("/meetings/bodies", {"act": "end", "member": str(member.id)}).status == 422
    until = (secretary.today + timedelta(days=1)).isoformat()
    ended = someone.post("/meetings/bodies", {"act": "end", "member": str(member.id), f"until-{member.id}": until})
    assert ended.status == 303
    assert page.status == 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_stand_in_every_language(house, language, secretary):
    someone = signed_in(house, "secretary", language)
    item = db.session.scalars(select(AgendaItem).where(AgendaItem.meeting_id == 2)).first()
    number = application_at("meeting").number

    for path, key in (
        ("/meetings", "meetings.coming"),
        ("/meetings/2", "obj.agenda"),
        (f"/meetings/2/items/{item.id}", "meetings.conflicts"),
        ("/meetings/1/packet", "meetings.packet_zip"),
        ("/meetings/bodies", "meetings.add_member"),
        (f"/meetings/of/{number}", "meetings.closes"),
        ("/meetings/new", "meetings.new_hint"),
    ):
        assert say(key, language) in someone.get(path).main, path
    assert minutes.name(db.session.get_one(Meeting, 1), db.session.get_one(Meeting, 1).minutes[0]).endswith(".pdf")
