"""The sandbox authority: roots, issuing CAs and people's keys, with the NCA's certificate profile.

There are two branches, RSA and GOST R 34.10-2015 (512); a person gets a key of each when it is first
used.  Everything lies in one folder, made at the first opening:

``authority/anchors``, ``intermediates``, ``lists``   what a verifier needs (public); also the NCA's test
                                                      authority, which issued the published test keys
``authority/private``                                 the authority's keys
``authority/services``                                keys of its OCSP responders and time-stamping authorities
``authority/issued``                                  every certificate that it issued
``accounts.json``                                     account key -> whom its certificate names
``keys/<account>.p12``, ``<account>.gost.pem``        people's keys; password of the first ``Qwerty12``

Files are written whole or not at all, for the owner only; two processes may open it at once.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from app.sandbox import certificates, files, nca, signing
from app.sandbox.certificates import Issuer, Revoked, key_usage
from app.sandbox.files import export_p12, tls_pair
from app.sandbox.keys import GostKey, RsaKey
from app.sandbox.people import PASSWORD, ROLE_PURPOSES, Person, SandboxRefused, SigningKey, subject_of
from app.signatures import trust
from app.signatures.certificates import EMAIL_PROTECTION
from app.signatures.trust import TrustStore

__all__ = [
    "ISSUERS", "PASSWORD", "ROLE_PURPOSES", "Person", "SandboxPki", "SandboxRefused", "SigningKey", "export_p12",
    "key_usage", "sign_with", "tls_pair",
]  # fmt: skip

AUTHORITY_YEARS, PERSON_DAYS = 20, 365
_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class _Branch:
    """A root and an issuing CA of one algorithm; ``prefix`` is that of their files."""

    prefix: str
    title: str
    kind: type[RsaKey] | type[GostKey]

    @property
    def ca(self) -> str:
        """Return the name of the issuing CA."""
        return f"{self.prefix}ca"

    def make(self, folder: Path) -> None:
        """Write both into a folder of an authority, the root's certificate last."""
        now = datetime.now(UTC)
        start, end = now - timedelta(days=1), now + timedelta(days=365 * AUTHORITY_YEARS)
        root_key, ca_key = self.kind.new(), self.kind.new()
        named = f"KEZEN SANDBOX ROOT ({self.title}) TEST", f"KEZEN SANDBOX ISSUING CA ({self.title}) TEST"
        period = {"not_before": start, "not_after": end}
        root = Issuer(root_key, certificates.of_authority(named[0], root_key, None, path_length=None, **period))
        ca = Issuer(ca_key, certificates.of_authority(named[1], ca_key, root, path_length=0, **period))
        for name, place, made in (("ca", "intermediates", ca), ("root", "anchors", root)):
            files.write(folder / "private" / f"{self.prefix}{name}.pem", files.pem(made.private))
            files.write(folder / "lists" / f"{self.prefix}{name}.crl", certificates.revocation_list(made, [], at=start))
            files.write(folder / place / f"{self.prefix}{name}.cer", made.certificate.public_bytes(Encoding.DER))


_RSA, _GOST = _Branch("", "RSA", RsaKey), _Branch("gost_", "GOST", GostKey)
_BRANCHES = (_RSA, _GOST)
ISSUERS = tuple(f"{branch.prefix}{name}" for branch in _BRANCHES for name in ("root", "ca"))
"""Names of all that issue certificates here; also those of their lists."""


