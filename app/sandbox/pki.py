"""The sandbox authority: roots, issuing CAs and people's keys, with the NCA's certificate profile.

There are two branches, RSA and GOST R 34.10-2015 (512); a person gets a key of each when it is first
used.  Everything lies in one folder, made at the first opening:

``authority/anchors``, ``intermediates``, ``lists``   what a verifier needs (public); also the NCA's test
                                                      authority, which issued the published test keys
``authority/private``                                 the authority's keys
``accounts.json``                                     account key -> whom its certificate names
``keys/<account>.p12``, ``<account>.gost.pem``        people's keys; password of the first ``Qwerty12``

Files are written whole or not at all, for the owner only; two processes may open it at once.
"""

from __future__ import annotations

import fcntl
import ipaddress
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
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from cryptography.x509.oid import NameOID

from app.sandbox import certificates, keys, nca, signing
from app.sandbox.certificates import Issuer, Revoked, key_usage
from app.sandbox.keys import GostKey, Key, RsaKey
from app.sandbox.people import PASSWORD, ROLE_PURPOSES, Person, SandboxRefused, SigningKey, subject_of
from app.signatures import asn1, trust
from app.signatures.certificates import EMAIL_PROTECTION
from app.signatures.trust import TrustStore

__all__ = [
    "PASSWORD", "ROLE_PURPOSES", "Person", "SandboxPki", "SandboxRefused", "SigningKey", "export_p12", "key_usage",
    "sign_with", "tls_pair",
]  # fmt: skip

AUTHORITY_YEARS, PERSON_DAYS = 20, 365
_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class _Branch:
    """A root and an issuing CA of one algorithm; ``prefix`` is that of their files."""

    prefix: str
    title: str
    kind: type[RsaKey] | type[GostKey]

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
            _write(folder / "private" / f"{self.prefix}{name}.pem", _pem(made.private))
            _write(folder / "lists" / f"{self.prefix}{name}.crl", certificates.revocation_list(made, [], at=start))
            _write(folder / place / f"{self.prefix}{name}.cer", made.certificate.public_bytes(Encoding.DER))


_RSA, _GOST = _Branch("", "RSA", RsaKey), _Branch("gost_", "GOST", GostKey)
_BRANCHES = (_RSA, _GOST)


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
            for store in (f"{key}.p12", f"{key}.gost.pem"):
                (self.folder / "keys" / store).unlink(missing_ok=True)
            listed = {account: asdict(one) for account, one in sorted(known.items())}
            _write(self.folder / "accounts.json", json.dumps(listed, ensure_ascii=False, indent=1).encode())

    def key_for(self, key: str, *, gost: bool = False) -> SigningKey:
        """Return the account's key, RSA or GOST; one that is missing, or expires within a day, is issued.

        ``nca:head`` and the like are the published test keys of the NCA.

        Raises:
            SandboxRefused: nobody is enrolled under this account key.
        """
        if key.startswith(nca.PREFIX):
            return nca.key(key)
        person = self.accounts().get(key)
        if person is None:
            known = ", ".join(sorted(self.accounts())) or "none yet: load the demo data first"
            raise SandboxRefused(f"no sandbox key for {key!r}; known accounts: {known}; {', '.join(nca.accounts())}")
        store = self.folder / "keys" / (f"{key}.gost.pem" if gost else f"{key}.p12")
        with self._locked():
            kept = _open_store(store)
            if kept is not None and self._still_serves(kept, _GOST if gost else _RSA):
                return kept
            issued = self.issue(person, gost=gost)
            _write(store, _export_pem(issued) if gost else export_p12(issued, name=key))
            return issued

    def _still_serves(self, key: SigningKey, branch: _Branch) -> bool:
        """Whether the key is of this authority and will not expire within a day."""
        lasts = key.certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=1)
        return lasts and key.chain == (self._issuer(branch).certificate,)

    def issue(
        self, person: Person, *, at: datetime | None = None, days: int = PERSON_DAYS, gost: bool = False
    ) -> SigningKey:
        """Issue a signing certificate, valid from an hour before ``at``; nothing is kept."""
        branch = _GOST if gost else _RSA
        ca, private = self._issuer(branch), branch.kind.new()
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
        return SigningKey(private, certificate, (ca.certificate,))

    def sign(
        self, key: str, content: bytes, *, attached: bool, at: datetime | None = None, gost: bool = False
    ) -> bytes:
        """Return the signed message (CMS, DER) of an account over ``content``."""
        return sign_with(self.key_for(key, gost=gost), content, attached=attached, at=at)

    def revoke(self, key: str, *, at: datetime | None = None, gost: bool = False) -> None:
        """Put the account's certificate on the revocation list.

        Raises:
            SandboxRefused: the certificate is the NCA's to revoke.
        """
        if key.startswith(nca.PREFIX):
            raise SandboxRefused(f"{key}: the NCA issued this certificate; its published list says what is revoked")
        serial = self.key_for(key, gost=gost).certificate.serial_number
        branch = _GOST if gost else _RSA
        revoked = Revoked(serial, at or datetime.now(UTC), x509.ReasonFlags.superseded)
        file = self.lists / f"{branch.prefix}ca.crl"
        with self._locked():
            known = certificates.revoked_in(file.read_bytes())
            issuer = self._issuer(branch)
            _write(file, certificates.revocation_list(issuer, [*known, revoked], at=datetime.now(UTC)))

    # --- the authority ---

    def _issuer(self, branch: _Branch) -> Issuer:
        written = (self.authority / "private" / f"{branch.prefix}ca.pem").read_text()
        certificate = (self.intermediates / f"{branch.prefix}ca.cer").read_bytes()
        return Issuer(_read_pem(written), x509.load_der_x509_certificate(certificate))

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
        _write(authority / place, content)


