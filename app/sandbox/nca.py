"""The published test keys of the NCA (``nca_test_keys/ORIGIN.md``), known as ``nca:head`` and the like."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cryptography import x509

from app.sandbox import key_store
from app.sandbox.people import PASSWORD, SandboxRefused, SigningKey

PREFIX = "nca:"
FOLDER = Path(__file__).parent / "nca_test_keys"
_PLACES = {
    "anchors/nca_test_root.cer": "nca_test_root.cer",
    "intermediates/nca_test.cer": "nca_test.cer",
    "lists/nca_test.crl": "nca_test.crl",
}


def accounts() -> list[str]:
    """Return the names of the keys."""
    return sorted(PREFIX + path.stem for path in (FOLDER / "keys").glob("*.p12"))


@cache
def key(account: str) -> SigningKey:
    """Return a key by its name.

    Raises:
        SandboxRefused: there is none of this name.
    """
    if account not in accounts():
        raise SandboxRefused(f"no key {account!r}; published by the NCA: {', '.join(accounts())}")
    path = FOLDER / "keys" / f"{account.removeprefix(PREFIX)}.p12"
    private = key_store.open_key(path.read_bytes(), PASSWORD.decode())
    certificate = x509.load_der_x509_certificate(path.with_suffix(".cer").read_bytes())
    issuer = x509.load_der_x509_certificate((FOLDER / "authority/nca_test.cer").read_bytes())
    return SigningKey(private, certificate, (issuer,))


@cache
def authority() -> dict[str, bytes]:
    """Return the test authority's files, by their place in an authority's folder."""
    return {place: (FOLDER / "authority" / name).read_bytes() for place, name in _PLACES.items()}
