"""A copy of the whole installation, and back into an empty place: ``flask backup`` and ``flask restore``."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from houses import DATABASES, House, settings
from sqlalchemy import Engine, String, cast, func, insert, inspect, select, text

from app import catalogue, db, schema
from app.applications.models import Application, Attachment, Document, Signature
from app.applications.verifying import verified_again
from app.audit.models import AuditEntry
from app.config import ROOT, Config
from app.copies import making, parts, restoring
from app.copies.parts import BadCopy
from app.db import Record, make_engine, table_of
from app.signatures.report import Verdict
from app.storage import Storage

NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)


@dataclass
class Place:
    """An installation without its application: settings, database, files."""

    config: Config
    engine: Engine
    storage: Storage

    def backup(self, folder: Path, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
        return making.make(folder, engine=self.engine, storage=self.storage, config=self.config, now=NOW, say=say)

    def restore(self, folder: Path) -> dict[str, Any]:
        said: list[str] = []
        return restoring.restore(folder, engine=self.engine, storage=self.storage, config=self.config, say=said.append)

    def rows(self) -> dict[str, list[Any]]:
        """Return all rows of all tables, JSON columns as their text, so that null and nothing differ."""
        found = {}
        with making.snapshot(self.engine) as connection:
            for table in Record.metadata.sorted_tables:
                asked = [cast(column, String) if str(column.type) == "JSON" else column for column in table.c]
                found[table.name] = sorted(map(repr, connection.execute(select(*asked)).all()))
        return found

    def files(self) -> dict[str, bytes]:
        return {sha256: self.storage.get(sha256) for sha256 in self.storage.kept()}


@contextmanager
def standing(var: Path, url: str = "", **environ: str) -> Iterator[Place]:
    chosen = settings(var, **environ)
    if url:
        chosen = replace(chosen, database_url=url)
    engine = make_engine(chosen.database_url)
    yield Place(chosen, engine, Storage(var / "files"))
    engine.dispose()


@pytest.fixture
def empty(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Place]]:
    """Return an empty place over a kind of database."""
    opened: list[Any] = []

    def make(kind: str = "sqlite") -> Place:
        url = str(request.getfixturevalue("server").database()) if kind == "postgresql" else ""
        opened.append(standing(tmp_path / f"empty{len(opened)}", url))
        found: Place = opened[-1].__enter__()
        return found

    yield make
    for one in opened:
        one.__exit__(None, None, None)


@pytest.fixture(scope="module")
def source_var(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copied folder of the demo on SQLite; what a test writes there, others see."""
    folder = tmp_path_factory.mktemp("source") / "var"
    shutil.copytree(demo_folder, folder)
    return folder


