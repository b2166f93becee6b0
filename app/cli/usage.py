"""Wrong usage of a command: it ends with 64 (BSD's sysexits.h), so that 1 and 2 can mean what was found."""

from __future__ import annotations

from typing import Any

import click

WRONG_USAGE = 64


class WrongUsage(click.UsageError):
    """Wrong usage, told with the command's own usage line."""

    exit_code = WRONG_USAGE


class Command(click.Command):
    """A command whose wrong usage ends with 64."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read what was typed."""
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            raise WrongUsage(error.format_message(), error.ctx) from None
