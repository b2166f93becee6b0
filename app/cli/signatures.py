"""``flask verify``, ``flask sandbox sign`` and ``flask sandbox ncalayer``: none needs the database."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from app.cli import authority
from app.cli.usage import Command, WrongUsage
from app.sandbox import ncalayer
from app.sandbox.pki import SandboxPki, SandboxRefused
from app.signatures import trust
from app.signatures.asn1 import LARGEST_MESSAGE
from app.signatures.report import SignatureReport, Verdict
from app.signatures.trust import TrustStore
from app.signatures.verify import verify
from app.terms import say

EXIT_CODES = {Verdict.VALID: 0, Verdict.INVALID: 1, Verdict.INDETERMINATE: 2}

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_PLACE = click.Path(exists=True, readable=True, path_type=Path)


class _Command(Command):
    """A command whose faulty installation and files that cannot be read are wrong usage too."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (trust.Unreadable, trust.TestAnchorRefused, SandboxRefused, OSError, UnicodeError) as error:
            raise WrongUsage(str(error)) from None


def commands() -> list[click.Command]:
    """Return the commands of this file; ``flask sandbox`` has those of ``authority`` too."""
    for command in authority.commands():
        sandbox_group.add_command(command)
    return [verify_command, sandbox_group]


def _environment() -> str:
    return os.environ.get("KEZEN_ENV", "demo")


def _sandbox_folder() -> Path:
    return Path(os.environ.get("KEZEN_VAR", "var")).resolve() / "sandbox"


# --- flask verify -----------------------------------------------------------------------------------


