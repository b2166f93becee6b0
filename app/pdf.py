"""The one door to WeasyPrint: a page of HTML becomes a PDF, and nothing is fetched while it does.

No address is opened, neither on the network nor on the disk: styles, images and fonts are given
by value, the faces by their names.  The faces are whole static fonts with every Kazakh letter
(``./kezen assets``); where they have not been built, the system's own face serves.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from app.config import ROOT

FONTS = ROOT / "static" / "vendor" / "golos-text"
WEIGHTS = {"Regular": 400, "Medium": 500, "SemiBold": 600, "Bold": 700}
PRINT_CSS = ROOT / "templates" / "pdf" / "paper.css"


class Refused(Exception):
    """The document names an address that would have to be opened."""


class _AddressNamed(FatalURLFetchingError):  # type: ignore[misc]
    """Stops WeasyPrint, which swallows every other exception of a fetcher; it is no ``Exception``."""


@cache
def _fonts() -> dict[str, bytes]:
    """Return the faces by the names under which the sheet asks for them."""
    return {f"face:{path.stem}": path.read_bytes() for path in sorted(FONTS.glob("*.ttf"))}


class _OnlyGivenByValue(URLFetcher):  # type: ignore[misc]
    def fetch(self, url: str, headers: Any = None) -> Any:
        if url in _fonts():
            return URLFetcherResponse(url, _fonts()[url], {"Content-Type": "font/ttf"})
        if not url.startswith("data:"):
            raise _AddressNamed(f"an address in a document: {url[:80]!r}")
        return super().fetch(url, headers)


@cache
def _faces() -> str:
    rules = []
    for name in _fonts():
        weight = WEIGHTS.get(name.rpartition("-")[2], 400)
        rules.append(f"@font-face {{ font-family: Paper; font-weight: {weight}; src: url({name}); }}")
    return "\n".join(rules)


@cache
def _sheet(path: Path) -> str:
    return _faces() + path.read_text(encoding="utf-8")


def render(html: str) -> bytes:
    """Return the PDF (tagged, PDF/UA-1) of a complete page of HTML, laid out by ``templates/pdf/paper.css``.

    The same page gives the same bytes, whatever moment it is.

    Raises:
        Refused: the page names something that would have to be fetched.
    """
    fonts = FontConfiguration()
    fetcher = _OnlyGivenByValue(allowed_protocols=["data"])
    sheet = CSS(string=_sheet(PRINT_CSS), font_config=fonts, url_fetcher=fetcher)
    page = HTML(string=html, url_fetcher=fetcher)
    try:
        return bytes(page.write_pdf(stylesheets=[sheet], font_config=fonts, pdf_variant="pdf/ua-1"))
    except _AddressNamed as error:
        raise Refused(str(error)) from error
