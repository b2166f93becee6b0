"""The outer form of a message: versions, marks before a text, and how much memory a long one takes."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import forged_messages as forge
import pytest
from forged_messages import VECTORS
from hypothesis import given
from hypothesis import strategies as st

from app.signatures import asn1, cms
from app.signatures.asn1 import Malformed, tlv
from app.signatures.report import Verdict

ROOT = Path(__file__).parents[3]


def _with_versions(message: bytes, *, data: int = 1, signer: int = 1) -> bytes:
    """Return a message with other versions, which nobody signed."""
    kind, holder = asn1.parse(message).children
    _, *parts, signers = holder.children[0].children
    infos = [tlv(0x30, asn1.integer(signer), *(one.raw for one in info.children[1:])) for info in signers.children]
    whole = tlv(0x30, asn1.integer(data), *(part.raw for part in parts), tlv(0x31, *infos))
    return tlv(0x30, kind.raw, tlv(0xA0, whole))


@pytest.mark.parametrize("version", [-1, 0, 2, 6, "a long one"])
@pytest.mark.parametrize("where", ["data", "signer"])
def test_a_message_of_an_unknown_version_is_refused(where, version, world):
    report = world.verify(
        _with_versions(forge.message(world.head), **{where: 1 << 40_000 if version == "a long one" else version})
    )

    assert (report.verdict, report.reasons) == (Verdict.INVALID, ("version_unknown",))


@pytest.mark.parametrize("version", [1, 3, 4, 5])
def test_every_version_of_the_standard_is_read(version, world):
    report = world.verify(_with_versions(forge.message(world.head), data=version))

    assert (report.verdict, report.notes) == (Verdict.VALID, ())


def test_a_version_that_does_not_fit_the_way_the_signer_is_named_is_told(world):
    report = world.verify(_with_versions(forge.message(world.head), data=3, signer=3))

    assert (report.verdict, report.notes) == (Verdict.VALID, ("version_differs",))


# --- text -------------------------------------------------------------------------------------------

MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize("form", [lambda der: asn1.armour(der, "CMS").encode(), base64.b64encode, base64.encodebytes])
@pytest.mark.parametrize("as_text", [False, True])
def test_a_byte_order_mark_before_a_text_does_no_harm(form, as_text, world):
    text = MARK + form(forge.message(world.head))

    assert world.verify(text.decode() if as_text else text).verdict is Verdict.VALID


@pytest.mark.parametrize("message", [MARK, MARK + b" \n", MARK + MARK + b"MIIB", MARK + b"\x30\x00", "\ufeff"])
def test_a_mark_and_nothing_readable_is_refused(message, world):
    assert world.verify(message).verdict is Verdict.INVALID


def test_a_private_key_behind_a_mark_is_known_for_one(world):
    with pytest.raises(Malformed) as refused:
        cms.read_cms(MARK + b"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n")

    assert refused.value.code == "private_key"


@given(st.binary(max_size=400), st.integers(1, 90), st.integers(1, 9))
def test_base64_is_read_whatever_lines_it_comes_in_and_wherever_the_pieces_end(octets, line, piece):
    text = base64.b64encode(octets)
    lines = b"\r\n".join(text[at : at + line] for at in range(0, len(text), line))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asn1, "_PIECE", piece)

        assert asn1.unbase64(lines) == octets


@pytest.mark.parametrize("piece", [1, 3, 4, 5, 1 << 20])
@pytest.mark.parametrize(
    "text", [b"QQ==QQ==", b"QQ=", b"Q", b"QUJD=", b"QQ== =", b"=", b"QU!D", b"QQ==\nQUJD", b"QQ===="]
)
def test_what_is_no_base64_is_refused_wherever_the_pieces_end(text, piece, monkeypatch):
    monkeypatch.setattr(asn1, "_PIECE", piece)

    with pytest.raises(Malformed):
        asn1.unbase64(text)


def test_a_long_text_is_decoded_in_little_more_than_what_comes_out():
    octets = os.urandom(3) * (8 * 1024 * 1024 // 3)
    text = base64.encodebytes(octets)
    tracemalloc.start()

    assert asn1.unbase64(text) == octets

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * len(octets) + 8 * 1024 * 1024


# --- flask verify -----------------------------------------------------------------------------------

FAULTY = {
    "KEZEN_ENV": "somewhere",
    "SECRET_KEY": "short",
    "KEZEN_ANCHORS": "/nowhere",
    "DATABASE_URL": "foo://host/base",
}


@pytest.mark.parametrize("variable", FAULTY)
def test_a_faulty_installation_is_wrong_usage_and_no_verdict(variable, tmp_path):
    signed = VECTORS / "made-here/nca-test-keys/01_head_attached.cms"
    environ = {key: value for key, value in os.environ.items() if not key.startswith("KEZEN_")}
    environ |= {"KEZEN_VAR": str(tmp_path), variable: FAULTY[variable]}

    ended = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "verify", str(signed)],
        cwd=ROOT, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert ended.returncode == 64, ended.stdout + ended.stderr
    assert FAULTY[variable].partition(":")[0] in ended.stderr or variable in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_document_beside_is_read_within_bounds(world, monkeypatch):
    monkeypatch.setattr(asn1, "LARGEST_MESSAGE", 4096)

    report = world.verify(forge.message(world.head, attached=False), b"x" * 4097)

    assert (report.verdict, report.reasons) == (Verdict.INVALID, ("too_large",))
