"""The Exchange's letters and conclusions: set as paper, signed, sent, read; what they say, ``composing`` tells.

The text of a letter is written in a stage of kind work (the form ``letter``, or the conclusion's text); the
stage of kind issuing that follows it signs it.  Letters of a template alone (registration refused, remarks)
have no stage: the authorised person signs them in the list of letters.  What is signed carries no number
yet: the number is given on sending, and stands on the copy with the visible signature.
Source: user manual, paragraph 25; IS2IN-25.c.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

import segno
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from app import db, pdf
from app.accounts.models import User
from app.applications import composing, queries, summary
from app.applications.composing import Words
from app.applications.models import Application, Document, History, Letter, Signature
from app.applications.sheets import SectionView, SheetView
from app.applications.summary import Drawing
from app.audit import operations as audit
from app.bilingual import LANGUAGES, Texts
from app.errors import Conflict, Invalid
from app.terms import say
from app.web import here
from app.web.templating import ZONE, paper
from app.workflows.guards import StageStatus
from app.workflows.parts import StageKind

REWORDED = "reword_letter"
"""The act in the history of who has changed a letter that is not sent yet: the Exchange's own affair."""

ENCLOSED = frozenset({"grounds", "decision"})
"""The stages of the Exchange whose answers are enclosed with its letters."""

_CONCLUDED = frozenset({"recommendation", "conclusion_conditions", "grounds_confirmed"})
"""What stands below the text of a conclusion; what else its drafter has answered is the Exchange's own affair."""

# Which stages write what


def written_in(application: Application, issuing: str) -> str:
    """Return the stage whose paper a stage of kind issuing signs."""
    return queries.procedure(application).stages[issuing].follows or ""


def issuing_stage(application: Application) -> str | None:
    """Return the issuing stage of the present process, or None."""
    procedure = queries.procedure(application)
    stages = procedure.processes[application.process].stages
    return next((key for key in stages if procedure.stages[key].kind is StageKind.ISSUING), None)


def present(application: Application, stage: str) -> Letter | None:
    """Return the paper made of a stage's answers as they stand now, or None."""
    newest = queries.latest(application, stage)
    if newest is None:
        return None
    statement = select(Letter).where(
        Letter.application_id == application.id, Letter.stage == stage, Letter.revision == newest.revision
    )
    return db.session.scalars(statement).unique().one_or_none()


def is_replaced(letter: Letter) -> bool:
    """Tell whether the text of a stage was written anew after this paper was made of it, and before it was sent."""
    if not letter.stage or letter.sent_at is not None:
        return False
    written = queries.latest(letter.application, letter.stage)
    return written is not None and written.revision != letter.revision


def newest(letter: Letter) -> Letter:
    """Return the newest paper of the same stage."""
    same = (Letter.application_id == letter.application_id, Letter.kind == letter.kind, Letter.stage == letter.stage)
    statement = select(Letter).where(*same).order_by(Letter.revision.desc()).limit(1)
    return db.session.scalars(statement).unique().one()


def of(application: Application) -> list[Letter]:
    """Return every paper of an application, newest first."""
    statement = select(Letter).where(Letter.application_id == application.id).order_by(Letter.id.desc())
    return list(db.session.scalars(statement).unique())


# From words to paper


def set_as_paper(
    application: Application,
    words: Words,
    *,
    kind: str,
    number: str = "",
    at: datetime | None = None,
    signed: Document | None = None,
    is_automatic: bool = False,
    is_draft: bool = False,
    results: bool = True,
) -> bytes:
    """Return a paper as PDF; ``number`` and ``at`` are empty until it is sent, ``signed`` is what was signed."""
    language = application.language
    signatures = list(signed.signatures) if signed else []
    page = paper(
        "pdf/letter.html",
        language,
        application=application,
        procedure=queries.procedure(application),
        kind=kind,
        words=words,
        rows=_rows(words["text"]),
        tongues=LANGUAGES,
        say_in=say,
        results=_enclosed(application, kind) if results else [],
        number=number,
        at=at,
        signatures=signatures,
        document=signed.sha256 if signed else "",
        qr=_qr(application, number, signatures, signed.sha256) if signed and signatures else "",
        is_automatic=is_automatic,
        is_draft=is_draft,
    )
    return pdf.render(page)


