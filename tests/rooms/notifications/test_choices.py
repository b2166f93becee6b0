"""How one wants to be told: the catalogue, one's choice, the daily digest, and the way out that a mail carries."""

from __future__ import annotations

import ast
from datetime import datetime, timedelta

import pytest
from factories import application_at, mails_to, messages_of, person, user
from sqlalchemy import func, select, update

from app import db
from app.applications import moves
from app.audit.models import AuditEntry
from app.business_calendar.days import ZONE
from app.config import ROOT
from app.errors import Invalid
from app.notifications import delivery, digests, operations, queries
from app.notifications.events import CHOSEN, EVENTS, GROUPS, MANDATORY, Channel, channel
from app.notifications.models import Bounce, Digest, Mail
from app.notifications.operations import About, Message
from app.terms import LANGUAGES, say, terms

MORNING = datetime(2026, 11, 24, 9, 0, tzinfo=ZONE)


def keys_in(source: str) -> tuple[set[str], set[str]]:
    """Return the keys of messages that a source names, and the beginnings of those that it puts together."""
    whole, begun = set(), set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
            if str(node.values[0].value).startswith("notice."):
                begun.add(node.values[0].value)
        elif isinstance(node, ast.Constant) and str(node.value).startswith("notice.") and " " not in str(node.value):
            whole.add(node.value)
    return whole, begun


def test_every_message_of_the_code_is_in_the_catalogue_and_every_one_of_the_catalogue_in_the_code():
    whole, begun = set(), set()
    for path in (ROOT / "app").rglob("*.py"):
        if path.name != "events.py":
            found = keys_in(path.read_text(encoding="utf-8"))
            whole |= found[0]
            begun |= found[1]
    named = whole - begun

    assert named - set(EVENTS) == set()
    assert {key for key in set(EVENTS) - named if not key.startswith(tuple(begun))} == set()
    assert set(EVENTS) == {key for key in terms() if key.startswith("notice.")}


def test_every_group_has_its_words():
    assert set(CHOSEN) | MANDATORY == set(GROUPS) == {found.group for found in EVENTS.values()}
    for group in GROUPS:
        assert f"notices.group.{group}" in terms()
        assert f"notices.hint.{group}" in terms()


@pytest.mark.parametrize("way", list(Channel))
def test_what_asks_to_act_or_concerns_the_account_is_mailed_at_once_whatever_was_chosen(way):
    chosen = dict.fromkeys(GROUPS, way.value)

    for key, found in EVENTS.items():
        assert channel(key, chosen, action_required=True) is Channel.AT_ONCE
        assert channel(key, chosen, action_required=False) is (Channel.AT_ONCE if found.is_mandatory else way)
    assert channel("notice.unheard_of", chosen, action_required=False) is Channel.AT_ONCE


@pytest.mark.parametrize("group", sorted(MANDATORY))
def test_what_nobody_may_mute_cannot_be_chosen(browser, group):
    with pytest.raises(Invalid):
        operations.choose(person("issuer").id, {"progress": "cabinet", group: "cabinet"}, now=MORNING)
    assert queries.choices([person("issuer").id]) == {}

    someone = browser("issuer")
    page = someone.send(someone.get("/profile/notices"), "/profile/notices", **{group: "cabinet"})

    assert page.status == 422
    assert page.all(href=f"#f-{group}")
    assert queries.choices([person("issuer").id]) == {}


def test_a_choice_holds_from_now_on_and_is_logged(browser, now):
    who, other = person("issuer"), person("clerk")
    someone = browser("issuer")
    page = someone.get("/profile/notices")
    assert page.form("/profile/notices")["progress"] == ["at_once"]

    answer = someone.send(page, "/profile/notices", progress="cabinet")

    assert answer.status == 303
    assert someone.get("/profile/notices").form("/profile/notices")["progress"] == ["cabinet"]
    before = len(mails_to(who.email)), len(mails_to(other.email))
    operations.notify([who, other], "notice.created", about=About(number="LP-1"), now=now)
    operations.notify([who], "notice.your_action", about=About(), params={"number": "1", "process": "1"}, now=now)
    assert (len(mails_to(who.email)), len(mails_to(other.email))) == (before[0] + 1, before[1] + 1)
    assert [row.channel for row in messages_of(who)[:2]] == ["at_once", "cabinet"]
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.act == "notices_chosen")).one()
    assert entry.details == {"chosen": {"progress": "cabinet"}, "by_link": False}