def _moment(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime:
    if value is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a moment; write 2026-11-20T08:01:00Z") from None
    if moment.tzinfo is None:
        raise click.BadParameter(f"{value!r} has no time zone; write 2026-11-20T08:01:00Z")
    if not 1900 <= moment.year < 9000:
        raise click.BadParameter(f"{value!r} is not within the calendar of certificates")
    return moment.astimezone(UTC)


@click.command("verify", cls=_Command)
@click.argument("file", type=_FILE)
@click.option("--content", type=_FILE, help="The document of a detached signature.")
@click.option("--at", callback=_moment, help="Moment of judgement, with time zone; now if not given.")
@click.option("--anchors", multiple=True, type=_PLACE, help="Folder or file of trusted certificates; repeatable.")
@click.option("--intermediates", multiple=True, type=_PLACE, help="Folder or file of issuing certificates; repeatable.")
@click.option(
    "--revocation", multiple=True, type=_PLACE, help="Revocation list or OCSP answer, or a folder; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def verify_command(
    file: Path,
    content: Path | None,
    at: datetime,
    anchors: tuple[Path, ...],
    intermediates: tuple[Path, ...],
    revocation: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Judge the signature in FILE, offline.

    Without --anchors the installation's own are taken: the shipped authorities, KEZEN_ANCHORS and,
    outside production, the sandbox.  Exit 0 VALID, 1 INVALID, 2 INDETERMINATE, 64 wrong usage.
    """
    store = _store(anchors, intermediates, revocation)
    document = _read(content, LARGEST_MESSAGE) if content is not None else None
    report = verify(_read(file, 2 * LARGEST_MESSAGE), document, at=at, trust=store)
    click.echo(json.dumps(report.to_dict(), ensure_ascii=False, indent=2) if as_json else _told(report))
    sys.exit(EXIT_CODES[report.verdict])


def _read(path: Path, most: int) -> bytes:
    """Return a file, and of one that is larger than ``most`` an octet more: it is refused anyway."""
    with path.open("rb") as opened:
        return opened.read(most + 1)


def _store(anchors: tuple[Path, ...], intermediates: tuple[Path, ...], lists: tuple[Path, ...]) -> TrustStore:
    """Return the trust store of the options; shipped authorities and the sandbox join where no anchors were named."""
    environment = _environment()
    if anchors:
        return trust.read_store(anchors, intermediates=intermediates, lists=lists, environment=environment)
    own = [Path(part) for part in os.environ.get("KEZEN_ANCHORS", "").split(os.pathsep) if part]
    folder = _sandbox_folder()
    if environment != "production" and folder.exists():
        pki = SandboxPki.open(folder, environment=environment)
        own, intermediates = [*own, pki.anchors], (*intermediates, pki.intermediates)
        lists = (*lists, pki.lists)
    store = trust.read_store(own, intermediates=intermediates, lists=lists, environment=environment)
    return store.joined(trust.shipped(environment))


def _told(report: SignatureReport) -> str:
    lines = [f"{report.verdict.value}: {say(f'sig.verdict.{report.verdict.value.lower()}', 'en')}"]
    lines += [f"  {code}: {say(f'sig.reason.{code}', 'en')}" for code in report.findings]
    for signer in report.signers:
        who = ", ".join(filter(None, (signer.name, signer.iin, signer.bin, " ".join(signer.roles))))
        lines.append(f"{signer.verdict.value}: {who or 'unknown signer'}")
        if signer.reference_time is not None:
            by = f"time-stamp of {signer.timestamp.authority}" if signer.timestamp else "no time-stamp"
            moment = signer.reference_time.astimezone(UTC)
            lines.append(f"  judged for {moment:%Y-%m-%dT%H:%M:%SZ} ({by}), rules {signer.policy}")
        if signer.sub_indications:
            lines.append(f"  {signer.indication}: {', '.join(signer.sub_indications)}")
        if signer.covers is not None:
            kind = "whole" if signer.covers.whole else "element"
            lines.append(f"  {say(f'sig.covers.{kind}', 'en')}: {signer.covers.path}")
        lines += [f"  {stage.value:<18}{outcome.value}" for stage, outcome in signer.stages.items()]
        for code in signer.findings:
            detail = signer.details.get(code)
            lines.append(f"  {code}: {say(f'sig.reason.{code}', 'en')}" + (f" ({detail})" if detail else ""))
    return "\n".join(lines)


# --- flask sandbox ----------------------------------------------------------------------------------


_AS = "Key of a demo account (flask demo accounts), or nca:head and other published test keys of the NCA."
_WITH_GOST = "With the account's GOST key instead of the RSA one."


@click.group("sandbox")
def sandbox_group() -> None:
    """Sign with the demo's own keys; refused in production."""


def _open() -> SandboxPki:
    try:
        return SandboxPki.open(_sandbox_folder(), environment=_environment())
    except SandboxRefused as refused:
        raise click.ClickException(str(refused)) from None


@sandbox_group.command("sign")
@click.argument("file", type=_FILE)
@click.option("--as", "account", required=True, help=_AS)
@click.option("--attached", is_flag=True, help="Put the document into the message.")
@click.option("--gost", is_flag=True, help=_WITH_GOST)
def sign_command(file: Path, account: str, attached: bool, gost: bool) -> None:
    """Sign FILE with the sandbox key of a demo account; CMS (DER) on standard output."""
    pki = _open()
    try:
        message = pki.sign(account, file.read_bytes(), attached=attached, gost=gost)
    except SandboxRefused as refused:
        raise click.ClickException(str(refused)) from None
    sys.stdout.buffer.write(message)


@sandbox_group.command("ncalayer")
@click.option("--port", type=click.IntRange(0, 65535), default=ncalayer.PORT, show_default=True)
@click.option("--as", "account", default="first_head", show_default=True, help=_AS)
@click.option("--gost", is_flag=True, help=_WITH_GOST)
@click.option(
    "--behaviour",
    type=click.Choice([behaviour.value for behaviour in ncalayer.Behaviour]),
    default=ncalayer.Behaviour.OK.value,
    show_default=True,
    help="What the person at the key-store window does.",
)
def ncalayer_command(port: int, account: str, gost: bool, behaviour: str) -> None:
    """Answer as NCALayer does on wss://127.0.0.1:PORT, signing with a demo account's key."""
    pki = _open()
    try:
        running = ncalayer.emulator(pki, account, port=port, behaviour=behaviour, gost=gost)
    except SandboxRefused as refused:
        raise click.ClickException(str(refused)) from None
    except OSError as error:
        raise click.ClickException(f"port {port}: {error.strerror}; another NCALayer may be running") from None
    click.echo(f"{running.url} signs as {account} ({behaviour}); Ctrl-C stops it")
    try:
        running.run()
    except KeyboardInterrupt:
        running.close()