class SandboxPki:
    """The authority of one installation; get it by ``open``."""

    def __init__(self, folder: Path, *, environment: str) -> None:
        _refuse_production(environment)
        self.folder = folder

    @classmethod
    def open(cls, folder: Path, *, environment: str | None = None) -> SandboxPki:
        """Open the sandbox in ``folder``, making it, or what it lacks, if it is not there.

        ``environment`` is that of the installation, by default ``KEZEN_ENV``.

        Raises:
            SandboxRefused: the environment is production.
        """
        pki = cls(folder, environment=environment or os.environ.get("KEZEN_ENV", "demo"))
        if not pki.authority.exists():
            pki._found()
        if not _is_whole(pki.authority):  # one made by an older version
            with pki._locked():
                _complete(pki.authority)
        return pki

    # --- what a verifier needs ---

    @property
    def authority(self) -> Path:
        """Return the folder of the authority."""
        return self.folder / "authority"

    @property
    def anchors(self) -> Path:
        """Return the folder with the roots' certificates."""
        return self.authority / "anchors"

    @property
    def intermediates(self) -> Path:
        """Return the folder with the issuing CAs' certificates."""
        return self.authority / "intermediates"

    @property
    def lists(self) -> Path:
        """Return the folder with the revocation lists of all."""
        return self.authority / "lists"

    def trust_store(self, *, environment: str = "demo") -> TrustStore:
        """Return a store that trusts this sandbox; in production it is refused."""
        return trust.read_store(
            [self.anchors], intermediates=[self.intermediates], lists=[self.lists], environment=environment
        )

    # --- people ---

    def accounts(self) -> dict[str, Person]:
        """Return account key -> person, as enrolled."""
        try:
            read = json.loads((self.folder / "accounts.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return {
            key: Person(one["name"], one["iin"], one["bin"], one["organisation"], tuple(one["roles"]))
            for key, one in read.items()
        }

    def enrol(
        self, key: str, *, name: str, iin: str, bin: str | None, organisation: str | None, roles: Sequence[str]
    ) -> None:
        """Note whom the account's certificate names; the key is made when it is first used.

        Enrolling the same again changes nothing; a changed person gets a new key.
        """
        if not _ACCOUNT.fullmatch(key):
            raise SandboxRefused(f"{key!r}: an account key is small letters, digits, '_', '-' and '.'")
        person = Person(name, iin, bin, organisation, tuple(roles))
        with self._locked():
            known = self.accounts()
            if known.get(key) == person:
                return
            known[key] = person
            for gost in (False, True):
                self._forget(key, gost=gost)
            listed = {account: asdict(one) for account, one in sorted(known.items())}
            files.write(self.folder / "accounts.json", json.dumps(listed, ensure_ascii=False, indent=1).encode())

    def key_for(self, key: str, *, gost: bool = False) -> SigningKey:
        """Return the account's key, RSA or GOST; one that is missing, or expires within a day, is issued.

        ``nca:head`` and the like are the published test keys of the NCA.

        Raises:
            SandboxRefused: nobody is enrolled under this account key.
        """
        if key.startswith(nca.PREFIX):
            return nca.key(key)
        person = self._person(key)
        store = self._store(key, gost=gost)
        with self._locked():
            kept = files.open_store(store)
            branch = _GOST if gost else _RSA
            if kept is not None and (files.as_is(store).exists() or self._still_serves(kept, branch)):
                self._note(branch.ca, kept.certificate)  # older versions took no note
                return kept
            return self._keep(key, self.issue(person, gost=gost))

    def _store(self, key: str, *, gost: bool) -> Path:
        return self.folder / "keys" / (f"{key}.gost.pem" if gost else f"{key}.p12")

    def _keep(self, key: str, issued: SigningKey) -> SigningKey:
        gost = isinstance(issued.private, GostKey)
        files.write(
            self._store(key, gost=gost), files.export_pem(issued) if gost else files.export_p12(issued, name=key)
        )
        return issued

    def _forget(self, key: str, *, gost: bool) -> None:
        store = self._store(key, gost=gost)
        for path in (store, files.as_is(store)):
            path.unlink(missing_ok=True)

    def _still_serves(self, key: SigningKey, branch: _Branch) -> bool:
        """Whether the key is of this authority and will not expire within a day."""
        lasts = key.certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=1)
        return lasts and key.chain == (self.issuer(branch.ca).certificate,)

    def issue(
        self,
        person: Person,
        *,
        at: datetime | None = None,
        days: int = PERSON_DAYS,
        gost: bool = False,
        is_noted: bool = True,
    ) -> SigningKey:
        """Issue a signing certificate, valid from an hour before ``at``; the key is not kept.

        Of a certificate that is not noted the authority will say that it never issued it.
        """
        branch = _GOST if gost else _RSA
        ca, private = self.issuer(branch.ca), branch.kind.new()
        start = (at or datetime.now(UTC)) - timedelta(hours=1)
        purposes = [EMAIL_PROTECTION, *dict.fromkeys(oid for role in person.roles for oid in ROLE_PURPOSES[role])]
        certificate = certificates.of_person(
            subject_of(person),
            private,
            ca,
            purposes=purposes,
            not_before=start,
            not_after=start + timedelta(days=days),
        )
        if is_noted:
            self._note(branch.ca, certificate)
        return SigningKey(private, certificate, (ca.certificate,))

    def sign(
        self, key: str, content: bytes, *, attached: bool, at: datetime | None = None, gost: bool = False
    ) -> bytes:
        """Return the signed message (CMS, DER) of an account over ``content``."""
        return sign_with(self.key_for(key, gost=gost), content, attached=attached, at=at)

    def expire(self, key: str, *, at: datetime | None = None, gost: bool = False) -> SigningKey:
        """Give the account a key whose certificate ended ten days before ``at``; it stays until ``renew``."""
        person = self._person(key)
        ended = self.issue(person, at=(at or datetime.now(UTC)) - timedelta(days=20), days=10, gost=gost)
        with self._locked():
            self._keep(key, ended)
            files.write(files.as_is(self._store(key, gost=gost)), b"")
        return ended

    def renew(self, key: str, *, gost: bool = False) -> SigningKey:
        """Give the account a new key in place of one that has expired or was revoked."""
        self._person(key)
        with self._locked():
            self._forget(key, gost=gost)
        return self.key_for(key, gost=gost)

    def revoke(
        self,
        key: str,
        *,
        at: datetime | None = None,
        reason: x509.ReasonFlags = x509.ReasonFlags.superseded,
        gost: bool = False,
    ) -> None:
        """Put the account's certificate on the revocation list.

        Raises:
            SandboxRefused: the certificate is the NCA's to revoke.
        """
        self._person(key)
        serial = self.key_for(key, gost=gost).certificate.serial_number
        name = (_GOST if gost else _RSA).ca
        with self._locked():
            revoked = [one for one in self.revoked(name) if one.serial != serial]
            revoked.append(Revoked(serial, at or datetime.now(UTC), reason))
            written = certificates.revocation_list(self.issuer(name), revoked, at=datetime.now(UTC))
            files.write(self.lists / f"{name}.crl", written)

    def _person(self, key: str) -> Person:
        """Return whom an account's certificate names, if it is the sandbox's to issue.

        Raises:
            SandboxRefused: it is not, or nobody is enrolled under this key.
        """
        if key.startswith(nca.PREFIX):
            raise SandboxRefused(f"{key}: the NCA issued this certificate; its published list says what is revoked")
        person = self.accounts().get(key)
        if person is None:
            known = ", ".join(sorted(self.accounts())) or "none yet: load the demo data first"
            raise SandboxRefused(f"no sandbox key for {key!r}; known accounts: {known}; {', '.join(nca.accounts())}")
        return person

    # --- the authority ---

    def issuer(self, name: str) -> Issuer:
        """Return one of ``ISSUERS`` with its key."""
        written = (self.authority / "private" / f"{name}.pem").read_text()
        folder = self.anchors if name.endswith("root") else self.intermediates
        return Issuer(files.read_pem(written), x509.load_der_x509_certificate((folder / f"{name}.cer").read_bytes()))

    def revoked(self, name: str) -> list[Revoked]:
        """Return what one of ``ISSUERS`` has revoked."""
        return certificates.revoked_in((self.lists / f"{name}.crl").read_bytes())

    def has_issued(self, name: str, serial: int) -> bool:
        """Whether one of ``ISSUERS`` issued a certificate of this number."""
        if name.endswith("root"):
            certificate = self.issuer(name.removesuffix("root") + "ca").certificate
            return serial == certificate.serial_number
        return (self.authority / "issued" / f"{name}-{serial:x}.cer").exists()

    def service(self, title: str, name: str, purpose: x509.ObjectIdentifier) -> SigningKey:
        """Return the key of a service that one of ``ISSUERS`` has certified, made at first use.

        ``title`` is a word, ``purpose`` what its certificate is for.
        """
        store, issuer = self.authority / "services" / f"{name}_{title.lower()}.pem", self.issuer(name)
        with self._locked():
            kept = files.open_store(store)
            if kept is None:
                private = type(issuer.private).new()
                named = f"KEZEN SANDBOX {title} ({name.upper()}) TEST"
                certificate = certificates.of_service(named, private, issuer, purpose=purpose)
                kept = SigningKey(private, certificate, (issuer.certificate,))
                self._note(name, certificate)
                files.write(store, files.export_pem(kept))
            return kept

    def _note(self, name: str, certificate: x509.Certificate) -> None:
        file = self.authority / "issued" / f"{name}-{certificate.serial_number:x}.cer"
        if not file.exists():
            files.write(file, certificate.public_bytes(Encoding.DER))

    def _found(self) -> None:
        """Make the authority beside its place and move it there; if another was faster, theirs holds."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f".authority.{secrets.token_hex(4)}"
        try:
            _complete(draft)
            try:
                draft.rename(self.authority)
            except OSError:
                if not self.authority.exists():
                    raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        handle = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _is_whole(authority: Path) -> bool:
    published = nca.authority()
    return all((authority / "anchors" / f"{branch.prefix}root.cer").exists() for branch in _BRANCHES) and all(
        (authority / place).exists() and (authority / place).read_bytes() == content
        for place, content in published.items()
    )


def _complete(authority: Path) -> None:
    """Make the branches that are missing, and put the NCA's test authority beside them."""
    for branch in _BRANCHES:
        if not (authority / "anchors" / f"{branch.prefix}root.cer").exists():
            branch.make(authority)
    for place, content in nca.authority().items():
        files.write(authority / place, content)


def _refuse_production(environment: str) -> None:
    if environment == "production":
        raise SandboxRefused("the sandbox keys are for the demo and for tests; KEZEN_ENV=production refuses them")


def sign_with(key: SigningKey, content: bytes, *, attached: bool, at: datetime | None = None) -> bytes:
    """Return the signed message (CMS, DER) of a key over ``content``."""
    return signing.sign(
        key.private, key.certificate, content, attached=attached, at=at or datetime.now(UTC), chain=key.chain
    )
