"""The work queue: tabs, filters, order, and what is done to many rows at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user

from app import catalogue, db
from app.accounts import queries as people
from app.applications import cabinet, moves, queries, queueing, queues
from app.applications.models import Application
from app.applications.queues import Entry
from app.applications.views import clocks, frame, hub
from app.applications.views.frame import Answer, blueprint
from app.errors import Conflict, Invalid, Problem
from app.permissions import EXECUTOR_ROLES, Permission, queues_headed_by
from app.terms.folding import folded
from app.terms.ordering import place
from app.web import here, paging
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.inputs import whole_number
from app.web.templating import ZONE, word
from app.workflows.machine import Procedure

PAGE = 50
NAMED = 3_000
"""So many applications are named one by one to the database; of more it tells about all."""
TABS = ("mine", "unit", "unassigned", "waiting", "overdue")
FIELDS = ("q", "procedure", "company", "executor", "state", "due", "sort", "dir")
COLUMNS = ("number", "company", "procedure", "stage", "executor", "due", "event")
DUE_WITHIN = ("overdue", "0", "3", "7", "14")
"""What may be chosen as "due within": over already, today, in so many days."""

NOBODY = "none"


class Item(NamedTuple):
    """One row: an application in one queue; without ``executor`` it waits on the applicant's side."""

    entry: Entry
    executor: str

    @property
    def holder(self) -> int | None:
        """The id of who holds it."""
        return self.entry.holders.get(self.executor)

    @property
    def name(self) -> str:
        """What the row's box sends: application, queue, who held it when the page was drawn."""
        return f"{self.entry.id}.{self.executor}.{self.holder or 0}"


def _executors_of(tab: str, now: datetime) -> Callable[[Entry], tuple[str, ...]]:
    """Return what tells in which queues an entry stands in a tab: a row for each; "" is the applicant's side."""
    kinds: dict[str, Callable[[Entry], tuple[str, ...]]] = {
        "mine": lambda entry: entry.mine,
        "unit": lambda entry: entry.standing.ours,
        "unassigned": lambda entry: entry.untaken,
        "overdue": lambda entry: entry.standing.ours if entry.is_overdue(now) else (),
        "waiting": lambda entry: ("",) if entry.standing.is_waiting else (),
    }
    return kinds[tab]


def tab_of(entries: Iterable[Entry], tab: str, now: datetime) -> list[Item]:
    """Return the rows of a tab."""
    executors = _executors_of(tab, now)
    return [Item(entry, executor) for entry in entries for executor in executors(entry)]


def _counts(entries: Iterable[Entry], now: datetime) -> dict[str, int]:
    """Return how many rows each tab has, without making them: they are counted for every page."""
    mine = unit = unassigned = waiting = overdue = 0
    for entry in entries:
        standing = entry.standing
        lies = len(standing.ours)
        if lies:
            unit += lies
            mine += len(entry.mine)
            unassigned += len(entry.untaken)
            if entry.is_overdue(now):
                overdue += lies
        if standing.is_waiting:
            waiting += 1
    return dict(zip(TABS, (mine, unit, unassigned, waiting, overdue), strict=True))


