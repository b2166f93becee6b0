"""The sandbox authority: a root, an issuing CA and people's keys, with the NCA's certificate profile.

Everything lies in one folder, made at the first opening:

``authority/anchors``, ``intermediates``, ``lists``   what a verifier needs (public)
``authority/private``                                 the authority's two keys
``accounts.json``                                     account key -> whom its certificate names
``keys/<account>.p12``                                people's keys, password ``Qwerty12``

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
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from app.sandbox import signing
from app.signatures import asn1, trust
from app.signatures.certificates import EMAIL_PROTECTION
from app.signatures.trust import TrustStore

PASSWORD = b"Qwerty12"
"""Of every key store, as the NCA's own published test keys have it: these keys protect nothing."""

ROLE_PURPOSES = {
    "first_head": ("1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.1"),
    "sign_right": ("1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.2"),
    "employee": ("1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.5"),
    "individual": ("1.2.398.3.3.4.1.1",),
}
"""Role of an account -> the extended key usages of its certificate, beside emailProtection."""

POLICY = "1.2.398.3.3.2"
KEY_STORE = "1.2.398.3.3.5"
CPS = "http://pki.gov.kz/cps"
ROOT_NAME, CA_NAME = "KEZEN SANDBOX ROOT (RSA) TEST", "KEZEN SANDBOX ISSUING CA (RSA) TEST"
AUTHORITY_YEARS, PERSON_DAYS = 20, 365
_KEY_BITS = 2048
_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_IIN = re.compile(r"[0-9]{12}")


class SandboxRefused(Exception):
    """The sandbox will not do this; the message says why and what would do."""


@dataclass(frozen=True)
class Person:
    """Whom a certificate names; ``name`` is surname, given name and, if there is one, patronymic."""

    name: str
    iin: str
    bin: str | None
    organisation: str | None
    roles: tuple[str, ...]

    def __post_init__(self) -> None:
        if not _IIN.fullmatch(self.iin) or (self.bin is not None and not _IIN.fullmatch(self.bin)):
            raise SandboxRefused(f"{self.name}: IIN and BIN are 12 digits")
        unknown = set(self.roles) - set(ROLE_PURPOSES)
        if unknown or not self.roles:
            known = ", ".join(ROLE_PURPOSES)
            raise SandboxRefused(f"{self.name}: unknown roles {sorted(unknown)}; give at least one of {known}")
        if not self.name.strip():
            raise SandboxRefused("a person has a name")


@dataclass(frozen=True)
class SigningKey:
    """A private key with its certificate and the issuing CA's."""

    private: RSAPrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]

    @property
    def purposes(self) -> tuple[str, ...]:
        """Return the extended key usages."""
        usages = self.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        return tuple(usage.dotted_string for usage in usages)


@dataclass(frozen=True)
class _Issuer:
    private: RSAPrivateKey
    certificate: x509.Certificate


