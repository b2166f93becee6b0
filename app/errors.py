"""The four kinds of refusal, and nothing else.

Each carries the key of a sentence in ``app/terms`` and its parameters, never prose: the outer
doors (pages, commands) say it in the reader's language.  ``app.web.errors`` alone knows the
HTTP codes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Problem:
    """One fault of what was typed: where (a field path, "" for the whole), and which sentence.

    ``params`` fill the sentence's placeholders; a value that is itself the key of a term is
    given as ``Term("key")`` and is translated before it is put in.
    """

    path: str
    key: str
    params: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Term:
    """A parameter that is to be translated itself."""

    key: str


@dataclass(frozen=True)
class Said:
    """A parameter given in each language, as definition files do: ``{"kk": …, "ru": …, "en": …}``."""

    words: dict[str, str]


class AppError(Exception):
    """A refusal told to the user in a whole sentence: ``key`` of the term and its parameters."""

    def __init__(self, key: str, **params: object) -> None:
        super().__init__(key, params)
        self.key = key
        self.params = params


class NotFound(AppError):
    """There is no such thing, or not for this user: outsiders cannot tell which."""

    def __init__(self, key: str = "err.not_found", **params: object) -> None:
        super().__init__(key, **params)


class NotPermitted(AppError):
    """The thing may be seen, but this user may not do this with it."""

    def __init__(self, key: str = "err.forbidden", **params: object) -> None:
        super().__init__(key, **params)


class Conflict(AppError):
    """The thing has moved since the user saw it, or does not stand where the action needs it."""


class Invalid(AppError):
    """What was given will not do; ``problems`` say which field and what would mend it."""

    def __init__(self, key: str = "err.summary", problems: Iterable[Problem] = (), **params: object) -> None:
        super().__init__(key, **params)
        self.problems = tuple(problems)

    @classmethod
    def at(cls, path: str, key: str, **params: object) -> Invalid:
        """Return the refusal of one field."""
        return cls(problems=[Problem(path, key, params)])
