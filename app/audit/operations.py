"""Adding to the audit log."""

from __future__ import annotations

from datetime import datetime

from flask import has_request_context, request
from sqlalchemy import insert

from app import db
from app.audit.models import AuditEntry
from app.statements import Statement

_ADD = Statement(insert(db.table_of(AuditEntry)), ("at", "act", "user_id", "subject", "address", "details"))


def record(act: str, subject: str, *, by: int | None, at: datetime, **details: object) -> None:
    """Add an entry in the caller's transaction.

    ``act`` is a verb of the code, ``subject`` names the thing (``application LP-2026-000001``),
    ``by`` is the user's id (None: the system itself), ``details`` are JSON values.
    """
    address = (request.remote_addr or "") if has_request_context() else ""
    _ADD.run({"at": at, "act": act, "user_id": by, "subject": subject, "address": address, "details": details})
