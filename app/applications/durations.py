"""How long each process of a procedure usually takes, by the applications that went all its way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median_high

from sqlalchemy import select

from app import db
from app.applications.models import Application, History
from app.workflows.machine import Procedure

LATEST = 50
"""So many finished applications are looked at, the newest: habits change."""

ENOUGH = 3
"""Fewer say nothing of what is usual, and too much of each."""


def usual(procedure: Procedure) -> Mapping[str, timedelta]:
    """Return the median stay in each process, of any version of the procedure; processes of too few are left out.

    Counted are the applications that came to the end of the main road.  Every stay counts by itself: who came to a
    process twice has stayed there twice.  Times are as they passed, nights and holidays included.
    """
    goal = procedure.main_road[-1]
    finished = (
        select(Application.id)
        .where(Application.process == goal, Application.procedure.like(f"{procedure.key}.v%"))
        .order_by(Application.id.desc())
        .limit(LATEST)
    )
    moves: dict[int, list[tuple[str, datetime]]] = {ident: [] for ident in db.session.scalars(finished)}
    if len(moves) < ENOUGH:
        return {}
    rows = (
        select(History.application_id, History.target, History.at)
        .where(History.application_id.in_(moves), History.target != "")
        .order_by(History.id)
    )
    for ident, target, at in db.session.execute(rows):
        moves[ident].append((target, at))
    stays: dict[str, list[timedelta]] = {}
    been: dict[str, set[int]] = {}
    for ident, way in moves.items():
        for (process, begun), (_, left) in pairwise(way):
            stays.setdefault(process, []).append(left - begun)
            been.setdefault(process, set()).add(ident)
    return {process: median_high(found) for process, found in stays.items() if len(been[process]) >= ENOUGH}