@pytest.fixture(scope="module")
def whole(source_var: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole copy of the demo; only to be read."""
    folder = tmp_path_factory.mktemp("copies") / "one"
    with standing(source_var) as source:
        source.backup(folder)
    return folder


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """A whole copy of the test's own."""
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def of(house: House) -> Place:
    return Place(house.config, house.engine, house.app.extensions["kezen.storage"])


@pytest.mark.req("ESRV-33.a")
@pytest.mark.parametrize("into", DATABASES)
def test_what_is_restored_is_what_was_copied_row_for_row_and_byte_for_byte(live, into, empty, tmp_path):
    source, target = of(live), empty(into)
    add(source, {"words": 'Қазақ «ә» 😀 \n\t\\ "', "number": 1.50, "none": None, "list": [1, [], {}]})

    manifest = source.backup(tmp_path / "copy")
    target.restore(tmp_path / "copy")

    assert target.rows() == source.rows()
    assert target.files() == source.files()
    assert len(target.files()) == manifest["files"]["count"] > 100
    assert manifest["log"]["entries"] == len(source.rows()["audit_entry"]) > 1000
    with target.engine.connect() as connection:
        assert {str(path) for path in (target.config.var / "sandbox").rglob("*.cer")}
        last = connection.scalar(select(func.max(AuditEntry.id))) or 0
    add(target, {})  # the next row gets the next number, and no taken one
    with target.engine.connect() as connection:
        assert connection.scalar(select(func.max(AuditEntry.id))) == last + 1


def add(place: Place, details: Mapping[str, object]) -> None:
    with place.engine.begin() as connection:
        values = {"at": NOW, "act": "tried", "user_id": None, "subject": "copy", "address": "", "details": details}
        connection.execute(insert(table_of(AuditEntry)), values)


@pytest.mark.req("ESRV-33.a")
def test_signatures_still_verify_where_they_were_restored(whole, empty):
    target = empty()
    target.restore(whole)
    house = House.build(target.config)
    house.enter()
    try:
        with house.app.app_context():
            asked = select(Document, Signature).join(Signature, Signature.document_id == Document.id)
            found = [verified_again(document, signature) for document, signature in db.session.execute(asked)]
    finally:
        db.session.remove()
        house.engine.dispose()
        catalogue.configure(house.config)

    assert len(found) > 10
    assert {report.verdict for report in found if report} == {Verdict.VALID}
    assert None not in found


@pytest.mark.req("ESRV-33.a")
@pytest.mark.parametrize(
    "part",
    [
        "manifest.json",
        "SHA256SUMS",
        "tables/audit_entry.jsonl",
        "tables/application.jsonl",
        "files/*/*/*",
        "kept/sandbox/accounts.json",
    ],
)
def test_a_broken_or_missing_part_is_named_and_nothing_is_restored(copy, part, empty):
    path = next(copy.glob(part))
    content, target = path.read_bytes(), empty()

    path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    with pytest.raises(BadCopy, match=f"^{path.relative_to(copy)}: .*broken"):
        target.restore(copy)
    path.unlink()
    with pytest.raises(BadCopy, match=f"^{path.relative_to(copy)}: missing"):
        target.restore(copy)

    assert inspect(target.engine).get_table_names() == []
    assert target.files() == {}


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, "tests")
from app import catalogue, config, db
from app.copies import making, parts, restoring
from app.storage import Storage
from datetime import UTC, datetime

def kill(*_): os.kill(os.getpid(), signal.SIGKILL)

verb, folder, moment = sys.argv[1:]
chosen = config.read()
engine, storage = db.make_engine(chosen.database_url), Storage(chosen.var / "files")
given = dict(engine=engine, storage=storage, config=chosen, say=print)
if verb == "backup":
    written, write = [], parts.Writing.write
    def counted(self, name, content):
        written.append(name)
        if len(written) == int(moment):
            kill()
        return write(self, name, content)
    parts.Writing.write = counted
    making.make(Path(folder), now=datetime.now(UTC), **given)
else:
    setattr(restoring, moment, kill)
    restoring.restore(Path(folder), **given)
