"""``flask example``: a complete valid set of answers of a form, made from the examples in its fields."""

from __future__ import annotations

import json

import click

from app.config import ROOT, definition_folders
from app.errors import AppError, NotFound
from app.forms.definitions import DynamicForm, FormLibrary, load
from app.terms import say


@click.command("example")
@click.argument("form")
@click.argument("path", required=False, default="")
def example(form: str, path: str) -> None:
    """Print valid answers of FORM as JSON.

    PATH chooses one of the forms of a dynamic form: main/shares/premium.
    """
    library, faults = load(definition_folders()["forms"].resolve(), ROOT)
    for fault in faults:
        click.echo(str(fault), err=True)
    click.echo(json.dumps(_example(library, form, path), ensure_ascii=False, indent=2))


def _example(library: FormLibrary, form: str, path: str) -> object:
    try:
        found = library.get(form)
    except NotFound:
        raise click.ClickException(f"there is no form '{form}'; forms: {', '.join(library.keys())}") from None
    if not path:
        return found.example()
    if not isinstance(found, DynamicForm):
        raise click.ClickException(f"'{form}' is a simple form; leave the path out")
    try:
        return found.example_at(tuple(path.split("/")))
    except AppError as refusal:
        known = ", ".join(sorted("/".join(chain) for chain in found.paths()))
        said = "; ".join(say(problem.key, "en", **problem.params) for problem in getattr(refusal, "problems", ()))
        raise click.ClickException(f"{path}: {said}; paths with a form: {known}") from None


def commands() -> list[click.Command]:
    """Return the commands of this group."""
    return [example]
