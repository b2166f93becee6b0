"""The mails of everybody: how each fared, for the Exchange; what each says, in the demo alone."""

from __future__ import annotations

from flask import render_template, request
from flask_login import current_user

from app.errors import NotFound
from app.notifications import queries
from app.notifications.models import MAIL_STATES
from app.notifications.views.frame import blueprint
from app.permissions import Permission
from app.web import here, paging
from app.web.access import allowed

PAGE = 50


@blueprint.get("/mail")
@allowed(Permission.VIEW_MAIL)
def mail() -> str:
    """Show how the mails fared: to whom, when, what the server said; never what they say.

    Which application a mail is about is told to those alone who see applications.
    """
    state = request.args.get("state", "")
    state = state if state in MAIL_STATES else ""
    counts = queries.mail_states()
    total = counts.get(state, 0) if state else sum(counts.values())
    page = paging.asked_for(".mail", total, size=PAGE, **({"state": state} if state else {}))
    return render_template(
        "notifications/mail.html",
        mails=queries.mails(limit=page.size, offset=page.start, state=state),
        page=page,
        state=state,
        shows_numbers=current_user.may(Permission.VIEW_APPLICATIONS),
        tabs=[("", sum(counts.values())), *((each, counts.get(each, 0)) for each in MAIL_STATES)],
    )


@blueprint.get("/demo/mail")
@allowed(Permission.PUBLIC)
def demo_mail() -> str:
    if not here.config().is_demo:
        raise NotFound
    page = paging.asked_for(".demo_mail", queries.count_mails(), size=PAGE)
    mails = queries.mails(limit=page.size, offset=page.start)
    return render_template("notifications/demo_mail.html", mails=mails, page=page)
