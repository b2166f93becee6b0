"""Keys of demo users that are to be refused, and the commands that make them so."""

from __future__ import annotations

import shutil
import socket
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from app.cli.signatures import commands
from app.sandbox.pki import SandboxPki, SandboxRefused
from app.sandbox.services import Authority
from app.signatures import certificates, ocsp
from app.signatures.ocsp import State

DAY = timedelta(days=1)


def state(pki: SandboxPki, certificate: x509.Certificate, issuer: x509.Certificate) -> ocsp.State:
    about, by = (certificates.read(one.public_bytes(Encoding.DER)) for one in (certificate, issuer))
    now = datetime.now(UTC)
    return ocsp.judge(Authority(pki, lambda: now).ocsp(ocsp.request(about, by)), about, by, at=now).state


@pytest.mark.parametrize("gost", [False, True])
def test_a_key_that_was_let_expire_stays_until_it_is_renewed(gost, pki):
    fresh = pki.key_for("clerk", gost=gost).certificate

    ended = pki.expire("clerk", gost=gost).certificate

    assert ended.not_valid_after_utc < datetime.now(UTC) - 9 * DAY
    assert pki.key_for("clerk", gost=gost).certificate == ended
    renewed = pki.renew("clerk", gost=gost).certificate
    assert renewed not in (fresh, ended)
    assert pki.key_for("clerk", gost=gost).certificate == renewed


def test_a_changed_person_loses_the_expired_key_too(pki):
    ended = pki.expire("clerk").certificate

    pki.enrol("clerk", name="СЕРІКОВА АЙГҮЛ", iin="900202400123", bin=None, organisation=None, roles=["individual"])

    assert pki.key_for("clerk").certificate != ended
    assert pki.key_for("clerk").certificate.not_valid_after_utc > datetime.now(UTC)


def test_a_key_of_an_older_version_that_took_no_note_is_known_once_it_is_used(pki):
    key = pki.key_for("clerk")
    shutil.rmtree(pki.authority / "issued")
    assert state(pki, key.certificate, *key.chain) is State.NOT_ISSUED

    pki.key_for("clerk")

    assert state(pki, key.certificate, *key.chain) is State.GOOD


def test_the_nca_s_own_test_keys_are_not_the_sandbox_s_to_change(pki):
    for change in (pki.revoke, pki.expire, pki.renew):
        with pytest.raises(SandboxRefused, match="the NCA issued"):
            change("nca:head")


@pytest.fixture
def run(pki, tmp_path, monkeypatch):
    pki.folder.rename(tmp_path / "sandbox")
    monkeypatch.setenv("KEZEN_VAR", str(tmp_path))
    monkeypatch.setenv("KEZEN_ENV", "test")
    by_name = {command.name: command for command in commands()}
    return lambda *line: CliRunner().invoke(by_name["sandbox"], list(line))


def test_the_commands_revoke_expire_and_renew_a_demo_user_s_key(run, tmp_path):
    def key():
        return SandboxPki.open(tmp_path / "sandbox", environment="test")

    assert run("revoke", "clerk", "--reason", "keyCompromise").exit_code == 0
    (entry,) = key().revoked("ca")
    assert (entry.serial, entry.reason.value) == (
        key().key_for("clerk").certificate.serial_number, "keyCompromise",
    )  # fmt: skip
    assert run("expire", "clerk", "--gost").exit_code == 0
    assert key().key_for("clerk", gost=True).certificate.not_valid_after_utc < datetime.now(UTC)
    assert run("renew", "clerk", "--gost").exit_code == 0
    assert key().key_for("clerk", gost=True).certificate.not_valid_after_utc > datetime.now(UTC)


@pytest.mark.parametrize("line", [["revoke", "nobody"], ["expire", "nobody"], ["renew", "nobody"]])
def test_a_command_for_nobody_is_told_with_the_known_accounts(line, run):
    result = run(*line)

    assert result.exit_code == 1
    assert "known accounts: clerk, first_head, person" in result.output


@pytest.mark.req("IS2IN-1.4")
@pytest.mark.parametrize("line", [["authority"], ["revoke", "clerk"], ["expire", "clerk"], ["renew", "clerk"]])
def test_production_refuses_the_authority_and_its_commands(line, run, monkeypatch):
    monkeypatch.setenv("KEZEN_ENV", "production")
    monkeypatch.setenv("SECRET_KEY", "x" * 32)

    result = run(*line)

    assert result.exit_code == 1
    assert "KEZEN_ENV=production refuses" in result.output


def test_a_port_that_is_taken_is_told(run):
    with socket.create_server(("127.0.0.1", 0)) as door:
        result = run("authority", "--port", str(door.getsockname()[1]))

    assert result.exit_code == 1
    assert "in use" in result.output
