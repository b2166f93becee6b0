"""The table of rights, made of the very table that decides and of the addresses that ask it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flask import Flask

from app.permissions import EXCHANGE_ROLES, PERMISSIONS, Permission, Role
from app.web.access import asked_by

CLIENT_ROLES = tuple(role for role in Role if role not in EXCHANGE_ROLES and PERMISSIONS[role])
"""A role that adds no permission by itself (the adviser's) has no column."""
STAFF_ROLES = tuple(role for role in Role if role in EXCHANGE_ROLES)
COLUMNS = (*CLIENT_ROLES, *STAFF_ROLES)


@dataclass(frozen=True)
class Address:
    """One route: its method and its rule, as ``POST /users/new``."""

    method: str
    rule: str


@dataclass(frozen=True)
class Row:
    """A permission, the roles that carry it, and the addresses that ask for it (any one of what they ask will do)."""

    permission: Permission
    roles: frozenset[Role]
    addresses: tuple[Address, ...]


def rows(app: Flask) -> list[Row]:
    """Return every permission in the order of its declaration."""
    asked: dict[Permission, list[Address]] = {permission: [] for permission in Permission}
    for address, permissions in addresses(app):
        for permission in permissions:
            asked[permission].append(address)
    return [Row(each, _carriers(each), tuple(asked[each])) for each in Permission]


def addresses(app: Flask) -> Iterator[tuple[Address, Iterable[Permission]]]:
    """Yield every address of the application with the permissions of which it asks one, in alphabetical order."""
    found = [
        (Address(method, rule.rule), asked_by(app, rule.endpoint))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint != "static"
    ]
    yield from sorted(found, key=lambda each: (each[0].rule, each[0].method))


def _carriers(permission: Permission) -> frozenset[Role]:
    """Return who may; what is public needs no role, and every role has it."""
    if permission is Permission.PUBLIC:
        return frozenset(Role)
    return frozenset(role for role in Role if permission in PERMISSIONS[role])
