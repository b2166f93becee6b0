"""What is thrown at what: a target has contexts, a context has seeds and judges inputs made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


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


@dataclass(frozen=True)
class Context:
    """Inputs of one kind and what they are judged against; with ``is_text`` they are changed as text."""

    name: str
    seeds: tuple[bytes, ...]
    judge: Judge
    is_text: bool = False


@dataclass(frozen=True)
class Target:
    """One thing that reads what strangers send."""

    name: str
    contexts: tuple[Context, ...]

    @property
    def seeds(self) -> tuple[bytes, ...]:
        """Return the seeds of all contexts, which lend each other their parts."""
        return tuple(seed for context in self.contexts for seed in context.seeds if not context.is_text)

    def context(self, name: str) -> Context:
        return next(context for context in self.contexts if context.name == name)
