"""What differs between installations: one frozen record, read from the environment.

A secret has no default.  Only the demo makes its own, at its first start, and keeps it under
``KEZEN_VAR`` (``secret_key``); production refuses to start without ``SECRET_KEY``.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ("demo", "production", "test")
ADDRESS_RULES = ("guarded", "literal")


OF_THE_NCA = {
    "KEZEN_OCSP_URLS": "http://ocsp.pki.gov.kz/",
    "KEZEN_TSP_URLS": "http://tsp.pki.gov.kz/",
    "KEZEN_CRL_URLS": "http://crl.pki.gov.kz/ http://crl1.pki.gov.kz/ http://crl.root.gov.kz/",
}
"""The services of the NCA of the RK, which production asks where nothing else is set."""


DEMO_EXCHANGE_BIN = "931140000227"
"""The invented number of the demo's Exchange."""


class BadConfiguration(Exception):
    """The environment does not allow a start; the message says which variable and what would do."""


@dataclass(frozen=True)
class Config:
    """Settings of one installation.

    ``var`` holds everything that is kept; ``anchors`` are folders of trusted certificates
    (PEM or DER) for signatures; ``base_url`` stands in mails.  ``ocsp_urls``, ``tsp_urls`` and
    ``crl_urls`` are the only addresses that certification authorities are asked at.
    ``access_rules`` is a file of figures of signing in instead of the shipped one, ``passwords`` the password policy
    of it that holds, ``address_rule`` how several logins from one address are judged; ``trusted_proxies`` is how many
    fronts of our own stand before the application and tell the address of the caller; ``exchange_codes`` tells
    whether guarded operations of the Exchange's people need a one-time code.
    ``exchange_bin`` is the Exchange's own number: it must stand in the keys that its letters are signed with.
    ``mail_from`` is whose name mails bear; ``digest_hour`` the hour, in Kazakhstan, of the daily digest.
    """

    env: str
    var: Path
    database_url: str
    secret_key: str
    base_url: str
    smtp_url: str
    anchors: tuple[Path, ...]
    ocsp_urls: tuple[str, ...] = ()
    tsp_urls: tuple[str, ...] = ()
    crl_urls: tuple[str, ...] = ()
    workflows: Path = ROOT / "workflows"
    forms: Path = ROOT / "forms"
    calendars: Path = ROOT / "app" / "business_calendar" / "calendars"
    secure_cookies: bool = False
    exchange_bin: str = DEMO_EXCHANGE_BIN
    access_rules: Path | None = None
    passwords: str = "manual"
    address_rule: str = "guarded"
    trusted_proxies: int = 0
    exchange_codes: bool = False
    mail_from: str = "is2in <no-reply@is2in.invalid>"
    digest_hour: int = 9

    @property
    def is_demo(self) -> bool:
        """Whether demo data, the sandbox PKI and the moved clock are allowed."""
        return self.env in ("demo", "test")


def definition_folders(environ: Mapping[str, str] = os.environ) -> dict[str, Path]:
    """Return where the definition files lie: of ``workflows``, ``forms`` and ``calendars``."""
    own = {"workflows": ROOT / "workflows", "forms": ROOT / "forms"}
    own["calendars"] = ROOT / "app" / "business_calendar" / "calendars"
    return {key: Path(environ.get(f"KEZEN_{key.upper()}") or path) for key, path in own.items()}


