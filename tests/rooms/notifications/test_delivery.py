"""The worker sends what committed acts have written: after the commit, once, and again until it succeeds."""

from __future__ import annotations

import email
import email.policy
import smtplib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from browser import read, words
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from factories import messages_of, person, user
from sqlalchemy import select, update

from app import db
from app.accounts.models import User
from app.errors import Conflict
from app.notifications import delivery, operations, smtp
from app.notifications.delivery import LONGEST_PAUSE, PAUSE
from app.notifications.models import PATIENCE, Bounce, Mail
from app.notifications.operations import About

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore:.*session.*:DeprecationWarning")


class Postman:
    """An SMTP server's hand: answers what it was told to, then takes everything; counts who came."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.at_recipient: dict[str, str] = {}
        self.taken: list[email.message.EmailMessage] = []
        self.recipients: list[str] = []
        self.connections = 0
        self.drops = False

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802 - the server's word
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        refusal = self.at_recipient.get(address)
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self.answers and (answer := self.answers.pop(0)):
            return answer
        self.taken.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        self.recipients += envelope.rcpt_tos
        if self.drops:
            self.drops = False
            server.transport.abort()  # it has the mail, and the line breaks before it says so
        return "250 OK"


LATER = "451 4.3.0 Try again later"


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


@pytest.fixture
def postman() -> Iterator[tuple[Postman, str]]:
    """A server that refuses twice, and its address."""
    hand = Postman(LATER, LATER)
    server = Controller(hand, hostname="127.0.0.1", port=free_port())
    server.start()
    yield hand, f"smtp://127.0.0.1:{server.port}"
    server.stop()


@pytest.fixture
def waiting(house, now) -> Mail:
    """One mail that waits; all others have been sent."""
    db.session.execute(update(Mail).values(state="sent"), execution_options={"synchronize_session": False})
    who = user(email="aigul@altn.example", last_name="Ұлықбекова")
    operations.notify([who], "notice.created", about=About(number="LP-2026-000001", procedure={"kk": "Ә"}), now=now)
    return db.session.scalars(select(Mail).where(Mail.state == "waiting")).one()


def waiting_mails() -> list[Mail]:
    """Return the mails that wait, as they are now."""
    db.session.expire_all()
    return list(db.session.scalars(select(Mail).where(Mail.state == "waiting")))


def words_of(page: str) -> str:
    """Return what an HTML page says."""
    root = read(page)
    body = root if root.tag == "body" else root.find(".//body")
    return words(body)


def sealed(file: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the server's and the client's side of TLS with a certificate of our own for localhost."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context, ssl.create_default_context(cafile=file)


def one(ident: int) -> Mail:
    """Return a mail as it is now."""
    db.session.expire_all()
    return db.session.get_one(Mail, ident)


def test_a_refused_mail_is_tried_again_after_a_pause_until_it_is_taken(house, now, waiting, postman):
    hand, url = postman
    config, ident, message_id = replace(house.config, smtp_url=url), waiting.id, waiting.message_id
    db.session.commit()

    assert delivery.deliver(config, now=now) == 0
    assert delivery.deliver(config, now=now + PAUSE - timedelta(seconds=1)) == 0
    assert (one(ident).state, one(ident).tries) == ("waiting", 1)
    assert "451" in one(ident).last_error or "Try again" in one(ident).last_error
    assert delivery.deliver(config, now=now + PAUSE) == 0
    assert delivery.deliver(config, now=now + 2 * PAUSE) == 0  # the second pause is longer
    assert delivery.deliver(config, now=now + 3 * PAUSE) == 1

    mail = one(ident)
    assert (mail.state, mail.tries, mail.last_error) == ("sent", 3, "")
    [taken] = hand.taken
    assert taken["Message-ID"] == message_id
    assert hand.recipients == ["aigul@altn.example"]
    assert "LP-2026-000001" in taken["Subject"]
    plain, page = (taken.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert words_of(page)[: len("Сіз өтініш құрдыңыз")] == "Сіз өтініш құрдыңыз" == plain[: len("Сіз өтініш құрдыңыз")]
    assert delivery.deliver(config, now=now + 10 * PAUSE) == 0


def test_a_server_that_is_not_there_only_delays(house, now, waiting):
    config, ident = replace(house.config, smtp_url=f"smtp://127.0.0.1:{free_port()}"), waiting.id
    db.session.commit()

    assert delivery.deliver(config, now=now) == 0

    assert (one(ident).state, one(ident).tries) == ("waiting", 1)
    assert one(ident).last_error.startswith("ConnectionRefusedError")


def test_a_server_that_is_not_there_is_tried_once_for_all_mails_and_again_soon(house, now, waiting, monkeypatch):
    for number in range(3):
        operations.notify([user(email=f"k{number}@altn.example")], "notice.created", about=About(), now=now)
    db.session.commit()
    asked = []
    monkeypatch.setattr(smtp, "_connect", lambda url: asked.append(url) or (_ for _ in ()).throw(OSError("away")))
    config = replace(house.config, smtp_url="smtp://mail.example")

    for number in range(4):
        delivery.deliver(config, now=now + number * PAUSE)

    assert len(asked) == 4
    assert {row.next_try_at for row in waiting_mails()} == {now + 4 * PAUSE}


def test_a_mail_refused_for_three_days_is_failed_and_people_can_see_it(house, now, waiting, postman):
    hand, url = postman
    hand.answers = [LATER] * 100
    config, ident = replace(house.config, smtp_url=url), waiting.id
    db.session.commit()

    tries, moment = 0, now
    while one(ident).state == "waiting":
        delivery.deliver(config, now=moment)
        moment, tries = max(moment + timedelta(seconds=1), one(ident).next_try_at), tries + 1

    assert one(ident).state == "failed"
    assert PATIENCE <= moment - now <= PATIENCE + 2 * LONGEST_PAUSE
    assert 30 < tries < 60
    assert delivery.deliver(config, now=moment + timedelta(days=1)) == 0


def test_a_batch_goes_over_one_connection(house, now, waiting, postman):
    hand, url = postman
    hand.answers = ["", LATER, ""]
    for number in range(4):
        operations.notify([user(email=f"k{number}@altn.example")], "notice.created", about=About(), now=now)
    db.session.commit()

    assert delivery.deliver(replace(house.config, smtp_url=url), now=now) == 4

    assert hand.connections == 1
    assert len(hand.taken) == 4


@pytest.mark.parametrize(
    ("reply", "state", "is_dead"),
    [
        ("550 5.1.1 No such user", "bounced", True),
        ("550 No such user here", "bounced", True),
        ("552 5.2.2 Mailbox full", "bounced", True),
        ("550 5.7.1 Relaying denied", "failed", False),
        ("450 4.2.1 Mailbox busy", "waiting", False),
    ],
)
def test_what_a_server_says_of_a_recipient_is_understood(house, now, waiting, postman, reply, state, is_dead):
    hand, url = postman
    hand.answers, hand.at_recipient = [], {waiting.to: reply}
    ident, to = waiting.id, waiting.to
    operations.notify([user(email="ekinshi@altn.example")], "notice.created", about=About(), now=now)
    db.session.commit()

    assert delivery.deliver(replace(house.config, smtp_url=url), now=now) == 1  # the other one goes all the same

    assert (one(ident).state, one(ident).last_error) == (state, reply)
    assert (db.session.get(Bounce, to) is not None) == is_dead


def test_a_mail_whose_content_is_refused_for_good_says_nothing_of_the_address(house, now, waiting, postman):
    hand, url = postman
    hand.answers = ["554 5.6.0 Content refused"]
    ident, to = waiting.id, waiting.to
    db.session.commit()

    delivery.deliver(replace(house.config, smtp_url=url), now=now)

    assert one(ident).state == "failed"
    assert db.session.get(Bounce, to) is None


def test_nothing_more_is_sent_to_a_dead_address_until_it_is_tried_again(house, now, waiting, postman):
    hand, url = postman
    hand.answers, hand.at_recipient = [], {"aigul@altn.example": "550 5.1.1 No such user"}
    config, ident = replace(house.config, smtp_url=url), waiting.id
    who = db.session.get_one(User, waiting.user_id)
    db.session.commit()
    delivery.deliver(config, now=now)
    asked = hand.connections
    operations.notify([who], "notice.your_action", about=About(), params={"number": "1", "process": "1"}, now=now)
    db.session.commit()
    delivery.deliver(config, now=now)
    assert hand.connections == asked
    assert waiting_mails() == []

    hand.at_recipient = {}
    operations.try_address(who, now=now)
    db.session.commit()
    assert delivery.deliver(config, now=now) == 3  # the first, the held one and the trial

    assert one(ident).state == "sent"
    with pytest.raises(Conflict):
        operations.try_address(who, now=now)


def test_administrators_are_told_of_a_colleagues_dead_address_once(house, now, postman):
    hand, url = postman
    clerk, admin = person("clerk"), person("issuer")
    hand.answers, hand.at_recipient = [], {clerk.email: "550 5.1.1 No such user"}
    db.session.execute(update(Mail).values(state="sent"), execution_options={"synchronize_session": False})
    for _ in range(2):
        operations.notify([clerk], "notice.created", about=About(), now=now)
    before = len(messages_of(admin))
    db.session.commit()

    delivery.deliver(replace(house.config, smtp_url=url), now=now)

    told = messages_of(admin)
    assert len(told) == before + 1
    assert told[0].message == "notice.address_bounced"
    assert told[0].params["email"] == clerk.email


def test_a_line_that_breaks_after_the_mail_was_taken_brings_it_twice_under_one_message_id(house, now, waiting, postman):
    hand, url = postman
    hand.answers, hand.drops = [], True
    config, ident = replace(house.config, smtp_url=url), waiting.id
    operations.notify([user(email="ekinshi@altn.example")], "notice.created", about=About(), now=now)
    db.session.commit()

    assert delivery.deliver(config, now=now) == 1  # over a second connection
    assert one(ident).state == "waiting"
    assert delivery.deliver(config, now=now + PAUSE) == 1

    assert hand.recipients == ["aigul@altn.example", "ekinshi@altn.example", "aigul@altn.example"]
    assert hand.taken[0]["Message-ID"] == hand.taken[2]["Message-ID"]


def test_a_silent_server_holds_the_worker_only_so_long(house, now, waiting, monkeypatch):
    monkeypatch.setattr(smtp, "SECONDS", 0.2)
    ident = waiting.id
    db.session.commit()
    with socket.create_server(("127.0.0.1", 0)) as door:
        config = replace(house.config, smtp_url=f"smtp://127.0.0.1:{door.getsockname()[1]}")
        assert delivery.deliver(config, now=now) == 0

    assert one(ident).state == "waiting"
    assert "timed out" in one(ident).last_error


def test_who_is_switched_off_before_his_mail_goes_gets_none(house, now, waiting, postman):
    hand, url = postman
    hand.answers, ident = [], waiting.id
    db.session.get_one(User, waiting.user_id).is_active = False
    db.session.commit()

    assert delivery.deliver(replace(house.config, smtp_url=url), now=now) == 0

    assert one(ident).state == "stopped"
    assert hand.connections == 0


def test_the_connection_is_sealed_before_anybody_signs_in(house, now, waiting, tmp_path, monkeypatch):
    authority = tmp_path / "mail.pem"
    context, trusted = sealed(authority)
    hand, signed_in = Postman(), []

    def check(server, session, envelope, mechanism, given):
        signed_in.append((session.ssl is not None, given.login, given.password))
        return AuthResult(success=given.password == b"q@rya:1", handled=False)

    server = Controller(
        hand,
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=check,
    )
    monkeypatch.setattr(smtp.ssl, "create_default_context", lambda: trusted)
    ident = waiting.id
    db.session.commit()
    server.start()
    try:
        right = f"smtp+starttls://kezen:q%40rya%3A1@localhost:{server.port}"
        wrong = f"smtp+starttls://kezen:nope@localhost:{server.port}"
        assert delivery.deliver(replace(house.config, smtp_url=wrong), now=now) == 0
        assert "SMTPAuthenticationError" in one(ident).last_error
        assert delivery.deliver(replace(house.config, smtp_url=right), now=now + PAUSE) == 1
    finally:
        server.stop()

    assert signed_in[-1] == (True, b"kezen", b"q@rya:1")
    assert one(ident).state == "sent"


def test_a_worker_that_dies_between_sending_and_marking_sends_the_same_message_id_again(
    house, now, waiting, postman, monkeypatch
):
    hand, url = postman
    hand.answers = []
    config, ident = replace(house.config, smtp_url=url), waiting.id
    db.session.commit()
    send = smtp.Postman.send

    def killed(*given):
        send(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr(smtp.Postman, "send", killed)
    with pytest.raises(KeyboardInterrupt):
        delivery.deliver(config, now=now)
    monkeypatch.undo()
    assert one(ident).state == "waiting"

    assert delivery.deliver(config, now=now) == 0  # the lease holds
    assert delivery.deliver(config, now=now + PAUSE) == 1

    assert len({taken["Message-ID"] for taken in hand.taken}) == 1
    assert len(hand.taken) == 2


def test_one_mail_that_cannot_be_made_does_not_hold_up_the_others(house, now, waiting, postman):
    hand, url = postman
    hand.answers = []
    config = replace(house.config, smtp_url=url)
    waiting.to = "бұл мекенжай емес\r\nBcc: x@y.z"
    operations.notify([user(email="ekinshi@altn.example")], "notice.created", about=About(), now=now)
    db.session.commit()

    try:
        delivery.deliver(config, now=now)
    finally:
        taken = [message["To"] for message in hand.taken]

    assert taken == ["ekinshi@altn.example"]


@pytest.mark.parametrize("address", ['=?x?b?@".?=', ".:@ә.[", '.@[."'])
def test_an_address_of_which_no_message_can_be_made_stops_nobody(house, now, waiting, postman, address):
    hand, url = postman
    hand.answers = []
    waiting.to = address
    ident = waiting.id
    operations.notify([user(email="b@altn.example", last_name="Б")], "notice.created", about=About(), now=now)
    db.session.commit()

    delivery.deliver(replace(house.config, smtp_url=url), now=now)

    assert one(ident).state == "failed"
    assert [(mail.to, mail.last_error) for mail in waiting_mails()] == []


def test_a_failed_mail_does_not_hold_up_the_others(house, now, waiting, postman):
    hand, url = postman
    hand.answers = [LATER]
    for number in range(3):
        operations.notify([user(email=f"k{number}@altn.example")], "notice.created", about=About(), now=now)
    db.session.commit()

    assert delivery.deliver(replace(house.config, smtp_url=url), now=now) == 3


def test_in_the_demo_a_mail_becomes_a_file_and_none_leaves(house, now, waiting, monkeypatch):
    def never(*_args, **_given):
        raise AssertionError("a mail has left the demo")

    monkeypatch.setattr(smtplib, "SMTP", never)
    ident = waiting.id
    db.session.commit()

    assert delivery.deliver(house.config, now=now) == 1

    message = email.message_from_bytes(
        (house.config.var / "mail" / f"{ident:06d}.eml").read_bytes(), policy=email.policy.default
    )
    assert message["To"] == "aigul@altn.example"
    assert "LP-2026-000001" in message.get_body(("plain",)).get_content()


def test_two_workers_send_each_mail_once(live, postman):
    import threading

    from app.web import clock

    hand, url = postman
    hand.answers = []
    now = clock.now(live.config)
    db.session.execute(update(Mail).values(state="sent"))
    for number in range(6):
        operations.notify([user(email=f"k{number}@altn.example")], "notice.created", about=About(), now=now)
    db.session.commit()
    config = replace(live.config, smtp_url=url)

    workers = [threading.Thread(target=delivery.deliver, args=(config,), kwargs={"now": now}) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert sorted(hand.recipients) == [f"k{number}@altn.example" for number in range(6)]


def test_production_without_an_smtp_server_keeps_the_mail_and_says_why(house, now, waiting):
    config, ident = replace(house.config, env="production", smtp_url=""), waiting.id
    db.session.commit()

    assert delivery.deliver(config, now=now) == 0

    assert "SMTP_URL" in one(ident).last_error
    assert one(ident).state == "waiting"


def report(to: str, message_id: str, *, action: str = "failed", status: str = "5.1.1", whole: bool = True) -> bytes:
    """Return what a mail server sends when it could not deliver a mail that it had taken."""
    back = f"Message-ID: {message_id}\r\nTo: {to}\r\nSubject: is2in\r\n\r\n"
    return (
        "From: MAILER-DAEMON@mail.example\r\nTo: no-reply@is2in.invalid\r\nMessage-ID: <own@mail.example>\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.example\r\n\r\n"
        f"Final-Recipient: rfc822; {to.upper()}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; 550 {status} No such\r\n user\r\n\r\n"
        f"--b\r\nContent-Type: {'message/rfc822' if whole else 'text/rfc822-headers'}\r\n\r\n{back}\r\n--b--\r\n"
    ).encode()


@pytest.mark.parametrize("whole", [True, False])
def test_a_mail_that_comes_back_later_tells_of_the_dead_address(house, now, waiting, whole):
    ident, to = waiting.id, waiting.to
    waiting.state = "sent"
    db.session.commit()
    content = report(to, waiting.message_id, whole=whole)

    assert [delivery.take_back(content, now=now) for _ in range(2)] == [1, 0]

    assert (one(ident).state, one(ident).last_error) == ("bounced", "550 5.1.1 No such user")
    assert db.session.get(Bounce, to).reply == "550 5.1.1 No such user"


def test_no_forged_or_other_report_says_anything_of_an_address(house, now, waiting):
    ident, to, message_id = waiting.id, waiting.to, waiting.message_id
    waiting.state = "sent"
    db.session.commit()

    for content in (
        report(to, "<guessed@is2in>"),
        report("other@altn.example", message_id),
        report(to, message_id, action="delayed"),
        report(to, message_id, status="4.4.1"),
        b"",
        b"\xff\x00 no mail at all",
        b"Content-Type: message/delivery-status\r\n\r\n",
        b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n",
    ):
        assert delivery.take_back(content, now=now) == 0

    assert one(ident).state == "sent"
    assert db.session.get(Bounce, to) is None


def test_a_mail_server_pipes_a_report_to_the_command(house, now, waiting):
    waiting.state, to, content = "sent", waiting.to, report(waiting.to, waiting.message_id)
    db.session.commit()

    done = house.app.test_cli_runner().invoke(args=["mail", "returned"], input=content)

    assert (done.exit_code, done.output) == (0, "mails that came back: 1\n")
    assert db.session.get(Bounce, to) is not None