"""


def killed(place: Place, verb: str, folder: Path, moment: str) -> None:
    """Do ``verb`` in a process of its own that is ended by SIGKILL at a moment."""
    variables = {**os.environ, "KEZEN_ENV": "test", "KEZEN_VAR": str(place.config.var)}
    variables["DATABASE_URL"] = place.config.database_url
    command = [sys.executable, "-c", KILLED, verb, str(folder), moment]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.req("ESRV-33.a")
@pytest.mark.parametrize("moment", ["1", "9", "100", "234"])
def test_a_backup_that_was_killed_is_never_taken_for_a_whole_one(source_var, moment, empty, tmp_path):
    folder, target = tmp_path / "shelf" / "copy", empty()
    folder.parent.mkdir()

    with standing(source_var) as source:
        killed(source, "backup", folder, moment)
        (unfinished,) = folder.parent.iterdir()
        assert unfinished.name.startswith(".copy.unfinished-")
        with pytest.raises(BadCopy, match="never finished"):
            target.restore(unfinished)
        assert not folder.exists()
        source.backup(folder)

    target.restore(folder)


@pytest.mark.req("ESRV-33.a")
@pytest.mark.parametrize("moment", ["_put_rows", "_check_rows", "_check_files"])
def test_a_restore_that_was_killed_leaves_no_row_and_may_be_begun_again(whole, moment, empty, database):
    target = empty(database)

    killed(target, "restore", whole, moment)
    with target.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(AuditEntry)) == 0
    target.restore(whole)

    with target.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Application)) == 83


@pytest.mark.req("ESRV-33.a")
def test_a_place_that_is_not_empty_is_left_as_it_is(whole, empty, database):
    with_rows, with_files = empty(database), empty()
    schema.upgrade(with_rows.engine)
    add(with_rows, {})
    before = with_rows.rows()
    strange = with_files.storage.put(b"of somebody else")

    with pytest.raises(restoring.NotRestored, match="audit_entry has 1 rows"):
        with_rows.restore(whole)
    with pytest.raises(restoring.NotRestored, match=f"{strange}: the storage is not empty"):
        with_files.restore(whole)

    assert with_rows.rows() == before
    assert with_rows.files() == {}
    assert with_files.files() == {strange: b"of somebody else"}


@pytest.mark.req("ESRV-33.a")
def test_what_is_written_during_a_backup_stays_out_of_it_whole(live, empty, database, tmp_path, monkeypatch):
    source, target, write = of(live), empty(database), parts.Writing.write
    before, written = source.rows(), 0

    def meanwhile(self: parts.Writing, name: str, given: Any) -> str:
        nonlocal written
        if name.startswith("tables/"):
            written += 1
            sha256 = source.storage.put(name.encode())
            with source.engine.connect() as other, other.begin():
                template = dict(other.execute(select(table_of(Attachment)).limit(1)).mappings().one())
                other.execute(insert(table_of(Attachment)), {**template, "id": 9000 + written, "sha256": sha256})
                counter = {"at": NOW, "act": "tried", "subject": name, "address": "", "details": {}}
                other.execute(insert(table_of(AuditEntry)), counter)
        return write(self, name, given)

    monkeypatch.setattr(parts.Writing, "write", meanwhile)
    source.backup(tmp_path / "copy")
    target.restore(tmp_path / "copy")

    assert written == len(Record.metadata.tables)
    assert len(source.rows()["audit_entry"]) == len(before["audit_entry"]) + written
    assert target.rows() == before
    assert hashlib.sha256(b"tables/vote.jsonl").hexdigest() not in target.files()


def test_a_stored_file_that_is_missing_or_damaged_is_named_and_no_copy_is_made(source_var, tmp_path):
    shutil.copytree(source_var, tmp_path / "var")
    with standing(tmp_path / "var") as source:
        with source.engine.connect() as connection:
            missing, damaged = connection.scalars(select(Document.sha256).distinct().limit(2)).all()
        source.storage.place(missing).unlink()
        source.storage.place(damaged).write_bytes(b"other")

        with pytest.raises(making.NotCopied) as told:
            source.backup(tmp_path / "copy")

    assert f"{missing}: missing; document.sha256 names it" in str(told.value)
    assert f"{damaged}: damaged" in str(told.value)
    assert [path.name for path in tmp_path.iterdir()] == ["var"]


def test_a_copy_is_the_owners_alone_and_holds_no_key_of_the_installation(whole, source_var):
    key = (source_var / "secret_key").read_bytes()

    for path in (whole, *whole.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
        assert path.is_dir() or key not in path.read_bytes(), path
    sums = subprocess.run(["sha256sum", "-c", "--quiet", "manifest.sha256", "SHA256SUMS"], cwd=whole, check=False)
    assert sums.returncode == 0


def told_anew(copy: Path, **changes: object) -> None:
    """Write another manifest with a right sum."""
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, **changes}))
    sha256 = hashlib.sha256((copy / "manifest.json").read_bytes()).hexdigest()
    (copy / "manifest.sha256").write_text(f"{sha256}  manifest.json\n")


def test_a_copy_of_an_unknown_schema_or_format_is_refused(copy, empty):
    target = empty()

    told_anew(copy, revision="9999")
    with pytest.raises(restoring.NotRestored, match="the schema 9999, which this program does not know"):
        target.restore(copy)
    told_anew(copy, format=2)
    with pytest.raises(BadCopy, match="format 2 is unknown"):
        target.restore(copy)

    assert inspect(target.engine).get_table_names() == []


def test_a_copy_of_a_demo_is_not_restored_in_production(copy, empty):
    target = empty()
    target.config = replace(target.config, env="production")

    with pytest.raises(restoring.NotRestored, match="a copy of a demo"):
        target.restore(copy)


def test_rows_that_do_not_come_out_as_they_were_copied_are_not_kept(copy, empty):
    target = empty()
    manifest = json.loads((copy / "manifest.json").read_text())
    told_anew(copy, log={**manifest["log"], "chain": "0" * 64})

    with pytest.raises(restoring.NotRestored, match="the chain of the log"):
        target.restore(copy)

    with target.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(AuditEntry)) == 0


def test_a_copy_of_an_older_schema_is_brought_to_the_newest(empty, tmp_path):
    old, target = empty(), empty()
    schema.upgrade(old.engine, "0024")
    add(old, {"old": True})
    schema.upgrade(target.engine)

    manifest = old.backup(tmp_path / "copy")
    target.restore(tmp_path / "copy")

    assert manifest["revision"] == "0024"
    assert schema.is_current(target.engine)
    assert len(target.rows()["audit_entry"]) == 1


def test_the_commands_say_what_they_did_and_end_with_0_1_and_64(live, tmp_path, monkeypatch):
    runner = live.app.test_cli_runner()
    db.session.remove()

    done = runner.invoke(args=["backup", str(tmp_path / "copy")])
    again = runner.invoke(args=["backup", str(tmp_path / "copy")])
    back = runner.invoke(args=["restore", str(tmp_path / "copy")])
    wrong = runner.invoke(args=["restore", str(tmp_path / "nowhere")])
    nothing = runner.invoke(args=["backup"])
    told = runner.invoke(args=["restore", "--help"])

    assert (done.exit_code, again.exit_code, back.exit_code) == (0, 1, 1)
    assert (wrong.exit_code, nothing.exit_code, told.exit_code) == (64, 64, 0)
    assert "log of" in done.output
    assert "not empty; name a folder that is empty" in again.output
    assert "has 1" in back.output or "not empty" in back.output
    assert "Bring the copy in DIR into this installation" in told.output


def test_the_mark_of_a_key_knows_the_key_and_no_other(whole, source_var):
    manifest = parts.read(whole).manifest

    assert restoring.is_same_key(manifest, settings(source_var).secret_key)
    assert not restoring.is_same_key(manifest, "x" * 48)


def test_rows_may_name_rows_that_come_after_them(live, empty, database, tmp_path):
    source, target = of(live), empty(database)
    with source.engine.begin() as connection:
        own = [
            (each, key.parent)
            for each in Record.metadata.sorted_tables
            for key in each.foreign_keys
            if key.column.table is each and key.column.name == "id"
        ]
        assert own, "no table names itself: this test has nothing to try"
        changed = 0
        for table, column in own:
            first, last = connection.execute(select(func.min(table.c.id), func.max(table.c.id))).one()
            if first is not None and first != last and "version" in table.c:
                connection.execute(text(f"UPDATE {table.name} SET {column.name} = {last} WHERE id = {first}"))
                changed += 1

    source.backup(tmp_path / "copy")
    target.restore(tmp_path / "copy")

    assert changed
    assert target.rows() == source.rows()
