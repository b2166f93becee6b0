"""The templates of the Exchange's letters: plain texts in Kazakh and Russian, with the names of facts in braces.

``templates/letters/<key>.<language>.txt``: the first line is the subject, the text follows after a blank line.
``{minutes_number}`` stands for a fact; whole sentences only, no case ending is put to a fact.  A line that
begins with ``? `` is left out where one of its facts is not known; any other keeps the name of the fact in
braces, so that whoever writes the letter is told what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.bilingual import LANGUAGES
from app.config import ROOT
from app.definition_files import Fault

FOLDER = ROOT / "templates" / "letters"
FACTS = (
    "number",
    "sent_date",
    "registration_number",
    "registration_date",
    "company",
    "bin",
    "procedure",
    "security",
    "body",
    "meeting_date",
    "minutes_number",
    "decision_date",
    "effective_date",
    "measure",
    "remedy_date",
    "conditions",
    "reason",
    "remarks",
    "gaps",
    "answer_days",
)
"""What a template may name; each has a term ``letter.fact.<name>``."""

OCCASIONS = (
    "letter",
    "letter.refuse_consideration",
    "notice",
    "conclusion",
    "refused",
    "incomplete",
    "remarks",
    "withdrawn",
    "unanswered",
    "discontinued",
)
"""The templates that the house asks for by name; the others are of outcomes, categories and procedures."""

_NAME = re.compile(r"(?P<key>[a-z_]+(?:\.[a-z_]+)*)\.(?P<language>[a-z]{2})\.txt")
_PLACE = re.compile(r"\{([^{}\n]*)\}")
_FACT = re.compile(r"[a-z]+(?:_[a-z]+)*")
_WHERE_KNOWN = "? "


@dataclass(frozen=True)
class Template:
    """One letter in one language."""

    subject: str
    text: str

    def filled(self, facts: Mapping[str, str]) -> str:
        """Return the text with the facts that are known; the names of the others stay in braces."""
        lines, told = [], self.text.split("\n")
        for line, following in zip(told, [*told[1:], ""], strict=True):
            body = line.removeprefix(_WHERE_KNOWN)
            asked = _PLACE.findall(body) or _PLACE.findall(following)  # a heading goes with what stands below it
            if line.startswith(_WHERE_KNOWN) and not all(facts.get(name) for name in asked):
                continue
            lines.append(_PLACE.sub(lambda found: facts.get(found[1]) or found[0], body))
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def left_empty(text: str) -> list[str]:
    """Return what stands in braces in a text like the name of a fact, each once: facts that nobody has put in.

    ``{minutes_number}`` and its misspellings; other words in braces are those of a ground or remark that is quoted.
    """
    return list(dict.fromkeys(name for name in _PLACE.findall(text) if _FACT.fullmatch(name)))


@cache
def templates(folder: Path = FOLDER) -> Mapping[str, Mapping[str, Template]]:
    """Return key -> language -> template, read once.  What ``faults`` tells of is left out."""
    found: dict[str, dict[str, Template]] = {}
    for path in sorted(folder.glob("*.txt")):
        name = _NAME.fullmatch(path.name)
        if name is not None:
            subject, _, text = path.read_text(encoding="utf-8").partition("\n")
            found.setdefault(name["key"], {})[name["language"]] = Template(subject.strip(), text.strip())
    return {key: each for key, each in found.items() if set(each) == set(LANGUAGES)}


def chosen(*keys: str) -> str:
    """Return the first of ``keys`` that has a template.

    Raises:
        LookupError: none has.
    """
    for key in keys:
        if key in templates():
            return key
    raise LookupError(", ".join(keys))


def faults(folder: Path = FOLDER) -> list[Fault]:
    """Return everything that is wrong with the templates of a folder."""
    found: list[Fault] = []
    languages: dict[str, set[str]] = {key: set() for key in OCCASIONS}
    for path in sorted(folder.glob("*")):
        shown = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.as_posix()
        name = _NAME.fullmatch(path.name)
        if name is None or name["language"] not in LANGUAGES:
            mend = "rename it <key>.kk.txt or <key>.ru.txt, of small Latin letters, underscores and dots"
            found.append(Fault(shown, 0, "", "is no letter's template by its name", mend))
            continue
        languages.setdefault(name["key"], set()).add(name["language"])
        found += _faults_of(path.read_text(encoding="utf-8"), shown)
    for key, there in sorted(languages.items()):
        for language in LANGUAGES:
            if language not in there:
                file = f"{folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder}/{key}.{language}.txt"
                found.append(Fault(file, 0, "", "is missing", f"write the letter '{key}' in this language too"))
    return found


def _faults_of(content: str, file: str) -> list[Fault]:
    found = []
    lines = content.split("\n")
    if not lines[0].strip() or len(lines) < 3 or lines[1].strip() or not "".join(lines[2:]).strip():
        found.append(Fault(file, 1, "", "has no subject and text", "a line, a blank line, then the text"))
    for number, line in enumerate(lines, start=1):
        for name in _PLACE.findall(line):
            if name not in FACTS:
                mend = f"known: {', '.join(FACTS)}"
                found.append(Fault(file, number, name, "no fact of an application has this name", mend))
        if line.startswith(_WHERE_KNOWN) and not _PLACE.search(line) and not line.rstrip().endswith(":"):
            found.append(Fault(file, number, "?", "a line without facts is never left out", "remove the question mark"))
    return found
