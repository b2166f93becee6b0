"""From which addresses people come, and which of them the address rule spares."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_address, ip_network

from sqlalchemy import select

from app import db
from app.accounts.models import DeclaredAddress, User
from app.audit import operations as audit
from app.errors import Conflict, Invalid, NotFound

WIDEST = {4: 16, 6: 32}
"""The shortest prefix that may be declared: nobody's network is half the world."""


def declared() -> Sequence[DeclaredAddress]:
    """Return the networks that organisations have declared."""
    return db.session.scalars(select(DeclaredAddress).order_by(DeclaredAddress.network)).all()


def is_spared(address: str) -> bool:
    """Tell whether the address rule passes an address over.

    It does so for the declared networks, and for the machine itself: behind a front that is not configured as
    trusted everybody comes from there, and the rule would shut out the innocent.  No address is spared too.
    """
    networks = [row.network for row in declared()]
    try:
        found = ip_address(address)
    except ValueError:
        return True
    return found.is_loopback or any(found in ip_network(network) for network in networks)


def declare(network: str, *, note: str, by: User, now: datetime) -> DeclaredAddress:
    """Spare a network, like 192.0.2.0/24 or one address; ``note`` says whose it is.

    Raises:
        Invalid: it is no network, or a very wide one, or nobody is named.
        Conflict: it is declared.
    """
    if "%" in network:  # the zone of an address is known to one machine alone
        raise Invalid.at("network", "addresses.err.format")
    try:
        found = ip_network(network.strip(), strict=False)
    except ValueError:
        raise Invalid.at("network", "addresses.err.format") from None
    if found.prefixlen < WIDEST[found.version]:
        raise Invalid.at("network", "addresses.err.wide", n=WIDEST[found.version])
    if not note.strip():
        raise Invalid.at("note", "err.required")
    if any(row.network == str(found) for row in declared()):
        raise Conflict("addresses.err.twice", network=str(found))
    row = DeclaredAddress(network=str(found), note=note.strip()[:300], by_id=by.id, at=now)
    db.session.add(row)
    db.session.flush()
    audit.record("address_declared", f"address {row.id}", by=by.id, at=now, network=row.network)
    return row


def withdraw(declared_id: int, *, by: User, now: datetime) -> None:
    """Spare a network no more.

    Raises:
        NotFound: it is not declared.
    """
    row = db.session.get(DeclaredAddress, declared_id)
    if row is None:
        raise NotFound
    audit.record("address_withdrawn", f"address {row.id}", by=by.id, at=now, network=row.network)
    db.session.delete(row)
