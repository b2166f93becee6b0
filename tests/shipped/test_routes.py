"""Every address of the application: it names its permission, and opens to exactly those of the table."""

from __future__ import annotations

import re

import pytest
from browser import Browser, plain, signed_in
from factories import application_at, person
from flask import Flask

from app.demo.people import PEOPLE
from app.permissions import PERMISSIONS, Permission, Role, allows
from app.web.access import allowed, require_permissions_named

CLIENTS = (
    "issuer",
    "clerk",
    "first_head",
    "adviser",
    "lone_adviser",
    "auditor",
    "auditor_head",
    "candidate",
    "candidate_head",
    "other_issuer",
    "other_first_head",
)
STAFF = ("chancery", "listing", "officer", "lawyer", "analyst", "listing_head", "secretary")
HEADS = ("listing_head", "compliance")
OFFICERS = ("admin", "second_admin")
ALL = (*CLIENTS, *STAFF, "compliance", *OFFICERS)
ADMINISTRATORS = ("issuer", "adviser", "lone_adviser", "auditor", "candidate", "other_issuer")

DESK = ("listing", "officer", "listing_head")
FIRST_HEADS = ("first_head", "auditor_head", "candidate_head", "other_first_head")

PAGES: dict[str, tuple[str, ...]] = {
    "/": ALL,
    "/notifications": ALL,
    "/profile": ALL,
    "/profile/authenticator": ALL,
    "/guard": OFFICERS,
    "/confirm/<token>": (),  # a secret of nobody's
    "/security-session/devices/<token>": (),
    "/profile/notices": ALL,
    "/profile/activity": ALL,
    "/notifications/since": ALL,
    "/mail": ("chancery", *OFFICERS),
    "/norms": ALL,
    "/norms/<key>": ALL,
    "/norms/<key>/editions/<ident>": ALL,
    "/norms/<key>/files/<ident>": (),  # the demo has no files of acts
    "/norms/new": HEADS,
    "/norms/<key>/editions/new": HEADS,
    "/insiders.<kind>": ALL,
    "/insiders": ALL,
    "/verify": ALL,
    "/procedures/<key>/map.svg": ALL,
    "/procedures": (*CLIENTS, *STAFF),
    "/procedures/<key>/new": (*CLIENTS, *STAFF),
    "/questionnaires": CLIENTS,
    "/questionnaires/<number>": ("issuer", "clerk", "first_head", "adviser"),  # of the demo's archived application
    "/users": CLIENTS,
    "/places": CLIENTS,
    "/partnership": CLIENTS,
    "/users/new": ADMINISTRATORS,
    "/users/<user_id>": ("issuer",),  # of the first company's clerk
    "/users/head": CLIENTS,
    "/users/head/challenge": FIRST_HEADS,
    "/users/head/acting/<acting_id>/file": ("issuer", "clerk", "first_head"),
    "/partnership/new": ADMINISTRATORS,
    "/orgs": (*STAFF, "compliance", *OFFICERS),
    "/orgs/<organisation_id>": (*STAFF, "compliance", *OFFICERS),
    "/orgs/<organisation_id>/acting/<acting_id>/file": (*STAFF, "compliance", *OFFICERS),
    "/orgs/requests": DESK,
    "/orgs/requests/<request_id>": DESK,
    "/orgs/requests/<request_id>/file": (),  # a newcomer sends none
    "/orgs/partnerships/<partnership_id>": DESK,
    "/applications": (*CLIENTS, *STAFF, "compliance"),
    "/archive": (*CLIENTS, *STAFF, "compliance"),
    "/search": (*CLIENTS, *STAFF, "compliance"),
    "/search/result.<kind>": (*CLIENTS, *STAFF, "compliance"),
    "/outputs": (*CLIENTS, "listing", "officer", "listing_head", "compliance"),
    "/outputs/<ident>/file": (),  # the demo has issued none yet
    "/queue": STAFF,
    "/letters": STAFF,
    "/letters.xlsx": STAFF,
    "/outages": ("chancery", "listing", "officer", "listing_head"),
    "/assisted": ("chancery", "listing", "officer", "listing_head"),
    "/assisted/new": ("chancery", "listing", "officer", "listing_head"),
    "/substitutions": STAFF,
    "/registration": ("chancery",),
    "/rights": ("compliance", *OFFICERS),
    "/rights/table.csv": ("compliance", *OFFICERS),
    "/figures": HEADS,
    "/figures/terms": HEADS,
    "/figures/stays": HEADS,
    "/figures/paths": HEADS,
    "/figures/list": HEADS,
    "/figures/figures.xlsx": HEADS,
    "/figures/events.csv": HEADS,
    "/meetings": (*STAFF, "compliance"),
    "/meetings/bodies": (*STAFF, "compliance"),
    "/meetings/new": ("secretary",),
    "/meetings/of/<number>": ("secretary",),
    "/meetings/<meeting_id>": (*STAFF, "compliance"),
    "/meetings/<meeting_id>/items/<item_id>": ("analyst", "listing_head", "secretary"),
    "/meetings/<meeting_id>/packet": ("lawyer", "analyst", "listing_head", "secretary"),
    "/meetings/<meeting_id>/packet.zip": ("lawyer", "analyst", "listing_head", "secretary"),
    "/meetings/<meeting_id>/minutes/<version>": ("analyst", "listing_head", "secretary"),
}
"""Who may open a page; to the rest it is not found, and nobody without signing in."""

