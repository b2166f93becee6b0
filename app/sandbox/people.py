"""Whom the sandbox's keys name, and a key with its certificate."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID

from app.sandbox.keys import Key

PASSWORD = b"Qwerty12"
"""Of every key store, as the NCA's own published test keys have it: these keys protect nothing."""

ROLE_PURPOSES = {
    "first_head": ("1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.1"),
    "sign_right": ("1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.2"),
    "employee": ("1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.5"),
    "individual": ("1.2.398.3.3.4.1.1",),
}
"""Role of an account -> the extended key usages of its certificate, beside emailProtection."""

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

    private: Key
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]

    @property
    def purposes(self) -> tuple[str, ...]:
        """Return the extended key usages."""
        usages = self.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        return tuple(usage.dotted_string for usage in usages)


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
