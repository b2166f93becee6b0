"""The sandbox authority as a process: asked over the network, by the demo's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app import config
from app.authorities.gathering import judged
from app.authorities.online import Online
from app.sandbox.pki import SandboxPki
from app.signatures import timestamps
from app.signatures.report import Verdict
from app.web import clock
from tests.serving import Installation, authority

DOCUMENT = b"%PDF-1.7 the application"
SHA256 = "2.16.840.1.101.3.4.2.1"


@pytest.fixture
def installation(tmp_path) -> Installation:
    pki = SandboxPki.open(tmp_path / "sandbox", environment="test")
    pki.enrol("head", name="ОМАРОВ ЕРЛАН", iin="850303300123", bin=None, organisation=None, roles=["individual"])
    return Installation(tmp_path)


def test_what_is_revoked_by_the_command_is_refused_at_the_next_signature(installation):
    pki = SandboxPki.open(installation.var / "sandbox", environment="test")
    at_start = pki.trust_store()

    with authority(installation) as told:
        settings = config.read({**installation.variables, **told})
        online = Online.of(settings, settings.var / "authorities")
        before = judged(pki.sign("head", DOCUMENT, attached=True), at=datetime.now(UTC), trust=at_start, online=online)
        installation.flask("sandbox", "revoke", "head", "--reason", "keyCompromise")
        after = judged(pki.sign("head", DOCUMENT, attached=True), at=datetime.now(UTC), trust=at_start, online=online)

        clock.move(settings, "+3d")
        token = online.timestamp(b"value", digest=SHA256)

    assert before.verdict is Verdict.VALID
    assert after.reasons == ("revoked",)
    assert after.signers[0].details["revoked"].startswith("keyCompromise")
    assert isinstance(token, bytes)
    assert abs(timestamps.read(token).at - datetime.now(UTC) - timedelta(days=3)) < timedelta(minutes=1)
