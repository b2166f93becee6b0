"""``flask backup`` and ``flask restore``: the whole installation in one folder, and back into an empty place."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from app.cli.usage import Command
from app.config import Config
from app.copies import making, restoring
from app.copies.parts import BadCopy
from app.copies.rows import UnknownType


def commands() -> list[click.Command]:
    """Return the commands of this file."""
    return [backup, restore]


class _Command(Command):
    """A command that ends with 1 and a line that says why, where it cannot do what was asked."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (BadCopy, making.NotCopied, restoring.NotRestored, UnknownType) as error:
            raise click.ClickException(str(error)) from None
        except SQLAlchemyError as error:
            raise click.ClickException(f"the database: {getattr(error, 'orig', None) or error}") from None
        except OSError as error:
            raise click.ClickException(f"{error.filename or 'the disk'}: {error.strerror or error}") from None


def _say(words: str) -> None:
    click.echo(words, err=True)


def _settings() -> dict[str, Any]:
    extensions = current_app.extensions
    return {
        "engine": extensions["kezen.engine"],
        "storage": extensions["kezen.storage"],
        "config": extensions["kezen.config"],
        "say": _say,
    }


@click.command(cls=_Command)
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@with_appcontext
def backup(folder: Path) -> None:
    """Copy the whole installation into DIR while it runs: database, files, log.

    DIR must be empty or not exist; it appears when the copy is whole.  The rows are of one moment, the files those
    that these rows name, each compared with its hash.  SECRET_KEY is not in the copy: keep it elsewhere.

    Exit 0 copied, 1 not copied and why, 64 wrong usage.
    """
    began = time.monotonic()
    manifest = making.make(folder, now=datetime.now(UTC), **_settings())
    log, files = manifest["log"], manifest["files"]
    click.echo(
        f"{folder}: copied {_rows(manifest)} rows, {files['count']} files ({files['size']} bytes),"
        f" log of {log['entries']} entries with chain {log['chain']}, in {time.monotonic() - began:.1f} s"
    )


@click.command(cls=_Command)
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@with_appcontext
def restore(folder: Path) -> None:
    """Bring the copy in DIR into this installation, which must be empty, and check what stands there then.

    Checked are every part of the copy before anything is touched; then, read again from this place, the number of
    rows and the bytes of every table, the chain of the log, and the hash of every file.  Web server and worker are
    started afterwards; in a drill no worker, for it would send the mails that were waiting.

    Exit 0 restored, 1 not restored and why, 64 wrong usage.
    """
    began = time.monotonic()
    manifest = restoring.restore(folder, **_settings())
    config: Config = current_app.extensions["kezen.config"]
    if not restoring.is_same_key(manifest, config.secret_key):
        _say(
            "SECRET_KEY is not the one of the installation that was copied: until it is, one-time codes of"
            " authenticators, recovery codes, links in mails and sessions do not hold"
        )
    click.echo(
        f"{folder}: restored {_rows(manifest)} rows, {manifest['files']['count']} files, log of"
        f" {manifest['log']['entries']} entries as of {manifest['at']}, in {time.monotonic() - began:.1f} s"
    )


def _rows(manifest: dict[str, Any]) -> int:
    return sum(table["rows"] for table in manifest["tables"].values())
