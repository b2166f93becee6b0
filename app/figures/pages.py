"""The pages of figures by their names, in the order of their tabs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.figures import load, paths, stays, terms
from app.figures.reports import Reports, Section

PAGES: Mapping[str, Callable[[Reports], list[Section]]] = {
    "load": load.sections,
    "terms": terms.sections,
    "stays": stays.sections,
    "paths": paths.sections,
}