def test_several_things_of_one_act_are_one_mail_and_each_stands_in_the_cabinet(house, now):
    who, about = user(), About(number="LP-7", procedure={"kk": "А"}, url="http://x/applications/LP-7")
    operations.notify([who], "notice.created", about=about, now=now)
    operations.notify([who], "notice.assigned", about=about, action_required=True, now=now)
    operations.notify([who], "notice.assigned", about=about, action_required=True, now=now)
    operations.notify([who], "notice.created", about=About(number="LP-8"), now=now)
    operations.notify([who], "notice.created", about=about, now=now + timedelta(seconds=1))

    mails = sorted(mails_to(who.email), key=lambda mail: mail.id)
    assert [mail.about for mail in mails] == ["LP-7", "LP-8", "LP-7"]
    assert mails[0].body.count(say("notice.assigned", "kk")) == 1
    assert say("notice.created", "kk") in mails[0].body
    assert mails[0].groups == []  # one of its sentences may not be muted
    assert mails[1].groups == ["progress"]
    assert len(messages_of(who)) == 5
    assert {row.message_id for row in messages_of(who)} == {mail.message_id for mail in mails}


def test_what_has_been_tried_once_is_joined_by_nothing(house, now):
    who = user()
    operations.notify([who], "notice.created", about=About(number="LP-7"), now=now)
    db.session.execute(update(Mail).where(Mail.to == who.email).values(tries=1))

    operations.notify([who], "notice.assigned", about=About(number="LP-7"), now=now)

    assert len(mails_to(who.email)) == 2


def test_the_cabinet_speaks_the_readers_present_language_and_the_mail_the_one_of_its_day(browser, now):
    who = person("issuer")
    who.language = "ru"
    application = application_at("filling")
    params = {"process": {"kk": "Келісу", "ru": "Согласование", "en": "Approval"}, "number": application.number}
    operations.post([(who, Message("notice.moved", params))], about=moves.about(application), now=now)
    who.language = "en"
    db.session.flush()

    shown = browser("issuer", "en").get("/notifications").says(data_notification=str(messages_of(who)[0].id))
    assert say("notice.moved", "en", process="Approval", number=application.number) in shown
    mail = mails_to(who.email)[0]
    assert (mail.language, "Согласование" in mail.body) == ("ru", True)


# The daily digest


@pytest.fixture
def reader(house):
    """Somebody who wants progress once a day, and has three messages of two applications and one of none."""
    who = user(email="jinaq@altn.example", language="kk")
    operations.choose(who.id, dict.fromkeys(("progress", "organisation"), "digest"), now=MORNING)
    for hours, number in ((20, "LP-1"), (19, "LP-2"), (18, "LP-1")):
        about = About(
            number=number, procedure={"kk": f"Акциялар {number}"}, executor={"kk": "Хатшы"}, author="Ахметова"
        )
        operations.notify([who], "notice.created", about=about, now=MORNING - timedelta(hours=hours))
    params = {"company": "АҚ"}
    operations.notify([who], "notice.partner_added", about=About(), params=params, now=MORNING - timedelta(hours=17))
    assert mails_to(who.email) == []
    db.session.commit()
    return who


def test_a_digest_is_one_mail_grouped_by_application_in_the_readers_language(reader):
    reader.language = "ru"
    db.session.commit()

    assert digests.write_due(hour=9, now=MORNING - timedelta(seconds=1)) == 0
    assert digests.write_due(hour=9, now=MORNING) == 1

    [mail] = mails_to(reader.email)
    assert mail.subject == "is2in: " + say("mail.digest", "ru", date="24.11.2026")
    titles = [part["title"] for part in mail.content["sections"]]
    assert [title.split(" ")[0] for title in titles] == ["LP-1", "LP-2", say("mail.digest_other", "ru").split(" ")[0]]
    assert mail.content["sections"][0]["sentences"] == [say("notice.created", "ru")]
    assert mail.body.count("LP-1 ") == 1
    assert mail.groups == ["progress", "organisation"]
    assert {row.message_id for row in messages_of(reader)} == {mail.message_id}


def test_no_day_has_two_digests_and_the_next_one_tells_what_came_since(reader):
    assert digests.write_due(hour=9, now=MORNING) == 1
    operations.notify([reader], "notice.created", about=About(number="LP-3"), now=MORNING + timedelta(hours=1))
    db.session.commit()

    assert [digests.write_due(hour=9, now=MORNING + timedelta(hours=hours)) for hours in (0, 2, 14)] == [0, 0, 0]
    assert digests.write_due(hour=9, now=MORNING + timedelta(days=3)) == 1

    newest = max(mails_to(reader.email), key=lambda mail: mail.id)
    assert [part["title"][:4] for part in newest.content["sections"]] == ["LP-3"]
    assert db.session.scalar(select(func.count()).select_from(Digest)) == 2


def test_what_was_read_in_the_cabinet_is_not_told_again(reader):
    first = messages_of(reader)[-1]
    operations.mark_read(reader.id, now=MORNING, ids=[row.id for row in messages_of(reader) if row.id != first.id])
    db.session.commit()

    digests.write_due(hour=9, now=MORNING)

    assert len(mails_to(reader.email)[0].content["sections"]) == 1
    assert digests.write_due(hour=9, now=MORNING + timedelta(days=1)) == 0