CLOSED: dict[str, tuple[str, ...]] = {
    "/meetings/<meeting_id>/items/<item_id>": ("chancery", "listing", "officer", "lawyer", "compliance"),
    "/meetings/<meeting_id>/packet": ("chancery", "listing", "officer", "compliance"),
    "/meetings/<meeting_id>/packet.zip": ("chancery", "listing", "officer", "compliance"),
    "/meetings/<meeting_id>/minutes/<version>": ("chancery", "listing", "officer", "lawyer", "compliance"),
}
"""Who knows that there is a meeting and may not read what was said: 403.  The lawyer has a conflict in the item, and
compliance reads the minutes once every letter is delivered."""

PUBLIC = {
    "/paper",
    "/paper/<key>.pdf",
    "/login",
    "/agreement",
    "/health",
    "/demo/mail",
    "/logout",
    "/theme",
    "/unsubscribe/<sealed>",
}
PUBLIC |= {"/news", "/verify/document", "/verify/<code>", "/demo/tasks"}
PUBLIC |= {"/password/<token>", "/recovery", "/login/key", "/login/key/challenge"}
PUBLIC |= {"/access", "/access/<token>", "/access/challenge"}

SEEN = ("issuer", "first_head", "adviser", *STAFF, "compliance")
"""Who sees the archived application of the first company; compliance nothing that lives."""

OF_AN_APPLICATION: dict[str, tuple[str, ...]] = {
    "/applications/<number>": SEEN,
    "/applications/<number>/summary": SEEN,
    "/applications/<number>/review": SEEN,
    "/applications/<number>/comments": SEEN,
    "/applications/<number>/map": SEEN,
    "/applications/<number>/panel": STAFF,
    "/applications/<number>/bundles": SEEN,
    "/applications/<number>/bundles/<bundle>": (),  # no remarks were sent of it
    "/applications/<number>/timeline": SEEN,
    "/applications/<number>/changes": SEEN,
    "/applications/<number>/documents": SEEN,
    "/applications/<number>/stages/<stage>": SEEN,
    "/applications/<number>/stages/<stage>/criteria": (),  # the stage holds no entries
    "/applications/<number>/stages/<stage>/autosave": ("issuer", "first_head", "adviser", *STAFF),
    "/applications/<number>/summary.pdf": ("issuer", "first_head", "adviser"),
    "/applications/<number>/summary.xlsx": ("issuer", "first_head", "adviser"),
    "/applications/<number>/summary.json": ("issuer", "first_head", "adviser"),
    "/applications/<number>/versions": (),
    "/applications/<number>/registration": ("chancery",),  # who is told that it is registered
    "/applications/<number>/procedure": (),  # what has ended is not moved
    "/applications/<number>/stages/<stage>/table": (),
    "/applications/<number>/stages/<stage>/table/template.xlsx": (),
    "/applications/<number>/stages/<stage>/table/template.csv": (),
    "/applications/<number>/stages/<stage>/questionnaire": (),  # there is nothing to fill any more
    "/applications/<number>/stages/<stage>/preview.pdf": (),  # the stage writes no letter
    "/applications/<number>/stages/<stage>/template": (),
    "/applications/<number>/issue": (),
    "/letters/<ident>": STAFF,
    "/outages/<ident>/intake": (),  # the demo has had no outage
    "/applications/<number>/sign": (),  # there is nothing to sign any more
    "/applications/<number>/attachments/<attachment_id>": SEEN,
    "/applications/<number>/documents/<document_id>/file": SEEN,
    "/applications/<number>/documents/<document_id>/signature/<signature_id>": SEEN,
    "/applications/<number>/documents/<document_id>/signature/<signature_id>/report": SEEN,
    "/applications/<number>/documents/<document_id>/signature/<signature_id>/evidence": SEEN,
}

