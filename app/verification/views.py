"""The page «Қолтаңбаны тексеру»: a signature and, if it lies apart, its document; the answer is a report."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Blueprint, Flask, render_template, request
from flask.typing import ResponseReturnValue

from app import catalogue
from app.authorities.gathering import judged
from app.errors import Problem
from app.permissions import Permission
from app.signatures.report import SignatureReport
from app.terms.sizes import size_said
from app.web import here, transactions
from app.web.access import allowed

blueprint = Blueprint("verification", __name__)

LARGEST_SIGNATURE = 32 * 1024 * 1024
"""Bytes of a signature file; an attached one carries its document."""


def register(app: Flask) -> None:
    """Give ``app`` the page."""
    app.register_blueprint(blueprint)


@blueprint.get("/verify")
@allowed(Permission.VERIFY)
def form() -> str:
    return _page()


@blueprint.post("/verify")
@allowed(Permission.VERIFY)
def judge() -> ResponseReturnValue:
    """Judge what was given; it is read, judged and forgotten."""
    transactions.between(writing=False)  # nothing is written: others need not wait for the judgement
    signature, document = request.files.get("signature"), request.files.get("document")
    if signature is None or not signature.filename:
        return _page(problems=[Problem("signature", "verify.err.no_signature")]), 422
    message = signature.read(LARGEST_SIGNATURE + 1)
    if len(message) > LARGEST_SIGNATURE:
        return _page(problems=[Problem("signature", "err.file_size", {"max": size_said(LARGEST_SIGNATURE)})]), 422
    content = document.read() if document is not None and document.filename else None
    present = catalogue.present()
    report = judged(message, content, at=here.now(), trust=present.trust, online=present.online)
    names = [signature.filename, *([document.filename or ""] if content is not None and document is not None else [])]
    return _page(found=_shown(report, names))


def _shown(report: SignatureReport, names: list[str]) -> dict[str, Any]:
    """Return the report as its page shows it, with the hash of what was signed."""
    return {
        **report.to_dict(),
        "names": names,
        "sha256": hashlib.sha256(report.content).hexdigest() if report.content is not None else "",
        "size": len(report.content) if report.content is not None else None,
    }


def _page(*, found: dict[str, Any] | None = None, problems: list[Problem] | None = None) -> str:
    return render_template("verification/verify.html", found=found, problems=problems or [])
