"""What is thrown at what: a target has contexts, a context has seeds and judges inputs made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from tests.fuzz.mutations import mutate


class Wrong(Exception):
    """An input was believed that nobody signed so."""


@dataclass(frozen=True)
class Told:
    """What was said of an input.

    ``kept`` explains an input that was changed and is accepted all the same: in what it differs from
    its seed, all of it outside of what is signed.
    """

    verdict: str
    kept: str = ""


Judge = Callable[[bytes, bytes], Told]
"""Judges an input that was made of a seed.

Raises:
    Wrong: what was said of it is not true.
"""


Change = Callable[[bytes, Random, Sequence[bytes]], bytes]
"""Makes an input of another; the others lend their parts."""


@dataclass(frozen=True)
class Context:
    """Inputs of one kind, what they are judged against, and what knows how to change them."""

    name: str
    seeds: tuple[bytes, ...]
    judge: Judge
    change: Change = mutate


@dataclass(frozen=True)
class Target:
    """One thing that reads what strangers send."""

    name: str
    contexts: tuple[Context, ...]

    def changed(self, context: Context, data: bytes, dice: Random) -> bytes:
        """Return an input of a context, changed; contexts of the same kind lend each other their seeds."""
        others = [seed for one in self.contexts if one.change is context.change for seed in one.seeds]
        return context.change(data, dice, others)

    def context(self, name: str) -> Context:
        return next(context for context in self.contexts if context.name == name)
