"""What is kept with a signature, and that nothing leaves as signed which no longer verifies."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from factories import application_at
from test_creating import address

from app import db
from app.applications import queries, verifying
from app.applications.models import Document, Signature
from app.signatures.report import Verdict
from app.terms import say


@pytest.fixture
def signed(house):
    """An archived application, its signed document and the signature."""
    application = application_at("archived")
    document = next(item for item in queries.documents(application) if item.signatures)
    return application, document, document.signatures[0]


def links(application, document: Document, signature: Signature) -> dict[str, str]:
    root = address(application, "documents", str(document.id))
    return {
        "file": f"{root}/file",
        "signature": f"{root}/signature/{signature.id}",
        "report": f"{root}/signature/{signature.id}/report",
        "evidence": f"{root}/signature/{signature.id}/evidence",
    }


def stored(house, sha256: str):
    return house.config.var / "files" / sha256[:2] / sha256[2:4] / sha256


@pytest.mark.req("IS2IN-25.d")
def test_with_a_signature_are_kept_the_chain_and_the_lists_its_verdict_relied_upon(signed, house):
    _, _, signature = signed
    kinds = [one.kind for one in verifying.evidence(signature)]

    assert kinds.count("certificate") >= 2
    assert {"list", "ocsp"} & set(kinds)


def test_it_verifies_again_against_the_evidence_alone(signed, house, monkeypatch):
    _, document, signature = signed
    report = verifying.verified_again(document, signature)

    assert report.verdict is Verdict.VALID
    assert report.signers[0].iin == signature.signer_iin


def test_the_package_is_enough_to_check_the_signature_without_this_system(
    signed, browser, house, tmp_path, monkeypatch
):
    _, _, signature = signed
    answer = browser("issuer").get(links(*signed)["evidence"])
    assert answer.status == 200
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        archive.extractall(tmp_path)

    told = next(line for line in (tmp_path / "README.txt").read_text("utf-8").splitlines() if "flask verify" in line)
    monkeypatch.chdir(tmp_path)
    done = house.app.test_cli_runner().invoke(args=[*told.split()[1:], "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["signers"][0]["iin"] == signature.signer_iin
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["verdict"] == "VALID"


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_report_page_tells_both_judgements_and_the_evidence(signed, browser, house, language):
    page = browser("issuer", language).get(links(*signed)["report"])

    assert page.status == 200
    assert [
        found for item in page.root.iter() if (found := item.get("data-verdict")) and item.get("role") == "status"
    ] == ["VALID"] * 2
    assert say("verify.evidence.certificate", language) in page.main
    assert say("sig.stage.revocation", language) in page.main


@pytest.fixture
def files(house):
    """The kept files; what a test does to one is undone: other tests share them."""
    before = {}

    class Files:
        def take(self, sha256: str):
            path = stored(house, sha256)
            before[path] = path.read_bytes()
            return path

    yield Files()
    for path, content in before.items():
        path.write_bytes(content)


def lost(house, signed, files) -> None:
    _, _, signature = signed
    files.take(signature.report["signers"][0]["evidence"][0]["sha256"]).unlink()


def altered_signature(house, signed, files) -> None:
    _, _, signature = signed
    path = files.take(signature.cms_sha256)
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")


def other_document(house, signed, files) -> None:
    """Somebody with the database and the files in his hands puts another document under the signature."""
    _, document, _ = signed
    document.sha256 = house.app.extensions["kezen.storage"].put(b"%PDF-1.7 forged")
    db.session.commit()


@pytest.mark.parametrize("fault", [lost, altered_signature, other_document])
def test_what_no_longer_verifies_is_not_given_out_as_signed(signed, browser, house, files, fault):
    addresses = links(*signed)
    fault(house, signed, files)
    someone = browser("issuer")

    for name in ("file", "signature", "evidence"):
        answer = someone.get(addresses[name])
        assert answer.status == 409, name
        assert say("verify.broken", "kk") in answer.main
    page = someone.get(addresses["report"])
    assert page.status == 200
    first = next(item.get("data-verdict") for item in page.root.iter() if item.get("role") == "status")
    assert first == "INVALID"


def test_the_evidence_is_for_those_who_see_the_application(signed, browser, house):
    for name in ("report", "evidence"):
        assert browser("other_first_head").get(links(*signed)[name]).status == 404
        assert browser("compliance").get(links(*signed)[name]).status == 200
