"""What one sees of applications: lists, the hub, stages, approval, signing, documents.

Each file adds its routes to the one blueprint; each view reads the request, calls one verb, answers.
"""

from __future__ import annotations

from flask import Flask

from app.applications import handing
from app.applications.views import (
    approval,
    assisting,
    attachments,
    autosave,
    bundles,
    changes,
    comments,
    criteria,
    documents,
    exporting,
    hints,
    hub,
    importing,
    letters,
    lists,
    maps,
    panel,
    paper,
    questionnaires,
    queue,
    registration,
    signing,
    stage,
    transfer,
    versions,
    within,
)
from app.applications.views.frame import blueprint

__all__ = ["register"]

MODULES = (
    lists,
    queue,
    registration,
    questionnaires,
    hub,
    maps,
    stage,
    criteria,
    approval,
    panel,
    bundles,
    comments,
    changes,
    signing,
    letters,
    paper,
    assisting,
    documents,
    attachments,
    autosave,
    hints,
    exporting,
    importing,
    versions,
    transfer,
    within,
)


LISTENERS = (handing,)
"""Imported for what they hear of the rooms beneath: who goes, and what becomes of his applications."""


def register(app: Flask) -> None:
    """Give ``app`` the screens of applications."""
    app.register_blueprint(blueprint)
    app.context_processor(paper.banner)
    autosave.register(app)
