"""``flask check --against``: what definitions changed since a revision or a copy, and which drafts notice.

A new version beside an old one touches nothing by itself: applications keep the versions they began with.
Told is what moving them would do, and what was edited in place, which a released version never should be.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app import db
from app.applications import queries
from app.applications.models import Application
from app.cli.usage import WRONG_USAGE
from app.forms import versions
from app.forms.definitions import DynamicForm, Form, FormLibrary
from app.forms.definitions import load as load_forms
from app.terms import say
from app.workflows import versions as workflow_versions
from app.workflows.definitions import ProcedureLibrary
from app.workflows.definitions import load as load_procedures
from app.workflows.machine import Procedure

AFFECTS_DATA = 2

AnyForm = Form | DynamicForm


@dataclass
class Verdict:
    """What is to be said of one definition: safe or not, why, and which drafts notice."""

    name: str
    is_safe: bool
    lines: list[str] = field(default_factory=list)

    def told(self) -> str:
        """Return it as it is printed."""
        head = f"{self.name}: {'safe' if self.is_safe else 'affects data'}"
        return "\n".join([head, *(f"  {line}" for line in self.lines)])


def tell(reference: str, root: Path) -> int:
    """Print what changed in the definitions of ``root`` since ``reference``; return the exit code.

    ``reference`` is a folder that holds ``forms`` and ``workflows``, or a revision of the repository.
    """
    with _before(reference, root) as folder:
        old_forms, _ = load_forms(folder / "forms", folder)
        new_forms, _ = load_forms(root / "forms", root)
        drafts = _drafts()
        found = [*_forms(old_forms, new_forms, drafts), *_leaves(old_forms, new_forms)]
        if (folder / "workflows").is_dir():
            old_procedures, _ = load_procedures(folder / "workflows", folder)
            new_procedures, _ = load_procedures(root / "workflows", root)
            found += _procedures(old_procedures, new_procedures, drafts)
    for verdict in found:
        click.echo(verdict.told())
    if not found:
        click.echo("nothing has changed")
    return 0 if all(verdict.is_safe for verdict in found) else AFFECTS_DATA


@contextmanager
def _before(reference: str, root: Path) -> Iterator[Path]:
    """Give the folder of the definitions as they were."""
    path = Path(reference)
    if path.is_dir():
        if not (path / "forms").is_dir():
            raise WrongReference(f"{reference} holds no folder forms")
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="kezen-check-") as made:
        asked = ["git", "-C", str(root), "archive", "--format=tar", reference, "--", "forms", "workflows"]
        if reference.startswith("-"):
            raise WrongReference(f"{reference} is no revision")
        try:
            done = subprocess.run(asked, capture_output=True, check=False, timeout=60)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise WrongReference(f"git cannot be asked for {reference}: {error}") from None
        if done.returncode:
            raise WrongReference(
                f"{reference} is neither a folder nor a revision: {done.stderr.decode(errors='replace').strip()}"
            )
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as packed:
            packed.extractall(made, filter="data")
        yield Path(made)


class WrongReference(click.ClickException):
    """What was named is neither a folder of definitions nor a revision."""

    exit_code = WRONG_USAGE


def _forms(old: FormLibrary, new: FormLibrary, drafts: list[Application] | None) -> Iterator[Verdict]:
    tops, new_tops = set(old.keys()), set(new.keys())
    before = {form.name: form for form in old.all() if form.key in tops}
    after = {form.name: form for form in new.all() if form.key in new_tops}
    for key in sorted({form.key for form in (*before.values(), *after.values())}):
        present = sorted((form for form in after.values() if form.key == key), key=lambda form: form.version)
        was = sorted((form for form in before.values() if form.key == key), key=lambda form: form.version)
        for form in was:
            if form.name not in after:
                yield _removed(form, drafts)
            elif not _is_same(form, after[form.name]):
                yield _compared(form, after[form.name], drafts, is_edited=True)
        if not was:
            yield from (Verdict(f"{form.name} (new)", True) for form in present)
            continue
        for form in present:
            if form.name not in before:
                yield _compared(was[-1], form, drafts)


def _is_same(old: AnyForm, new: AnyForm) -> bool:
    """Tell whether what stood in a version stands there still; a form added to a chain changes none that stood."""
    if isinstance(old, DynamicForm) and isinstance(new, DynamicForm):
        before, after = (
            {(path, version): form.sha256 for path, held in each.forms.items() for version, form in held.items()}
            for each in (old, new)
        )
        return old.sha256 == new.sha256 and before.items() <= after.items()
    return old.sha256 == new.sha256


def _leaves(old: FormLibrary, new: FormLibrary) -> Iterator[Verdict]:
    """Yield the forms added to the chains of dynamic forms; entries keep the form they began with."""
    known = {form.name: form for form in old.all()}
    tops, new_tops = set(old.keys()), set(new.keys())
    for form in new.all():
        if form.name in known or form.key in new_tops or form.key.partition("/")[0] not in tops:
            continue
        was = [each for each in known.values() if each.key == form.key and each.version < form.version]
        if not was:
            yield Verdict(f"{form.name} (new)", True)
            continue
        before = max(was, key=lambda each: each.version)
        found = versions.differences(before, form)
        yield Verdict(f"{before.name} -> {form.name}", versions.is_safe(found), [str(each) for each in found])


def _removed(form: AnyForm, drafts: list[Application] | None) -> Verdict:
    touched = _touched(form, drafts)
    lines = [*(f"draft {item.number} was begun with it and can no longer be read" for item in touched or ())]
    return Verdict(f"{form.name} (removed)", False, [*lines, *_unknown(drafts)])


def _compared(old: AnyForm, new: AnyForm, drafts: list[Application] | None, *, is_edited: bool = False) -> Verdict:
    found = versions.differences(old, new)
    lines = [str(each) for each in found]
    if is_edited:
        lines.insert(0, "edited in place: applications that began with it change at once; add a new version instead")
    lines += [_moved(item, old, new) for item in _touched(old, drafts) or ()]
    name = f"{new.name} (edited)" if is_edited else f"{old.name} -> {new.name}"
    return Verdict(name, versions.is_safe(found), [*lines, *_unknown(drafts)])


def _touched(form: AnyForm, drafts: list[Application] | None) -> list[Application] | None:
    if drafts is None:
        return None
    return [item for item in drafts if item.forms.get(form.key) == form.version]


def _unknown(drafts: list[Application] | None) -> list[str]:
    return ["the database cannot be reached: drafts were not looked at"] if drafts is None else []


def _moved(item: Application, old: AnyForm, new: AnyForm) -> str:
    """Return in words what moving a draft would do."""
    kept = parked = required = unplaced = 0
    for row in queries.answers(item).values():
        if old.key in row.values:
            carried = versions.carry(old, new, row.values[old.key])
            kept += len(carried.kept)
            parked += len(carried.parked)
            required += len(carried.required)
            unplaced += len(carried.unplaced)
    told = f"{kept} kept, {parked} parked, {required} newly required"
    return f"draft {item.number} ({item.process}): {told}" + (
        f", {unplaced} entries without a form" if unplaced else ""
    )


def _drafts() -> list[Application] | None:
    """Return the applications that are not ended; None when the database cannot be asked."""
    try:
        statement = select(Application).where(Application.archived_at.is_(None), Application.process != queries.DELETED)
        return list(db.session.scalars(statement.order_by(Application.id)).unique())
    except SQLAlchemyError:
        db.session.rollback()
        return None


def _procedures(old: ProcedureLibrary, new: ProcedureLibrary, drafts: list[Application] | None) -> Iterator[Verdict]:
    before, after = old.procedures, new.procedures
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if was is None and now is not None:
            earlier = [each for each in before.values() if each.key == now.key and each.version < now.version]
            if earlier:
                yield _procedure(max(earlier, key=lambda each: each.version), now, drafts)
            else:
                yield Verdict(f"{name} (new)", True)
        elif was is not None and now is None:
            standing = _standing(was, drafts)
            numbers = [f"application {item.number} stands in it ({item.process})" for item in standing]
            yield Verdict(f"{name} (removed)", False, [*numbers, *_unknown(drafts)])
        elif was is not None and now is not None and was.sha256 != now.sha256:
            yield _procedure(was, now, drafts, is_edited=True)


def _procedure(old: Procedure, new: Procedure, drafts: list[Application] | None, *, is_edited: bool = False) -> Verdict:
    """Say what a procedure's version changes, and what moving each application under way would do."""
    found = workflow_versions.differences(old, new)
    is_safe = workflow_versions.is_safe(found)
    lines = [str(each) for each in found]
    if is_edited:
        lines.insert(0, "edited in place: applications that began with it change at once; add a new version instead")
    else:
        lines.append("applications that have begun keep the version they began with until they are moved")
    if not (is_edited and is_safe):
        lines += [_transferred(item, old, new) for item in _standing(old, drafts)]
    name = f"{new.name} (edited)" if is_edited else f"{old.name} -> {new.name}"
    return Verdict(name, is_safe, [*lines, *_unknown(drafts)])


def _standing(procedure: Procedure, drafts: list[Application] | None) -> list[Application]:
    """Return the applications under way in a version of a procedure."""
    return [item for item in drafts or () if item.procedure == procedure.name and item.process not in procedure.final]


def _transferred(item: Application, old: Procedure, new: Procedure) -> str:
    """Return in words what moving an application to another version of its procedure would do."""
    head = f"application {item.number} ({item.process})"
    if item.process not in old.processes:
        return f"{head}: stands in no process of {old.name}"
    moved = workflow_versions.moved(old, new, queries.position(item))
    if moved.refusal is not None:
        return f"{head}: cannot be moved: {say(moved.refusal, 'en', **moved.params)}"
    told = [("due now", moved.due), ("to be finished again", moved.again), ("gone", moved.gone)]
    told.append(("other terms", tuple(term.key for term in moved.terms)))
    words = "; ".join(f"{what}: {', '.join(stages)}" for what, stages in told if stages)
    return f"{head}: {words or 'moves as it stands'}"
