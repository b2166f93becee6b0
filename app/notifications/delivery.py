"""Sending the mails that committed acts have written.

The worker alone calls this.  A mail is marked sent after the server took it, so a crash between the two sends it
again with the same Message-ID.  What a server refuses for now waits, longer each time, for three days; an address
that it refuses for good is remembered, and nothing more is sent there until somebody mends it.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import SMTP
from email.policy import default as default_policy
from email.utils import format_datetime

import structlog
from blinker import Signal
from sqlalchemy import select, update

from app import db
from app.accounts.models import User
from app.audit import operations as audit
from app.config import Config
from app.notifications import wording
from app.notifications.events import CHOSEN
from app.notifications.models import PATIENCE, Bounce, Mail
from app.notifications.smtp import Deferred, Postman, Refused, Unreachable

PAUSE = timedelta(minutes=5)
"""Until the first repetition, and until a server that was not there is tried again; the lease of a try."""
LONGEST_PAUSE = timedelta(hours=2)

log = structlog.get_logger()

bounced: Signal = Signal()
"""Sent in the transaction that learns that a person's address takes no mail: the user, ``reply``, ``now``."""


def deliver(config: Config, *, now: datetime, at_most: int = 50) -> int:
    """Send what is due over one connection and return how many were sent; each mail is a transaction of its own.

    When there is no server to talk to everything that is due waits: a dead server is tried once, not once a mail.
    """
    with db.transaction(writing=False) as session:
        due = session.scalars(
            select(Mail.id).where(Mail.state == "waiting", Mail.next_try_at <= now).order_by(Mail.id).limit(at_most)
        ).all()
    sent = 0
    with Postman(config) as postman:
        for mail_id in due:
            try:
                sent += _deliver_one(config, postman, mail_id, now)
            except Unreachable as error:
                log.warning("mail_server_away", error=str(error))
                with db.transaction() as session:
                    session.execute(
                        update(Mail)
                        .where(Mail.state == "waiting", Mail.next_try_at <= now)
                        .values(next_try_at=now + PAUSE, last_error=str(error)[:300])
                    )
                break
    return sent


def _deliver_one(config: Config, postman: Postman, mail_id: int, now: datetime) -> bool:
    mail = _leased(mail_id, now)
    if mail is None:
        return False
    state, error, dead = "sent", "", False
    try:
        made = message(config, mail)
    except Exception as refused:  # whatever no message can be made of, the others must go
        log.exception("mail_not_made", mail=mail_id)
        _settle(mail_id, "failed", f"{type(refused).__name__}: {refused}", now=now)
        return False
    try:
        postman.send(made, f"{mail_id:06d}")
    except Unreachable as away:
        _settle(mail_id, "waiting", str(away), is_away=True, now=now)
        raise
    except Deferred as refused:
        state, error = "waiting", str(refused)
    except Refused as refused:
        state, error, dead = ("bounced" if refused.no_such_address else "failed"), str(refused), refused.no_such_address
    except ValueError as refused:  # it cannot be sent as it is
        state, error = "failed", f"{type(refused).__name__}: {refused}"
    if error:
        log.warning("mail_not_sent", mail=mail_id, tries=mail.tries, error=error)
    _settle(mail_id, state, error, is_dead=dead, now=now)
    return state == "sent"


def _leased(mail_id: int, now: datetime) -> Mail | None:
    """Take a mail to be sent: nobody else tries it meanwhile, and a crash only delays it.

    None when there is nothing to send: another has it, its reader was switched off, or his address is dead.
    """
    with db.transaction() as session:
        mail = session.scalars(select(Mail).where(Mail.id == mail_id).with_for_update()).one()
        if mail.state != "waiting" or mail.next_try_at > now:
            return None
        if mail.user_id is not None and not session.get_one(User, mail.user_id).is_active:
            mail.state, mail.last_error = "stopped", ""
            return None
        found = session.get(Bounce, mail.to)
        if found is not None:
            mail.state, mail.last_error = "bounced", found.reply
            return None
        mail.tries += 1
        mail.next_try_at = now + PAUSE
    return mail


def _settle(
    mail_id: int, state: str, error: str, *, is_dead: bool = False, is_away: bool = False, now: datetime
) -> None:
    """Keep what became of a try, unless somebody has learnt meanwhile that it was sent.

    ``is_away``: there was no server, which is not this mail's fault and makes its pause no longer.
    """
    with db.transaction() as session:
        mail = session.scalars(select(Mail).where(Mail.id == mail_id).with_for_update()).one()
        if mail.state == "sent":
            return
        mail.last_error = error[:300]
        if state == "waiting":
            longer = PAUSE * 2 ** min(mail.tries - 1, 10)
            mail.next_try_at = now + (PAUSE if is_away else min(longer, LONGEST_PAUSE))
            mail.state = "failed" if now - mail.created_at >= PATIENCE else "waiting"
            return
        mail.state = state
        if state == "sent":
            mail.sent_at = now
        if is_dead:
            _bury(mail.to, error[:300], now=now)