def test_a_digest_that_another_worker_writes_meanwhile_is_not_written_again(reader, monkeypatch):
    awaiting = digests._write

    def beaten(user_id, day, cutoff, now):
        db.session.add(Digest(user_id=user_id, day=day, message_id="<other@is2in>", at=now))
        db.session.flush()
        return awaiting(user_id, day, cutoff, now)

    monkeypatch.setattr(digests, "_write", beaten)

    assert digests.write_due(hour=9, now=MORNING) == 0
    assert mails_to(reader.email) == []


def test_who_is_switched_off_gets_no_digest(reader):
    reader.is_active = False
    db.session.commit()

    assert digests.write_due(hour=9, now=MORNING) == 0


# The way out


def way_out(house, mail: Mail) -> str:
    """Return where a mail's header leads."""
    message = delivery.message(house.config, mail)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    return str(message["List-Unsubscribe"]).strip("<>").removeprefix(house.config.base_url)


def test_a_mail_program_mutes_a_mails_group_with_one_click_and_no_session(house, browser, now):
    who = user()
    operations.notify([who], "notice.created", about=About(number="LP-1"), now=now)
    address = way_out(house, mails_to(who.email)[0])
    nobody = house.app.test_client()

    assert nobody.get(address).status_code == 200
    assert queries.choices([who.id]) == {}  # looking changes nothing
    answer = nobody.post(address, data={"List-Unsubscribe": "One-Click"})

    assert answer.status_code == 200
    assert queries.choices([who.id]) == {who.id: {"progress": "cabinet"}}
    assert nobody.post(address, data={"List-Unsubscribe": "One-Click"}).status_code == 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_reader_is_asked_first(house, browser, now, language):
    who = user()
    operations.notify([who], "notice.created", about=About(number="LP-1"), now=now)
    address = way_out(house, mails_to(who.email)[0])
    reader = browser("", language)

    page = reader.send(reader.get(address), address)

    assert page.all(data_key="notices.left")
    assert queries.choices([who.id]) == {who.id: {"progress": "cabinet"}}


def test_nobody_leaves_for_another_or_for_what_may_not_be_muted(house, now):
    who, other = user(), user()
    operations.notify([who], "notice.your_action", about=About(), params={"number": "1", "process": "1"}, now=now)
    assert "List-Unsubscribe" not in delivery.message(house.config, mails_to(who.email)[0])
    sealed = delivery.seal(house.config, who.id, ["progress"])
    nobody = house.app.test_client()
    forged = [
        sealed[:-1] + ("A" if sealed[-1] != "A" else "B"),
        sealed.partition(".")[0],
        "x",
        "ә",
        f"{other.id}.{sealed.partition('.')[2]}",
        sealed.replace("progress", "progress.terms"),
        delivery.seal(house.config, who.id, sorted(MANDATORY)),
    ]

    for address in forged:
        assert nobody.get(f"/unsubscribe/{address}").status_code == 404
        assert nobody.post(f"/unsubscribe/{address}").status_code == 404
    assert queries.choices([who.id, other.id]) == {}


def test_every_mail_names_the_way_to_ones_choice_and_says_that_it_is_automatic(house, now):
    who = user()
    operations.notify([who], "notice.created", about=About(), now=now)

    message = delivery.message(house.config, mails_to(who.email)[0])

    assert message["Auto-Submitted"] == "auto-generated"
    for kind in ("plain", "html"):
        assert f"{house.config.base_url}/profile/notices" in message.get_body((kind,)).get_content()


def test_nothing_that_a_person_wrote_is_markup_in_a_mail(house, now):
    who = user()
    params = {"company": "<script>alert(1)</script>&"}
    operations.notify([who], "notice.account_created", about=About(), params=params, now=now)

    page = delivery.message(house.config, mails_to(who.email)[0]).get_body(("html",)).get_content()

    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_dead_address_is_shown_in_the_profile_with_its_mend(house, browser, now):
    who = person("clerk")
    someone = browser("clerk")
    assert not someone.get("/profile/notices").all(data_state="bounced")
    db.session.add(Bounce(address=who.email, at=now, reply="550 5.1.1 No such user"))
    db.session.flush()

    page = someone.get("/profile/notices")
    assert "550 5.1.1 No such user" in page.says(data_state="bounced")
    someone.send(page, "/profile/notices/address")

    assert not someone.get("/profile/notices").all(data_state="bounced")
    assert messages_of(who)[0].message == "notice.address_tried"


def test_the_exchange_sees_how_mails_fared_and_not_what_they_say(house, browser, now):
    who = user(email="kimge@altn.example")
    operations.notify([who], "notice.created", about=About(number="LP-9"), now=now, mail_only={"obj.email": "құпия"})
    mail = mails_to(who.email)[0]
    mail.state, mail.last_error = "bounced", "550 5.1.1 No such user"
    db.session.flush()

    for key in ("admin", "chancery"):
        page = browser(key).get("/mail?state=bounced")
        shown = page.says(data_mail=str(mail.id))
        assert ("kimge@altn.example" in shown, "550 5.1.1" in shown) == (True, True)
        assert "құпия" not in page.text
        assert ("LP-9" in page.text) == (key == "chancery")
    assert browser("issuer").get("/mail").status == 404
