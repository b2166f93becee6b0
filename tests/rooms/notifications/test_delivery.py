"""The worker sends what committed acts have written: after the commit, once, and again until it succeeds."""

from __future__ import annotations

import email
import email.policy
import smtplib
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller
from factories import user
from sqlalchemy import select, update

from app import db
from app.notifications import delivery, operations
from app.notifications.delivery import MOST_TRIES, PAUSE
from app.notifications.models import Mail
from app.notifications.operations import About

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore:.*session.*:DeprecationWarning")


class Postman:
    """An SMTP server's hand: refuses the first messages, then takes them."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.taken: list[email.message.EmailMessage] = []
        self.recipients: list[str] = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - the server's word
        if self.refusals > 0:
            self.refusals -= 1
            return "451 4.3.0 Try again later"
        self.taken.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        self.recipients += envelope.rcpt_tos
        return "250 OK"


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


@pytest.fixture
def postman() -> Iterator[tuple[Postman, str]]:
    """A server that refuses twice, and its address."""
    hand = Postman(2)
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
    assert delivery.deliver(config, now=now + 2 * PAUSE) == 1

    mail = one(ident)
    assert (mail.state, mail.tries, mail.last_error) == ("sent", 3, "")
    [taken] = hand.taken
    assert taken["Message-ID"] == message_id
    assert hand.recipients == ["aigul@altn.example"]
    assert "LP-2026-000001" in taken["Subject"]
    assert taken.get_content_charset() == "utf-8"
    assert delivery.deliver(config, now=now + 10 * PAUSE) == 0


def test_a_server_that_is_not_there_only_delays(house, now, waiting):
    config, ident = replace(house.config, smtp_url=f"smtp://127.0.0.1:{free_port()}"), waiting.id
    db.session.commit()

    assert delivery.deliver(config, now=now) == 0

    assert (one(ident).state, one(ident).tries) == ("waiting", 1)
    assert one(ident).last_error.startswith("ConnectionRefusedError")


def test_after_the_last_try_a_mail_is_failed_and_people_can_see_it(house, now, waiting):
    config, ident = replace(house.config, smtp_url=f"smtp://127.0.0.1:{free_port()}"), waiting.id
    waiting.tries = MOST_TRIES - 1
    db.session.commit()

    delivery.deliver(config, now=now)

    assert one(ident).state == "failed"
    assert delivery.deliver(config, now=now + timedelta(days=1)) == 0


def test_a_worker_that_dies_between_sending_and_marking_sends_the_same_message_id_again(
    house, now, waiting, postman, monkeypatch
):
    hand, url = postman
    hand.refusals = 0
    config, ident = replace(house.config, smtp_url=url), waiting.id
    db.session.commit()
    send = delivery._send

    def killed(*given):
        send(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr(delivery, "_send", killed)
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
    hand.refusals = 0
    config = replace(house.config, smtp_url=url)
    waiting.to = "бұл мекенжай емес\r\nBcc: x@y.z"
    operations.notify([user(email="ekinshi@altn.example")], "notice.created", about=About(), now=now)
    db.session.commit()

    try:
        delivery.deliver(config, now=now)
    finally:
        taken = [message["To"] for message in hand.taken]

    assert taken == ["ekinshi@altn.example"]


def test_a_failed_mail_does_not_hold_up_the_others(house, now, waiting, postman):
    hand, url = postman
    hand.refusals = 1
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
    assert "LP-2026-000001" in message.get_content()


def test_two_workers_send_each_mail_once(live, postman):
    import threading

    from app.web import clock

    hand, url = postman
    hand.refusals = 0
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