def _bury(address: str, reply: str, *, now: datetime) -> None:
    """Remember that an address takes no mail, and tell whoever can mend it; once."""
    if db.session.get(Bounce, address) is not None:
        return
    db.session.add(Bounce(address=address, at=now, reply=reply))
    user = db.session.scalars(select(User).where(User.email == address)).unique().one_or_none()
    if user is not None:
        audit.record("address_bounced", f"user {user.id}", by=None, at=now, reply=reply)
        bounced.send(user, reply=reply, now=now)


def message(config: Config, mail: Mail) -> EmailMessage:
    """Return a mail as it is sent: plain text and HTML, and the way out where there is one (RFC 8058).

    Raises:
        ValueError: an address or subject that no header can hold.
    """
    made = EmailMessage(policy=SMTP)
    made["From"] = config.mail_from
    made["To"] = mail.to
    made["Subject"] = mail.subject
    made["Date"] = format_datetime(mail.created_at)
    made["Message-ID"] = mail.message_id
    made["Content-Language"] = mail.language
    made["Auto-Submitted"] = "auto-generated"
    if mail.groups and mail.user_id is not None:
        made["List-Unsubscribe"] = f"<{config.base_url}/unsubscribe/{seal(config, mail.user_id, mail.groups)}>"
        made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    made.set_content(mail.body)
    if mail.content:
        made.add_alternative(wording.html(mail.content, title=mail.subject, language=mail.language), subtype="html")
    return made


def seal(config: Config, user_id: int, groups: Sequence[str]) -> str:
    """Return the part of an address that lets whoever holds it mute these groups of this person, and nothing else."""
    said = f"{user_id}.{'.'.join(groups)}"
    return f"{said}.{_mac(config, said)}"


def unsealed(config: Config, sealed: str) -> tuple[int, list[str]] | None:
    """Return whose groups an address of ``seal`` mutes; None for one that we have not made."""
    said, _, mac = sealed.rpartition(".")
    if not hmac.compare_digest(_mac(config, said).encode(), mac.encode()):
        return None
    user_id, *groups = said.split(".")
    return int(user_id), [group for group in groups if group in CHOSEN]


def _mac(config: Config, said: str) -> str:
    made = hmac.digest(config.secret_key.encode(), f"unsubscribe:{said}".encode(), "sha256")
    return urlsafe_b64encode(made).decode().rstrip("=")


def take_back(content: bytes, *, now: datetime) -> int:
    """Read a mail that reports a failed delivery (RFC 3464) and return how many of our mails it was about.

    Anybody may write to the address that such reports come to: one counts only if it names the Message-ID of a mail of
    ours, which nobody can guess, and the address that this mail went to.
    """
    report = message_from_bytes(content, policy=default_policy)
    returned = {
        str(found) for part in report.walk() for found in (part.get_all("Message-ID") or []) if part is not report
    } | _headers_returned(report)
    taken = 0
    for address, status, reply in _failures(report):
        with db.transaction() as session:
            mail = session.scalars(
                select(Mail).where(Mail.message_id.in_(returned), Mail.to == address).with_for_update()
            ).first()
            if mail is None or mail.state == "bounced":
                continue
            mail.state, mail.last_error = "bounced", reply[:300]
            if not status.startswith("5.7."):
                _bury(address, reply[:300], now=now)
            taken += 1
    return taken


def _headers_returned(report: Message) -> set[str]:
    """Return the Message-IDs in the headers alone of a mail that comes back (text/rfc822-headers)."""
    parts = [part for part in report.walk() if part.get_content_type() == "text/rfc822-headers"]
    texts = [part.get_payload(decode=True) for part in parts]
    return {str(message_from_bytes(text)["Message-ID"]) for text in texts if isinstance(text, bytes)}


def _failures(report: Message) -> Iterator[tuple[str, str, str]]:
    """Yield the recipients that failed for good: address, status, and what the server said."""
    for part in report.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        for block in part.get_payload():
            if not isinstance(block, Message) or str(block.get("Action", "")).strip().lower() != "failed":
                continue
            status = str(block.get("Status", "")).split(" ")[0]
            address = str(block.get("Final-Recipient", "")).partition(";")[2].strip().casefold()
            said = str(block.get("Diagnostic-Code", "")).partition(";")[2]
            if address and status.startswith("5."):
                yield address, status, " ".join(said.split()) or status