class Look:
    """What was asked for by the address, and the words that sorting and searching need, each got once."""

    def __init__(self) -> None:
        self.asked = {name: request.values.get(name, "").strip()[:100] for name in FIELDS}
        self.language = here.language()
        self.now = here.now()
        self.procedures = catalogue.present().procedures.procedures

    @cached_property
    def companies(self) -> dict[int, dict[str, str]]:
        """Codes and names by id."""
        return queues.companies()

    @cached_property
    def people(self) -> dict[int, str]:
        """The names of all who may hold anything, by id."""
        return {user.id: user.name for user in people.holders(*EXECUTOR_ROLES.values())}

    def _events(self, items: list[Item]) -> dict[int, int]:
        if self.column != "event":
            return {}
        ids = {item.entry.id for item in items}
        return queues.last_events(list(ids) if len(ids) <= NAMED else None)

    def procedure(self, entry: Entry) -> Procedure:
        """Return the procedure of an entry."""
        return self.procedures[entry.procedure]

    def company(self, entry: Entry) -> str:
        """Return the company's name."""
        return self.companies[entry.organisation_id][self.language]

    def filtered(self, items: list[Item]) -> list[Item]:
        """Return the rows that pass every filter of the address."""
        found: Iterable[Item] = items
        asked = self.asked
        if asked["procedure"]:
            found = [item for item in found if item.entry.procedure.rpartition(".v")[0] == asked["procedure"]]
        company = whole_number(asked["company"])
        if company is not None:
            found = [item for item in found if item.entry.organisation_id == company]
        if asked["executor"] == NOBODY:
            found = [item for item in found if item.executor and item.holder is None]
        elif asked["executor"]:
            found = [item for item in found if item.holder == whole_number(asked["executor"])]
        if asked["state"]:
            found = [item for item in found if self.state(item.entry) == asked["state"]]
        if asked["due"] in DUE_WITHIN:
            found = self._due_within(found, asked["due"])
        if asked["q"]:
            found = self._searched(found, folded(asked["q"]))
        return list(found)

    def state(self, entry: Entry) -> str:
        """Return the word of the status that its process shows."""
        return self.procedure(entry).processes[entry.process].state

    def _due_within(self, items: Iterable[Item], within: str) -> list[Item]:
        if within == "overdue":
            return [item for item in items if item.entry.is_overdue(self.now)]
        until = self.now + timedelta(days=int(within))
        local_end = until.astimezone(ZONE).replace(hour=23, minute=59, second=59)
        return [item for item in items if item.entry.due.at is not None and item.entry.due.at <= local_end]

    def _searched(self, items: Iterable[Item], wanted: str) -> list[Item]:
        named = {ident for ident, names in self.companies.items() if wanted in folded(" ".join(names.values()))}
        return [item for item in items if item.entry.organisation_id in named or wanted in folded(item.entry.number)]

    @property
    def column(self) -> str:
        """The column by which rows are sorted: what is due first stands first where none is asked for."""
        return self.asked["sort"] if self.asked["sort"] in COLUMNS else "due"

    @property
    def is_descending(self) -> bool:
        """Whether the order is turned round."""
        return self.asked["dir"] == "desc"

    def sorted_(self, items: list[Item]) -> list[Item]:
        """Return the rows in the order asked for; what has no value in that column stands last."""
        keys: dict[str, Callable[[Item], Any]] = {
            "number": lambda item: item.entry.number,
            "company": lambda item: place(self.company(item.entry)),
            "procedure": lambda item: place(self.procedure(item.entry).title[self.language]),
            "stage": lambda item: place(
                self.procedure(item.entry).processes[item.entry.process].short_title[self.language]
            ),
            "executor": lambda item: place(self.people.get(item.holder or 0, "")) or None,
            "due": lambda item: item.entry.due.at,
            "event": lambda item: events.get(item.entry.id),
        }
        events = self._events(items)
        key = keys[self.column]
        by_id = sorted(items, key=lambda item: item.entry.id, reverse=self.is_descending)
        keyed = [(key(item), item) for item in by_id]
        valued = [pair for pair in keyed if pair[0] is not None]
        valued.sort(key=itemgetter(0), reverse=self.is_descending)
        return [item for _, item in valued] + [item for value, item in keyed if value is None]

    def address(self, **changed: str) -> str:
        """Return the address of this page with some of its parameters changed."""
        query = {name: value for name, value in {**self.asked, **changed}.items() if value}
        return f"{url_for('applications.queue')}?{urlencode(query)}"


@blueprint.get("/queue")
@allowed(Permission.PROCESS)
def queue() -> Answer:
    return _page([])


def _page(problems: list[Problem], chosen: Sequence[str] = ()) -> str:
    look = Look()
    entries = queues.entries(current_user, now=look.now)
    counts = _counts(entries, look.now)
    tab = request.values.get("tab", "")
    if tab not in TABS:
        tab = next((each for each in ("mine", "unassigned", "unit") if counts[each]), "mine")
    items = tab_of(entries, tab, look.now)
    found = look.sorted_(look.filtered(items))
    query = {name: value for name, value in {"tab": tab, **look.asked}.items() if value}
    page = paging.asked_for("applications.queue", len(found), size=PAGE, **query)
    shown = found[page.start : page.start + PAGE]
    heads = queues_headed_by(current_user.roles)
    return render_template(
        "queue/list.html",
        problems=problems,
        tabs=[
            {
                "href": url_for(".queue", tab=each),
                "key": f"queues.tab.{each}",
                "current": each == tab,
                "count": counts[each],
            }
            for each in TABS
        ],
        tab=tab,
        asked=look.asked,
        is_filtered=any(look.asked[name] for name in FIELDS if name not in ("sort", "dir")),
        clear=url_for(".queue", tab=tab),
        columns=_columns(look, tab),
        choices=_choices(look, items),
        rows=_rows(look, shown),
        chosen=set(chosen),
        found=len(found),
        page=page,
        here_again=look.address(tab=tab, page=str(page.number)),
        may_act=tab != "waiting",
        people=_assignable(shown, heads),
        most=queueing.MOST_AT_ONCE,
    )


