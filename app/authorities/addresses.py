"""Addresses: those that are configured, and those that a certificate names.

An address is read once, strictly, and then travels in parts, so that no two readers can understand
it differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from app.signatures import asn1, certificates, distribution, extensions, names
from app.signatures.asn1 import Malformed
from app.signatures.certificates import Certificate

MOST_NAMED = 8
"""Addresses of one kind that are read from one certificate."""

_ADDRESS = re.compile(r"(https?)://([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)(?::([0-9]{1,5}))?(/[!-~]*)?", re.I)
_PORTS = {"http": 80, "https": 443}
_ACCESS, _NEWEST_DELTA = "1.3.6.1.5.5.7.1.1", "2.5.29.46"
_OCSP = "1.3.6.1.5.5.7.48.1"
_Named = TypeVar("_Named")


class BadAddress(ValueError):
    """Not an address that can be asked: ``http://host/path`` or ``https://host:port/path``, no user, no fragment."""


@dataclass(frozen=True)
class Address:
    """Where a service lies; ``path`` begins with "/" and includes the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Return scheme, host and port."""
        return self.scheme, self.host, self.port

    def __str__(self) -> str:
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{self.path}"


def read(url: str) -> Address:
    """Read an address.

    Raises:
        BadAddress: it is none.
    """
    found = _ADDRESS.fullmatch(url)
    if found is None or "#" in url:
        raise BadAddress(url)
    scheme, host, port, path = found.groups()
    number = int(port) if port else _PORTS[scheme.lower()]
    if not 0 < number < 65536:
        raise BadAddress(url)
    return Address(scheme.lower(), host.lower(), number, path or "/")


def allowed(urls: Iterable[str], configured: Sequence[Address]) -> tuple[Address, ...]:
    """Return those of the addresses that lie at a configured scheme, host and port."""
    origins = {address.origin for address in configured}
    found = []
    for url in urls:
        try:
            address = read(url)
        except BadAddress:
            continue
        if address.origin in origins:
            found.append(address)
    return tuple(dict.fromkeys(found))


def responders(certificate: Certificate) -> tuple[str, ...]:
    """Return the addresses at which a certificate says that OCSP answers (RFC 5280, 4.2.2.1)."""
    return tuple(_within_bounds(_responders(certificate)))


def lists(certificate: Certificate) -> tuple[tuple[str, ...], ...]:
    """Return where a certificate says that its lists lie, and the newest delta: for each, addresses of the same list.

    Source: RFC 5280, 4.2.1.13 and 4.2.1.15.
    """
    return tuple(_within_bounds(_lists(certificate)))


def _within_bounds(named: Iterator[_Named]) -> Iterator[_Named]:
    try:
        yield from islice(named, MOST_NAMED)
    except (Malformed, ValueError, IndexError):
        return  # what cannot be read names no more addresses


def _responders(certificate: Certificate) -> Iterator[str]:
    access = certificates.extension(certificate, _ACCESS)
    if access is None:
        return
    for description in asn1.parse(access[1], elements=extensions.MOST_ELEMENTS).children:
        method, place = description.children
        name = names.general_name(place)
        if method.raw == asn1.oid(_OCSP) and name.kind == names.URI:
            yield name.value.decode("ascii")


def _lists(certificate: Certificate) -> Iterator[tuple[str, ...]]:
    newest = certificates.extension(certificate, _NEWEST_DELTA)
    points = certificate.points + (distribution.read_points(newest[1]) if newest is not None else ())
    for point in points:
        named = point.place.full if point.place is not None else ()
        urls = [name.value.decode("ascii") for name in named if name.kind == names.URI]
        if urls:
            yield tuple(urls[:MOST_NAMED])
