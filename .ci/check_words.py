"""Check that every word is there in three languages and that no page asks for one that is not.

Keys that stand as literals are looked up: in templates ``say("…")`` and ``data-key="…"``, in code the key
of ``say``, ``Term``, ``Problem`` and of the four refusals.  Keys put together at run time are the tests' business.
"""

from __future__ import annotations

import ast
import re
import string
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

IN_TEMPLATES = re.compile(r"""\bsay\(\s*(["'])(?P<key>[^"'{}]+)\1\s*[,)]|data-key="(?P<hook>[^"{}]+)\"""")
# The call's name -> which argument is the key.
IN_CODE = {"say": 0, "Term": 0, "NotFound": 0, "NotPermitted": 0, "Conflict": 0, "Invalid": 0, "Problem": 1, "at": 1}


def asked() -> Iterator[tuple[str, str]]:
    """Yield (where, key) of every literal key."""
    for path in sorted((ROOT / "templates").rglob("*.html")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            for found in IN_TEMPLATES.finditer(line):
                yield f"{path.relative_to(ROOT)}:{number}", found["key"] or found["hook"]
    for path in sorted((ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            place = IN_CODE.get(name, len(node.args))
            key = node.args[place] if place < len(node.args) else None
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", key.value


def placeholders(words: str) -> set[str]:
    """Return the names of the {placeholders} of a sentence."""
    return {name for _, name, _, _ in string.Formatter().parse(words) if name is not None}


def faults() -> Iterator[str]:
    """Yield every fault of the word files and of their use."""
    from app.terms import terms

    try:
        words = terms()
    except ValueError as problem:
        yield str(problem)
        return
    for key, languages in words.items():
        try:
            named = {language: placeholders(text) for language, text in languages.items()}
        except ValueError as problem:
            yield f"{key}: {problem}"
            continue
        if len({frozenset(names) for names in named.values()}) > 1:
            told = "; ".join(f"{language}: {', '.join(sorted(names)) or 'none'}" for language, names in named.items())
            yield f"{key}: the placeholders differ ({told})"
    for where, key in asked():
        if key not in words:
            yield f"{where}: {key}: there is no such key in app/terms/words"


def main() -> int:
    """Print the faults; exit 1 if there are any."""
    found = list(faults())
    for fault in found:
        print(fault)
    print("Words: " + (f"{len(found)} faults" if found else "complete in kk, ru, en"))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
