"""``flask mail``: what a mail server hands to the application."""

from __future__ import annotations

from typing import BinaryIO

import click
from flask import current_app
from flask.cli import AppGroup

from app.notifications import delivery
from app.web import clock

LARGEST = 10 * 1024 * 1024

mail = AppGroup("mail", help="Mails that come back.")


def commands() -> list[click.Command]:
    """Return the commands of this file."""
    return [mail]


@mail.command()
@click.argument("file", type=click.File("rb"), default="-")
def returned(file: BinaryIO) -> None:
    """Read a report of failed delivery from FILE (default: the standard input), as a mail server pipes it.

    What is no such report, or about no mail of ours, is passed over: the mail server must not try it again.
    """
    config = current_app.extensions["kezen.config"]
    taken = delivery.take_back(file.read(LARGEST), now=clock.now(config))
    click.echo(f"mails that came back: {taken}")