LEADS_BACK = {
    "/applications/<number>/transitions/<trigger>",
    "/applications/<number>/holder",
    "/applications/<number>/parent",
}
"""Where a refusal may stand: entered again, it leads whoever sees the application back to it."""

WRITES = {
    "/applications/<number>/attachments/<attachment_id>/decision",
    "/applications/<number>/colleagues",
    "/applications/<number>/holder",
    "/applications/<number>/registration",
    "/queue",
    "/substitutions",
    "/substitutions/<substitution_id>/end",
    "/applications/<number>/bundles/<bundle>",
    "/applications/<number>/comments",
    "/applications/<number>/panel/conclusion",
    "/applications/<number>/panel/criteria",
    "/applications/<number>/panel/remarks",
    "/applications/<number>/review",
    "/applications/<number>/sign",
    "/applications/<number>/stages/<stage>",
    "/applications/<number>/stages/<stage>/files",
    "/applications/<number>/stages/<stage>/files/<attachment_id>/remove",
    "/applications/<number>/stages/<stage>/criteria",
    "/applications/<number>/stages/<stage>/autosave",
    "/applications/<number>/stages/<stage>/hints",
    "/applications/<number>/stages/<stage>/questionnaire",
    "/applications/<number>/stages/<stage>/table",
    "/applications/<number>/transitions/<trigger>",
    "/applications/<number>/versions",
    "/applications/<number>/procedure",
    "/applications/<number>/terms/<term>/extension",
    "/applications/<number>/paper",
    "/applications/<number>/assisted/confirmation",
    "/applications/<number>/assisted/offer",
    "/applications/<number>/assisted/refusal",
    "/applications/<number>/assisted/taking-back",
    "/assisted/new",
    "/applications/<number>/parent",
    "/letters/<ident>/sign",
    "/letters/<ident>/words",
    "/news",
    "/outputs",
    "/search",
    "/outages",
    "/outages/<ident>/end",
    "/outages/<ident>/intake",
    "/login",
    "/logout",
    "/meetings/<meeting_id>",
    "/meetings/<meeting_id>/items/<item_id>",
    "/meetings/bodies",
    "/meetings/conditions/<condition_id>",
    "/meetings/new",
    "/notifications/read",
    "/profile/notices",
    "/profile/notices/address",
    "/unsubscribe/<sealed>",
    "/norms/new",
    "/norms/<key>/editions/new",
    "/insiders/new",
    "/insiders/<ident>/end",
    "/partnership/<partnership_id>/removal",
    "/access",
    "/access/<token>",
    "/orgs/<organisation_id>/acting/<acting_id>/end",
    "/orgs/<organisation_id>/name",
    "/orgs/<organisation_id>/people/<user_id>/key",
    "/orgs/partnerships/<partnership_id>",
    "/orgs/requests/<request_id>",
    "/users/<user_id>",
    "/users/<user_id>/off",
    "/users/<user_id>/on",
    "/users/<user_id>/rights",
    "/places",
    "/places/invitations/<invitation_id>",
    "/users/invitations/<invitation_id>/withdraw",
    "/users/head/acting",
    "/users/head/acting/<acting_id>/end",
    "/users/head/change",
    "/users/head/change/<request_id>/withdraw",
    "/users/head/key",
    "/partnership/new",
    "/procedures/<key>/new",
    "/profile",
    "/profile/password",
    "/password/<token>",
    "/profile/sessions/<session_id>/end",
    "/profile/sessions/end",
    "/profile/authenticator",
    "/profile/authenticator/confirm",
    "/profile/authenticator/codes",
    "/profile/authenticator/remove",
    "/profile/block",
    "/confirm/<token>",
    "/session/stay",
    "/security-session",
    "/security-session/end",
    "/login/key",
    "/guard/requests",
    "/orgs/<organisation_id>/codes",
    "/orgs/<organisation_id>/iin",
    "/guard/requests/<request_id>/block",
    "/guard/blocks/<block_id>/presence",
    "/guard/blocks/<block_id>/end",
    "/guard/users/<user_id>/suspect",
    "/guard/users/<user_id>/generator",
    "/guard/generators/<reset_id>/confirm",
    "/guard/generators/<reset_id>/drop",
    "/guard/users/<user_id>/open",
    "/guard/addresses",
    "/guard/addresses/<declared_id>/withdraw",
    "/agreement",
    "/recovery",
    "/theme",
    "/users/new",
    "/verify",
}


