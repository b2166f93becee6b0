"""What is found of a file: its kind with notes, or a refusal that says what would mend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "pdf": "application/pdf",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "jpg": "image/jpeg",
        "png": "image/png",
        "zip": "application/zip",
    }
)
"""The kinds a field may accept."""


class Refusal(Exception):
    """A file that is not taken: ``key`` of the sentence and its parameters."""

    def __init__(self, key: str, **params: object) -> None:
        super().__init__(key, params)
        self.key, self.params = key, params


@dataclass(frozen=True)
class Note:
    """What the reader should know of a file that was taken: ``key`` of the sentence and its parameters."""

    key: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    """What a file is: a key of ``MEDIA_TYPES``, and what is to be told of it."""

    kind: str
    notes: tuple[Note, ...] = ()

    @property
    def media_type(self) -> str:
        """The type under which the file is given out again."""
        return MEDIA_TYPES[self.kind]
