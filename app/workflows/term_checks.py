"""What is wrong with the terms and timers of a workflow file: checks like those of ``checks``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from app.definition_files import Fault, Source
from app.definition_remains import is_gap, is_told
from app.workflows.checks import known_words, unknown
from app.workflows.guards import APPLICANT, EFFECTS_OF_SYSTEM, EXECUTORS, SYSTEM
from app.workflows.texts import ProcedureText, SharedTermText, TermText


def _terms(text: ProcedureText, source: Source) -> Iterator[Fault]:
    for path, key, term, processes in text.term_texts():
        if term.escalate is not None and term.escalate not in EXECUTORS:
            yield unknown(source, [*path, "escalate"], "executor", term.escalate, EXECUTORS)
        if term.extendable is not None and term.extendable.by not in EXECUTORS:
            yield unknown(source, [*path, "extendable", "by"], "executor", term.extendable.by, EXECUTORS)
        elif term.extendable is not None and term.extendable.by in APPLICANT:
            problem = "the applicant would extend his own term"
            yield source.fault([*path, "extendable", "by"], problem, "name an executor of the Exchange")
        if term.counted_from is not None and not _has_meeting(processes, text):
            problem = "no transition on the way here records a meeting: there is no date to count from"
            mend = "remove it, or let a transition before have the effect record_meeting"
            yield source.fault([*path, "counted_from"], problem, mend)
        if isinstance(term, SharedTermText):
            yield from _faults_of_processes((*path, "processes"), processes, text, source)
            owner = text.processes.get(key)
            if owner is not None and owner.term is not None:
                yield source.fault(path, f"process '{key}' has a term of this name", "give this one another name")
        elif text.processes[key].final:
            yield source.fault(path, f"process '{key}' is final and takes no time", "remove the term")
        if term.pauses is not None and not _may_pause(term, processes, text):
            problem = "no transition leads from here to a process of the applicant: it never stands still"
            yield source.fault([*path, "pauses"], problem, "remove pauses")


def _faults_of_processes(
    place: tuple[str | int, ...], processes: list[str], text: ProcedureText, source: Source
) -> Iterator[Fault]:
    for number, word in enumerate(processes):
        if word not in text.processes:
            if not is_told(word, text.processes):
                yield unknown(source, [*place, number], "process", word, text.processes)
        elif text.processes[word].final:
            yield source.fault([*place, number], f"process '{word}' is final and takes no time", "remove it")
    for word, times in Counter(processes).items():
        if times > 1 and not is_gap(word):
            yield source.fault(place, f"process '{word}' stands {times} times", "name it once")


def _has_meeting(processes: list[str], text: ProcedureText) -> bool:
    """Tell whether every way into the term has recorded a meeting; unknown words may mean such a way."""
    steps = [(way.source, way.text.target, "record_meeting" in way.text.effects) for way in text.ways()]
    if any(word not in text.processes for step in steps for word in step[:2]):
        return True
    without, found = set[str](), {text.initial}
    while found:
        without |= found
        found = {after for before, after, records in steps if before in without and not records} - without
    return not without & set(processes)


def _may_pause(term: TermText, processes: list[str], text: ProcedureText) -> bool:
    """Tell whether a way leads out of the term to the applicant; unknown words may mean such a one."""
    for way in text.ways():
        target = text.processes.get(way.text.target)
        if target is None or way.source not in text.processes:
            return True
        if way.source in processes and way.text.target not in processes:
            executor = target.executor
            if executor in APPLICANT or (executor is not None and executor not in EXECUTORS):
                return True
    return any(word not in text.processes for word in processes)


def _timers(text: ProcedureText, source: Source) -> Iterator[Fault]:
    terms = {key: processes for _, key, _, processes in text.term_texts()}
    triggers = {way.trigger for _, way in text.declared()}
    for number, timer in enumerate(text.timers):
        place = ("timers", number)
        is_known = True
        if timer.term not in terms:
            is_known = False
            if not is_told(timer.term, terms):
                yield unknown(source, [*place, "term"], "term", timer.term, terms)
        if timer.trigger not in triggers:
            is_known = False
            if not is_told(timer.trigger, triggers):
                yield unknown(source, [*place, "trigger"], "trigger", timer.trigger, triggers)
        if is_known:
            yield from _faults_of_timer((*place, "trigger"), timer.trigger, terms[timer.term], text, source)
    for word, times in Counter(timer.term for timer in text.timers).items():
        if times > 1 and not is_gap(word):
            yield source.fault(["timers"], f"term '{word}' has {times} timers", "keep one")


def _faults_of_timer(
    place: tuple[str | int, ...], trigger: str, processes: list[str], text: ProcedureText, source: Source
) -> Iterator[Fault]:
    begins = {way.source for way in text.ways() if way.text.trigger == trigger}
    for process in processes:
        if process in text.processes and process not in begins and not any(map(is_gap, begins)):
            problem = f"the term may be over in process '{process}', where '{trigger}' does not begin"
            yield source.fault(place, problem, f"let '{trigger}' begin in every process of the term")
    if not any(way.by == SYSTEM for _, way in text.declared() if way.trigger == trigger):
        mend = f"write by: {SYSTEM} on the transition"
        yield source.fault(place, f"'{trigger}' is taken by a person, not by the system", mend)


def _ways_of_system(text: ProcedureText, source: Source) -> Iterator[Fault]:
    fired = {timer.trigger for timer in text.timers}
    for path, way in text.declared():
        if way.by != SYSTEM:
            continue
        if way.trigger not in fired and not is_told(way.trigger, fired):
            mend = f"add to timers: {{term: …, trigger: {way.trigger}}}"
            yield source.fault([*path, "by"], "no timer takes this transition", mend)
        for index, effect in enumerate(way.effects):
            if effect not in EFFECTS_OF_SYSTEM and not is_gap(effect):
                problem = f"the system does not carry out '{effect}'"
                yield source.fault([*path, "effects", index], problem, f"use: {known_words(EFFECTS_OF_SYSTEM)}")
        for key, given in (
            ("guards", way.guards),
            ("stage", getattr(way, "stage", None)),
            ("confirm", way.confirm),
            ("reason_required", way.reason_required),
        ):
            if given:
                yield source.fault([*path, key], f"nobody is there for '{key}' when a timer is over", "remove it")


TERM_CHECKS: tuple[Callable[[ProcedureText, Source], Iterator[Fault]], ...] = (_terms, _timers, _ways_of_system)


def notes_of_terms(text: ProcedureText, source: Source) -> Iterator[Fault]:
    """Tell what is no fault and hardly meant: a process may take longer than a term that runs through it.

    So where a procedure shortens the one, and leaves the other as a shared part has it.  What a table says, what is
    counted from the meeting, and what cannot be read is left out.
    """
    own = {key: each.term for key, each in text.processes.items() if each.term is not None}
    for key, term in text.terms.items():
        for process in term.processes:
            inner = own.get(process)
            if inner is None or any(each.table or each.counted_from for each in (term, inner)):
                continue
            days, most = inner.working_days, term.working_days
            if not (is_gap(days) or is_gap(most)) and days > most:
                problem = f"may take {days} working days, and '{key}', which runs through it, only {most}"
                mend = f"give process '{process}' a term of its own, or make '{key}' longer"
                yield source.fault(("processes", process, "term"), problem, mend)
