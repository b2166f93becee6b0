"""The words of figures in the reader's language: procedures, processes, terms, and the parts of keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

from app.errors import NotFound
from app.figures.counting import Key
from app.terms import say, terms
from app.workflows.definitions import ProcedureLibrary
from app.workflows.graph import words_of
from app.workflows.machine import Procedure


@dataclass
class Wording:
    """Says everything in one language."""

    language: str
    procedures: ProcedureLibrary
    names: Mapping[str, str]
    """Whoever holds an application, by the ids that keys have."""

    def say(self, key: str, **params: object) -> str:
        """Say a term in the reader's language."""
        return say(key, self.language, **params)

    def days(self, value: float | None) -> str:
        """Return days as words: one decimal; a dash for none."""
        if value is None:
            return "–"
        return f"{value:.1f}".replace(".", "." if self.language == "en" else ",")

    def share(self, part: float, whole: float) -> str:
        """Return a share in percent; a dash of nothing."""
        return f"{self.days(part / whole * 100)} %" if whole else "–"

    def procedure_words(self, key: str) -> str:
        """Return a procedure's title."""
        return self.procedure(key).title[self.language]

    def process_words(self, procedure: str, process: str) -> str:
        """Return a process's short title, of the newest version that has it."""
        for found in self.versions(procedure):
            if process in found.processes:
                return found.processes[process].short_title[self.language]
        return process

    def term_words(self, procedure: str, term: str) -> str:
        """Return a term's title, of the newest version that has it."""
        for found in self.versions(procedure):
            for each in found.terms:
                if each.key == term:
                    return each.title[self.language]
        return term

    def act_words(self, procedure: str, source: str, target: str, act: str) -> str:
        """Return the words of the button by which a way was taken."""
        for found in self.versions(procedure):
            for way in found.transitions:
                if (way.source, way.target, way.trigger) == (source, target, act):
                    return words_of(way, self.language, self.say)
        return self.say("figures.led")

    def outcome_words(self, outcome: str) -> str:
        """Return how an application ended."""
        own = f"figures.outcome.{outcome}"
        return self.say(own if own in terms() else f"st.{outcome}")

    def person_words(self, person: str) -> str:
        """Return who holds applications, or that they lie in a queue."""
        return self.names.get(person) or self.say("figures.queue")

    def week_words(self, week: str) -> str:
        """Return a week by its Monday."""
        return f"{week[8:]}.{week[5:7]}.{week[:4]}"

    def month_words(self, month: str) -> str:
        """Return a month as MM.YYYY."""
        return f"{month[5:]}.{month[:4]}"

    def procedure(self, key: str) -> Procedure:
        """Return the newest version of a procedure."""
        return self.procedures.get(key)

    @cached_property
    def _known(self) -> Mapping[str, list[Procedure]]:
        found: dict[str, list[Procedure]] = {}
        for each in sorted(self.procedures.procedures.values(), key=attrgetter("version"), reverse=True):
            found.setdefault(each.key, []).append(each)
        return found

    def versions(self, key: str) -> Sequence[Procedure]:
        """Return all versions of a procedure, the newest first."""
        return self._known.get(key, ())

    def heading(self, subject: str, key: Key) -> str:
        """Return what a list is of, in words."""
        return " · ".join(filter(None, [self.say(f"figures.subject.{subject}"), *self.parts(subject, key)]))

    def parts(self, subject: str, key: Key) -> list[str]:
        """Return the parts of a key in words; what is unknown is said as nothing."""
        tellers: Mapping[str, Sequence[Callable[[str], str]]] = {
            "alive": (self.procedure_words, self._said_at("figures.band.")),
            "aged": (self._said_at("figures.band."),),
            "waiting": (self._said_at("workflow.executor."), self._said_at("figures.band.")),
            "held": (self.person_words, self._said_at("workflow.executor."), self._said_at("figures.band.")),
            "standing": (self.procedure_words, self._process_of(key, 0)),
            "arrived": (self.week_words,),
            "closed": (self.week_words,),
            "settled": (self.procedure_words, self._term_of(key, 0), self._said_at("figures.")),
            "settled_by_month": (self.month_words, self._said_at("figures.")),
            "running": (self._said_at("figures.state."), self.procedure_words, self._term_of(key, 1)),
            "stays": (self._said_at("figures.side."), self.procedure_words, self._process_of(key, 1)),
            "outcomes": (self.outcome_words,),
            "reworked": (self._said_at("figures.rework."), self._said_at("figures.rework.")),
            "ways": (self.procedure_words, self._process_of(key, 0), self._process_of(key, 0), self._act_of(key)),
            "entries": (self.procedure_words, self._process_of(key, 0)),
            "variants": (self.procedure_words, lambda _: ""),
        }
        try:
            return [tell(part) for tell, part in zip(tellers[subject], key, strict=False)]
        except (KeyError, NotFound, IndexError):
            return []

    def _said_at(self, begin: str) -> Callable[[str], str]:
        return lambda part: self.say(begin + part)

    def _process_of(self, key: Key, place: int) -> Callable[[str], str]:
        return lambda process: self.process_words(key[place], process)

    def _term_of(self, key: Key, place: int) -> Callable[[str], str]:
        return lambda term: self.term_words(key[place], term)

    def _act_of(self, key: Key) -> Callable[[str], str]:
        return lambda act: self.act_words(key[0], key[1], key[2], act)
