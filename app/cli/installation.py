"""``flask db``, ``flask demo``, ``flask worker``: what an installation runs."""

from __future__ import annotations

import json
import signal
import threading
import time
from datetime import datetime
from typing import Any

import click
import structlog
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from app import catalogue, demo, schema
from app.accounts import errands
from app.applications import assisting, stamping
from app.applications.beginning import Beginner
from app.applications.timekeeping import Timekeeper
from app.authorities.online import Online
from app.authorities.refreshing import Refreshing
from app.config import Config
from app.decisions import deciding
from app.notifications import delivery, digests
from app.storage import Storage
from app.web import clock

PAUSE_SECONDS = 1.0
TIME_SECONDS = 5.0
"""Between two looks for terms whose reminders or outcomes are due."""
STAMP_SECONDS = 15.0
"""Between two looks for signatures that have no time-stamp yet."""
LIST_SECONDS = 20.0
"""Between two looks for revocation lists that are due."""

DRAFT_SECONDS = 24 * 60 * 60
"""After so long an upload that was cut off by a killed process is taken away; none takes a day."""

log = structlog.get_logger()


def commands() -> list[click.Command]:
    """Return the commands of this file."""
    return [database, demonstration, worker]


def _config() -> Config:
    found: Config = current_app.extensions["kezen.config"]
    return found


database = AppGroup("db", help="The database's shape.")
demonstration = AppGroup("demo", help="The demo: its data, accounts and clock.")


@database.command()
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Bring the database to REVISION (default: the newest), creating it from empty if need be."""
    schema.upgrade(current_app.extensions["kezen.engine"], revision)


@database.command()
@click.argument("revision")
def downgrade(revision: str) -> None:
    """Take the database back to REVISION."""
    schema.downgrade(current_app.extensions["kezen.engine"], revision)


def _require_demo() -> None:
    if not _config().is_demo:
        raise click.ClickException("this is not a demo: KEZEN_ENV is production")


@demonstration.command()
def load() -> None:
    """Load the demo's data once; a second time changes nothing."""
    _require_demo()
    loaded = demo.load(lambda done, total: click.echo(f"demo data: {done} of {total} applications"))
    click.echo("demo data: " + ("loaded" if loaded else "already there"))


@demonstration.command()
@click.option("--json", "as_json", is_flag=True, help="A JSON list instead of a table.")
@click.option("--extra", type=click.IntRange(1, 1000), help="Add this many throwaway issuer accounts first.")
def accounts(as_json: bool, extra: int | None) -> None:
    """List the demo's accounts with their passwords."""
    _require_demo()
    found: list[dict[str, Any]] = demo.accounts()
    if extra:
        found = found + demo.add_extra(extra)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    for item in found:
        click.echo(f"{item['key']:16} {item['email']:32} {item['password']:14} {item['name']}, {item['organisation']}")


@demonstration.command("clock")
@click.argument("shift")
def move_clock(shift: str) -> None:
    """Move the demo's clock by SHIFT (+3d, -2h, +30m) or put it right again (reset)."""
    _require_demo()
    try:
        moment = clock.move(_config(), shift)
    except clock.BadShift as error:
        raise click.BadParameter(str(error), param_hint="SHIFT") from None
    click.echo(moment.isoformat(timespec="seconds"))


def _stamp(online: Online, storage: Storage, now: datetime) -> None:
    try:
        stamped = stamping.stamp_due(online, storage=storage, now=now)
    except SQLAlchemyError:
        log.exception("database_away")
    else:
        if stamped:
            log.info("signatures_stamped", count=stamped)


def _remind(now: datetime) -> None:
    try:
        deciding.remind_due(now=now)
    except Exception:  # as for the terms
        log.exception("conditions_not_reminded")


def _digest(config: Config, now: datetime) -> None:
    try:
        written = digests.write_due(hour=config.digest_hour, now=now)
    except Exception:  # as for the terms
        log.exception("digests_not_written")
    else:
        if written:
            log.info("digests_written", count=written)


def _keep_time(timekeeper: Timekeeper, beginner: Beginner, now: datetime) -> None:
    try:
        done = timekeeper.keep(now=now) + beginner.keep(now=now)
    except Exception:  # mails must go out whatever one application is; what was not done is tried again
        log.exception("time_not_kept")
    else:
        if done:
            log.info("marks_kept", count=done)


def _keep_offers(now: datetime) -> None:
    try:
        ended = assisting.keep(now=now)
    except Exception:  # as for the terms
        log.exception("offers_not_kept")
    else:
        if ended:
            log.info("offers_ended", count=ended)


def _deliver(config: Config, *, once: bool) -> int:
    try:
        sent = delivery.deliver(config, now=clock.now(config))
    except SQLAlchemyError:
        if once:
            raise
        log.exception("database_away")  # what was not marked is sent when it is back
        return 0
    except Exception:  # as for the terms
        log.exception("mails_not_sent")
        return 0
    if sent:
        log.info("mails_sent", count=sent)
    return sent


def _tidy(online: Online, storage: Storage, now: datetime) -> None:
    for name, work in (
        ("stamps", lambda: _stamp(online, storage, now)),
        ("old_tries", lambda: errands.forget(now=now)),
        ("drafts", lambda: storage.sweep(before=time.time() - DRAFT_SECONDS)),
    ):
        try:
            work()
        except Exception:  # as for the terms
            log.exception("not_tidied", what=name)


def _run_errands(now: datetime) -> None:
    try:
        done = errands.run(now=now)
    except Exception:  # as for the terms
        log.exception("errands_not_run")
    else:
        if done:
            log.info("errands_run", count=done)


def _refresh(refreshing: Refreshing, config: Config, stopped: threading.Event) -> None:
    """Keep the lists fresh until the worker stops; apart from it, since an authority may be slow."""
    while not stopped.is_set():
        try:
            _refresh_now(refreshing, config)
        except Exception:  # the lists must go on being fetched, whatever one of them was
            log.exception("lists_not_refreshed")
        stopped.wait(LIST_SECONDS)


def _refresh_now(refreshing: Refreshing, config: Config) -> None:
    trust = catalogue.present().trust
    signers = (*(anchor.certificate for anchor in trust.anchors), *trust.intermediates)
    refreshing.due(at=clock.now(config), signers=signers)


@click.command()
@click.option("--once", is_flag=True, help="Do what is due now and end.")
@with_appcontext
def worker(once: bool) -> None:
    """Send mails, stamp accepted signatures, keep the terms and the revocation lists, until SIGTERM."""
    stopped = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopped.set())
    config = _config()
    online, storage = catalogue.present().online, current_app.extensions["kezen.storage"]
    refreshing = Refreshing(online)
    if once:
        _refresh_now(refreshing, config)
    else:
        threading.Thread(target=_refresh, args=(refreshing, config, stopped), name="lists", daemon=True).start()
    log.info("worker_started")
    timekeeper, beginner = Timekeeper(), Beginner()
    stamp_after = time_after = 0.0
    while not stopped.is_set():
        if time.monotonic() >= time_after:
            _keep_time(timekeeper, beginner, clock.now(config))
            _keep_offers(clock.now(config))
            _remind(clock.now(config))
            _digest(config, clock.now(config))
            time_after = time.monotonic() + TIME_SECONDS
        _run_errands(clock.now(config))
        sent = _deliver(config, once=once)
        if time.monotonic() >= stamp_after:
            _tidy(online, storage, clock.now(config))
            stamp_after = time.monotonic() + STAMP_SECONDS
        if once:
            break
        stopped.wait(PAUSE_SECONDS if not sent else 0)
    log.info("worker_stopped")
