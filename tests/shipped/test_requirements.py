"""docs/requirements.csv holds every requirement once, and tests name only requirements it holds."""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHAPE = re.compile(r"(IS2IN|ESRV|OAPI|SUPK|SUPP)-[A-Za-z0-9]+(\.[A-Za-z0-9]+)*")


def rows() -> list[dict[str, str]]:
    with (ROOT / "docs" / "requirements.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def named_in_tests() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "req":
                for argument in node.args:
                    where = f"{path.relative_to(ROOT)}:{node.lineno}"
                    yield where, argument.value if isinstance(argument, ast.Constant) else ast.unparse(argument)


def test_every_requirement_stands_once_and_is_told_in_words():
    ids = [row["ID"] for row in rows()]

    assert len(ids) == len(set(ids))
    assert [one for one in ids if not SHAPE.fullmatch(one)] == []
    assert [row["ID"] for row in rows() if not row["words"].strip() or not row["paragraph"].strip()] == []


def test_a_requirement_is_kept_or_left_out_with_a_reason():
    for row in rows():
        assert row["status"] in ("kept", "left out"), row["ID"]
        assert bool(row["reason"].strip()) == (row["status"] == "left out"), row["ID"]


def test_the_five_documents_are_all_there():
    counts: dict[str, int] = {}
    for row in rows():
        document = row["ID"].split("-")[0]
        counts[document] = counts.get(document, 0) + 1

    assert counts == {"IS2IN": 159, "ESRV": 113, "OAPI": 179, "SUPK": 45, "SUPP": 81}


def test_tests_name_only_known_requirements():
    known = {row["ID"] for row in rows()}

    assert [(where, one) for where, one in named_in_tests() if one not in known] == []
