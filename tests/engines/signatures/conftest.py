"""A small PKI with the NCA's shape and fixed dates: root, issuing CA, a first head."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import datetime

import forged_messages as forge
import pytest
from forged_messages import NOW, Holder

from app import config
from app.authorities.online import Online
from app.sandbox.pki import SandboxPki
from app.signatures import certificates, ocsp, revocation
from app.signatures.report import SignatureReport
from app.signatures.trust import Anchor, TrustStore
from app.signatures.verify import STRICT, Policy, verify


@dataclass(frozen=True)
class World:
    root: Holder
    ca: Holder
    head: Holder
    store: TrustStore

    def verify(
        self,
        message: bytes | str,
        content: bytes | None = None,
        *,
        at: datetime = NOW,
        lists: tuple[bytes, ...] | None = None,
        policy: Policy = STRICT,
        intermediates: tuple[Holder, ...] | None = None,
        answers: tuple[bytes, ...] = (),
    ) -> SignatureReport:
        store = replace(self.store, answers=tuple(map(ocsp.read, answers)))
        if lists is not None:
            store = replace(store, lists=tuple(map(revocation.read, lists)))
        if intermediates is not None:
            store = replace(store, intermediates=tuple(certificates.read(one.der) for one in intermediates))
        return verify(message, content, at=at, trust=store, policy=policy)

    def issue(self, **how) -> Holder:
        values = {"whose": forge.subject(), "owner": "somebody", "issuer": self.ca} | how
        return forge.certificate(values.pop("whose"), values.pop("owner"), values.pop("issuer"), **values)


@pytest.fixture(scope="session")
def world() -> World:
    root = forge.authority("VECTOR ROOT TEST", "root", None)
    ca = forge.authority("VECTOR ISSUING CA TEST", "ca", root, path_length=0)
    head = forge.certificate(forge.subject(), "head", ca)
    store = TrustStore(
        anchors=(Anchor.of(root.der),),
        intermediates=(certificates.read(ca.der),),
        lists=tuple(revocation.read(forge.revocation_list(one)) for one in (root, ca)),
        environment="test",
    )
    return World(root, ca, head, store)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory) -> SandboxPki:
    pki = SandboxPki.open(tmp_path_factory.mktemp("var") / "sandbox", environment="test")
    organisation = {"bin": forge.BIN, "organisation": "АҚ «Қазына»"}
    pki.enrol("first_head", name="АХМЕТОВ ДАРХАН САПАРҰЛЫ", iin=forge.IIN, roles=["first_head"], **organisation)
    pki.enrol("clerk", name="СЕРІКОВА АЙГҮЛ", iin="900202400123", roles=["employee"], **organisation)
    pki.enrol("person", name="ОМАРОВ ЕРЛАН", iin="850303300123", bin=None, organisation=None, roles=["individual"])
    return pki


@pytest.fixture
def client(tmp_path):
    """Return what makes the clients of online services, with little pause between two tries."""

    def client(*, ocsp: tuple[str, ...] = (), tsp: tuple[str, ...] = (), crl: tuple[str, ...] = (), **how) -> Online:
        settings = config.read(
            {
                "KEZEN_ENV": "test",
                "KEZEN_VAR": str(tmp_path),
                "KEZEN_OCSP_URLS": " ".join(ocsp),
                "KEZEN_TSP_URLS": " ".join(tsp),
                "KEZEN_CRL_URLS": " ".join(crl),
            }
        )
        found = Online.of(settings, tmp_path / "authorities")
        found.pauses = (0.01, 0.01)
        for name, value in how.items():
            setattr(found, name, value)
        return found

    return client


@pytest.fixture
def pki(sandbox, tmp_path) -> SandboxPki:
    """A sandbox of the test's own."""
    shutil.copytree(sandbox.folder, tmp_path / "own")
    return SandboxPki.open(tmp_path / "own", environment="test")