class SandboxPki:
    """The authority of one installation; get it by ``open``."""

    def __init__(self, folder: Path, *, environment: str) -> None:
        _refuse_production(environment)
        self.folder = folder

    @classmethod
    def open(cls, folder: Path, *, environment: str | None = None) -> SandboxPki:
        """Open the sandbox in ``folder``, making it if it is not there.

        ``environment`` is that of the installation, by default ``KEZEN_ENV``.

        Raises:
            SandboxRefused: the environment is production.
        """
        pki = cls(folder, environment=environment or os.environ.get("KEZEN_ENV", "demo"))
        if not pki.authority.exists():
            pki._found()
        return pki

    # --- what a verifier needs ---

    @property
    def authority(self) -> Path:
        """Return the folder of the authority."""
        return self.folder / "authority"

    @property
    def anchors(self) -> Path:
        """Return the folder with the root's certificate."""
        return self.authority / "anchors"

    @property
    def intermediates(self) -> Path:
        """Return the folder with the issuing CA's certificate."""
        return self.authority / "intermediates"

    @property
    def lists(self) -> Path:
        """Return the folder with the revocation lists of both."""
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
            (self.folder / "keys" / f"{key}.p12").unlink(missing_ok=True)
            listed = {account: asdict(one) for account, one in sorted(known.items())}
            _write(self.folder / "accounts.json", json.dumps(listed, ensure_ascii=False, indent=1).encode())

    def key_for(self, key: str) -> SigningKey:
        """Return the account's key; one that is missing, or expires within a day, is issued.

        Raises:
            SandboxRefused: nobody is enrolled under this account key.
        """
        person = self.accounts().get(key)
        if person is None:
            known = ", ".join(sorted(self.accounts())) or "none yet: load the demo data first"
            raise SandboxRefused(f"no sandbox key for {key!r}; known accounts: {known}")
        store = self.folder / "keys" / f"{key}.p12"
        with self._locked():
            kept = _open_store(store)
            if kept is not None and self._still_serves(kept):
                return kept
            issued = self.issue(person)
            _write(store, export_p12(issued, name=key))
            return issued

    def _still_serves(self, key: SigningKey) -> bool:
        """Whether the key is of this authority and will not expire within a day."""
        lasts = key.certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=1)
        return lasts and key.chain == (self._issuer("ca").certificate,)

    def issue(self, person: Person, *, at: datetime | None = None, days: int = PERSON_DAYS) -> SigningKey:
        """Issue a signing certificate, valid from an hour before ``at``; nothing is kept."""
        ca = self._issuer("ca")
        private = _new_key()
        start = (at or datetime.now(UTC)) - timedelta(hours=1)
        certificate = person_certificate(
            person, private, ca.private, ca.certificate, not_before=start, not_after=start + timedelta(days=days)
        )
        return SigningKey(private, certificate, (ca.certificate,))

    def sign(self, key: str, content: bytes, *, attached: bool, at: datetime | None = None) -> bytes:
        """Return the signed message (CMS, DER) of an account over ``content``."""
        return sign_with(self.key_for(key), content, attached=attached, at=at)

    def revoke(self, key: str, *, at: datetime | None = None) -> None:
        """Put the account's certificate on the revocation list."""
        certificate = self.key_for(key).certificate
        moment = at or datetime.now(UTC)
        with self._locked():
            known = x509.load_der_x509_crl((self.lists / "ca.crl").read_bytes())
            entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(moment)
            revoked = [*known, entry.add_extension(x509.CRLReason(x509.ReasonFlags.superseded), critical=False).build()]
            _write(self.lists / "ca.crl", _revocation_list(self._issuer("ca"), revoked, at=datetime.now(UTC)))

    # --- the authority ---

    def _issuer(self, name: str) -> _Issuer:
        folder = self.anchors if name == "root" else self.intermediates
        private = serialization.load_pem_private_key(
            (self.authority / "private" / f"{name}.pem").read_bytes(), password=None
        )
        assert isinstance(private, RSAPrivateKey)
        return _Issuer(private, x509.load_der_x509_certificate((folder / f"{name}.cer").read_bytes()))

    def _found(self) -> None:
        """Make the authority beside its place and move it there; if another was faster, theirs holds."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f".authority.{secrets.token_hex(4)}"
        try:
            now = datetime.now(UTC)
            start, end = now - timedelta(days=1), now + timedelta(days=365 * AUTHORITY_YEARS)
            root_key, ca_key = _new_key(), _new_key()
            root = _ca_certificate(ROOT_NAME, root_key, None, start, end, path_length=None)
            ca = _ca_certificate(CA_NAME, ca_key, _Issuer(root_key, root), start, end, path_length=0)
            for name, private, certificate, folder in (
                ("root", root_key, root, "anchors"),
                ("ca", ca_key, ca, "intermediates"),
            ):
                _write(draft / "private" / f"{name}.pem", _pem(private))
                _write(draft / folder / f"{name}.cer", certificate.public_bytes(serialization.Encoding.DER))
                _write(draft / "lists" / f"{name}.crl", _revocation_list(_Issuer(private, certificate), [], at=start))
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


def _refuse_production(environment: str) -> None:
    if environment == "production":
        raise SandboxRefused("the sandbox keys are for the demo and for tests; KEZEN_ENV=production refuses them")


def sign_with(key: SigningKey, content: bytes, *, attached: bool, at: datetime | None = None) -> bytes:
    """Return the signed message (CMS, DER) of a key over ``content``."""
    return signing.sign(
        key.private, key.certificate, content, attached=attached, at=at or datetime.now(UTC), chain=key.chain
    )


def export_p12(key: SigningKey, *, name: str) -> bytes:
    """Return the key store of a person, as one takes it to another machine; its password is ``PASSWORD``."""
    return pkcs12.serialize_key_and_certificates(
        name.encode(), key.private, key.certificate, list(key.chain), serialization.BestAvailableEncryption(PASSWORD)
    )


# --- certificates -----------------------------------------------------------------------------------


def _attribute(oid: x509.ObjectIdentifier, text: str) -> x509.NameAttribute[str]:
    # Organisations have names longer than the 64 signs of RFC 5280; the NCA writes them whole.
    return x509.NameAttribute(oid, text, _validate=False)


def subject_of(person: Person) -> x509.Name:
    """Return the subject in the NCA's profile: GIVENNAME carries the patronymic, OU the BIN."""
    surname, *given = person.name.split()
    attributes = [
        _attribute(NameOID.COMMON_NAME, " ".join([surname, *given[:1]])),
        _attribute(NameOID.SURNAME, surname),
        x509.NameAttribute(NameOID.SERIAL_NUMBER, f"IIN{person.iin}"),
        x509.NameAttribute(NameOID.COUNTRY_NAME, "KZ"),
    ]
    if person.organisation:
        attributes.append(_attribute(NameOID.ORGANIZATION_NAME, person.organisation))
    if person.bin:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, f"BIN{person.bin}"))
    if given[1:]:
        attributes.append(_attribute(NameOID.GIVEN_NAME, " ".join(given[1:])))
    return x509.Name(attributes)


