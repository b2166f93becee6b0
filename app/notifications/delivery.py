"""Sending the mails that committed acts have written.

The worker alone calls this.  A mail is marked sent after the server took it, so a crash between
the two sends it again with the same Message-ID.  A failure waits five minutes, 48 times.
"""

from __future__ import annotations

import os
import smtplib
import ssl
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from sqlalchemy import select

from app import db
from app.config import Config
from app.notifications.models import Mail

SENDER = "is2in <no-reply@is2in.invalid>"
MOST_TRIES = 48
PAUSE = timedelta(minutes=5)

log = structlog.get_logger()


def deliver(config: Config, *, now: datetime, at_most: int = 50) -> int:
    """Send what is due and return how many were sent; each mail is a transaction of its own."""
    with db.transaction(writing=False) as session:
        due = session.scalars(
            select(Mail.id).where(Mail.state == "waiting", Mail.next_try_at <= now).order_by(Mail.id).limit(at_most)
        ).all()
    return sum(_deliver_one(config, mail_id, now) for mail_id in due)


def _deliver_one(config: Config, mail_id: int, now: datetime) -> bool:
    with db.transaction() as session:  # a lease: nobody else tries it meanwhile, and a crash only delays it
        mail = session.scalars(select(Mail).where(Mail.id == mail_id).with_for_update()).one()
        if mail.state != "waiting" or mail.next_try_at > now:
            return False
        mail.tries += 1
        mail.next_try_at = now + PAUSE
        tries = mail.tries
    error = ""
    try:
        _send(config, _message(mail), mail_id)
    except (OSError, smtplib.SMTPException, ValueError) as refused:  # ValueError: no message can be made of it
        error = f"{type(refused).__name__}: {refused}"[:300]
        log.warning("mail_not_sent", mail=mail_id, tries=tries, error=error)
    with db.transaction() as session:
        mail = session.get_one(Mail, mail_id)
        mail.last_error = error
        if not error:
            mail.state, mail.sent_at = "sent", now
        elif tries >= MOST_TRIES:
            mail.state = "failed"
    return not error


def _message(mail: Mail) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"] = SENDER
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = mail.message_id
    message["Content-Language"] = mail.language
    message.set_content(mail.body)
    return message


def _send(config: Config, message: EmailMessage, mail_id: int) -> None:
    if config.is_demo and not config.smtp_url:
        folder = Path(config.var) / "mail"
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".{mail_id}.{os.getpid()}"
        draft.write_bytes(message.as_bytes())
        draft.rename(folder / f"{mail_id:06d}.eml")
        return
    address = urlsplit(config.smtp_url)
    if not address.hostname:
        raise OSError("SMTP_URL is not set")
    port = address.port or {"smtps": 465}.get(address.scheme, 587)
    context = ssl.create_default_context()
    with (
        smtplib.SMTP_SSL(address.hostname, port, timeout=20, context=context)
        if address.scheme == "smtps"
        else smtplib.SMTP(address.hostname, port, timeout=20)
    ) as server:
        if address.scheme == "smtp+starttls":
            server.starttls(context=context)
        if address.username:
            server.login(address.username, address.password or "")
        server.send_message(message)