def rules(app: Flask, method: str) -> set[str]:
    """Return the addresses that answer to a method."""
    return {
        plain(rule.rule) for rule in app.url_map.iter_rules() if method in rule.methods and rule.endpoint != "static"
    }


def filled(rule: str) -> str:
    """Return a rule with the things of the archived application put in."""
    application = application_at("archived")
    from sqlalchemy import select

    from app import db
    from app.applications.models import Attachment, Document, Letter

    document = next(
        row
        for row in db.session.scalars(select(Document).where(Document.application_id == application.id))
        if row.signatures
    )
    given = {
        "key": "share_listing",
        "number": application.number,
        "stage": "issuer",
        "trigger": "send_for_approval",
        "term": "rework",
        "bundle": 1,
        "attachment_id": db.session.scalars(
            select(Attachment.id).where(Attachment.application_id == application.id)
        ).first(),
        "document_id": document.id,
        "ident": db.session.scalars(select(Letter.id).where(Letter.application_id == application.id)).first(),
        "signature_id": document.signatures[0].id,
        "meeting_id": 1,
        "item_id": 1,
        "organisation_id": application.organisation_id,
        "user_id": person("clerk").id,
        "acting_id": 1,
        "request_id": 1,
        "partnership_id": 1,
        "version": 1,
    }
    if rule.startswith("/norms/"):
        given |= {"key": "listing_rules", "ident": 2}
    given |= {"kind": "xlsx", "token": "x" * 43}
    return re.sub(r"<(\w+)>", lambda match: str(given[match[1]]), rule)


def test_every_route_names_its_permission(house):
    for rule in house.app.url_map.iter_rules():
        if rule.endpoint != "static":
            assert house.app.view_functions[rule.endpoint].permissions, rule.rule


GUARDED = {
    "/applications/<number>/assisted/confirmation",
    "/applications/<number>/sign",
    "/applications/<number>/transitions/<trigger>",  # to send for approval, to send, to withdraw
    "/figures/events.csv",
    "/figures/figures.xlsx",
    "/guard/addresses",
    "/guard/addresses/<declared_id>/withdraw",
    "/guard/blocks/<block_id>/end",
    "/guard/blocks/<block_id>/presence",
    "/guard/requests",
    "/guard/requests/<request_id>/block",
    "/guard/users/<user_id>/open",
    "/guard/users/<user_id>/suspect",
    "/guard/users/<user_id>/generator",
    "/guard/generators/<reset_id>/confirm",
    "/guard/generators/<reset_id>/drop",
    "/letters.xlsx",
    "/letters/<ident>/sign",
    "/outputs",
    "/search/result.<kind>",
    "/orgs/<organisation_id>/acting/<acting_id>/end",
    "/orgs/<organisation_id>/codes",
    "/orgs/<organisation_id>/iin",
    "/orgs/partnerships/<partnership_id>",
    "/orgs/requests/<request_id>",
    "/partnership/<partnership_id>/removal",
    "/partnership/new",
    "/profile",
    "/profile/authenticator/codes",
    "/profile/authenticator/remove",
    "/profile/block",
    "/profile/password",
    "/users/<user_id>",
    "/users/<user_id>/off",
    "/users/<user_id>/on",
    "/users/<user_id>/rights",
    "/users/invitations/<invitation_id>/withdraw",
    "/users/head/acting",
    "/users/head/acting/<acting_id>/end",
    "/users/head/change",
    "/users/head/change/<request_id>/withdraw",
    "/users/new",
    "/users/head/key",
    "/orgs/<organisation_id>/name",
    "/orgs/<organisation_id>/people/<user_id>/key",
}
"""The operations that need a security session where one is asked for."""


