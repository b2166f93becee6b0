"""``flask verify`` and ``flask sandbox``: what they print and how they end."""

from __future__ import annotations

import json
from datetime import timedelta

import forged_answers as answers
import forged_messages as forge
import forged_tokens as tokens
import pytest
from click.testing import CliRunner
from forged_messages import NOW

from app.cli.signatures import commands


@pytest.fixture
def run(tmp_path, sandbox, monkeypatch):
    monkeypatch.setenv("KEZEN_VAR", str(sandbox.folder.parent))
    monkeypatch.setenv("KEZEN_ENV", "test")
    monkeypatch.delenv("KEZEN_ANCHORS", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "doc.pdf").write_bytes(forge.CONTENT)
    by_name = {command.name: command for command in commands()}

    def run(*line: str):
        return CliRunner().invoke(by_name[line[0]], list(line[1:]))

    return run


@pytest.mark.req("IS2IN-1.4")
def test_what_the_sandbox_signs_verify_calls_valid(run, tmp_path):
    for attached in (["--attached"], []):
        signed = run("sandbox", "sign", "doc.pdf", "--as", "first_head", *attached)
        (tmp_path / "doc.cms").write_bytes(signed.stdout_bytes)

        beside = [] if attached else ["--content", "doc.pdf"]
        result = run("verify", "doc.cms", "--json", *beside)

        assert result.exit_code == 0, result.output
        report = json.loads(result.stdout)
        assert report["verdict"] == "VALID"
        assert report["signers"][0]["iin"] == forge.IIN
        assert "FIRST_HEAD" in report["signers"][0]["roles"]


@pytest.mark.parametrize(
    ("account", "more"), [("first_head", ["--gost"]), ("nca:head", []), ("nca:head", ["--attached"])]
)
def test_a_gost_key_signs_for_the_sandbox_and_its_message_is_read(account, more, run, tmp_path):
    signed = run("sandbox", "sign", "doc.pdf", "--as", account, *more)
    (tmp_path / "doc.cms").write_bytes(signed.stdout_bytes)

    result = run("verify", "doc.cms", "--json", *([] if "--attached" in more else ["--content", "doc.pdf"]))

    (signer,) = json.loads(result.stdout)["signers"]
    assert signer["algorithm"] == "GOST R 34.10-2015 (512)"
    assert (signer["stages"]["INTEGRITY"], signer["stages"]["CHAIN"]) == ("PASS", "PASS")
    assert "FIRST_HEAD" in signer["roles"]


def test_the_exit_code_is_the_verdict(run, tmp_path, world):
    (tmp_path / "good.cms").write_bytes(forge.message(world.head))
    (tmp_path / "bad.cms").write_bytes(forge.message(world.head)[:-1])
    for folder, files in {
        "anchors": {"root.cer": world.root.der},
        "between": {"ca.cer": world.ca.der},
        "lists": {"ca.crl": forge.revocation_list(world.ca)},
    }.items():
        (tmp_path / folder).mkdir()
        for name, content in files.items():
            (tmp_path / folder / name).write_bytes(content)
    at = ["--at", NOW.strftime("%Y-%m-%dT%H:%M:%SZ")]
    trust = ["--anchors", "anchors", "--intermediates", "between"]

    assert run("verify", "good.cms", *at, *trust, "--revocation", "lists").exit_code == 0
    assert run("verify", "good.cms", *at, *trust, "--revocation", "lists/ca.crl").exit_code == 0
    assert run("verify", "bad.cms", *at, *trust).exit_code == 1
    assert run("verify", "good.cms", *at).exit_code == 1
    undecided = run("verify", "good.cms", *at, *trust)
    assert undecided.exit_code == 2
    assert "revocation_unknown" in undecided.output


def test_answers_and_lists_may_lie_in_one_folder_and_the_time_of_a_stamp_is_told(run, tmp_path, world):
    tsa = tokens.authority(world.ca)
    (tmp_path / "stamped.cms").write_bytes(tokens.message(world.head, lambda value: tokens.token(value, tsa)))
    at = tokens.STAMPED + timedelta(minutes=1)
    said = answers.answer(
        [answers.single(answers.named(world.head, world.ca), this_update=at)], world.ca, produced_at=at
    )
    for name, content in {
        "anchors/root.cer": world.root.der,
        "status/head.ocsp": said,
        "status/ca.der": world.ca.der,  # a certificate that happens to lie there
        "status/root.crl": forge.revocation_list(world.root),
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    line = ["verify", "stamped.cms", "--at", "2026-11-20T13:01:00+05:00", "--anchors", "anchors"]
    line += ["--intermediates", "status/ca.der"]

    told = run(*line, "--revocation", "status")
    report = json.loads(run(*line, "--revocation", "status/head.ocsp", "--json").stdout)

    assert told.exit_code == 0, told.output
    assert "judged for 2026-11-09T08:01:00Z (time-stamp of VECTOR TSA), rules digital-code-61" in told.output
    assert report["signers"][0]["reference_time"] == "2026-11-09T08:01:00Z"
    assert report["signers"][0]["indication"] == report["indication"] == "TOTAL-PASSED"
    assert {one["kind"] for one in report["signers"][0]["evidence"]} == {"certificate", "ocsp", "token"}
    assert run(*line, "--revocation", "status/ca.der").exit_code == 64


@pytest.mark.parametrize(
    "line",
    [
        ["missing.cms"],
        [],
        ["doc.pdf", "--at", "yesterday"],
        ["doc.pdf", "--at", "2026-11-20T08:01:00"],
        ["doc.pdf", "--anchors", "nowhere"],
        ["doc.pdf", "--anchors", "doc.pdf"],
        ["doc.pdf", "--revocation", "doc.pdf"],
        ["doc.pdf", "--nonsense"],
    ],
)
def test_wrong_usage_ends_with_64(line, run):
    result = run("verify", *line)

    assert result.exit_code == 64
    assert "Traceback" not in result.output


@pytest.mark.parametrize("content", [b"", b"\x30\x80" * 1000, b"\xff" * 100, b"<xml/>"])
def test_malformed_input_is_invalid(content, run, tmp_path):
    (tmp_path / "odd").write_bytes(content)

    result = run("verify", "odd", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["verdict"] == "INVALID"


def test_production_refuses_to_sign_and_to_trust_the_sandbox(run, tmp_path, monkeypatch):
    (tmp_path / "doc.cms").write_bytes(
        run("sandbox", "sign", "doc.pdf", "--as", "first_head", "--attached").stdout_bytes
    )
    monkeypatch.setenv("KEZEN_ENV", "production")

    refused = run("sandbox", "sign", "doc.pdf", "--as", "first_head")

    assert refused.exit_code == 1
    assert "production" in refused.output
    assert run("sandbox", "ncalayer").exit_code == 1
    assert run("sandbox", "sign", "doc.pdf", "--as", "nca:head").exit_code == 1
    assert run("verify", "doc.cms").exit_code == 1


def test_an_unknown_account_is_told(run):
    result = run("sandbox", "sign", "doc.pdf", "--as", "nobody")

    assert result.exit_code == 1
    assert "first_head" in result.output
