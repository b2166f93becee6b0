"""``flask sandbox authority``, ``revoke``, ``expire`` and ``renew``: what the demo's authority does."""

from __future__ import annotations

from functools import partial

import click
from cryptography import x509
from flask import current_app
from flask.cli import with_appcontext

from app.config import Config
from app.sandbox import services
from app.sandbox.pki import SandboxPki, SandboxRefused
from app.sandbox.services import Authority, Behaviour, Services
from app.web import clock

REASONS = {
    reason.value: reason
    for reason in x509.ReasonFlags
    if reason not in (x509.ReasonFlags.remove_from_crl, x509.ReasonFlags.unspecified)
}
_WITH_GOST = "The account's GOST key instead of the RSA one."


def commands() -> list[click.Command]:
    """Return the commands of this file; they belong to ``flask sandbox``."""
    return [authority_command, revoke_command, expire_command, renew_command]


def _config() -> Config:
    found: Config = current_app.extensions["kezen.config"]
    return found


def _pki() -> SandboxPki:
    try:
        return SandboxPki.open(_config().var / "sandbox", environment=_config().env)
    except SandboxRefused as refused:
        raise click.ClickException(str(refused)) from None


@click.command("authority")
@click.option("--port", type=click.IntRange(0, 65535), default=services.PORT, show_default=True)
@click.option(
    "--behaviour",
    type=click.Choice([behaviour.value for behaviour in Behaviour]),
    default=Behaviour.OK.value,
    show_default=True,
    help="What the services do when they are asked.",
)
@with_appcontext
def authority_command(port: int, behaviour: str) -> None:
    """Answer as the NCA's online services do, on http://127.0.0.1:PORT, by the demo's clock.

    Prints the variables by which an installation asks it.
    """
    authority = Authority(_pki(), partial(clock.now, _config()), behaviour=Behaviour(behaviour))
    try:
        running = Services(authority, port=port)
    except OSError as error:
        raise click.ClickException(f"port {port}: {error.strerror}") from None
    for variable, value in running.environ.items():
        click.echo(f"{variable}='{value}'")
    try:
        running.run()
    except KeyboardInterrupt:
        running.close()


@click.command("revoke")
@click.argument("account")
@click.option("--gost", is_flag=True, help=_WITH_GOST)
@click.option("--reason", type=click.Choice(sorted(REASONS)), default="superseded", show_default=True)
@with_appcontext
def revoke_command(account: str, gost: bool, reason: str) -> None:
    """Revoke the certificate of the demo account ACCOUNT as of now."""
    try:
        _pki().revoke(account, at=clock.now(_config()), reason=REASONS[reason], gost=gost)
    except SandboxRefused as refused:
        raise click.ClickException(str(refused)) from None


@click.command("expire")
@click.argument("account")
@click.option("--gost", is_flag=True, help=_WITH_GOST)
@with_appcontext
def expire_command(account: str, gost: bool) -> None:
    """Give the demo account ACCOUNT a key whose certificate ended ten days ago."""
    try:
        _pki().expire(account, at=clock.now(_config()), gost=gost)
    except SandboxRefused as refused:
        raise click.ClickException(str(refused)) from None


@click.command("renew")
@click.argument("account")
@click.option("--gost", is_flag=True, help=_WITH_GOST)
@with_appcontext
def renew_command(account: str, gost: bool) -> None:
    """Give the demo account ACCOUNT a new key, after it has expired or was revoked."""
    try:
        _pki().renew(account, gost=gost)
    except SandboxRefused as refused:
        raise click.ClickException(str(refused)) from None
