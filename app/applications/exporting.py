"""The filled application given out: as a workbook to read and calculate with, as JSON to be read again.

Both hold what the summary form holds: the answers of the applicant's own stages, and nothing that the
Exchange's people say among themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from app import spreadsheets
from app.applications import answering, queries, summary
from app.applications.models import Application
from app.forms import headings, interchange
from app.forms.definitions import DynamicForm, Form
from app.forms.outline import Asked, Part, Row, Rows
from app.forms.parts import Field, is_empty
from app.spreadsheets import Cell, Sheet
from app.terms import say
from app.web.templating import ZONE, date_time_text

NUMBERS = frozenset({"number", "year", "percent", "percent_of_total"})

Names = dict[str, list[tuple[str, str]]]


def as_json(application: Application, *, now: datetime) -> str:
    """Return the answers as JSON; ``interchange.loaded`` reads it again."""
    stages = set(queries.applicant_stages(application))
    rows = {stage: row for stage, row in queries.answers(application).items() if stage in stages}
    versions = {form.key: form.version for stage in rows for form in answering.forms(application, stage)}
    given = {
        stage: {key: values for key, values in row.values.items() if key in versions} for stage, row in rows.items()
    }
    about = {
        "number": application.number,
        "procedure": application.procedure,
        "organisation": {"bin": application.organisation.bin, "names": application.organisation.names},
        "exported_at": now.astimezone(ZONE).isoformat(timespec="seconds"),
        "revisions": {stage: row.revision for stage, row in rows.items()},
    }
    return interchange.dumped(given, versions, about)


def as_workbook(application: Application, language: str, *, now: datetime) -> bytes:
    """Return the answers as XLSX: a sheet for each form, groups as tables, values in types of their own."""
    procedure = queries.procedure(application)
    answers = queries.answers(application)
    names = summary.person_names((row.values for row in answers.values()), language)
    sheets = [_cover(application, language, now)]
    for stage in queries.applicant_stages(application):
        row = answers.get(stage)
        forms = answering.forms(application, stage)
        for form in forms:
            title = procedure.stages[stage].title[language]
            name = form.title[language] if len(forms) > 1 else title
            sheet = Sheet(name, widths=(46, 46, 18, 18, 18, 18, 18, 18))
            sheet.lines.append([Cell(form.title[language], "title"), Cell(f"{form.name} · {title}", "quiet")])
            if form.demo_data:
                sheet.lines.append([Cell(say("app.demo_form", language), "quiet")])
            _form(sheet, form, row.values.get(form.key, {}) if row else {}, language, names)
            sheets.append(sheet)
    return spreadsheets.write(sheets, title=application.number, now=now)


def _cover(application: Application, language: str, now: datetime) -> Sheet:
    process = queries.procedure(application).processes[application.process]
    told = [
        ("col.app_number", application.number),
        ("obj.company", application.organisation.names[language]),
        ("obj.bin", application.organisation.bin),
        ("obj.procedure", queries.procedure(application).title[language]),
        ("obj.status", say(process.state_key, language)),
        ("export.made_at", date_time_text(now)),
    ]
    lines = [[Cell(say(key, language), "head"), Cell(words)] for key, words in told]
    lines += [[], [Cell(say("export.note", language), "quiet")]]
    return Sheet(application.number, lines, (46, 80))


def _form(sheet: Sheet, form: Form | DynamicForm, values: dict[str, Any], language: str, names: Names) -> None:
    if isinstance(form, Form):
        _parts(sheet, form.outline(values), language, names)
        return
    for number, (entry, parts) in enumerate(form.outline(values), start=1):
        sheet.lines += [[], [Cell(f"{number}. {form.path_text(entry['path'], language)}", "title")]]
        _parts(sheet, parts, language, names)


def _parts(sheet: Sheet, parts: Sequence[Part], language: str, names: Names) -> None:
    for part in parts:
        sheet.lines += [[], [Cell(part.section.title[language], "head"), Cell(None, "head")]]
        for item in part.items:
            if isinstance(item, Rows):
                _table(sheet, item, item.field.label[language], [("", row) for row in item.rows], language, names)
            elif item.field.type != "note":
                for title, cells in _cells(item, language, names):
                    sheet.lines.append([Cell(title), *cells])


def _table(sheet: Sheet, group: Rows, title: str, rows: Sequence[tuple[str, Row]], language: str, names: Names) -> None:
    """Write a group as a table; the groups inside it follow as tables of their own, their rows numbered 1.1, 1.2."""
    sheet.lines += [[], [Cell(title, "head")]]
    fields = [asked for asked in group.field.fields or () if asked.type != "note"]
    plain = [asked for asked in fields if asked.fields is None]
    heads = [head for asked in plain for head in _heads(asked, language)]
    sheet.lines.append([Cell(head, "head") for head in ("№", *heads)])
    inside: dict[str, list[tuple[str, Row]]] = {}
    groups: dict[str, Rows] = {}
    numbers: Counter[str] = Counter()
    for before, row in rows:
        numbers[before] += 1
        own = f"{before}{numbers[before]}"
        here = {item.field.key: item for item in row.items}
        line = [Cell(own)]
        for asked in plain:
            item = here.get(asked.key) or Asked(asked, asked.key, None, False)  # hidden in this row
            if isinstance(item, Asked):
                line += [cell for _, cells in _cells(item, language, names) for cell in cells]
        sheet.lines.append(line)
        for item in row.items:
            if isinstance(item, Rows):
                groups[item.field.key] = item
                inside.setdefault(item.field.key, []).extend((f"{own}.", each) for each in item.rows)
    for key, nested in groups.items():
        _table(sheet, nested, f"{title} › {nested.field.label[language]}", inside[key], language, names)


def _heads(asked: Field, language: str) -> list[str]:
    parts = asked.parts or ("",)
    heads = [headings.Column(asked.key, asked, part).title(language) for part in parts]
    return [*heads, say("export.currency", language)] if _is_money(asked) else heads


def _is_money(asked: Field) -> bool:
    return "money" in (asked.type, asked.as_)


def _cells(item: Asked, language: str, names: Names) -> list[tuple[str, list[Cell]]]:
    """Return the lines of one answer: its title and its cells; one line for each part."""
    asked, value = item.field, item.value
    if asked.parts:
        return [
            (
                headings.Column(asked.key, asked, part).title(language),
                [_part(asked, value, part, language)],
            )
            for part in asked.parts
        ]
    return [(asked.label[language], _value(item, language, dict(names.get(asked.source or "", ()))))]


def _value(item: Asked, language: str, names: dict[str, str]) -> list[Cell]:
    asked, value = item.field, item.value
    if _is_money(asked):
        if is_empty(value):
            return [Cell(), Cell()]
        return [Cell(_decimal(value["amount"])), Cell(value["currency"])]
    if is_empty(value):
        return [Cell()]
    if asked.type == "file":
        return [Cell("\n".join(f"{file['name']} (SHA-256 {file['sha256']})" for file in value))]
    kind = asked.as_ or asked.type
    if kind in NUMBERS and isinstance(value, str):
        return [Cell(_decimal(value), "year" if kind == "year" else "")]
    if kind == "date":
        return [Cell(date.fromisoformat(value))]
    return [Cell(asked.text(value, language, names))]


def _part(asked: Field, value: Any, part: str, language: str) -> Cell:
    """Return one part of an answer: a language's words, or what the part's own question shows."""
    if is_empty(value) or not value.get(part):
        return Cell()
    inner = asked.subfields.get(part)
    if inner is None:
        return Cell(value[part])
    return _value(Asked(inner, inner.key, value[part], False), language, {})[0]


def _decimal(words: str) -> Decimal | str:
    try:
        return Decimal(words)
    except InvalidOperation:
        return words
