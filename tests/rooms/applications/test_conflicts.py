"""Two people at once: nobody's words are lost, nothing happens twice, and what failed never was."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from browser import signed_in, words
from factories import Teller, application_at, new_application, person, refetched, values
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from test_creating import NEW, address

from app import db
from app.applications import effects, filing, moves, queries
from app.applications.models import Answers, Application, History, Signature, SignatureStamp
from app.audit.models import AuditEntry
from app.db import Record
from app.errors import Conflict
from app.terms import say


def shared(house) -> str:
    """Return the number of a new application that the issuer and the clerk both fill."""
    application = new_application()
    filing.assign_colleague(application, person("clerk").id, by=person("issuer"), now=application.created_at)
    db.session.commit()
    return application.number


def everything() -> dict[str, int]:
    """Return how many rows each table has."""
    return {
        table.name: db.session.scalar(select(func.count()).select_from(table)) or 0
        for table in Record.metadata.sorted_tables
    }


# The same stage


def test_the_second_to_save_a_stage_sees_both_values_and_loses_nothing(house):
    number = shared(house)
    one, two = signed_in(house, "issuer"), signed_in(house, "clerk")
    path = address(number, "stages", "issuer")
    first, second = one.get(path), two.get(path)

    saved = one.send(first, path, press="save", legal_address="Абай 1", activity="мұнай")
    conflict = two.send(second, path, press="save", legal_address="Достық 2", website="altyndan.example")

    assert saved.status == 303
    assert conflict.status == 409
    row = next(item for item in conflict.all(data_field="legal_address"))
    assert "Абай 1" in words(row)
    assert say("app.conflict.theirs", "kk") in words(row)
    shown = conflict.form(path)
    assert (shown["legal_address"], shown["website"]) == (["Достық 2"], ["altyndan.example"])
    assert "Ахметова Айгүл" in conflict.main
    assert values(refetched(number), "issuer")["legal_address"] == "Абай 1"

    assert two.send(conflict, path, press="save").status == 409, "nobody has chosen"
    merged = two.send(conflict, path, press="save", activity="мұнай", **{"pick-legal_address": "mine"})

    assert merged.status == 303
    now_ = values(refetched(number), "issuer")
    assert (now_["legal_address"], now_["activity"], now_["website"]) == ("Достық 2", "мұнай", "altyndan.example")


def test_an_old_page_that_changes_nothing_overwrites_nothing_and_its_buttons_act_on_what_stands_now(house):
    number = shared(house)
    one = signed_in(house, "issuer")
    path = address(number, "stages", "requirements")
    chain = {
        f"extra_listing_requirements-{name}": value
        for name, value in {
            "platform": "main",
            "sector": "shares",
            "category": "premium",
            "isin": "KZ1C00001619",
        }.items()
    }
    one.get(path)
    one.post(path, {"add": "extra_listing_requirements", "revision": "0", **chain})
    stands = values(refetched(number), "requirements")

    assert one.post(path, {"revision": "0", "save": "yes"}).status == 303
    assert one.post(path, {"revision": "0", "done": "yes"}).status == 422  # the other's entry has gaps
    assert one.post(path, {"revision": "0", "add": "extra_listing_requirements", **chain}).status == 422  # it is there
    assert one.post(path, {"revision": "0", "remove": "extra_listing_requirements-e1"}).status == 422  # never seen
    assert values(refetched(number), "requirements") == stands
    assert queries.latest(refetched(number), "requirements").revision == 1


def test_people_in_different_stages_do_not_disturb_each_other(house):
    number = shared(house)
    one, two = signed_in(house, "issuer"), signed_in(house, "clerk")
    first = one.get(address(number, "stages", "issuer"))
    second = two.get(address(number, "stages", "adviser_choice"))

    assert one.send(first, address(number, "stages", "issuer"), press="save", activity="мұнай").status == 303
    chosen = str(person("adviser").id)
    assert two.send(second, address(number, "stages", "adviser_choice"), press="done", adviser=chosen).status == 303
    assert values(refetched(number), "issuer")["activity"] == "мұнай"


def test_every_saved_revision_is_kept(house):
    number = shared(house)
    one, path = signed_in(house, "issuer"), address(number, "stages", "issuer")
    for activity in ("бір", "екі", "үш"):
        one.send(one.get(path), path, press="save", activity=activity)

    stored = db.session.scalars(
        select(Answers)
        .where(Answers.application_id == refetched(number).id, Answers.stage == "issuer", Answers.revision > 0)
        .order_by(Answers.revision)
    ).all()
    assert [(row.revision, row.values["issuer"]["activity"]) for row in stored] == [(1, "бір"), (2, "екі"), (3, "үш")]


# The same transition


@pytest.mark.parametrize("seen", ["0", "1", "99", "", "x", "-1"])
def test_a_transition_from_a_stale_page_is_a_conflict_and_effects_nothing(house, seen):
    number = application_at("result").number
    before = everything()

    answer = (someone := signed_in(house, "listing")).post(address(number, "transitions", "archive"), {"seen": seen})
    someone.get("/")

    assert answer.status == 409
    assert number in answer.main
    after = everything()
    entered = dict.fromkeys(
        ("audit_entry", "login_session", "agreement_acceptance", "sign_in_attempt", "sign_in_counter"), 0
    )
    assert {**before, **entered} == {**after, **entered}  # the sign-in alone is recorded
    assert refetched(number).process == "result"


def test_a_transition_taken_twice_effects_once(house, now):
    application = application_at("result")
    seen = application.version
    moves.fire(application, "archive", by=person("listing"), seen=seen, now=now)

    with pytest.raises(Conflict):
        moves.fire(refetched(application), "archive", by=person("listing"), seen=seen, now=now)

    acts = db.session.scalars(select(History.act).where(History.application_id == application.id)).all()
    assert acts.count("archive") == 1


@pytest.mark.parametrize("trigger", ["nosuch", "archive", "register", "_fire", "to_archived"])
def test_a_transition_that_does_not_begin_here_is_refused(house, trigger):
    number = application_at("filling").number
    someone = signed_in(house, "issuer")
    before = everything()

    answer = someone.post(
        address(number, "transitions", trigger), {"seen": str(refetched(number).version), "reason": "?"}
    )

    assert answer.status in (403, 409)
    assert everything() == before


# Threads, with commits that are real


def at_once(house, acts: list[Callable[[], object]]) -> list[object]:
    """Do acts at the same moment, each in a thread and a context of its own; return what each gave or raised."""
    results: list[object] = [None] * len(acts)
    gate = threading.Barrier(len(acts))

    def run(place: int) -> None:
        gate.wait()
        try:
            results[place] = acts[place]()
        except BaseException as failure:  # told to the test
            results[place] = failure

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not [thread for thread in threads if thread.is_alive()]
    failures = [result for result in results if isinstance(result, BaseException)]
    assert failures == []
    return results


def test_of_eight_writers_of_one_stage_one_saves_and_the_others_see_both_texts(live):
    number = shared(live)
    path = address(number, "stages", "issuer")
    browsers = [signed_in(live, "issuer" if place % 2 else "clerk") for place in range(8)]
    pages = [someone.get(path) for someone in browsers]
    db.session.remove()

    answers = at_once(
        live,
        [
            lambda someone=someone, page=page, place=place: someone.send(
                page, path, press="save", legal_address=f"Мекенжай {place}"
            )
            for place, (someone, page) in enumerate(zip(browsers, pages, strict=True))
        ],
    )

    won = [place for place, answer in enumerate(answers) if answer.status == 303]
    assert len(won) == 1
    stored = values(refetched(number), "issuer")["legal_address"]
    assert stored == f"Мекенжай {won[0]}"
    for place, answer in enumerate(answers):
        if place not in won:
            assert answer.status == 409
            assert f"Мекенжай {place}" in answer.text
            assert stored in answer.text
    assert (
        db.session.scalar(
            select(func.count(Answers.id)).where(
                Answers.stage == "issuer", Answers.revision == 1, Answers.application_id == refetched(number).id
            )
        )
        == 1
    )


def test_a_transition_pressed_by_many_at_once_happens_once(live):
    number, process = application_at("result").number, "archived"
    browsers = [signed_in(live, "listing") for _ in range(6)]
    path = address(number, "transitions", "archive")
    pages = [someone.get(address(number)) for someone in browsers]
    mails = _mails()
    db.session.remove()

    answers = at_once(
        live,
        [
            lambda someone=someone, page=page: someone.send(page, path)
            for someone, page in zip(browsers, pages, strict=True)
        ],
    )

    assert sorted(answer.status for answer in answers) == [303, *[409] * 5]
    application = refetched(number)
    assert application.process == process
    rows = db.session.scalars(select(History.act).where(History.application_id == application.id)).all()
    assert rows.count("archive") == 1
    assert _mails() == mails + 1


def _mails() -> int:
    return db.session.scalar(text("SELECT count(*) FROM mail")) or 0


def test_of_agree_return_and_delete_exactly_one_wins(live):
    number = application_at("first_head").number
    head, author = signed_in(live, "first_head"), signed_in(live, "issuer")
    review = head.get(address(number, "review"))
    hub = author.get(address(number))
    second_head = signed_in(live, "first_head")
    again = second_head.get(address(number, "review"))
    db.session.remove()

    answers = at_once(
        live,
        [
            lambda: head.send(review, address(number, "review"), press="agree"),
            lambda: second_head.send(
                again, address(number, "review"), press="return", **{"comment-issuer.legal_address": "Тексеріңіз"}
            ),
            lambda: author.send(hub, address(number, "transitions", "delete")),
        ],
    )

    assert sorted(answer.status for answer in answers)[0] == 303
    assert [answer.status for answer in answers].count(303) == 1
    application = refetched(number)
    acts = db.session.scalars(select(History.act).where(History.application_id == application.id)).all()
    assert len([act for act in acts if act in ("agree", "return_for_rework", "delete")]) == 1


def test_applications_made_at_once_have_numbers_without_gaps_and_without_pairs(live):
    browsers = [signed_in(live, "issuer") for _ in range(8)]
    pages = [someone.get(NEW) for someone in browsers]
    before = {number for number in db.session.scalars(select(Application.number)) if number.startswith("LP-")}
    db.session.remove()

    answers = at_once(
        live,
        [
            lambda someone=someone, page=page: someone.send(page, NEW)
            for someone, page in zip(browsers, pages, strict=True)
        ],
    )

    assert {answer.status for answer in answers} == {303}
    fresh = sorted(
        {number for number in db.session.scalars(select(Application.number)) if number.startswith("LP-")} - before
    )
    own = [int(number[-6:]) for number in before if number[:-6] == fresh[0][:-6]]
    last = max(number for number in own if number < 900_000)  # those from there on are the demo's past
    assert [int(number[-6:]) for number in fresh] == list(range(last + 1, last + 9))


def test_forty_guesses_at_once_lock_the_door(live):
    from browser import Browser

    from app.accounts.models import SignInCounter

    browsers = [Browser(live.app) for _ in range(10)]
    email = person("clerk").email
    for someone in browsers:
        someone.get("/login")
    db.session.remove()

    at_once(
        live,
        [
            lambda someone=someone: someone.post("/login", {"email": email, "password": "Qate#2026"})
            for someone in browsers
        ],
    )

    counter = db.session.scalars(select(SignInCounter).where(SignInCounter.user_id == person("clerk").id)).one()
    assert counter.locked_until is not None


# An act that fails half-way


@pytest.mark.parametrize("where", ["effect", "commit"])
def test_an_act_that_fails_half_way_leaves_no_row_no_mail_and_no_message(house, monkeypatch, where):
    number = Teller(house.config).filled().number
    someone = signed_in(house, "issuer")
    page = someone.get(address(number, "summary"))
    before = everything()

    def fails(*_args, **_given):
        raise OSError("the disk is full")

    if where == "effect":
        monkeypatch.setitem(effects.EFFECTS, "assign_first_head", fails)
    else:
        monkeypatch.setattr(type(db.session()), "commit", fails)
    path = address(number, "transitions", "send_for_approval")
    if where == "commit":
        data = dict(page.form(path))
        answer = _posted_without_the_tests_own_commit(house, someone, path, data)
    else:
        answer = someone.send(page, path).status
    monkeypatch.undo()
    db.session.rollback()

    assert answer == 500
    assert everything() == before
    assert refetched(number).process == "filling"


def _posted_without_the_tests_own_commit(house, someone, path, data) -> int:
    import contextvars

    house.app.testing = False
    return contextvars.Context().run(lambda: someone.client.post(path, data=data)).status_code


# Rows that are only added


@pytest.mark.parametrize("record", [History, AuditEntry, Signature])
@pytest.mark.parametrize("verb", ["update", "delete", "update all", "delete all"])
def test_the_database_itself_refuses_to_change_or_delete_what_is_only_added(house, record, verb):
    one = db.session.scalar(select(func.min(record.id)))
    count = db.session.scalar(select(func.count(record.id)))
    column = record.at
    statement = update(record).values({column: column}) if verb.startswith("update") else delete(record)
    if not verb.endswith("all"):
        statement = statement.where(record.id == one)

    with pytest.raises(DBAPIError) as refusal, db.session.begin_nested():
        db.session.execute(statement, execution_options={"synchronize_session": False})

    assert "only added" in str(refusal.value)
    assert db.session.scalar(select(func.count(record.id))) == count > 0


@pytest.mark.parametrize("record", [History, AuditEntry, Signature, SignatureStamp])
def test_nor_can_they_be_emptied_at_once(house, record):
    if house.engine.dialect.name != "postgresql":
        pytest.skip("SQLite knows no TRUNCATE")
    with pytest.raises(DBAPIError) as refusal:
        db.session.execute(text(f"TRUNCATE {record.__tablename__} CASCADE"))
    db.session.rollback()

    assert "only added" in str(refusal.value)


def test_the_same_revision_of_a_stage_cannot_be_stored_twice(house):
    row = db.session.scalars(select(Answers).limit(1)).first()
    again = {column.name: getattr(row, column.key) for column in Answers.__table__.columns if column.name != "id"}

    with pytest.raises(DBAPIError), db.session.begin_nested():
        db.session.execute(insert(Answers), again)