def _columns(look: Look, tab: str) -> list[dict[str, Any]]:
    """Return the headings: each a link that sorts by it, or turns the order round."""
    found = []
    for column in COLUMNS:
        is_here = look.column == column
        turned = "" if not is_here or look.is_descending else "desc"
        found.append(
            {
                "name": column,
                "key": f"queues.col.{column}",
                "href": look.address(tab=tab, sort=column, dir=turned),
                "sort": ("descending" if look.is_descending else "ascending") if is_here else None,
            }
        )
    return found


def _choices(look: Look, items: list[Item]) -> dict[str, list[tuple[str, str]]]:
    """Return what each filter offers: only what some row of the tab has."""
    alike = {id(item.entry.standing): item.entry for item in items}.values()  # few, however many rows there are
    procedures = {entry.procedure.rpartition(".v")[0]: look.procedure(entry).title[look.language] for entry in alike}
    companies = {item.entry.organisation_id for item in items}
    holders = {holder for item in items if item.entry.holders and (holder := item.holder) is not None}
    states = {look.state(entry) for entry in alike}
    return {
        "procedure": sorted(procedures.items(), key=_by_words),
        "company": sorted(((str(each), look.companies[each][look.language]) for each in companies), key=_by_words),
        "executor": [
            (NOBODY, word("queues.untaken")),
            *sorted(((str(each), look.people.get(each, "–")) for each in holders), key=_by_words),
        ],
        "state": sorted(((each, word(f"st.{each}")) for each in states), key=_by_words),
        "due": [(each, word(f"queues.due.{each}")) for each in DUE_WITHIN],
        "sort": [(each, word(f"queues.col.{each}")) for each in COLUMNS],
    }


def _by_words(pair: tuple[str, str]) -> tuple[int, ...]:
    return place(pair[1])


def _rows(look: Look, items: Sequence[Item]) -> list[dict[str, Any]]:
    ids = [item.entry.id for item in items]
    records = {record.id: record for record in cabinet.of_glances([item.entry for item in items])}
    ticking = clocks.of(list(records.values()))
    newest = queues.last_events(ids) if ids else {}
    events = queues.events(list(newest.values())) if newest else {}
    papers = queries.on_paper(ids)
    substitutes = people.substitutes_of({item.holder for item in items if item.holder}, now=look.now)
    found = []
    for item in items:
        entry = item.entry
        procedure = look.procedure(entry)
        process = procedure.processes[entry.process]
        event = events.get(entry.id)
        record: Application = records[entry.id]
        standing_in = substitutes.get(item.holder or 0)
        found.append(
            {
                "name": item.name,
                "number": entry.number,
                "href": url_for("applications.hub", number=entry.number),
                "company": look.company(entry),
                "procedure": procedure.title[look.language],
                "process": process.short_title[look.language],
                "process_key": entry.process,
                "state": process.state,
                "status": process.state_key,
                "on_paper": entry.id in papers,
                "role": f"workflow.executor.{item.executor}" if item.executor else "",
                "holder": look.people.get(item.holder, "–") if item.holder else "",
                "substitute": standing_in.name if standing_in else "",
                "waits_on": "" if item.executor else _applicants(record, entry),
                "mine": item.executor in entry.mine,
                "clock": clocks.chief(ticking.get(entry.id, ())),
                "event": hub.act_words(procedure, event) if event else "",
                "event_at": event.at if event else record.entered_at,
            }
        )
    return found


def _applicants(application: Application, entry: Entry) -> str:
    return ", ".join(moves.executor_words(application, entry.standing.executors, here.language()))


