"""Which answers decide on others: when one of these changes, the page is drawn anew.

The server judges; ``static/js/live.js`` asks it, and without scripts a button does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.forms.definitions import DynamicForm, Form
from app.forms.logic import Condition, Item, Plan


def drivers(forms: Iterable[Form | DynamicForm], values: Mapping[str, Any]) -> list[str]:
    """Return the keys of the fields that conditions and computed fields of what is on the page look at."""
    found: set[str] = set()
    for form in forms:
        if isinstance(form, DynamicForm):
            leaves = {leaf.name: leaf for leaf in map(form.form_of, form.entries(values.get(form.key, {})))}
            for leaf in (form.criteria, *leaves.values()):
                found.update(_used(leaf.plan))
        else:
            found.update(_used(form.plan))
    return sorted(found)


def _used(plan: Plan) -> Iterator[str]:
    for item in plan.items.values():
        for condition in _conditions(item):
            for _, path in condition.expression.uses:
                yield path[-1]
        if item.rows is not None:
            yield from _used(item.rows)


def _conditions(item: Item) -> list[Condition]:
    return [*item.shown, *(each for each in (item.required_if, item.value) if each is not None)]