def _enclosed(application: Application, kind: str) -> list[SheetView]:
    """Return what stands below a paper: the decision and grounds with a letter, what was asked with a conclusion."""
    stages = summary.stages(application, Drawing(application.language), kinds=(StageKind.WORK,))
    if kind == "letter":
        return [sheet for stage in stages if stage.key in ENCLOSED for sheet in stage.sheets]
    found = [sheet for stage in stages if composing.kind_of(application, stage.key) == kind for sheet in stage.sheets]
    return [replace(sheet, sections=[_without_text(each) for each in sheet.sections]) for sheet in found]


def _without_text(section: SectionView) -> SectionView:
    return replace(section, items=[item for item in section.items if item.key in _CONCLUDED])


def _rows(text: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the paragraphs of both languages side by side; as one row where they do not answer to each other."""
    found = {
        language: [each.strip() for each in text[language].split("\n\n") if each.strip()] for language in LANGUAGES
    }
    first, second = (found[language] for language in LANGUAGES)
    if len(first) != len(second):
        return [dict(text)]
    return [dict(zip(LANGUAGES, pair, strict=True)) for pair in zip(first, second, strict=True)]


def _qr(application: Application, number: str, signatures: list[Signature], sha256: str) -> str:
    lines = [f"{application.number} {number}".strip(), f"SHA-256 {sha256}"]
    lines += [f"{item.signer_name} BIN {item.signer_bin} {item.at:%Y-%m-%dT%H:%MZ}" for item in signatures]
    return str(segno.make("\n".join(lines), error="m", micro=False).svg_data_uri(scale=3, border=2))


def _keep(application: Application, kind: str, content: bytes, *, name: str, number: str, now: datetime) -> Document:
    counted = select(func.count()).where(Document.application_id == application.id, Document.kind == kind)
    row = Document(
        application_id=application.id,
        kind=kind,
        round=db.session.scalar(counted) or 0,
        number=number,
        name=name,
        language=application.language,
        size=len(content),
        sha256=here.storage().put(content),
        at=now,
    )
    db.session.add(row)
    db.session.flush()
    return row


def _name(application: Application, kind: str, *, copy: bool = False) -> str:
    sent = select(func.count()).where(
        Letter.application_id == application.id, Letter.kind == kind, Letter.sent_at.is_not(None)
    )
    before = db.session.scalar(sent) or 0
    return f"{application.number}-{kind}{f'-{before + 1}' if before else ''}{'-signed' if copy else ''}.pdf"


def prepare(application: Application, stage: str, *, by: User | None, now: datetime) -> Letter:
    """Return the paper of a stage as it is written now, with the bytes that are signed; the first call makes them.

    Raises:
        Conflict: the stage is not finished.
        Invalid: facts of the template stand in it that nobody has put in; each is named.
    """
    found = present(application, stage)
    if found is not None and found.document is not None:
        return found
    newest = queries.latest(application, stage)
    if newest is None or newest.is_autosaved or queries.position(application).status(stage) is not StageStatus.FILLED:
        raise Conflict("letter.err.not_written")
    words, kind = composing.words_of(application, stage), composing.kind_of(application, stage) or "letter"
    require_whole(words)
    content = set_as_paper(application, words, kind=kind)
    document = _keep(application, kind, content, name=_name(application, kind), number="", now=now)
    row = Letter(
        application_id=application.id,
        kind=kind,
        occasion=composing.occasion(application, stage),
        stage=stage,
        revision=newest.revision,
        words=words,
        made_by_id=newest.by_id,
        made_at=now,
        document_id=document.id,
    )
    return _added(application, row) or prepare(application, stage, by=by, now=now)


def _added(application: Application, row: Letter) -> Letter | None:
    """Add a paper unless another request has made it meanwhile; then return None."""
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError:
        return None
    db.session.refresh(row)
    return row


def require_whole(words: Words) -> None:
    """Refuse a text in which facts of its template have not been put in.

    Raises:
        Invalid: names them.
    """
    for name in composing.missing(words):
        raise Invalid.at("", "letter.err.empty_fact", fact=composing.fact_name(name))


def fixed(letter: Letter, *, now: datetime) -> Document:
    """Return the bytes of a letter that are signed; of a letter of its template alone the first call makes them.

    Raises:
        Invalid: facts of the template have not been put in.
    """
    if letter.document is None:
        require_whole(letter.words)
        application = letter.application
        content = set_as_paper(application, letter.words, kind=letter.kind, results=False)
        document = _keep(application, letter.kind, content, name=_name(application, letter.kind), number="", now=now)
        letter.document_id = document.id
        db.session.flush()
        db.session.refresh(letter)
    assert letter.document is not None
    return letter.document


def write(application: Application, key: str, *, by: User | None, reason: str | Texts, now: datetime) -> Letter:
    """Write a letter of a template alone, to be signed in the list of letters."""
    counted = select(func.count()).where(Letter.application_id == application.id, Letter.stage == "")
    row = Letter(
        application_id=application.id,
        kind="letter",
        occasion=key,
        stage="",
        revision=(db.session.scalar(counted) or 0) + 1,
        words=composing.drawn(application, key, reason=reason, now=now),
        made_by_id=by.id if by else None,
        made_at=now,
    )
    db.session.add(row)
    db.session.flush()
    return row


def mark(words: Words) -> str:
    """Return a mark of words, by which a page knows those that it showed."""
    return sha256(json.dumps(words, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def reword(letter: Letter, words: Words, *, seen: str, by: User, now: datetime) -> None:
    """Put other words into a letter of a template alone that nobody has signed; ``seen`` is the mark of those before.

    Raises:
        Conflict: it is signed or sent, or somebody else has worded it meanwhile.
    """
    if letter.stage or letter.sent_at is not None or letter.signatures:
        raise Conflict("letter.err.signed")
    if words == letter.words:
        return
    if seen != mark(letter.words):
        raise Conflict("letter.err.reworded")
    letter.words, letter.document_id, letter.made_by_id = words, None, by.id
    db.session.flush()
    db.session.refresh(letter)
    db.session.add(History(application_id=letter.application_id, at=now, by_id=by.id, act=REWORDED))
    db.session.flush()
    audit.record(REWORDED, f"letter {letter.id}", by=by.id, at=now, application=letter.application.number)


# Out of the house


def send(letter: Letter, *, number: str, by: User | None, now: datetime) -> None:
    """Send a paper: number, copy with the visible signature, delivered to the cabinet; the second time nothing.

    A letter without a signature is the system's own, and says so.
    """
    if letter.sent_at is not None:
        return
    application = letter.application
    if letter.is_automatic:
        content = set_as_paper(
            application, letter.words, kind=letter.kind, number=number, at=now, is_automatic=True, results=False
        )
        document = _keep(
            application, letter.kind, content, name=_name(application, letter.kind), number=number, now=now
        )
        letter.document_id = document.id
    else:
        signed = fixed(letter, now=now)
        content = set_as_paper(
            application,
            letter.words,
            kind=letter.kind,
            number=number,
            at=now,
            signed=signed,
            results=bool(letter.stage),
        )
        name = _name(application, letter.kind, copy=True)
        copy = _keep(application, f"{letter.kind}_copy", content, name=name, number=number, now=now)
        signed.number, signed.delivered_at, copy.delivered_at = number, now, now
        letter.copy_id = copy.id
    letter.number, letter.sent_at, letter.sent_by_id = number, now, by.id if by else None
    db.session.flush()
    db.session.refresh(letter)
    if letter.is_automatic and letter.document is not None:
        letter.document.delivered_at = now
    act = "send_letter_itself" if letter.is_automatic else f"sent_{letter.kind}"
    db.session.add(
        History(
            application_id=application.id,
            at=now,
            by_id=letter.sent_by_id,
            act=act,
            words=f"№ {number}" if number else "",
        )
    )
    db.session.flush()
    audit.record(
        act, f"letter {letter.id}", by=letter.sent_by_id, at=now, application=application.number, number=number
    )


def read(letter: Letter, *, by: User, now: datetime) -> bool:
    """Mark a sent paper as read by one of the organisation's people; only the first reading counts."""
    marked = db.session.execute(
        update(Letter)
        .where(Letter.id == letter.id, Letter.read_at.is_(None), Letter.sent_at.is_not(None))
        .values(read_at=now, read_by_id=by.id),
        execution_options={"synchronize_session": False},
    )
    if marked.rowcount != 1:  # type: ignore[attr-defined]
        return False
    db.session.add(
        History(
            application_id=letter.application_id, at=now, by_id=by.id, act=f"read_{letter.kind}", words=letter.number
        )
    )
    db.session.flush()
    audit.record("read_letter", f"letter {letter.id}", by=by.id, at=now, number=letter.number)
    db.session.refresh(letter)
    return True


def by_document(document: Document) -> Letter | None:
    """Return the paper that a document is, or is the copy of."""
    statement = select(Letter).where((Letter.document_id == document.id) | (Letter.copy_id == document.id))
    return db.session.scalars(statement).unique().one_or_none()


def year_of(now: datetime) -> int:
    """Return the year in whose series a letter that is sent now is counted."""
    return now.astimezone(ZONE).year