def _refuse_production(environment: str) -> None:
    if environment == "production":
        raise SandboxRefused("the sandbox keys are for the demo and for tests; KEZEN_ENV=production refuses them")


def sign_with(key: SigningKey, content: bytes, *, attached: bool, at: datetime | None = None) -> bytes:
    """Return the signed message (CMS, DER) of a key over ``content``."""
    return signing.sign(
        key.private, key.certificate, content, attached=attached, at=at or datetime.now(UTC), chain=key.chain
    )


def export_p12(key: SigningKey, *, name: str) -> bytes:
    """Return the key store of a person, as one takes it to another machine; its password is ``PASSWORD``.

    Raises:
        SandboxRefused: a GOST key, for which no such store is written.
    """
    if not isinstance(key.private, RsaKey):
        raise SandboxRefused("only RSA keys are exported")
    return pkcs12.serialize_key_and_certificates(
        name.encode(), key.private.private, key.certificate, list(key.chain), BestAvailableEncryption(PASSWORD)
    )


# --- files ------------------------------------------------------------------------------------------


def _pem(private: Key) -> bytes:
    return asn1.armour(private.pkcs8(), "PRIVATE KEY").encode()


def _read_pem(written: str) -> Key:
    found = re.search(r"-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----", written)
    return keys.read(asn1.unbase64(found[1] if found else ""))


def _export_pem(key: SigningKey) -> bytes:
    return _pem(key.private) + b"".join(one.public_bytes(Encoding.PEM) for one in (key.certificate, *key.chain))


def _open_store(path: Path) -> SigningKey | None:
    if not path.exists():
        return None
    if path.suffix == ".pem":
        own, *chain = x509.load_pem_x509_certificates(path.read_bytes())
        return SigningKey(_read_pem(path.read_text()), own, tuple(chain))
    private, certificate, others = pkcs12.load_key_and_certificates(path.read_bytes(), PASSWORD)
    assert isinstance(private, RSAPrivateKey)
    assert certificate is not None
    return SigningKey(RsaKey(private), certificate, tuple(others))


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)


def tls_pair(folder: Path) -> tuple[Path, Path]:
    """Return certificate and key (PEM) of 127.0.0.1 for the emulator, self-signed, made at first use."""
    certificate_file, key_file = folder / "tls" / "127.0.0.1.pem", folder / "tls" / "127.0.0.1.key.pem"
    if not certificate_file.exists():
        private = RsaKey.new()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
        now = datetime.now(UTC)
        addresses: list[x509.GeneralName] = [
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost"),
        ]  # fmt: skip
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(private.private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=800))
            .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(private.private, hashes.SHA256())
        )
        _write(key_file, _pem(private))
        _write(certificate_file, certificate.public_bytes(Encoding.PEM))
    return certificate_file, key_file
