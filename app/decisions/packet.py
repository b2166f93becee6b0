"""The packet of a meeting: for every item the conclusion, the signed application, remarks and answers, documents."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app import pdf
from app.accounts.models import User
from app.applications import checklist, summary, verifying
from app.applications import queries as applications
from app.applications.models import Application, Attachment, Comment, Document
from app.applications.sheets import StageView
from app.applications.summary import Drawing
from app.audit import operations as audit
from app.decisions import queries
from app.decisions.models import AgendaItem, Meeting
from app.errors import Conflict
from app.files.names import safe_name
from app.web import here
from app.web.templating import paper
from app.workflows.parts import StageKind

FOUND = frozenset({"grounds", "conclusion"})
"""The stages of the Exchange whose answers a body reads."""

LARGEST = 500 * 1024 * 1024
"""Bytes of all the files of a packet; a larger one is read on its page."""


@dataclass(frozen=True)
class Papers:
    """What the members get of one item; ``is_withheld``: the reader has a conflict of interest in it."""

    item: AgendaItem
    conclusion: Sequence[StageView] = ()
    signed: Document | None = None
    copy: Document | None = None
    remarks: Sequence[Comment] = ()
    files: Sequence[Attachment] = ()
    is_withheld: bool = False

    @property
    def size(self) -> int:
        """Bytes of the files."""
        chosen = self.copy or self.signed
        return sum(row.size for row in self.files) + (chosen.size if chosen else 0)


def of(meeting: Meeting, *, user: User, language: str) -> list[Papers]:
    """Return the papers of every item of a meeting, as ``user`` may read them."""
    return [_papers(item, user, language) for item in meeting.agenda]


def _papers(item: AgendaItem, user: User, language: str) -> Papers:
    if not queries.may_read_item(item, user):
        return Papers(item, is_withheld=True)
    application = item.application
    worked = summary.stages(application, Drawing(language), kinds=(StageKind.WORK,))
    made = applications.documents(application)
    signed = next((row for row in made if row.kind == "application" and row.signatures), None)
    copies = (row for row in made if row.kind == "signed_copy" and signed is not None and row.round == signed.round)
    return Papers(
        item,
        [stage for stage in worked if stage.key in FOUND],
        signed,
        next(copies, None),
        [row for row in applications.comments(application, user=user) if row.published_at is not None],
        _files(application),
    )


def _files(application: Application) -> list[Attachment]:
    if application.sent_at is None:
        return []
    found = checklist.of(application, as_of=application.sent_at, for_exchange=True)
    rows = {file.row.id: file.row for item in found.items for file in item.files if file.row.removed_at is None}
    return list(rows.values())


def log_reading(meeting: Meeting, what: str, *, by: User, now: datetime) -> None:
    """Write into the audit that somebody has read the packet (``page``) or taken it along (``archive``)."""
    numbers = [item.application.number for item in meeting.agenda if queries.may_read_item(item, by)]
    audit.record(f"packet_{what}", f"meeting {meeting.id}", by=by.id, at=now, applications=numbers)


def archive(meeting: Meeting, *, user: User, language: str) -> bytes:
    """Return the packet as a ZIP archive: a folder an item, with the signed file and what was found in a PDF.

    Raises:
        Conflict: it is too large, or a kept signature no longer verifies.
    """
    found = [each for each in of(meeting, user=user, language=language) if not each.is_withheld]
    if sum(each.size for each in found) > LARGEST:
        raise Conflict("meetings.err.packet_large")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as into:
        for number, papers in enumerate(found, start=1):
            _pack(into, f"{number:02d}-{papers.item.application.number}", papers, language)
    return packed.getvalue()


def _pack(into: zipfile.ZipFile, folder: str, papers: Papers, language: str) -> None:
    into.writestr(f"{folder}/conclusion.pdf", _cover(papers, language))
    signed = papers.signed
    if signed is not None:
        verifying.require_holding(signed)
        chosen = papers.copy or signed
        into.writestr(f"{folder}/{chosen.name}", here.storage().get(chosen.sha256))
    for row in papers.files:
        name = f"{row.id}-{safe_name(row.name)}"
        into.writestr(f"{folder}/documents/{name}", here.storage().get(row.sha256))


def _cover(papers: Papers, language: str) -> bytes:
    application = papers.item.application
    page = paper(
        "pdf/packet.html",
        language,
        application=application,
        company=application.organisation.names[language],
        procedure=applications.procedure(application),
        papers=papers,
    )
    return pdf.render(page)