@pytest.mark.req("ESRV-21.b")
def test_exactly_the_guarded_operations_ask_for_a_code(house):
    found = {
        plain(rule.rule)
        for rule in house.app.url_map.iter_rules()
        if getattr(house.app.view_functions[rule.endpoint], "secured", False)
    }

    assert found == GUARDED


def test_a_route_without_a_permission_stops_the_start():
    app = Flask("open")
    app.add_url_rule("/open", view_func=lambda: "")
    with pytest.raises(RuntimeError, match="/open"):
        require_permissions_named(app)

    named = Flask("named")
    named.add_url_rule("/named", view_func=allowed(Permission.PUBLIC)(lambda: ""))
    require_permissions_named(named)


def test_no_address_is_missing_from_the_table(house):
    opened = {*PAGES, *OF_AN_APPLICATION, *LEADS_BACK}
    assert rules(house.app, "GET") == opened | PUBLIC - {"/logout", "/theme", "/login/key"}
    assert rules(house.app, "POST") == WRITES


@pytest.mark.req("IS2IN-4.a")
def test_whoever_has_not_signed_in_is_led_to_the_door_from_everywhere(house):
    nobody = Browser(house.app)

    for rule in (*PAGES, *OF_AN_APPLICATION, *LEADS_BACK):
        answer = nobody.get(filled(rule))
        assert answer.status == 303, rule
        assert answer.location.startswith("/login"), rule
    nobody.get("/login")
    for rule in WRITES - PUBLIC:
        path = re.sub(r"<(\w+)>", "1", rule)
        answer = nobody.post(path)
        assert (answer.status, answer.location.split("?")[0]) == (303, "/login"), rule


@pytest.mark.req("ESRV-32.a")
@pytest.mark.parametrize("database", ["sqlite"])  # whom a page opens for is the same over both
@pytest.mark.parametrize("key", ALL)
def test_each_account_opens_exactly_its_pages(house, key):
    someone = signed_in(house, key)

    for rule, who in {**PAGES, **OF_AN_APPLICATION}.items():
        page = someone.get(filled(rule))
        shut = 403 if key in CLOSED.get(rule, ()) else 404
        assert page.status == (200 if key in who else shut), (rule, page.status)
    for rule in LEADS_BACK:
        page = someone.get(filled(rule))
        assert page.status == (303 if key in SEEN else 404), (rule, page.status)
        assert key not in SEEN or page.location == filled("/applications/<number>")


def test_the_table_of_accounts_is_the_demos(house):
    assert {found.key for found in PEOPLE} == set(ALL)


@pytest.mark.parametrize("database", ["sqlite"])  # whom a page opens for is the same over both
@pytest.mark.parametrize("key", ALL)
def test_the_menu_offers_only_pages_that_open(house, key):
    someone = signed_in(house, key)

    for link in someone.get("/").root.findall(".//nav[@class='menu']//a"):
        assert someone.get(link.get("href")).status == 200, link.get("href")


def test_nothing_is_allowed_that_no_row_allows():
    assert set(PERMISSIONS) == set(Role)
    assert allows([], Permission.PUBLIC)
    for permission in set(Permission) - {Permission.PUBLIC}:
        assert not allows([], permission)
    given = {permission for found in PERMISSIONS.values() for permission in found}
    assert given | {Permission.PUBLIC} == set(Permission)


@pytest.mark.req("ESRV-8")
def test_no_role_of_the_exchange_files_or_approves_and_no_client_processes():
    for role in Role:
        is_client = role in (Role.CLIENT, Role.ORG_ADMIN, Role.FIRST_HEAD, Role.ADVISER)
        forbidden = (
            {Permission.PROCESS} if is_client else {Permission.FILE, Permission.APPROVE, Permission.MANAGE_USERS}
        )
        assert not forbidden & PERMISSIONS[role], role
