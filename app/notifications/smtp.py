"""The one door to mail servers: one connection for a batch, and what a server's refusal means.

SMTP knows three kinds of «no», and each asks for something else: the server is not to be had (all mails wait), it
refuses this mail for now (this mail waits, longer each time), it refuses it for good (nothing will help).
"""

from __future__ import annotations

import os
import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from app.config import Config

SECONDS = 20
"""How long a server may be silent."""


class Unreachable(Exception):
    """There is no server to talk to, or it does not let us in: no mail of the batch can go."""


class Deferred(Exception):
    """The server does not take this mail now, or the connection broke in the middle of it."""


class Refused(Exception):
    """The server will never take this mail; ``no_such_address``: nor any other to its address."""

    def __init__(self, reply: str, *, no_such_address: bool) -> None:
        super().__init__(reply)
        self.no_such_address = no_such_address


class Postman:
    """Sends mails over one connection, which is opened at the first; in the demo each becomes a file.

    A mail is taken when the server has said so after its last line.  When the connection breaks before that
    nobody knows whether it was taken: it is told as ``Deferred`` and sent again under the same Message-ID.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._leave()

    def send(self, message: EmailMessage, name: str) -> None:
        """Hand one mail over; ``name`` is what its file is called in the demo.

        Raises:
            Unreachable, Deferred, Refused: see there.
        """
        if self._config.is_demo and not self._config.smtp_url:
            _file(message, Path(self._config.var) / "mail", name)
            return
        server = self._connected()
        try:
            server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            [(code, reply)] = error.recipients.values()
            raise _judged(code, reply, is_recipient=True) from error
        except smtplib.SMTPSenderRefused as error:
            self._leave()
            raise Unreachable(_words(error.smtp_code, error.smtp_error)) from error
        except smtplib.SMTPDataError as error:
            raise _judged(error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            self._leave()
            raise Deferred(f"{type(error).__name__}: {error}") from error

    def _connected(self) -> smtplib.SMTP:
        """Return the open connection; a server closes one that has been idle, and another is opened."""
        if self._server is not None:
            try:
                if self._server.rset()[0] == 250:
                    return self._server
            except (OSError, smtplib.SMTPException):
                pass
            self._leave()
        try:
            self._server = _connect(self._config.smtp_url)
        except (OSError, smtplib.SMTPException) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        return self._server

    def _leave(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()


def _connect(url: str) -> smtplib.SMTP:
    """Open a connection to ``smtp://``, ``smtp+starttls://`` or ``smtps://`` and sign in as it says."""
    address = urlsplit(url)
    if not address.hostname:
        raise OSError("SMTP_URL is not set")
    port = address.port or {"smtps": 465}.get(address.scheme, 587)
    context = ssl.create_default_context()
    server: smtplib.SMTP
    if address.scheme == "smtps":
        server = smtplib.SMTP_SSL(address.hostname, port, timeout=SECONDS, context=context)
    else:
        server = smtplib.SMTP(address.hostname, port, timeout=SECONDS)
    try:
        if address.scheme == "smtp+starttls":
            server.starttls(context=context)
        if address.username:
            server.login(unquote(address.username), unquote(address.password or ""))
    except BaseException:
        server.close()
        raise
    return server


def _judged(code: int, reply: bytes | str, *, is_recipient: bool = False) -> Exception:
    """Return what a refusal of one mail means.

    An address is dead when the server says so of the recipient (RFC 3463: anything permanent but 5.7, which is
    the server's policy and not the address's fault), or of the content with a class 5.1.
    """
    words = _words(code, reply)
    if code < 500:
        return Deferred(words)
    status = next((word for word in words.split()[1:2] if word[:2] == "5." and word[2:3].isdigit()), "")
    dead = not status.startswith("5.7.") if is_recipient else status.startswith("5.1.")
    return Refused(words, no_such_address=dead)


def _words(code: int, reply: bytes | str) -> str:
    said = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return " ".join(f"{code} {said}".split())


def _file(message: EmailMessage, folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{name}.{os.getpid()}"
    draft.write_bytes(message.as_bytes())
    draft.rename(folder / f"{name}.eml")