def _new_key() -> RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)


def _pem(private: RSAPrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def key_usage(*named: str) -> x509.KeyUsage:
    """Return the key usage extension with the named bits set."""
    bits = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{bit: bit in named for bit in bits})


def serial_of(private: RSAPrivateKey) -> int:
    """Return the serial number as the NCA forms it: the key's identifier with its top bit cleared."""
    identifier = x509.SubjectKeyIdentifier.from_public_key(private.public_key()).digest
    return int.from_bytes(identifier, "big") & ((1 << 159) - 1) or 1


def _policy() -> x509.CertificatePolicies:
    return x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(POLICY), [CPS])])


def _ca_certificate(
    name: str,
    private: RSAPrivateKey,
    issuer: _Issuer | None,
    start: datetime,
    end: datetime,
    *,
    path_length: int | None,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.COUNTRY_NAME, "KZ")])
    signer = issuer.private if issuer else private
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(private.public_key())
        .serial_number(serial_of(private))
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(key_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(_policy(), critical=False)
        .sign(signer, hashes.SHA256())
    )


def person_certificate(
    person: Person,
    private: RSAPrivateKey,
    issuer_key: RSAPrivateKey,
    issuer: x509.Certificate,
    *,
    not_before: datetime,
    not_after: datetime,
) -> x509.Certificate:
    """Return a signing certificate in the NCA's profile."""
    purposes = [EMAIL_PROTECTION, *dict.fromkeys(oid for role in person.roles for oid in ROLE_PURPOSES[role])]
    key_store = asn1.tlv(asn1.SEQUENCE, signing.oid(f"{KEY_STORE}.1.1"))
    return (
        x509.CertificateBuilder()
        .subject_name(subject_of(person))
        .issuer_name(issuer.subject)
        .public_key(private.public_key())
        .serial_number(serial_of(private))
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(key_usage("digital_signature", "content_commitment"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(oid) for oid in purposes]), critical=False)
        .add_extension(_policy(), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier(KEY_STORE), key_store), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _revocation_list(issuer: _Issuer, revoked: Sequence[x509.RevokedCertificate], *, at: datetime) -> bytes:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(at)
        .next_update(issuer.certificate.not_valid_after_utc)
        .add_extension(x509.CRLNumber(int(at.timestamp())), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.private.public_key()), critical=False)
    )
    for one in revoked:
        builder = builder.add_revoked_certificate(one)
    return builder.sign(issuer.private, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


# --- files ------------------------------------------------------------------------------------------


def _open_store(path: Path) -> SigningKey | None:
    if not path.exists():
        return None
    private, certificate, chain = pkcs12.load_key_and_certificates(path.read_bytes(), PASSWORD)
    assert isinstance(private, RSAPrivateKey)
    assert certificate is not None
    return SigningKey(private, certificate, tuple(chain))


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
        private = _new_key()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
        now = datetime.now(UTC)
        addresses: list[x509.GeneralName] = [
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost"),
        ]  # fmt: skip
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=800))
            .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(private, hashes.SHA256())
        )
        _write(key_file, _pem(private))
        _write(certificate_file, certificate.public_bytes(serialization.Encoding.PEM))
    return certificate_file, key_file
