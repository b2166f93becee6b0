"""Name constraints: which names an authority may certify (RFC 5280, 4.2.1.10)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.signatures import asn1, names
from app.signatures.asn1 import Element, Malformed
from app.signatures.extensions import MOST_ELEMENTS
from app.signatures.names import DIRECTORY, DNS, IP, OTHER, RFC822, URI, GeneralName

_SMTP_UTF8_MAILBOX = "1.3.6.1.5.5.7.8.9"
_EMPTY_NAME = b"\x30\x00"


@dataclass(frozen=True)
class NameConstraints:
    """The subtrees that an authority's certificate permits and excludes."""

    permitted: tuple[GeneralName, ...]
    excluded: tuple[GeneralName, ...]


class TooMany(Exception):
    """More comparisons of names than are made for one judgement."""


@dataclass
class Budget:
    """Comparisons of names that may still be made: names times constraints can be large."""

    left: int = 10_000

    def spend(self, comparisons: int) -> None:
        self.left -= comparisons
        if self.left < 0:
            raise TooMany


def read(value: bytes) -> NameConstraints:
    """Return the constraints of an extension's value.

    Raises:
        Malformed: it does not follow its syntax.
    """
    element = asn1.parse(value, elements=MOST_ELEMENTS)
    if element.tag != asn1.SEQUENCE:
        raise Malformed(detail="name constraints")
    found: dict[int, tuple[GeneralName, ...]] = {}
    for subtrees in element.children:
        if subtrees.tag not in (0xA0, 0xA1) or subtrees.tag in found:
            raise Malformed(detail="name constraints")
        found[subtrees.tag] = tuple(map(_base, subtrees.children))
    return NameConstraints(found.get(0xA0, ()), found.get(0xA1, ()))


def _base(subtree: Element) -> GeneralName:
    """Return a subtree's base; the bounds beside it must be the only ones there are, 0 and none."""
    if subtree.tag != asn1.SEQUENCE or not subtree.children:
        raise Malformed(detail="subtree")
    base, *bounds = subtree.children
    if any(bound.tag != 0x80 or bound.content.strip(b"\0") for bound in bounds):
        raise Malformed(detail="bounds of a subtree")
    name = names.general_name(base)
    if name.kind == IP and len(name.value) not in (8, 32):
        raise Malformed(detail="addresses")
    return name


def are_violated(
    constraints: Iterable[NameConstraints], subject: bytes, alternatives: Sequence[GeneralName], *, budget: Budget
) -> bool:
    """Whether a certificate's names lie outside what the authorities above it may certify.

    A name of a constrained form that we cannot compare counts as a violation.

    Raises:
        TooMany: the budget does not allow it.
    """
    bounds = [bound for bound in constraints if bound.permitted or bound.excluded]
    if not bounds:
        return False
    try:
        stated = [*_names_of(subject), *alternatives]
        return any(_is_outside(name, bound, budget) for bound in bounds for name in stated)
    except (Malformed, ValueError):
        return True


def _names_of(subject: bytes) -> list[GeneralName]:
    """Return the subject's own name and the mail addresses that stand in it."""
    if subject == _EMPTY_NAME:
        return []
    mail = (GeneralName(RFC822, text.encode()) for text in names.texts(subject, names.EMAIL))
    return [GeneralName(DIRECTORY, subject), *mail]


def _is_outside(name: GeneralName, bound: NameConstraints, budget: Budget) -> bool:
    permitted = [base.value for base in bound.permitted if base.kind == name.kind]
    excluded = [base.value for base in bound.excluded if base.kind == name.kind]
    if name.kind == OTHER and _is_mailbox(name):
        # A mail address in another dress must not slip past the constraints on mail addresses.
        return any(base.kind in (RFC822, OTHER) for base in (*bound.permitted, *bound.excluded))
    if not permitted and not excluded:
        return False
    match = _MATCHES.get(name.kind)
    if match is None:
        return True
    budget.spend(len(permitted) + len(excluded))
    if any(match(name.value, base, True) for base in excluded):
        return True
    return bool(permitted) and not any(match(name.value, base, False) for base in permitted)


def _is_mailbox(name: GeneralName) -> bool:
    return name.value.startswith(asn1.oid(_SMTP_UTF8_MAILBOX))


# --- one name, one subtree -------------------------------------------------------------------------
# Each is asked: is the name in the subtree?  ``excluding`` lets one that only may cover it count.


def _directory(name: bytes, base: bytes, excluding: bool) -> bool:
    return names.is_below(name, base)


def _mail(name: bytes, base: bytes, excluding: bool) -> bool:
    local, at, host = name.decode("ascii").rpartition("@")
    if not at or not local or not host:
        raise Malformed(detail="mail address")
    constraint = base.decode("ascii")
    if "@" in constraint:
        own, _, domain = constraint.rpartition("@")
        is_own = local == own or (excluding and local.lower() == own.lower())
        return is_own and _host(host) == _host(domain)
    return _is_host_within(host, constraint)


def _dns(name: bytes, base: bytes, excluding: bool) -> bool:
    host, domain = _host(name.decode("ascii")), _host(base.decode("ascii"))
    if not host:
        raise Malformed(detail="host name")
    if excluding and host.startswith("*.") and domain.partition(".")[2] == host[2:]:
        return True  # the wildcard covers the excluded host
    if not domain or domain.startswith("."):
        return host.endswith(domain)
    return host == domain or host.endswith(f".{domain}")


def _uri(name: bytes, base: bytes, excluding: bool) -> bool:
    host = urlsplit(name.decode("ascii")).hostname
    if not host or ":" in host or host.rpartition(".")[2].isdigit():
        raise Malformed(detail="address without a host name")
    return _is_host_within(host, base.decode("ascii"))


def _ip(name: bytes, base: bytes, excluding: bool) -> bool:
    if len(name) not in (4, 16):
        raise Malformed(detail="address")
    if 2 * len(name) != len(base):
        return False
    network, mask = base[: len(name)], base[len(name) :]
    return all(one & bits == other & bits for one, other, bits in zip(name, network, mask, strict=True))


def _is_host_within(host: str, constraint: str) -> bool:
    """Whether a host is the constraint's, or for ``.domain`` below it; an empty constraint holds all."""
    host, constraint = _host(host), _host(constraint)
    if not constraint or constraint.startswith("."):
        return host.endswith(constraint)
    return host == constraint


def _host(written: str) -> str:
    return written.lower().removesuffix(".")


_MATCHES: dict[int, Callable[[bytes, bytes, bool], bool]] = {
    DIRECTORY: _directory, RFC822: _mail, DNS: _dns, URI: _uri, IP: _ip,
}  # fmt: skip
