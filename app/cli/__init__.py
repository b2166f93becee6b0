"""The ``flask`` commands of Kezen, one file a group."""

from __future__ import annotations

from flask import Flask

from app.cli import copies, definitions, due, forms, front, installation, mail, signatures


def register(app: Flask) -> None:
    """Give ``app`` its commands."""
    for group in (definitions, forms, due, signatures, installation, copies, front, mail):
        for command in group.commands():
            app.cli.add_command(command)
