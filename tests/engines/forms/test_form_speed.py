"""Two hundred entries of thirty questions: read, settled, judged and laid out in time that grows with their number."""

from __future__ import annotations

from time import process_time
from typing import Any

from form_files import WORDS, Write

from app.forms.definitions import Form, load
from app.forms.outline import typed_texts

KINDS = [("text", "Сөз"), ("number", "1 234,5"), ("money", "1 000"), ("date", "01.02.2026"), ("bin", "240640000109")]
QUESTIONS = "".join(
    f'          - {{key: {kind}{number}, type: {kind}, required: true, label: {WORDS}, example: "{example}"}}\n'
    for number in range(5)
    for kind, example in KINDS
)
LARGE = f"""\
form: large
version: 1
title: {WORDS}
sections:
  - key: main
    title: {WORDS}
    fields:
      - key: rows
        type: group
        label: {WORDS}
        checks:
          - {{that: number0 <= sum(rows.number0), at: number0, message: {WORDS}}}
        fields:
{QUESTIONS}
          - {{key: deal, type: yes_no, label: {WORDS}, example: "yes"}}
          - {{key: why, type: text, show_if: deal, required_if: money0 > 5, label: {WORDS}, example: a}}
          - {{key: product, type: computed, value: number0 * number1, label: {WORDS}}}
          - {{key: part, type: computed, as: percent, value: money0 / sum(rows.money0) * 100, label: {WORDS}}}
          - {{key: days, type: computed, value: "days(date0, date1)", label: {WORDS}}}
      - {{key: total, type: computed, as: money, value: sum(rows.money0), label: {WORDS}}}
"""


def seconds(form: Form, count: int) -> float:
    row = form.example()["rows"]["entries"][0]["values"]
    entries = [{"id": f"e{number}", "values": dict(row)} for number in range(1, count + 1)]
    values: dict[str, Any] = form.settled({"rows": {"entries": entries, "last": count}})
    texts = typed_texts(form.outline(values))
    best = 60.0
    for _ in range(3):
        start = process_time()
        kept = form.settled(form.parse(texts, before=values).values)
        problems = form.check(kept)
        form.outline(kept)
        best = min(best, process_time() - start)
        assert problems == ()
        assert kept == values
    return best


def test_cost_grows_with_the_number_of_entries_and_stays_small(write: Write) -> None:
    library, faults = load((root := write({"large.v1.yaml": LARGE})) / "forms", root)
    assert [str(fault) for fault in faults] == []
    form = library.get("large")
    assert isinstance(form, Form)

    small, large = seconds(form, 50), seconds(form, 200)

    # On a quiet machine 200 entries take less than a tenth of a second; the bounds only tell a square from a line.
    assert large < 5  # a fraction of it on an idle machine
    assert large < small * 4 * 2
