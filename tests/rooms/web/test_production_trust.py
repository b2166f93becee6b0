"""In production neither the sandbox nor the NCA's test authority is believed, whatever somebody has configured."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from houses import House, settings

from app import catalogue
from app.sandbox.pki import SandboxPki
from app.signatures import trust
from app.signatures.report import Verdict
from app.signatures.trust import TestAnchorRefused
from app.signatures.verify import verify
from app.web import clock

DOCUMENT = "Шешім № 7".encode()
IN_2026 = datetime(2026, 11, 20, 8, 1, tzinfo=UTC)
"""While the NCA's test keys are valid."""
SHIPPED = trust.SHIPPED / "test"


@pytest.fixture
def pki(house) -> SandboxPki:
    return SandboxPki.open(house.config.var / "sandbox", environment="test")


def production(house: House, folder: Path, *anchors: Path):
    return settings(
        folder, KEZEN_ENV="production", SECRET_KEY="k" * 40, DATABASE_URL=house.config.database_url,
        KEZEN_ANCHORS=":".join(map(str, anchors)),
    )  # fmt: skip


@pytest.mark.parametrize("which", ["the sandbox's", "the NCA's for tests", "one of them under another name"])
def test_a_test_anchor_stops_the_start(which, house, pki, tmp_path):
    place = {"the sandbox's": pki.anchors, "the NCA's for tests": SHIPPED}.get(which, tmp_path / "anchors")
    if not place.exists():
        place.mkdir()
        shutil.copy(SHIPPED / "root_test_gost_2022.cer", place / "nca.cer")

    try:
        with pytest.raises(TestAnchorRefused, match="test anchor"):
            House.build(production(house, tmp_path / "var", place))
    finally:
        house.enter()


def test_what_test_keys_have_signed_is_not_believed(house, pki, tmp_path):
    now = clock.now(house.config)
    messages = {
        pki.sign(account, DOCUMENT, attached=True, gost=gost, at=at): at
        for account, gost, at in (("first_head", False, now), ("first_head", True, now), ("nca:head", False, IN_2026))
    }
    strict = House.build(production(house, tmp_path / "var"))
    try:
        strict.enter()
        found = catalogue.present().trust
    finally:
        strict.engine.dispose()
        house.enter()

    assert found.environment == "production"
    assert not any(anchor.is_test for anchor in found.anchors)
    assert not (tmp_path / "var" / "sandbox").exists()
    for message, at in messages.items():
        assert verify(message, at=at, trust=catalogue.present().trust).verdict is Verdict.VALID
        report = verify(message, at=at, trust=found)
        assert report.verdict is Verdict.INVALID
        assert "chain_untrusted" in report.reasons
