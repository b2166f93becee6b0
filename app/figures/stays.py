"""Where time goes, what comes back, and how it ends."""

from __future__ import annotations

from app.figures import drawing
from app.figures.counting import Key
from app.figures.drawing import Bar
from app.figures.reports import Cell, Reports, Section

SIDES = ("exchange", "applicant")


def sections(reports: Reports) -> list[Section]:
    """Return where time goes, what comes back and how it ends."""
    return [_sides(reports), _processes(reports), _reworked(reports), _outcomes(reports)]


def _sides(reports: Reports) -> Section:
    found = reports.groups("stays")
    spent = {side: _spent(reports, side) for side in SIDES}
    whole = sum(spent.values())
    told = [side for side in SIDES if found.count(side)]
    rows = [
        [
            Cell(reports.say(f"figures.side.{side}"), is_words=True),
            reports.number("stays", side),
            Cell(reports.share(spent[side], whole), "", round(spent[side] / whole * 100, 1) if whole else None),
            *reports.took("stays", side),
        ]
        for side in told
    ]
    drawn = [Bar(reports.say(f"figures.side.{each}"), spent[each], reports.share(spent[each], whole)) for each in told]
    title = "figures.stays.sides"
    chart = drawing.bars("sides", reports.say(title), drawn) if drawn else ""
    head = [*reports.head("figures.side", "figures.stays", "figures.sum"), *reports.took_head()]
    return Section(title, head, rows, chart, ("figures.stays.note", "figures.few", "figures.nearest"))


def _spent(reports: Reports, side: str) -> float:
    found: float = reports.once(
        ("spent", side, reports.chosen), lambda: sum(item.end - item.start for item in reports.groups("stays").of(side))
    )
    return found


def _processes(reports: Reports) -> Section:
    found = reports.groups("stays")
    standing = reports.groups("standing")
    keys = {key[1:] for key in found.every} | set(standing.every)
    sides = {key: reports.side(*key) for key in keys}
    medians = {key: reports.times("stays", sides[key], *key)[0] for key in keys}
    order = sorted(keys, key=lambda key: (-(medians[key].median or -1), -medians[key].count, key))
    one = bool(reports.chosen.procedure)
    rows, drawn = [], []
    for key in order:
        name = reports.process_words(*key)
        rows.append(
            [
                Cell(name, more="" if one else reports.procedure_words(key[0]), is_words=True),
                reports.number("stays", sides[key], *key),
                *reports.took("stays", sides[key], *key),
                reports.number("standing", *key),
            ]
        )
        median, ninth = medians[key].median, medians[key].ninth
        if median is not None and ninth is not None:
            label = name if one else f"{name} – {reports.procedure_words(key[0])}"
            words = reports.say("figures.times.wd", days=f"{reports.days(median)} / {reports.days(ninth)}")
            drawn.append(Bar(label, median, words, ninth))
    title = "figures.stays.each"
    chart = drawing.bars("stays", reports.say(title), drawn[:20]) if drawn else ""
    first = "figures.process" if one else ("figures.process", "figures.procedure")
    head = [*reports.head(first, "figures.stays"), *reports.took_head(), *reports.head("figures.standing")]
    return Section(title, head, rows, chart, ("figures.stays.bar", "figures.few"))


def _reworked(reports: Reports) -> Section:
    found = reports.groups("reworked")
    whole = found.count()
    told: list[Key] = [("no",), ("yes",), *(key for key in sorted(found.every) if len(key) > 1)]
    rows = [
        [
            Cell(("\u2003" if len(key) > 1 else "") + reports.say(f"figures.rework.{key[-1]}"), is_words=True),
            reports.number("reworked", *key),
            Cell(reports.share(found.count(*key), whole), "", round(found.count(*key) / whole * 100, 1)),
            *reports.took("reworked", *key),
        ]
        for key in (told if whole else ())
    ]
    head = [*reports.head("figures.stays.rework", "figures.applications", "figures.part"), *reports.took_head()]
    return Section("figures.stays.rework", head, rows, notes=("figures.few",))


def _outcomes(reports: Reports) -> Section:
    found = reports.groups("outcomes")
    whole = found.count()
    rows = [
        [
            Cell(reports.outcome_words(key[0]), is_words=True),
            reports.number("outcomes", *key),
            Cell(reports.share(found.count(*key), whole), "", round(found.count(*key) / whole * 100, 1)),
            *reports.took("outcomes", *key),
        ]
        for key in found.ranked()
    ]
    drawn = [
        Bar(
            reports.outcome_words(key[0]),
            found.count(*key),
            reports.say(
                "figures.share_of", share=reports.share(found.count(*key), whole), n=found.count(*key), of=whole
            ),
        )
        for key in found.ranked()
    ]
    title = "figures.stays.outcomes"
    chart = drawing.bars("outcomes", reports.say(title), drawn) if drawn else ""
    head = [*reports.head("figures.outcome", "figures.applications", "figures.part"), *reports.took_head()]
    return Section(title, head, rows, chart)
