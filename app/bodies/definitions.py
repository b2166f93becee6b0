"""The files of ``workflows/_bodies/``: the deciding bodies and the rules by which they sit.

``listing_commission.v1.yaml`` names a body in three languages and holds its rules, each in force from a day
on; who its members are is no file's business.  Every fault of every file is told at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from app.bodies.voting import Base, Rule, Share
from app.definition_files import Definition, Fault, Key, Reading, Sentence, Source, Words, named_files, read
from app.definition_values import Day, refused
from app.errors import NotFound

FOLDER = "_bodies"
_FILE_NAME = re.compile(r"([a-z][a-z0-9_]{0,59})\.v([1-9][0-9]{0,3})\.yaml")
_SHARE = re.compile(r"(at least|more than) ([1-9][0-9]?)/([1-9][0-9]?)")


def _share(text: str) -> str:
    found = _SHARE.fullmatch(text)
    if found is None or int(found[2]) > int(found[3]):
        raise refused(f"'{text}' is no share", "write 'more than 1/2' or 'at least 2/3', at most the whole")
    return text


ShareText = Annotated[str, AfterValidator(_share)]


class QuorumText(Definition):
    share: ShareText
    of: Literal["members", "entitled"] = "members"


class MajorityText(Definition):
    share: ShareText
    of: Literal["members", "entitled", "present", "cast"]


class RuleText(Definition):
    """One set of rules; ``source`` says where it was taken from."""

    since: Day
    quorum: QuorumText
    majority: MajorityText
    casting_vote: bool
    source: Sentence


class BodyText(Definition):
    """``kind``: what its minutes call it; ``demo_data``: the rules are illustrative."""

    body: Key
    version: Annotated[int, Field(ge=1, le=9999, strict=True)]
    demo_data: bool = False
    title: Words
    short_title: Words
    rules: Annotated[list[RuleText], Field(min_length=1)]


@dataclass(frozen=True)
class Body:
    """A body that decides on applications; ``rules`` maps the day from which each holds to it, in order."""

    key: str
    title: Words
    short_title: Words
    rules: Mapping[date, Rule]
    demo_data: bool

    def rule(self, day: date) -> Rule:
        """Return the rules in force on a day.

        Raises:
            NotFound: none were yet.
        """
        in_force = [since for since in self.rules if since <= day]
        if not in_force:
            raise NotFound("meetings.err.no_rules")
        return self.rules[max(in_force)]


@dataclass(frozen=True)
class BodyLibrary:
    """The bodies of an installation, by key, in the order of their files."""

    bodies: Mapping[str, Body] = field(default_factory=dict)

    def get(self, key: str) -> Body:
        """Return a body.

        Raises:
            NotFound: there is none of this key.
        """
        if key not in self.bodies:
            raise NotFound
        return self.bodies[key]


def load(folder: Path, root: Path) -> tuple[BodyLibrary, list[Fault]]:
    """Read every file of ``folder``, which need not be there; faulty bodies are left out of the library.

    Of several versions of one body the newest holds.
    """
    faults: list[Fault] = []
    newest: dict[str, BodyText] = {}
    shape, like = "<body>.v<version>.yaml", "listing_commission.v1.yaml"
    for path, named in named_files(folder, _FILE_NAME, root, faults, shape=shape, like=like):
        reading = read(path, BodyText, root=root)
        own = [*reading.faults, *_faults_of_sense(reading, named)]
        faults += own
        text = reading.text
        if text is not None and not own and (text.body not in newest or newest[text.body].version < text.version):
            newest[text.body] = text
    return BodyLibrary({key: _body(text) for key, text in sorted(newest.items())}), sorted(faults)


def _faults_of_sense(reading: Reading[BodyText], named: Sequence[str | None]) -> Iterator[Fault]:
    text, source = reading.text, reading.source
    if text is None or reading.faults:
        return
    for key, own, right in zip(("body", "version"), (text.body, str(text.version)), named, strict=True):
        if own != right:
            yield source.fault([key], f"'{own}' is not what the file's name says", f"write {key}: {right}")
    yield from _faults_of_days(text, source)


def _faults_of_days(text: BodyText, source: Source) -> Iterator[Fault]:
    days = [rule.since for rule in text.rules]
    for number, (earlier, later) in enumerate(pairwise(days), start=1):
        if later <= earlier:
            yield source.fault(["rules", number, "since"], f"{later} does not follow {earlier}", "put them in order")


def _body(text: BodyText) -> Body:
    rules = {
        rule.since: Rule(
            _share_of(rule.quorum.share, rule.quorum.of),
            _share_of(rule.majority.share, rule.majority.of),
            rule.casting_vote,
        )
        for rule in text.rules
    }
    return Body(text.body, text.title, text.short_title, rules, text.demo_data)


def _share_of(text: str, of: str) -> Share:
    how, upper, lower = _SHARE.fullmatch(text).groups()  # type: ignore[union-attr]  # read: it has the shape
    return Share(Fraction(int(upper), int(lower)), how == "more than", Base(of))
