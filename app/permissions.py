"""Who may do what: roles, permissions, and the one table that joins them.

Roles of the Exchange belong to a user; the kinds of client (issuer, adviser, audit
organisation, candidate) belong to an organisation, and being its administrator or first head
to a membership.  Who must act on one application now is not decided here but by the
``executor`` of the workflow file.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    """What a signed-in person is.  The first four are people of a client organisation."""

    CLIENT = "client"
    ORG_ADMIN = "org_admin"
    FIRST_HEAD = "first_head"
    ADVISER = "adviser"
    CHANCERY = "chancery"
    LISTING = "listing"
    LAWYER = "lawyer"
    ANALYST = "analyst"
    LISTING_HEAD = "listing_head"
    SECRETARY = "secretary"
    COMPLIANCE = "compliance"
    ADMIN = "admin"


class Permission(StrEnum):
    """One kind of act; every route names one."""

    PUBLIC = "public"
    OWN_CABINET = "own_cabinet"  # notifications, profile, home
    VIEW_APPLICATIONS = "view_applications"  # then only those the visibility rule shows
    FILE = "file"  # fill applications
    BEGIN = "begin"  # create them: for the own company or a client, or as the Exchange for an organisation
    APPROVE = "approve"  # comment, agree, return, sign
    PROCESS = "process"  # the Exchange's side of an application
    RECEIVE_PAPER = "receive_paper"  # declare an outage, and enter what comes on paper meanwhile
    ASSIST = "assist"  # prepare an application at a client's request, for him to confirm
    REGISTER = "register"  # the desk of the chancery: number, or refusal
    VIEW_MEETINGS = "view_meetings"  # the calendar: when which body sits
    READ_MEETINGS = "read_meetings"  # what is before them, and what was voted
    MEETINGS = "meetings"  # convene them, record what happens
    READ_MINUTES = "read_minutes"
    MEET_CONDITIONS = "meet_conditions"  # record that a condition of a decision is met
    MOVE_VERSION = "move_version"  # an application that was sent, to a newer version of its procedure
    VIEW_ARCHIVE = "view_archive"
    VIEW_ORGANISATION = "view_organisation"
    MANAGE_USERS = "manage_users"
    MANAGE_PARTNERS = "manage_partners"
    VIEW_CLIENTS = "view_clients"  # the Exchange's list of organisations, their people and partnerships
    ADMIT = "admit"  # the desk: requests for access and heads, ends of partnerships, other names
    VIEW_FIGURES = "view_figures"  # of the applications the visibility rule shows
    VIEW_LIBRARY = "view_library"
    EDIT_LIBRARY = "edit_library"  # enter acts, editions and insiders
    ANNOUNCE = "announce"  # new functions and changed contacts, to everybody
    VIEW_MAIL = "view_mail"  # whether mails arrived, never what they say
    VERIFY = "verify"
    GUARD_ACCOUNTS = "guard_accounts"  # shut doors, blocks, declared addresses
    VIEW_OUTPUTS = "view_outputs"  # extracts and reports, of what the visibility rule shows
    ORDER_OUTPUTS = "order_outputs"  # have them made, for the own organisation
    VIEW_RIGHTS = "view_rights"  # the table of them, for the security officer


EXCHANGE_ROLES = frozenset(
    {
        Role.CHANCERY,
        Role.LISTING,
        Role.LAWYER,
        Role.ANALYST,
        Role.LISTING_HEAD,
        Role.SECRETARY,
        Role.COMPLIANCE,
        Role.ADMIN,
    }
)

EXECUTOR_ROLES = {
    "chancery": Role.CHANCERY,
    "listing": Role.LISTING,
    "lawyer": Role.LAWYER,
    "analyst": Role.ANALYST,
    "listing_head": Role.LISTING_HEAD,
    "secretary": Role.SECRETARY,
}
"""The executors of workflow files that any holder of a role may be; the rest are named people."""

UNIT_HEADS = {
    "listing": Role.LISTING_HEAD,
    "lawyer": Role.LISTING_HEAD,
    "analyst": Role.LISTING_HEAD,
    "listing_head": Role.LISTING_HEAD,
}
"""The queue's executor -> the head who gives out its work; the people of the other queues do it among themselves."""


