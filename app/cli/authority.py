"""``flask sandbox authority``, ``revoke``, ``expire`` and ``renew``: what the demo's authority does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import click
from cryptography import x509

from app import config
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


@contextmanager
def _sandbox(settings: Config) -> Iterator[SandboxPki]:
    """Open the sandbox; what it refuses ends the command."""
    try:
        yield SandboxPki.open(settings.var / "sandbox", environment=settings.env)
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
def authority_command(port: int, behaviour: str) -> None:
    """Answer as the NCA's online services do, on http://127.0.0.1:PORT, by the demo's clock.

    Prints the variables by which an installation asks it.
    """
    settings = config.read()
    with _sandbox(settings) as pki:
        authority = Authority(pki, partial(clock.now, settings), behaviour=Behaviour(behaviour))
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
def revoke_command(account: str, gost: bool, reason: str) -> None:
    """Revoke the certificate of the demo account ACCOUNT as of now."""
    settings = config.read()
    with _sandbox(settings) as pki:
        pki.revoke(account, at=clock.now(settings), reason=REASONS[reason], gost=gost)
    click.echo(f"{account}: the {'GOST' if gost else 'RSA'} key is revoked; the other one is not")


@click.command("expire")
@click.argument("account")
@click.option("--gost", is_flag=True, help=_WITH_GOST)
def expire_command(account: str, gost: bool) -> None:
    """Give the demo account ACCOUNT a key whose certificate ended ten days ago."""
    settings = config.read()
    with _sandbox(settings) as pki:
        pki.expire(account, at=clock.now(settings), gost=gost)


@click.command("renew")
@click.argument("account")
@click.option("--gost", is_flag=True, help=_WITH_GOST)
def renew_command(account: str, gost: bool) -> None:
    """Give the demo account ACCOUNT a new key, after it has expired or was revoked."""
    with _sandbox(config.read()) as pki:
        pki.renew(account, gost=gost)
