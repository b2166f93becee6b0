"""Long lists by pages: which page was asked for, and the links to its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import request, url_for


@dataclass(frozen=True)
class Page:
    """One page of a list; ``previous`` and ``next`` are addresses, None at the ends."""

    number: int
    pages: int
    size: int
    previous: str | None
    next: str | None

    @property
    def start(self) -> int:
        """How many items stand on the pages before."""
        return (self.number - 1) * self.size


def asked_for(endpoint: str, count: int, *, size: int, **query: str | list[str]) -> Page:
    """Return the page of ``count`` items that the address names by ``page``, the nearest one that there is.

    ``query`` is what else stands in the addresses of the pages.
    """
    pages = max(1, -(-count // size))
    number = min(max(1, request.args.get("page", 1, type=int)), pages)

    def address(page: int) -> str | None:
        return f"{url_for(endpoint)}?{urlencode({'page': page, **query}, doseq=True)}" if 1 <= page <= pages else None

    return Page(number, pages, size, address(number - 1), address(number + 1))