def queues_of(roles: Iterable[Role]) -> frozenset[str]:
    """Return the executors whose queue the holder of ``roles`` works off himself."""
    held = frozenset(roles)
    return frozenset(executor for executor, role in EXECUTOR_ROLES.items() if role in held)


def queues_headed_by(roles: Iterable[Role]) -> frozenset[str]:
    """Return the executors whose work the holder of ``roles`` gives out."""
    held = frozenset(roles)
    return frozenset(executor for executor, role in UNIT_HEADS.items() if role in held)


def desks(roles: Iterable[Role], permission: Permission) -> frozenset[Role]:
    """Return the desks with a permission at which the holder of ``roles`` works, or whose work he gives out."""
    held = frozenset(roles)
    headed = {EXECUTOR_ROLES[executor] for executor in queues_headed_by(held)}
    return frozenset(role for role in held | headed if permission in PERMISSIONS[role])


_EVERYBODY = {Permission.OWN_CABINET, Permission.VIEW_LIBRARY, Permission.VERIFY}
_CLIENT = _EVERYBODY | {Permission.VIEW_APPLICATIONS, Permission.VIEW_ARCHIVE, Permission.VIEW_ORGANISATION}
_STAFF = _EVERYBODY | {
    Permission.VIEW_APPLICATIONS,
    Permission.VIEW_ARCHIVE,
    Permission.PROCESS,
    Permission.BEGIN,
    Permission.VIEW_MEETINGS,
    Permission.VIEW_CLIENTS,
}

PERMISSIONS: dict[Role, set[Permission]] = {
    Role.CLIENT: _CLIENT | {Permission.FILE, Permission.BEGIN, Permission.VIEW_OUTPUTS, Permission.ORDER_OUTPUTS},
    Role.ORG_ADMIN: {Permission.MANAGE_USERS, Permission.MANAGE_PARTNERS},
    Role.FIRST_HEAD: {Permission.APPROVE},
    Role.ADVISER: set(),
    Role.CHANCERY: _STAFF | {Permission.REGISTER, Permission.RECEIVE_PAPER, Permission.ASSIST, Permission.VIEW_MAIL},
    Role.LISTING: _STAFF
    | {
        Permission.MEET_CONDITIONS,
        Permission.RECEIVE_PAPER,
        Permission.ASSIST,
        Permission.ADMIT,
        Permission.VIEW_OUTPUTS,
    },
    Role.LAWYER: _STAFF,
    Role.ANALYST: _STAFF,
    Role.LISTING_HEAD: _STAFF
    | {
        Permission.ADMIT,
        Permission.ANNOUNCE,
        Permission.EDIT_LIBRARY,
        Permission.MOVE_VERSION,
        Permission.RECEIVE_PAPER,
        Permission.ASSIST,
        Permission.VIEW_OUTPUTS,
        Permission.VIEW_FIGURES,
        Permission.READ_MEETINGS,
        Permission.READ_MINUTES,
        Permission.MEET_CONDITIONS,
    },
    Role.SECRETARY: _STAFF
    | {
        Permission.MEETINGS,
        Permission.READ_MEETINGS,
        Permission.READ_MINUTES,
        Permission.MEET_CONDITIONS,
    },
    Role.COMPLIANCE: _EVERYBODY
    | {
        Permission.VIEW_ARCHIVE,
        Permission.VIEW_APPLICATIONS,
        Permission.VIEW_FIGURES,
        Permission.VIEW_MEETINGS,
        Permission.VIEW_CLIENTS,
        Permission.READ_MINUTES,
        Permission.VIEW_OUTPUTS,
        Permission.VIEW_RIGHTS,
        Permission.EDIT_LIBRARY,
    },
    Role.ADMIN: _EVERYBODY
    | {
        Permission.ANNOUNCE,
        Permission.VIEW_RIGHTS,
        Permission.VIEW_MAIL,
        Permission.VIEW_CLIENTS,
        Permission.GUARD_ACCOUNTS,
    },
}


def allows(roles: Iterable[Role], permission: Permission) -> bool:
    """Tell whether any of ``roles`` carries ``permission``; nothing is allowed that no table row allows."""
    return permission is Permission.PUBLIC or any(permission in PERMISSIONS[role] for role in roles)
