"""What one may type on the screens of meetings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.web.inputs import whole_number


def by_member(form: Mapping[str, str], prefix: str) -> dict[int, str]:
    """Return what was typed for each member: ``vote-12`` with the prefix ``vote`` gives 12 -> its text."""
    return dict(_numbered(form, f"{prefix}-"))


def _numbered(form: Mapping[str, str], prefix: str) -> Iterator[tuple[int, str]]:
    for name, text in form.items():
        number = whole_number(name.removeprefix(prefix)) if name.startswith(prefix) else None
        if number is not None:
            yield number, text
