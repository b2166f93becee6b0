"""The security session opened by a picture that another signed-in device of the user confirms (ESRV-35.2)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import PASSWORD, mails_to, organisation, user
from sqlalchemy import select, update

from app import db
from app.accounts import authenticators, errands, one_time_codes, second_devices, security_sessions, sessions
from app.accounts.models import DeviceRequest, LoginSession, User
from app.audit.models import AuditEntry
from app.errors import Conflict, Invalid, NotFound
from app.terms import say
from app.web import clock

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0"
NEW = {
    "email": "nurgul@kody.example",
    "last_name": "Сәрсенова",
    "first_name": "Нұргүл",
    "patronymic": "",
    "position": "Маман",
    "phone": "+7 701 000 11 22",
}


@pytest.fixture
def who(house):
    """A first head and administrator of whom codes are asked."""
    return user(organisation("KODY", codes="first_heads"), is_admin=True, is_first_head=True)


@pytest.fixture
def codes(who):
    """The recovery codes of his generator, which stand for its codes."""
    before = clock.unmoved() - timedelta(minutes=10)
    secret = authenticators.begin(who, now=before)
    return authenticators.confirm(who, one_time_codes.code_of(secret, one_time_codes.step_at(before)), now=before)


def begun(who, now, *, browser="Firefox 141, Linux", address="203.0.113.7"):
    """Return a new login session."""
    found = sessions.of_secret(sessions.begin(who, address=address, agent=FIREFOX, now=now), now=now)
    assert found is not None
    return found


@pytest.fixture
def computer(who, now):
    return begun(who, now)


@pytest.fixture
def phone(who, codes, now):
    """Another session, in which a code has been typed."""
    found = begun(who, now, address="198.51.100.9")
    security_sessions.open_by_code(found, codes[0], now=now)
    return found


def asked(computer, now, *, fresh=False):
    return second_devices.ask(computer, browser=computer.browser, fresh=fresh, now=now)


def used(computer, token, now):
    return second_devices.use(computer, token, browser=computer.browser, now=now)


def other_number(row):
    return next(each for each in second_devices.numbers(row) if each != row.number)


@pytest.mark.req("ESRV-35.2", "ESRV-24")
def test_what_the_other_device_confirms_opens_the_session_that_asked_once(computer, phone, now):
    row, token = asked(computer, now)
    assert not used(computer, token, now + SECOND)
    assert not security_sessions.is_open(computer, now=now + SECOND)

    second_devices.confirm(phone, token, row.number, now=now + 2 * SECOND)
    assert not security_sessions.is_open(computer, now=now + 2 * SECOND)
    assert used(computer, token, now + 3 * SECOND)

    assert security_sessions.is_open(computer, now=now + 3 * SECOND)
    with pytest.raises(Conflict, match=r"device\.err\.used"):
        used(computer, token, now + 4 * SECOND)
    with pytest.raises(Conflict, match=r"device\.err\.used"):
        second_devices.confirm(phone, token, row.number, now=now + 4 * SECOND)


def test_only_a_hash_of_the_secret_is_kept(computer, now):
    row, token = asked(computer, now)

    assert len(token) >= 43
    assert token not in row.token_hash


@pytest.mark.req("ESRV-35.2")
def test_a_device_on_which_no_code_was_typed_confirms_nothing(computer, codes, who, now):
    """Else whoever has the password alone signs in twice and confirms for himself."""
    row, token = asked(computer, now)
    twin = begun(who, now)

    with pytest.raises(Conflict, match=r"device\.err\.no_code"):
        second_devices.confirm(twin, token, row.number, now=now)
    assert not used(computer, token, now)


def test_a_session_that_was_itself_confirmed_elsewhere_confirms_no_further_one(computer, phone, who, now):
    row, token = asked(computer, now)
    second_devices.confirm(phone, token, row.number, now=now)
    assert used(computer, token, now)
    third = begun(who, now)
    further, secret = asked(third, now)

    with pytest.raises(Conflict, match=r"device\.err\.no_code"):
        second_devices.confirm(computer, secret, further.number, now=now)


def test_the_session_that_asked_does_not_confirm_for_itself(phone, now):
    row, token = asked(phone, now)

    with pytest.raises(Conflict, match=r"device\.err\.same"):
        second_devices.confirm(phone, token, row.number, now=now)


def test_another_user_finds_nothing(computer, house, now):
    row, token = asked(computer, now)
    stranger = begun(user(organisation("JATT", codes="none")), now)
    stranger.proved_at = now

    with pytest.raises(NotFound):
        second_devices.confirm(stranger, token, row.number, now=now)
    with pytest.raises(NotFound):
        second_devices.confirm(stranger, "nonsense", row.number, now=now)


@pytest.mark.parametrize(("after", "is_taken"), [(2 * MINUTE - SECOND, True), (2 * MINUTE, False)])
def test_it_lives_two_minutes(computer, phone, now, after, is_taken):
    row, token = asked(computer, now)

    if is_taken:
        second_devices.confirm(phone, token, row.number, now=now + after)
        assert used(computer, token, now + after)
    else:
        with pytest.raises(Conflict, match=r"device\.err\.over"):
            second_devices.confirm(phone, token, row.number, now=now + after)
        with pytest.raises(Conflict, match=r"device\.err\.over"):
            used(computer, token, now + after)


def test_what_was_confirmed_in_time_is_not_used_after_it(computer, phone, now):
    row, token = asked(computer, now)
    second_devices.confirm(phone, token, row.number, now=now + MINUTE)

    with pytest.raises(Conflict, match=r"device\.err\.over"):
        used(computer, token, now + 2 * MINUTE)
    assert not security_sessions.is_open(computer, now=now + 2 * MINUTE)


def test_it_serves_the_session_and_the_browser_that_asked_alone(computer, phone, who, now):
    row, token = asked(computer, now)
    second_devices.confirm(phone, token, row.number, now=now)
    other = begun(who, now)

    with pytest.raises(NotFound):
        second_devices.use(other, token, browser=other.browser, now=now)
    with pytest.raises(Conflict, match=r"device\.err\.browser"):
        second_devices.use(computer, token, browser="Chrome 140, Windows", now=now)
    assert not security_sessions.is_open(other, now=now)


def test_a_newer_request_ends_the_older_one(computer, phone, now):
    row, token = asked(computer, now)
    asked(computer, now)

    with pytest.raises(Conflict, match=r"device\.err\.over"):
        second_devices.confirm(phone, token, row.number, now=now)


def test_a_device_that_has_been_signed_out_since_stands_for_nothing(computer, phone, now):
    row, token = asked(computer, now)
    second_devices.confirm(phone, token, row.number, now=now)
    sessions.close(phone, ending="owner", now=now)

    with pytest.raises(Conflict, match=r"device\.err\.over"):
        used(computer, token, now)


def test_a_wrong_number_refuses_the_request_and_counts_as_a_wrong_code(computer, phone, codes, who, now):
    for _ in range(5):
        row, token = asked(computer, now)
        with pytest.raises(Invalid):
            second_devices.confirm(phone, token, other_number(row), now=now)
        with pytest.raises(Conflict, match=r"device\.err\.refused"):
            second_devices.confirm(phone, token, row.number, now=now)

    row, token = asked(computer, now)
    with pytest.raises(Conflict, match=r"codes\.err\.shut"):
        second_devices.confirm(phone, token, row.number, now=now)
    with pytest.raises(Invalid):
        security_sessions.open_by_code(computer, codes[1], now=now)
    later = now + timedelta(hours=1)
    row, token = asked(computer, later)
    second_devices.confirm(phone, token, row.number, now=later)


def test_the_numbers_are_three_different_ones_the_right_one_among_them_and_stay(computer, now):
    for _ in range(20):
        row, _token = asked(computer, now)
        found = second_devices.numbers(row)
        assert len(set(found)) == 3
        assert row.number in found
        assert found == second_devices.numbers(row)


def test_for_the_most_sensitive_operations_the_other_device_gives_a_code_just_now(computer, phone, codes, now):
    later = now + 2 * MINUTE
    row, token = asked(computer, later, fresh=True)
    with pytest.raises(Conflict, match=r"device\.err\.no_code"):
        second_devices.confirm(phone, token, row.number, now=later)

    security_sessions.open_by_code(phone, codes[1], now=later)
    second_devices.confirm(phone, token, row.number, now=later)
    assert used(computer, token, later)

    assert security_sessions.is_open(computer, now=later, fresh=True)


def test_an_ordinary_confirmation_is_no_fresh_code(computer, phone, now):
    later = now + 3 * MINUTE
    row, token = asked(computer, later)
    second_devices.confirm(phone, token, row.number, now=later)
    assert used(computer, token, later)

    assert security_sessions.is_open(computer, now=later)
    assert not security_sessions.is_open(computer, now=later, fresh=True)


def test_each_step_is_in_the_audit_and_the_owner_is_told(computer, phone, who, now):
    before = len(mails_to(who.email))
    row, token = asked(computer, now)
    second_devices.confirm(phone, token, row.number, now=now)
    used(computer, token, now)
    _, refused = asked(computer, now)
    second_devices.refuse(phone, refused, now=now)

    acts = [entry.act for entry in db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(5))]
    expected = ["device_refused", "device_asked", "security_session_opened", "device_confirmed", "device_asked"]
    assert acts == expected
    assert len(mails_to(who.email)) == before + 2
    told = "".join(mail.body for mail in mails_to(who.email)[:2])
    assert "Firefox 141, Linux" in told
    assert "203.0.113.7" in told


def test_old_requests_are_forgotten_and_the_audit_is_not(computer, phone, now):
    row, token = asked(computer, now)
    second_devices.confirm(phone, token, row.number, now=now)

    errands.forget(now=now + timedelta(hours=25))

    assert db.session.scalars(select(DeviceRequest)).all() == []
    assert db.session.scalars(select(AuditEntry).where(AuditEntry.act == "device_confirmed")).one() is not None


# Through the door


@pytest.fixture
def pair(who, codes, browser):
    """A computer and a phone of the same user, both signed in."""
    email = who.email
    found = []
    for address, agent in (("203.0.113.7", FIREFOX), ("198.51.100.9", "Mozilla/5.0 (Android 15) Firefox/140.0")):
        one = browser()
        one.address, one.headers["User-Agent"] = address, agent
        one.sign_in(email, PASSWORD)
        one.get("/profile")
        found.append(one)
    return found


def added() -> User | None:
    return db.session.scalars(select(User).where(User.email == NEW["email"])).unique().first()


def token_on(page):
    return page.form("/users/new")["security_device"][0]


def way_to_picture(computer):
    gate = computer.send(computer.get("/users/new"), "/users/new", **NEW)
    assert gate.status == 401
    assert gate.says(data_key="device.way")
    return computer.send(gate, "/users/new", press="security_way", value="device")


@pytest.mark.req("ESRV-35.2", "ESRV-35.0", "ESRV-36.a")
def test_without_scripts_the_operation_goes_on_with_what_was_typed_after_the_other_device_has_confirmed(pair, codes):
    computer, phone = pair
    waiting = way_to_picture(computer)
    assert waiting.status == 401
    path = f"/confirm/{token_on(waiting)}"
    assert waiting.says(data_key="device.address").endswith(path)
    assert "data:image/svg+xml" in waiting.text
    number = waiting.says(data_key="device.number")
    assert waiting.form("/users/new")["last_name"] == ["Сәрсенова"]
    early = computer.send(waiting, "/users/new")
    assert (early.status, added()) == (401, None)
    assert early.says(data_key="device.not_yet")

    shown = phone.get(path)
    assert shown.says(data_key="sessions.browser") == "Firefox 141, Linux"
    assert shown.says(data_key="sessions.address") == "203.0.113.7"
    assert number in [item.get("value") for item in shown.all(data_key="device.choice")]
    assert shown.says(data_key="device.code_first")
    code = phone.send(shown, path, press="number", value=number)
    assert code.status == 401
    assert "device.way" not in code.terms()
    done = phone.send(code, path, security_code=codes[0])
    assert done.says(data_key="device.done_confirmed")
    state = computer.get(path.replace("/confirm", "/security-session/devices"), headers={"Accept": "application/json"})
    assert state.answer.json == {"state": "confirmed"}

    answer = computer.send(early, "/users/new")

    assert answer.location == "/users"
    assert added().first_name == "Нұргүл"
    assert (
        computer.send(computer.get("/users/new"), "/users/new", **{**NEW, "email": "asel@kody.example"}).status == 303
    )


def test_the_next_time_the_phone_is_asked_for_no_code(pair, codes):
    computer, phone = pair
    waiting = way_to_picture(computer)
    path, number = f"/confirm/{token_on(waiting)}", waiting.says(data_key="device.number")
    code = phone.send(phone.get(path), path, press="number", value=number)
    phone.send(code, path, security_code=codes[0])
    db.session.execute(update(LoginSession).values(opened_at=None, used_at=None, code_at=None))
    db.session.commit()

    waiting = way_to_picture(computer)
    path, number = f"/confirm/{token_on(waiting)}", waiting.says(data_key="device.number")
    done = phone.send(phone.get(path), path, press="number", value=number)

    assert done.says(data_key="device.done_confirmed")
    assert computer.send(waiting, "/users/new").location == "/users"


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_refusals_are_told_in_the_readers_language(pair, codes, language):
    computer, phone = pair
    phone.headers["Accept-Language"] = language
    waiting = way_to_picture(computer)
    path = f"/confirm/{token_on(waiting)}"
    assert say("device.err.wrong_link", language) in phone.get("/confirm/nonsense").main
    assert say("device.err.same", language) in computer.get(f"{path}?lang={language}").main
    db.session.execute(update(DeviceRequest).values(expires_at=clock.unmoved()))
    late = phone.get(path)
    assert late.status == 409
    assert say("device.err.over", language) in late.main
    again = computer.send(waiting, "/users/new")
    assert (again.status, added()) == (401, None)
    assert say("device.err.over", language) in again.main


def test_a_wrong_number_is_told_and_stays_counted(pair, codes):
    computer, phone = pair
    waiting = way_to_picture(computer)
    path, number = f"/confirm/{token_on(waiting)}", waiting.says(data_key="device.number")
    shown = phone.get(path)
    wrong = next(v for item in shown.all(data_key="device.choice") if (v := item.get("value")) != number)
    code = phone.send(shown, path, press="number", value=wrong)

    refused = phone.send(code, path, security_code=codes[0])

    assert refused.status == 422
    assert say("device.err.wrong", "kk") in refused.main
    assert phone.get(path).status == 409
    assert db.session.scalars(select(DeviceRequest)).one().refused_at is not None


def test_whoever_did_not_ask_refuses(pair):
    computer, phone = pair
    waiting = way_to_picture(computer)
    path = f"/confirm/{token_on(waiting)}"

    done = phone.send(phone.get(path), path, press="answer", value="no")

    assert done.says(data_key="device.done_refused")
    assert say("device.err.refused", "kk") in computer.send(waiting, "/users/new").main


def test_a_guarded_page_that_is_read_opens_too(pair, codes, who):
    computer, phone = pair
    waiting = way_to_picture(computer)
    back = computer.send(waiting, "/users/new", press="security_way", value="code")
    assert back.status == 401
    assert back.form("/users/new")["last_name"] == ["Сәрсенова"]
    waiting = computer.post("/security-session", {"next": "/norms", "security_way": "device"})
    token = waiting.form("/security-session")["security_device"][0]
    path, number = f"/confirm/{token}", waiting.says(data_key="device.number")
    phone.send(phone.send(phone.get(path), path, press="number", value=number), path, security_code=codes[0])

    assert computer.send(waiting, "/security-session").location == "/norms"


def test_who_is_not_signed_in_is_led_to_the_door_and_back(pair, browser):
    computer, _ = pair
    path = f"/confirm/{token_on(way_to_picture(computer))}"

    answer = browser().get(path)

    assert answer.status == 303
    assert path.replace("/", "%2F") in answer.headers["Location"] or path in answer.headers["Location"]