def _assignable(items: Sequence[Item], heads: frozenset[str]) -> list[tuple[int, str]]:
    """Return who may be given some of the rows that are shown, by whom these queues are headed or held."""
    executors = {item.executor for item in items if item.executor in heads or item.executor in item.entry.mine}
    found = {user.id: user.name for executor in sorted(executors) for user in queueing.colleagues(executor)}
    return sorted(found.items(), key=lambda pair: place(pair[1]))


@blueprint.post("/queue")
@allowed(Permission.PROCESS)
def act_on_many() -> Answer:
    names = request.form.getlist("row")
    act = request.form.get("act", "")
    try:
        verdicts = queueing.each(_chosen(names), _verb(act, names), by=current_user)
    except Invalid as refusal:
        db.session.rollback()
        return _page(problems_of(refusal), names), 422
    return render_template(
        "queue/result.html",
        act=act,
        done=sum(1 for each in verdicts if each.refusal is None),
        rows=[
            {
                "number": each.number or "–",
                "href": url_for(".hub", number=each.number) if each.number else None,
                "role": f"workflow.executor.{each.executor}",
                "refusal": problems_of(each.refusal)[0] if each.refusal else None,
            }
            for each in verdicts
        ],
        back=_back(),
    )


def _chosen(names: Iterable[str]) -> list[tuple[int, str]]:
    found = []
    for name in names:
        ident, _, rest = name.partition(".")
        executor = rest.partition(".")[0]
        number = whole_number(ident)
        if number is None or executor not in EXECUTOR_ROLES:
            raise Invalid.at("row", "queues.err.none_chosen")
        found.append((number, executor))
    return found


def _verb(act: str, names: Iterable[str]) -> queueing.Act:
    """Return what is done to each row.

    Raises:
        Invalid: no act was chosen, or nobody to hand over to.
    """
    now, by = here.now(), current_user
    if act == "take":
        return lambda application, executor: queueing.take(application, executor, by=by, now=now)
    if act == "give_back":
        return lambda application, executor: queueing.give_back(application, executor, by=by, now=now)
    if act != "hand_over":
        raise Invalid.at("act", "queues.err.no_act")
    to, words = whole_number(request.form.get("to")), request.form.get("words", "")
    if to is None:
        raise Invalid.at("to", "queues.err.choose")
    seen = {tuple(name.split(".")[:2]): whole_number(name.rpartition(".")[2]) or 0 for name in names}

    def hand_over(application: Application, executor: str) -> None:
        held = seen[str(application.id), executor]
        queueing.hand_over(application, executor, to, seen=held, by=by, now=now, words=words)

    return hand_over


def _back() -> str:
    """Return the address of the queue as it was on the screen."""
    query = {name: value for name in (*FIELDS, "tab", "page") if (value := request.form.get(name, "")[:100])}
    return f"{url_for('.queue')}?{urlencode(query)}"


# One application


@blueprint.post("/applications/<number>/holder")
@allowed(Permission.VIEW_APPLICATIONS)
def act_on_one(number: str) -> Answer:
    application = frame.one(number, for_update=True)
    form, now = request.form, here.now()
    executor, words = form.get("executor", ""), form.get("words", "")
    seen = whole_number(form.get("held")) or 0
    acts: dict[str, Callable[[], None]] = {
        "take": lambda: queueing.take(application, executor, by=current_user, now=now),
        "give_back": lambda: queueing.give_back(application, executor, by=current_user, now=now, words=words),
        "hand_over": lambda: queueing.hand_over(
            application, executor, whole_number(form.get("to")), seen=seen, by=current_user, now=now, words=words
        ),
        "take_over": lambda: queueing.take_over(
            application, executor, seen=seen, by=current_user, now=now, words=words
        ),
    }
    try:
        acts.get(form.get("act", ""), acts["take"])()
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        page = hub.page_of(frame.one(number), problems_of(refusal))
        return page, code_of(refusal)
    act = form.get("act", "")
    flash(word(f"queues.done.{act if act in acts else 'take'}"), "success")
    return redirect(url_for(".hub", number=number), code=303)


@blueprint.get("/applications/<number>/holder")
@allowed(Permission.VIEW_APPLICATIONS)
def after_act_on_one(number: str) -> Answer:
    """Lead to the application: a refusal stands at this address, and may be opened again."""
    return redirect(url_for(".hub", number=frame.one(number).number), code=303)
