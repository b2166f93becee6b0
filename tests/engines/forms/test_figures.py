"""Named figures: in force from a day on, asked for by name and day in expressions."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.expressions.compiling import compile_expression
from app.expressions.language import ExpressionError
from app.forms.definitions import load
from app.forms.figures import load_figures

HEAD = """figures: {key}
effective: "{day}"
title: {{kk: "АЕК", ru: "МРП", en: "MCI"}}
source: {{kk: "Заң", ru: "Закон", en: "Law"}}
values:
"""


@pytest.fixture
def write(tmp_path):
    def written(key, day, values, *, name="", more=""):
        lines = "".join(f'  {each}: "{amount}"\n' for each, amount in values.items())
        path = tmp_path / (name or f"{key}.{day}.yaml")
        path.write_text(more + HEAD.format(key=key, day=day) + lines, encoding="utf-8")

    return written


@pytest.fixture
def mci(write, tmp_path):
    write("mci", "2025-01-01", {"tenge": "3932"})
    write("mci", "2026-01-01", {"tenge": "4325"})
    figures, faults = load_figures(tmp_path, tmp_path)
    assert faults == []
    return figures


@pytest.mark.parametrize(
    ("day", "amount"),
    [
        ("2024-12-31", None),
        ("2025-01-01", "3932"),
        ("2025-12-31", "3932"),
        ("2026-01-01", "4325"),
        ("2031-07-15", "4325"),
    ],
)
def test_a_figure_is_the_one_in_force_on_the_day(mci, day, amount):
    assert mci["mci.tenge"].at(day) == (None if amount is None else Decimal(amount))


def test_figures_of_an_example_are_marked_so(write, tmp_path):
    write("bonds", "2025-01-01", {"years": "2"}, more="demo_data: true\n")

    figures, faults = load_figures(tmp_path, tmp_path)

    assert faults == []
    assert figures["bonds.years"].demo_data


@pytest.mark.parametrize(
    ("slip", "told"),
    [
        ({"name": "mci.2026.yaml"}, "the file name is not <figures>.<day>.yaml"),
        ({"name": "mrp.2026-01-01.yaml"}, "'mci' is not what the file's name says; write figures: mrp"),
        ({"name": "mci.2026-01-02.yaml"}, "'2026-01-01' is not what the file's name says; write effective: 2026-01-02"),
        ({"values": {"dollars": "1"}}, "the figures are not those of the file before: dollars, tenge"),
        ({"values": {"tenge": "4 325"}}, "values.tenge"),
        ({"day": "2026-02-30"}, "'2026-02-30' is no day"),
    ],
)
def test_a_slip_of_the_pen_is_told(write, tmp_path, slip, told):
    write("mci", "2025-01-01", {"tenge": "3932"})
    write(**{"key": "mci", "day": "2026-01-01", "values": {"tenge": "4325"}, **slip})

    _, faults = load_figures(tmp_path, tmp_path)

    assert told in "\n".join(map(str, faults))


class Day:
    """A field that holds a day."""

    sort, options, unit = "date", None, ""

    def part(self, name):
        return None

    def inner(self, name):
        return None


class Answers:
    """Answers of one level."""

    def __init__(self, **values):
        self.values, self.memo = values, {}

    def up(self, level):
        return self

    def operand(self, key):
        return self.values.get(key)

    def rows(self, key):
        return []


def compiled(text, figures):
    return compile_expression(text, lambda name: (0, Day()) if name == "as_of" else None, ["as_of"], figures)


@pytest.mark.parametrize(("day", "amount"), [("2025-06-01", "393200"), ("2026-06-01", "432500"), (None, None)])
def test_an_expression_reckons_with_the_figure_of_the_answers_day(mci, day, amount):
    expression = compiled("100 * figure('mci.tenge', as_of)", mci)

    assert expression.sort == "number"
    assert expression.read(Answers(as_of=day)) == (None if amount is None else Decimal(amount))


def test_the_day_may_be_written_out(mci):
    assert compiled("figure('mci.tenge', '2025-01-01')", mci).read(Answers()) == Decimal(3932)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("figure('mci.tenga', as_of)", "there is no figure 'mci.tenga'"),
        ("figure('mci.tenge')", "is not called so"),
        ("figure('mci.tenge', 5)", "is not called so"),
        ("figure(as_of, as_of)", "is not called so"),
        ("figure('mci.tenge', '2025-13-01')", "is no date"),
    ],
)
def test_a_figure_asked_wrongly_is_told_when_the_file_is_read(mci, text, told):
    with pytest.raises(ExpressionError, match=told):
        compiled(text, mci)


FORM = """form: bonds
version: 1
{mark}title: {{kk: "Нысан", ru: "Форма", en: "Form"}}
sections:
  - key: own
    title: {{kk: "Бөлім", ru: "Раздел", en: "Section"}}
    fields:
      - key: as_of
        type: date
        label: {{kk: "Күні", ru: "Дата", en: "Date"}}
        example: "01.10.2026"
      - key: years
        type: number
        label: {{kk: "Жыл", ru: "Лет", en: "Years"}}
        example: "{years}"
checks:
  - that: "years >= figure('bonds.years', as_of)"
    at: years
    message: {{kk: "Аз", ru: "Мало", en: "Too few"}}
"""


@pytest.fixture
def library(tmp_path):
    folder = tmp_path / "forms"
    (folder / "_figures").mkdir(parents=True)
    figures = "demo_data: true\n" + HEAD.format(key="bonds", day="2025-01-01") + '  years: "2"\n'
    (folder / "_figures" / "bonds.2025-01-01.yaml").write_text(figures, encoding="utf-8")

    def loaded(**words):
        (folder / "bonds.v1.yaml").write_text(FORM.format(**words), encoding="utf-8")
        return load(folder, tmp_path)

    return loaded


def test_a_form_is_judged_by_the_figures_beside_it(library):
    forms, faults = library(mark="demo_data: true\n", years="2")
    form = forms.get("bonds")

    assert faults == []
    assert [problem.path for problem in form.check({"as_of": "2026-10-01", "years": "1"})] == ["years"]
    assert form.check({"as_of": "2024-10-01", "years": "1"}) == ()


def test_a_form_that_reckons_with_illustrative_figures_must_say_so(library):
    _, faults = library(mark="", years="2")

    assert [fault.key for fault in faults] == ["form"]
    assert "illustrative figures (bonds.years)" in str(faults[0])


def test_an_example_that_breaks_a_figure_is_a_fault_of_the_file(library):
    _, faults = library(mark="demo_data: true\n", years="1")

    assert "Too few" in str(faults[0])
