"""The worker is killed while it sends, and the server refuses and breaks off: nobody misses a notice, or has it twice.

In the cabinet each committed act stands once and a rolled-back one never; by mail each arrives, and what arrives
twice (the line was cut, or the worker killed, before the mail could be marked) bears one Message-ID.
"""

from __future__ import annotations

import email
import email.policy
import os
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller
from factories import user
from houses import House
from sqlalchemy import func, select, update

from app import db
from app.notifications import operations
from app.notifications.models import Digest, Mail, Notification
from app.notifications.operations import About
from app.web import clock
from tests.forks import Forks, forks
from tests.serving import Installation, free_port

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore:.*session.*:DeprecationWarning")

BEFORE, TAKEN, ANSWERED = "before it has the mail", "when it has it", "when it has said so"


class Killer:
    """An SMTP server's hand that does one misdeed a mail, in turn, until none are left."""

    def __init__(self, *misdeeds: str) -> None:
        self.misdeeds = list(misdeeds)
        self.done: list[str] = []
        self.copies: dict[str, list[str]] = defaultdict(list)
        self.workers: Forks | None = None
        self.killed = threading.Event()

    def kill(self) -> None:
        """End the worker, now."""
        assert self.workers is not None
        with suppress(ProcessLookupError):
            os.kill(self.workers.child, signal.SIGKILL)
        self.killed.set()

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - the server's word
        misdeed = self.misdeeds.pop(0) if self.misdeeds else ""
        self.done.append(misdeed)
        if misdeed == BEFORE:
            self.kill()
        elif misdeed == "refuse":
            return "451 4.3.0 Try again later"
        if misdeed not in (BEFORE, "break"):
            message = email.message_from_bytes(envelope.content, policy=email.policy.default)
            self.copies[message["To"]].append(message["Message-ID"])
        if misdeed in ("break", "take and break"):
            server.transport.abort()
        elif misdeed == TAKEN:
            self.kill()
        elif misdeed == ANSWERED:
            threading.Timer(0.002, self.kill).start()
        return "250 OK"


def wait_for(sent: Killer, live: House, readers: Collection[int], seconds: float = 20) -> bool:
    """Wait until the worker is killed or nothing is due to ``readers``; tell whether something still waits."""
    mine = select(Mail.next_try_at).where(Mail.state == "waiting", Mail.user_id.in_(readers))
    end, idle = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        if sent.killed.wait(0.05):
            return True
        with db.transaction(writing=False) as session:
            waiting = session.scalars(mine).all()
        if any(moment <= clock.now(live.config) for moment in waiting):
            idle = 0
        elif (idle := idle + 1) > 8:  # longer than a try takes: what is being sent is leased, and not due either
            return bool(waiting)
    raise AssertionError("the worker sends nothing")


def test_each_notice_arrives_whatever_is_killed_and_none_of_what_was_taken_back(live):
    now = clock.now(live.config)
    db.session.execute(update(Mail).values(state="sent"))
    readers = [user(email=f"oqyrman{number}@altn.example") for number in range(9)]
    digested = readers[-2:]
    for each in digested:
        operations.choose(each.id, {"progress": "digest"}, now=now)
        for days in (3, 2):
            operations.notify(
                [each], "notice.created", about=About(number=f"LP-{days}"), now=now - timedelta(days=days)
            )
    for each in readers[:-2]:
        operations.notify([each], "notice.created", about=About(number="LP-1"), now=now)
    db.session.commit()
    operations.notify(readers, "notice.your_action", about=About(), params={"number": "X", "process": "X"}, now=now)
    db.session.rollback()
    addresses = {each.id: each.email for each in readers}
    digested_ids = {each.id for each in digested}

    hand = Killer(BEFORE, TAKEN, ANSWERED, "refuse", "break", "take and break", TAKEN)
    server = Controller(hand, hostname="127.0.0.1", port=free_port())
    server.start()
    environ = {
        "SMTP_URL": f"smtp://127.0.0.1:{server.port}",
        "KEZEN_DIGEST_HOUR": "0",
        "SECRET_KEY": live.config.secret_key,
    }
    installation = Installation(live.config.var, live.config.database_url, environ)
    kills = 0
    try:
        with forks(installation) as workers:
            hand.workers = workers
            for delay in (0.02, 0.1):  # before and in the midst of writing digests, whatever it does then
                workers.work()
                time.sleep(delay)
                workers.kill()
            waits = True
            while waits:
                hand.killed.clear()
                workers.work()
                waits = wait_for(hand, live, addresses)
                workers.kill()
                kills += 1
                clock.move(live.config, "+11m")  # beyond the lease, and beyond a first pause
                assert kills <= 12
    finally:
        server.stop()

    assert set(hand.done) >= {BEFORE, TAKEN, ANSWERED, "refuse", "break", "take and break"}
    db.session.expire_all()
    for ident, address in addresses.items():
        in_cabinet = select(func.count()).where(Notification.user_id == ident)
        assert db.session.scalar(in_cabinet) == (2 if ident in digested_ids else 1)
        assert len(set(hand.copies[address])) == 1
    for ident in digested_ids:
        assert db.session.scalar(select(func.count()).where(Digest.user_id == ident)) == 1
    doubled = sum(len(hand.copies[address]) - 1 for address in addresses.values())
    assert doubled <= kills + hand.done.count("take and break")
