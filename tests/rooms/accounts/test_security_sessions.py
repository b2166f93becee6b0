"""One-time codes and the security session: guarded operations change nothing without it (ESRV-21, 25, 35, 36, 38)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from factories import PASSWORD, company, mails_to, organisation, user
from sqlalchemy import select, update

from app import db
from app.accounts import authenticators, errands, links, one_time_codes, security_sessions, sessions
from app.accounts.models import Authenticator, LoginSession, RecoveryCode, User
from app.errors import Conflict, Invalid
from app.web import clock
from app.web.templating import date_time_text

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # "12345678901234567890"


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_codes_are_those_of_the_standard(moment, code):
    """The last six digits of the table of RFC 6238, appendix B."""
    assert one_time_codes.code_of(RFC_SECRET, moment // 30) == code


@pytest.mark.parametrize(("steps", "is_taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_is_taken_one_step_to_either_side(steps, is_taken):
    now = datetime(2026, 11, 20, 9, 0, 15, tzinfo=UTC)
    step = one_time_codes.step_at(now) + steps
    found = one_time_codes.step_of(RFC_SECRET, one_time_codes.code_of(RFC_SECRET, step), now=now, after=0)

    assert found == (step if is_taken else None)


def enrolled(who: User, now: datetime) -> tuple[str, list[str]]:
    """Give somebody an authenticator, set up a while ago; return its secret and the recovery codes."""
    secret = authenticators.begin(who, now=now)
    before = now - timedelta(minutes=10)
    codes = authenticators.confirm(who, one_time_codes.code_of(secret, one_time_codes.step_at(before)), now=before)
    return secret, codes


def code_at(secret: str, now: datetime) -> str:
    """Return the code of a moment."""
    return one_time_codes.code_of(secret, one_time_codes.step_at(now))


@pytest.fixture
def who(house):
    """A first head of an organisation whose first heads need codes."""
    return user(organisation("KODY", codes="first_heads"), is_admin=True, is_first_head=True)


@pytest.fixture
def session(who, now):
    """His login session."""
    return sessions.of_secret(sessions.begin(who, address="", agent="", now=now), now=now)


def test_the_secret_is_kept_encrypted_and_recovery_codes_as_hashes(who, now):
    secret, codes = enrolled(who, now)

    row = db.session.get(Authenticator, who.id)
    kept = db.session.scalars(select(RecoveryCode.code_hash).where(RecoveryCode.user_id == who.id)).all()
    assert secret not in row.secret
    assert authenticators.secret_of(row) == secret
    assert len(kept) == len(set(codes)) == 10
    assert not set(kept) & set(codes)


@pytest.mark.req("ESRV-2.14")
def test_each_code_opens_once(who, session, now):
    secret, _ = enrolled(who, now)
    security_sessions.open_by_code(session, code_at(secret, now), now=now)
    security_sessions.close(session)

    with pytest.raises(Invalid):
        security_sessions.open_by_code(session, code_at(secret, now), now=now)
    with pytest.raises(Invalid):  # nor one of an earlier step
        security_sessions.open_by_code(session, code_at(secret, now - 30 * SECOND), now=now)
    security_sessions.open_by_code(session, code_at(secret, now + 30 * SECOND), now=now + 30 * SECOND)


def test_each_recovery_code_opens_once_in_any_spelling(who, session, now):
    _, codes = enrolled(who, now)
    security_sessions.open_by_code(session, f" {codes[0].upper()} ", now=now)
    assert authenticators.recovery_codes_left(who) == 9

    with pytest.raises(Invalid):
        security_sessions.open_by_code(session, codes[0], now=now)
    security_sessions.open_by_code(session, codes[1], now=now)


def test_new_recovery_codes_end_the_old_ones(who, session, now):
    _, old = enrolled(who, now)

    new = authenticators.new_recovery_codes(who, now=now)

    with pytest.raises(Invalid):
        security_sessions.open_by_code(session, old[0], now=now)
    security_sessions.open_by_code(session, new[0], now=now)


@pytest.mark.req("ESRV-36.a")
def test_it_ends_after_five_idle_minutes_and_after_fifteen_whatever_is_done(who, session, now):
    secret, _ = enrolled(who, now)
    assert not security_sessions.is_open(session, now=now)
    security_sessions.open_by_code(session, code_at(secret, now), now=now)

    assert security_sessions.is_open(session, now=now + 5 * MINUTE - SECOND)
    assert not security_sessions.is_open(session, now=now + 5 * MINUTE)
    for minute in range(1, 15):
        security_sessions.note_use(session, now=now + minute * MINUTE)
    assert security_sessions.is_open(session, now=now + 15 * MINUTE - SECOND)
    assert not security_sessions.is_open(session, now=now + 15 * MINUTE)


def test_a_code_is_fresh_for_two_minutes(who, session, now):
    secret, _ = enrolled(who, now)
    security_sessions.open_by_code(session, code_at(secret, now), now=now)

    assert security_sessions.is_open(session, now=now + 2 * MINUTE - SECOND, fresh=True)
    assert not security_sessions.is_open(session, now=now + 2 * MINUTE, fresh=True)
    assert security_sessions.is_open(session, now=now + 2 * MINUTE)


def test_the_fifth_wrong_code_shuts_codes_for_an_hour_and_ends_the_session(who, session, now):
    secret, codes = enrolled(who, now)
    for _ in range(5):
        assert session.ended_at is None
        with pytest.raises(Invalid):
            security_sessions.open_by_code(session, "nonsense", now=now)

    assert session.ending == "codes"
    other = sessions.of_secret(sessions.begin(who, address="", agent="", now=now), now=now)
    with pytest.raises(Invalid):
        security_sessions.open_by_code(other, codes[0], now=now + timedelta(minutes=60) - SECOND)
    later = now + timedelta(hours=1)
    security_sessions.open_by_code(other, code_at(secret, later), now=later)


def test_a_password_set_by_a_link_gives_no_new_guesses_of_codes(who, session, now):
    _, codes = enrolled(who, now)
    for _ in range(5):
        with pytest.raises(Invalid):
            security_sessions.open_by_code(session, "nonsense", now=now)

    links.set_password(links.issue(who, links.RECOVERY, now=now), new="Kezen#2027", repeated="Kezen#2027", now=now)

    other = sessions.of_secret(sessions.begin(who, address="", agent="", now=now), now=now)
    with pytest.raises(Invalid):
        security_sessions.open_by_code(other, codes[0], now=now)


def test_the_owner_is_told_that_his_codes_are_shut(who, session, now):
    enrolled(who, now)
    before = len(mails_to(who.email))
    for _ in range(5):
        with pytest.raises(Invalid):
            security_sessions.open_by_code(session, "nonsense", now=now)

    errands.run(now=now)

    assert len(mails_to(who.email)) == before + 1
    assert date_time_text(now + timedelta(hours=1)) in mails_to(who.email)[0].body


def test_wrong_passwords_of_a_stranger_do_not_stop_the_codes(who, session, now):
    from app.accounts import operations

    secret, _ = enrolled(who, now)
    for _ in range(6):
        operations.sign_in(who.email, "Qate#2026", now=now)

    security_sessions.open_by_code(session, code_at(secret, now), now=now)

    assert security_sessions.is_open(session, now=now)


def test_without_an_authenticator_no_code_opens_anything(who, session, now):
    with pytest.raises(Conflict):
        security_sessions.open_by_code(session, "000000", now=now)


@pytest.mark.parametrize(
    ("codes", "head", "asked"),
    [
        ("none", True, False),
        ("first_heads", True, True),
        ("first_heads", False, False),
        ("everybody", False, True),
        ("everybody", True, True),
    ],
)
def test_of_whom_codes_are_asked_is_set_by_the_organisation(house, codes, head, asked):
    who = user(organisation("BAPT", codes=codes), is_first_head=head)

    assert security_sessions.is_asked_of(who) is asked


def test_for_the_exchange_the_installation_sets_it(house, monkeypatch):
    officer = user(exchange_roles=["listing"])
    assert not security_sessions.is_asked_of(officer)

    monkeypatch.setitem(house.app.extensions, "kezen.config", replace(house.config, exchange_codes=True))

    assert security_sessions.is_asked_of(officer)


def test_an_organisation_begins_with_codes_for_its_first_heads(house, now):
    from app.organisations.models import Organisation

    assert Organisation.__table__.c.codes.default.arg == "first_heads"


# Through the door

NEW = {
    "email": "nurgul@kody.example",
    "last_name": "Сәрсенова",
    "first_name": "Нұргүл",
    "patronymic": "",
    "position": "Маман",
    "phone": "+7 701 000 11 22",
}


@pytest.fixture
def entered(who, browser):
    """A browser in which the first head has signed in, the secret of his authenticator, and his recovery codes."""
    secret, codes = enrolled(who, clock.unmoved())
    email = who.email
    someone = browser()
    someone.sign_in(email, PASSWORD)
    someone.get("/profile")
    return someone, secret, codes


def added() -> User | None:
    """Return the person whom a guarded operation adds."""
    return db.session.scalars(select(User).where(User.email == NEW["email"])).unique().first()


@pytest.mark.req(
    "ESRV-2.1.b", "ESRV-2.3", "ESRV-2.15", "ESRV-21.b", "ESRV-25.0", "ESRV-25.2.a", "ESRV-35.0", "ESRV-2.1.a"
)
def test_a_guarded_operation_without_a_session_changes_nothing_and_goes_on_after_the_code(entered):
    someone, secret, _ = entered
    asked = someone.send(someone.get("/users/new"), "/users/new", **NEW)
    assert (asked.status, added()) == (401, None)
    assert asked.form("/users/new")["last_name"] == ["Сәрсенова"]
    assert asked.says(data_key="codes.kept")

    wrong = someone.send(asked, "/users/new", security_code="000000")
    assert (wrong.status, added()) == (401, None)
    assert wrong.error("security_code")
    assert wrong.form("/users/new")["last_name"] == ["Сәрсенова"]
    answer = someone.send(wrong, "/users/new", security_code=code_at(secret, clock.unmoved()))

    assert answer.location == "/users"
    assert added().first_name == "Нұргүл"


@pytest.mark.req("ESRV-34.c", "ESRV-36.b")
def test_within_the_session_no_second_code_is_asked_and_reading_asks_none(entered):
    someone, secret, _ = entered
    asked = someone.send(someone.get("/users/new"), "/users/new", **NEW)
    someone.send(asked, "/users/new", security_code=code_at(secret, clock.unmoved()))

    again = someone.send(someone.get("/users/new"), "/users/new", **{**NEW, "email": "asel@kody.example"})

    assert again.location == "/users"
    for path in ("/", "/users", "/applications", "/profile", "/norms"):
        assert someone.get(path).status == 200


def test_a_refused_operation_keeps_the_session_open_that_its_code_opened(entered):
    someone, secret, _ = entered
    asked = someone.send(someone.get("/users/new"), "/users/new", **{**NEW, "email": "nonsense"})

    refused = someone.send(asked, "/users/new", security_code=code_at(secret, clock.unmoved()))

    assert refused.status == 422
    assert refused.form("/users/new")["last_name"] == ["Сәрсенова"]
    assert someone.send(refused, "/users/new", email=NEW["email"]).location == "/users"


def test_a_script_is_told_what_to_do(entered):
    someone, _, _ = entered

    answer = someone.post("/users/new", NEW, headers={"Accept": "application/json"})

    assert answer.status == 401
    assert answer.answer.json["code"] == "step_up_required"
    challenge = answer.answer.headers["WWW-Authenticate"]
    assert 'error="insufficient_user_authentication"' in challenge
    assert re.search(r'acr_values="\S+", max_age=900', challenge)
    assert added() is None


@pytest.mark.req("ESRV-2.14")
def test_the_session_is_bound_to_its_login_session(entered, browser, who):
    someone, secret, _ = entered
    asked = someone.send(someone.get("/users/new"), "/users/new", **NEW)
    someone.send(asked, "/users/new", security_code=code_at(secret, clock.unmoved()))
    email = db.session.get(User, who.id).email
    elsewhere = browser()
    elsewhere.sign_in(email, PASSWORD)

    asked = elsewhere.send(elsewhere.get("/users/new"), "/users/new", **{**NEW, "email": "asel@kody.example"})

    assert asked.status == 401


@pytest.mark.req("ESRV-38.a")
def test_signing_out_ends_it(entered, who):
    someone, secret, _ = entered
    asked = someone.send(someone.get("/users/new"), "/users/new", **NEW)
    someone.send(asked, "/users/new", security_code=code_at(secret, clock.unmoved()))
    email = db.session.get(User, who.id).email
    someone.post("/logout")
    someone.sign_in(email, PASSWORD)

    again = someone.send(someone.get("/users/new"), "/users/new", **{**NEW, "email": "asel@kody.example"})

    assert again.status == 401


def test_a_new_password_ends_it_where_the_login_session_goes_on(entered, who):
    someone, _, codes = entered
    page = someone.get("/profile")
    typed = {"current_password": PASSWORD, "new_password": "Qyzyl+8gul", "repeat_password": "Qyzyl+8gul"}
    asked = someone.send(page, "/profile/password", **typed)
    assert asked.status == 401
    assert someone.send(asked, "/profile/password", security_code=codes[0]).location == "/"

    assert someone.get("/norms").status == 200
    asked = someone.send(someone.get("/users/new"), "/users/new", **NEW)
    assert asked.status == 401


def test_a_session_grown_old_asks_again(entered, who):
    someone, _, codes = entered
    asked = someone.send(someone.get("/users/new"), "/users/new", **NEW)
    someone.send(asked, "/users/new", security_code=codes[0])
    old = clock.unmoved() - 6 * MINUTE
    db.session.execute(update(LoginSession).where(LoginSession.user_id == who.id).values(used_at=old))

    asked = someone.send(someone.get("/users/new"), "/users/new", **{**NEW, "email": "asel@kody.example"})

    assert asked.status == 401


@pytest.mark.req("ESRV-7.2.e")
def test_a_first_authenticator_needs_the_password_and_a_code_and_tells_recovery_codes_once(house, browser):
    who = user(organisation("JANA", codes="everybody"))
    email = who.email
    someone = browser()
    someone.sign_in(email, PASSWORD)
    page = someone.get("/profile/authenticator")
    refused = someone.send(page, "/profile/authenticator", current_password="Qate#2026")
    assert (refused.status, refused.error("current_password") != "") == (422, True)
    someone.send(page, "/profile/authenticator", current_password=PASSWORD)
    page = someone.get("/profile/authenticator")
    secret = page.says(data_key="codes.secret").replace(" ", "").removeprefix("Кілт")

    assert someone.send(page, "/profile/authenticator/confirm", code="000000").status == 422
    shown = someone.send(page, "/profile/authenticator/confirm", code=code_at(secret, clock.unmoved()))

    codes = re.findall(r"[2-9a-z]{5}-[2-9a-z]{5}", shown.main)
    assert len(set(codes)) == 10
    assert not re.findall(r"[2-9a-z]{5}-[2-9a-z]{5}", someone.get("/profile/authenticator").main)
    assert len(mails_to(email)) == 1
    asked = someone.post("/profile/authenticator/remove")
    assert asked.status == 401
    answer = someone.send(asked, "/profile/authenticator/remove", security_code=codes[0])
    assert answer.location == "/profile/authenticator"
    assert len(mails_to(email)) == 2


def test_who_has_no_authenticator_is_led_to_set_one_up_and_keeps_what_was_typed(who, browser):
    email = who.email
    someone = browser()
    someone.sign_in(email, PASSWORD)

    asked = someone.send(someone.get("/users/new"), "/users/new", **NEW)

    assert asked.status == 401
    assert asked.one(data_key="codes.set_up").get("href") == "/profile/authenticator"
    assert asked.form("/users/new")["last_name"] == ["Сәрсенова"]
    assert someone.send(asked, "/users/new", security_code="123456").status == 401
    assert added() is None


def test_a_guarded_page_that_is_read_opens_after_the_code(house, browser, monkeypatch):
    officer = user(exchange_roles=["chancery"])
    secret, _ = enrolled(officer, clock.unmoved())
    email = officer.email
    monkeypatch.setitem(house.app.extensions, "kezen.config", replace(house.config, exchange_codes=True))
    someone = browser()
    someone.sign_in(email, PASSWORD)

    asked = someone.get("/letters.xlsx")
    assert asked.status == 401
    answer = someone.send(asked, "/security-session", security_code=code_at(secret, clock.unmoved()))

    assert answer.location == "/letters.xlsx"
    assert someone.follow(answer).status == 200


def test_an_organisation_without_codes_is_asked_for_none(house, browser):
    who = user(company("ALTN"), is_admin=True, is_first_head=True)
    someone = browser()
    someone.sign_in(who.email, PASSWORD)

    assert someone.send(someone.get("/users/new"), "/users/new", **NEW).location == "/users"


def test_the_administrator_of_the_exchange_switches_codes_on_for_an_organisation(house, browser):
    employer = organisation("QOSU", codes="none")
    who = user(employer, is_admin=True)
    ident, email = employer.id, who.email
    someone = browser()
    someone.sign_in(email, PASSWORD)
    officer = browser("admin")

    answer = officer.send(officer.get(f"/orgs/{ident}"), f"/orgs/{ident}/codes", codes="everybody")

    assert answer.location == f"/orgs/{ident}"
    assert someone.send(someone.get("/users/new"), "/users/new", **NEW).status == 401
    for key in ("issuer", "listing_head", "compliance"):
        stranger = browser(key)
        assert stranger.post(f"/orgs/{ident}/codes", {"codes": "none"}).status == 404
