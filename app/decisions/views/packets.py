"""The packet of a meeting: one page to read, one archive to take along; each reading is written down."""

from __future__ import annotations

from flask import Response, render_template, url_for
from flask_login import current_user

from app import db
from app.applications import queries as applications
from app.decisions import packet, queries
from app.decisions.models import Meeting
from app.decisions.views import frame
from app.decisions.views.frame import Answer, blueprint
from app.permissions import Permission
from app.terms.sizes import size_words
from app.web import here, transactions
from app.web.access import allowed
from app.web.giving import give


def _read(meeting_id: int, what: str) -> Meeting:
    """Return a meeting whose packet is read now, with the reading in the audit."""
    user = current_user
    meeting = queries.meeting(meeting_id)
    frame.require_reader(meeting)
    if what == "archive":
        frame.require_papers(meeting)
    transactions.between(writing=True)
    meeting = queries.meeting(meeting_id)
    packet.log_reading(meeting, what, by=user, now=here.now())
    db.session.commit()
    return queries.meeting(meeting_id)


@blueprint.get("/meetings/<int:meeting_id>/packet")
@allowed(Permission.VIEW_MEETINGS)
def packet_page(meeting_id: int) -> Answer:
    meeting = _read(meeting_id, "page")
    language = here.language()
    rows = []
    for papers in packet.of(meeting, user=current_user, language=language):
        application = papers.item.application
        shown = papers.copy or papers.signed
        rows.append(
            {
                "papers": papers,
                "application": application,
                "company": application.organisation.names[language],
                "procedure": applications.procedure(application).title[language],
                "signed": url_for("applications.file", number=application.number, document_id=shown.id)
                if shown
                else "",
                "files": [
                    {
                        "id": row.id,
                        "name": row.name,
                        "size": size_words(row.size, language),
                        "url": url_for("applications.attachment", number=application.number, attachment_id=row.id),
                    }
                    for row in papers.files
                ],
            }
        )
    return render_template("decisions/packet.html", **frame.head(meeting), rows=rows)


@blueprint.get("/meetings/<int:meeting_id>/packet.zip")
@allowed(Permission.VIEW_MEETINGS)
def packet_archive(meeting_id: int) -> Response:
    meeting = _read(meeting_id, "archive")
    content = packet.archive(meeting, user=current_user, language=here.language())
    name = f"{meeting.body}-{meeting.day.isoformat()}.zip"
    return give(content, name, "application/zip")
