"""What lies on the disk: private keys, key stores, the emulator's certificate.

Files are written whole or not at all, for the owner only.
"""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from cryptography.x509.oid import NameOID

from app.sandbox import keys
from app.sandbox.keys import Key, RsaKey
from app.sandbox.people import PASSWORD, SandboxRefused, SigningKey
from app.signatures import asn1


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


def pem(private: Key) -> bytes:
    """Return an unencrypted private key."""
    return asn1.armour(private.pkcs8(), "PRIVATE KEY").encode()


def read_pem(written: str) -> Key:
    """Return the private key in a text."""
    found = re.search(r"-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----", written)
    return keys.read(asn1.unbase64(found[1] if found else ""))


def export_pem(key: SigningKey) -> bytes:
    """Return a key and its certificates in one text."""
    return pem(key.private) + b"".join(one.public_bytes(Encoding.PEM) for one in (key.certificate, *key.chain))


def as_is(store: Path) -> Path:
    """Return the mark of a key that is not to be replaced, though it has expired."""
    return store.with_name(f"{store.name}.as_is")


def open_store(path: Path) -> SigningKey | None:
    """Return the key in a file (``.p12`` or ``.pem``), None when there is no such file."""
    if not path.exists():
        return None
    if path.suffix == ".pem":
        own, *chain = x509.load_pem_x509_certificates(path.read_bytes())
        return SigningKey(read_pem(path.read_text()), own, tuple(chain))
    private, certificate, others = pkcs12.load_key_and_certificates(path.read_bytes(), PASSWORD)
    assert isinstance(private, RSAPrivateKey)
    assert certificate is not None
    return SigningKey(RsaKey(private), certificate, tuple(others))


def write(path: Path, content: bytes) -> None:
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
        write(key_file, pem(private))
        write(certificate_file, certificate.public_bytes(Encoding.PEM))
    return certificate_file, key_file
