"""The pages of figures: load, time kept, bottlenecks, processes as they ran, and the list behind each number."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, render_template, request, url_for
from flask_login import current_user
from sqlalchemy import select

from app import catalogue, db
from app.applications import clocks
from app.applications.models import Application
from app.errors import Problem
from app.figures import exporting, queries
from app.figures.counting import DAY, SUBJECTS, Chosen, Item, Key
from app.figures.pages import PAGES
from app.figures.reports import Reports
from app.permissions import Permission
from app.web import here, paging
from app.web.access import allowed
from app.web.giving import give
from app.web.templating import ZONE, date_time_text, word
from app.workflows.guards import CATEGORIES

PAGE = 50
LONGEST_PERIOD = 3 * 366
YEARS = range(2000, 2100)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Answer = str | Response | tuple[str, int]

blueprint = Blueprint("figures", __name__, url_prefix="/figures")


def register(app: Flask) -> None:
    """Give ``app`` the pages of figures."""
    app.register_blueprint(blueprint)


def _chosen() -> tuple[Chosen, list[Problem]]:
    """Return what the address asks for, the last twelve months where it does not, and what is wrong with it."""
    today = here.now().astimezone(ZONE).date()
    problems: list[Problem] = []

    def day(name: str, usual: date) -> date:
        given = request.args.get(name, "").strip()
        try:
            found = date.fromisoformat(given) if given else usual
        except ValueError:
            problems.append(Problem(name, "figures.err.date"))
            return usual
        if found.year not in YEARS:
            problems.append(Problem(name, "figures.err.year", {"first": YEARS[0], "last": YEARS[-1]}))
            return usual
        return found

    until = day("until", today)
    since = day("since", _year_before(until))
    if not problems and since > until:
        problems.append(Problem("until", "figures.err.order"))
    elif not problems and (until - since).days > LONGEST_PERIOD:
        problems.append(Problem("since", "figures.err.long"))
    if problems:
        since, until = _year_before(today), today
    procedure, category = request.args.get("procedure", ""), request.args.get("category", "")
    if procedure and procedure not in {each.key for each in catalogue.present().procedures.newest()}:
        problems.append(Problem("procedure", "figures.err.unknown"))
        procedure = ""
    if category and category not in CATEGORIES:
        problems.append(Problem("category", "figures.err.unknown"))
        category = ""
    return Chosen(since, until, procedure, category), problems


def _year_before(day: date) -> date:
    return date(day.year - 1, day.month, min(day.day, 28)) + timedelta(days=1)


def _kept_in_address(chosen: Chosen) -> dict[str, str]:
    found = {"since": chosen.since.isoformat(), "until": chosen.until.isoformat()}
    found |= {"procedure": chosen.procedure, "category": chosen.category}
    return {name: value for name, value in found.items() if value}


def _reports(chosen: Chosen) -> Reports:
    fold = queries.fold(current_user, now=here.now())
    return Reports(
        language=here.language(),
        procedures=catalogue.present().procedures,
        cases=fold.cases,
        chosen=chosen,
        now=fold.at.timestamp(),
        holders=fold.holders,
        names=fold.names,
        counted=fold.counted,
        day=clocks.hours().day_length.total_seconds(),
        link=_link(chosen),
    )


def _page(tab: str) -> Answer:
    chosen, problems = _chosen()
    reports = _reports(chosen)
    if tab == "paths" and not chosen.procedure:
        chosen = reports.chosen = _with_the_most(reports)
        reports.link = _link(chosen)
    page = render_template(
        "figures/page.html",
        tab=tab,
        tabs=[_tab(each, chosen, current=each == tab) for each in PAGES],
        sections=PAGES[tab](reports),
        **_frame(chosen, reports, problems),
    )
    return (page, 422) if problems else page


def _tab(key: str, chosen: Chosen, *, current: bool) -> dict[str, Any]:
    href = f"{url_for(f'figures.{key}')}?{urlencode(_kept_in_address(chosen))}"
    return {"href": href, "key": f"figures.tab.{key}", "current": current, "count": None}


def _link(chosen: Chosen) -> Callable[..., str]:
    base, kept = url_for("figures.behind"), list(_kept_in_address(chosen).items())
    return lambda subject, *key: f"{base}?{urlencode([('of', subject), *(('key', part) for part in key), *kept])}"


def _with_the_most(reports: Reports) -> Chosen:
    """Return the same choice with the procedure of which there are the most applications."""
    chosen = reports.chosen
    counts = Counter(case.procedure.key for case in chosen.cases(reports.cases))
    key = min(counts, key=lambda each: (-counts[each], each), default="")
    return Chosen(chosen.since, chosen.until, key, chosen.category)


def _frame(chosen: Chosen, reports: Reports, problems: list[Problem]) -> dict[str, Any]:
    newest = sorted(catalogue.present().procedures.newest(), key=lambda each: each.title[here.language()])
    address = urlencode(_kept_in_address(chosen))
    return {
        "chosen": chosen,
        "procedures": [(each.key, each.title[here.language()]) for each in newest],
        "categories": [(each, word(f"cat.{each}")) for each in CATEGORIES],
        "problems": problems,
        "at": date_time_text(datetime.fromtimestamp(reports.now, UTC)),
        "workbook": f"{url_for('figures.workbook')}?{address}",
        "events": f"{url_for('figures.events')}?{address}",
    }


@blueprint.get("")
@allowed(Permission.VIEW_FIGURES)
def load() -> Answer:
    return _page("load")


@blueprint.get("/terms")
@allowed(Permission.VIEW_FIGURES)
def terms() -> Answer:
    return _page("terms")


@blueprint.get("/stays")
@allowed(Permission.VIEW_FIGURES)
def stays() -> Answer:
    return _page("stays")


@blueprint.get("/paths")
@allowed(Permission.VIEW_FIGURES)
def paths() -> Answer:
    return _page("paths")


@blueprint.get("/list")
@allowed(Permission.VIEW_FIGURES)
def behind() -> Answer:
    chosen, problems = _chosen()
    reports = _reports(chosen)
    subject, key = request.args.get("of", "alive"), tuple(request.args.getlist("key"))
    items = reports.behind(subject, key)
    kept = _kept_in_address(chosen)
    page = paging.asked_for("figures.behind", len(items), size=PAGE, of=subject, key=list(key), **kept)
    shown = items[page.start : page.start + PAGE]
    rendered = render_template(
        "figures/list.html",
        heading=reports.heading(subject, key),
        count=len(items),
        rows=_rows(shown, reports, subject),
        page=page,
        back=f"{url_for(f'figures.{TAB_OF[subject]}')}?{urlencode(kept)}",
        chosen=chosen,
        problems=problems,
        period=f"{chosen.since:%d.%m.%Y} – {chosen.until:%d.%m.%Y}",
        is_now=subject in AS_IT_STANDS,
        is_due=subject == "running",
    )
    return (rendered, 422) if problems else rendered


TAB_OF = {
    **dict.fromkeys(SUBJECTS, "stays"),
    **dict.fromkeys(("alive", "aged", "waiting", "held", "arrived", "closed"), "load"),
    **dict.fromkeys(("settled", "settled_by_month", "running"), "terms"),
    **dict.fromkeys(("ways", "entries", "variants"), "paths"),
}
AS_IT_STANDS = ("alive", "aged", "waiting", "held", "standing", "running")
"""The subjects that ask for no period."""


def _rows(items: Sequence[Item], reports: Reports, subject: str) -> list[dict[str, Any]]:
    idents = [item.case.ident for item in items]
    found = {
        each.id: each for each in db.session.scalars(select(Application).where(Application.id.in_(idents))).unique()
    }
    return [_row(item, found[item.case.ident], reports, subject) for item in items if item.case.ident in found]


def _row(item: Item, application: Application, reports: Reports, subject: str) -> dict[str, Any]:
    procedure = item.case.procedure
    process = procedure.processes[application.process]
    took = "–"
    if subject != "running" and not math.isnan(item.end):
        took = word("figures.times.cd", days=reports.days((item.end - item.start) / DAY))
        if not math.isnan(item.open):
            took = f"{word('figures.times.wd', days=reports.days(item.open / reports.day))} / {took}"
    return {
        "number": application.number,
        "href": url_for("applications.hub", number=application.number),
        "status": process.state_key,
        "company": application.organisation.names[here.language()],
        "procedure": procedure.title[here.language()],
        "process": process.short_title[here.language()],
        "detail": _detail(item.key, reports, subject),
        "start": _moment_text(item.start),
        "end": _moment_text(item.end),
        "took": took,
    }


def _detail(key: Key, reports: Reports, subject: str) -> str:
    """Return what was counted of the application, where that is not the application itself."""
    return " · ".join(filter(None, reports.parts(subject, key))) if subject not in ("variants", "alive") else ""


def _moment_text(moment: float) -> str:
    return "–" if math.isnan(moment) else date_time_text(datetime.fromtimestamp(moment, UTC))


@blueprint.get("/figures.xlsx")
@allowed(Permission.VIEW_FIGURES, secured=True)
def workbook() -> Answer:
    chosen, problems = _chosen()
    if problems:
        return _page("load")
    content = exporting.as_workbook(_reports(chosen), now=here.now())
    return give(content, f"figures-{chosen.since}-{chosen.until}.xlsx", XLSX)


@blueprint.get("/events.csv")
@allowed(Permission.VIEW_FIGURES, secured=True)
def events() -> Answer:
    chosen, problems = _chosen()
    if problems:
        return _page("load")
    lines = exporting.event_log(queries.fold(current_user, now=here.now()).cases, chosen)
    answer = give(b"", f"events-{chosen.since}-{chosen.until}.csv", "text/csv")
    answer.response = (line.encode() for line in lines)
    answer.headers.pop("Content-Length", None)
    return answer