def read(environ: Mapping[str, str] = os.environ) -> Config:
    """Read the configuration.

    Raises:
        BadConfiguration: a variable has a value that will not do.
    """
    env = environ.get("KEZEN_ENV", "demo")
    if env not in ENVIRONMENTS:
        raise BadConfiguration(f"KEZEN_ENV={env!r}: use one of {', '.join(ENVIRONMENTS)}")
    var = Path(environ.get("KEZEN_VAR", "var")).resolve()
    var.mkdir(parents=True, exist_ok=True)
    return Config(
        env=env,
        var=var,
        database_url=_database_url(environ.get("DATABASE_URL", ""), var),
        secret_key=_secret_key(environ.get("SECRET_KEY", ""), env, var),
        base_url=environ.get(
            "KEZEN_BASE_URL", f"http://{environ.get('HOST', '127.0.0.1')}:{environ.get('PORT', '8000')}"
        ).rstrip("/"),
        smtp_url=environ.get("SMTP_URL", ""),
        anchors=tuple(Path(part) for part in environ.get("KEZEN_ANCHORS", "").split(os.pathsep) if part),
        ocsp_urls=_urls(environ, "KEZEN_OCSP_URLS", env),
        tsp_urls=_urls(environ, "KEZEN_TSP_URLS", env),
        crl_urls=_urls(environ, "KEZEN_CRL_URLS", env),
        **definition_folders(environ),
        exchange_bin=_exchange_bin(environ.get("KEZEN_EXCHANGE_BIN", ""), env),
        access_rules=Path(environ["KEZEN_ACCESS_RULES"]) if environ.get("KEZEN_ACCESS_RULES") else None,
        passwords=environ.get("KEZEN_PASSWORDS") or "manual",
        address_rule=_address_rule(environ.get("KEZEN_ADDRESS_RULE") or "guarded"),
        trusted_proxies=_trusted_proxies(environ.get("KEZEN_TRUSTED_PROXIES") or "0"),
        exchange_codes=environ.get("KEZEN_EXCHANGE_CODES", "1" if env == "production" else "0") == "1",
        mail_from=_mail_from(environ.get("KEZEN_MAIL_FROM", "")),
        digest_hour=_hour(environ.get("KEZEN_DIGEST_HOUR", "")),
        secure_cookies=environ.get("KEZEN_SECURE_COOKIES", "1" if env == "production" else "0") == "1",
    )


def _address_rule(mode: str) -> str:
    if mode not in ADDRESS_RULES:
        raise BadConfiguration(f"KEZEN_ADDRESS_RULE={mode!r}: use one of {', '.join(ADDRESS_RULES)}")
    return mode


def _trusted_proxies(number: str) -> int:
    if not (number.isascii() and number.isdigit() and int(number) <= 9):
        raise BadConfiguration(f"KEZEN_TRUSTED_PROXIES={number!r}: give how many fronts of your own there are, 0 to 9")
    return int(number)


def _exchange_bin(number: str, env: str) -> str:
    if number and not (number.isascii() and number.isdigit() and len(number) == 12):
        raise BadConfiguration("KEZEN_EXCHANGE_BIN is not a BIN: give 12 digits")
    return number or ("" if env == "production" else DEMO_EXCHANGE_BIN)


def _mail_from(sender: str) -> str:
    if sender and ("@" not in parseaddr(sender)[1] or not sender.isprintable()):
        raise BadConfiguration("KEZEN_MAIL_FROM is no sender: write is2in <no-reply@exchange.example>")
    return sender or Config.mail_from


def _hour(text: str) -> int:
    if text and not (text.isascii() and text.isdigit() and int(text) < 24):
        raise BadConfiguration("KEZEN_DIGEST_HOUR is no hour: give a whole number from 0 to 23")
    return int(text) if text else Config.digest_hour


def _database_url(url: str, var: Path) -> str:
    if not url:
        return f"sqlite:///{var / 'kezen.db'}"
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    if not url.startswith(("sqlite:", "postgresql+psycopg:")):
        raise BadConfiguration("DATABASE_URL is not like postgresql://user@host/name or sqlite:////folder/file.db")
    return url


def _urls(environ: Mapping[str, str], variable: str, env: str) -> tuple[str, ...]:
    """Return addresses separated by spaces; set to nothing, none is asked."""
    return tuple(environ.get(variable, OF_THE_NCA[variable] if env == "production" else "").split())


def _secret_key(key: str, env: str, var: Path) -> str:
    if key:
        if len(key) < 32:
            raise BadConfiguration("SECRET_KEY is too short: give at least 32 characters")
        return key
    if env == "production":
        raise BadConfiguration("SECRET_KEY is not set: production has no default, give at least 32 random characters")
    kept = var / "secret_key"
    if not kept.exists():
        draft = var / f"secret_key.{secrets.token_hex(4)}"
        draft.write_text(secrets.token_urlsafe(48), encoding="utf-8")
        draft.chmod(0o600)
        try:
            os.link(draft, kept)
        except FileExistsError:
            pass  # the other process of the same start was faster: its key holds
        finally:
            draft.unlink()
    return kept.read_text(encoding="utf-8")
