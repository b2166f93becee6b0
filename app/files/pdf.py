"""A PDF by its objects: whole, only a document, with nothing that runs or hides.

qpdf (through pikepdf) reads it strictly: a file that each reader mends in its own way is no record of anything.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, BinaryIO

from app.files.findings import Look, Note, Refusal

MOST_OBJECTS = 1_000_000
MOST_UNPACKED = 256 * 1024 * 1024
"""Bytes of one stream."""
_PAGES_READ = 200
"""How many pages are searched for words."""

_HEADER = re.compile(rb"%PDF-(1\.[0-9]|2\.0)[\r\n \t%]")
_MARKUP = re.compile(rb"<(!doctype|html|head|body|script|svg|iframe|object|embed|img|\?php|%)[\s>/]", re.IGNORECASE)
_WORDS_SHOWN = re.compile(rb"(?<![A-Za-z0-9])(Tj|TJ|'|\")(?![A-Za-z0-9])")
_LAST = 1024

_RUNS = frozenset(
    {
        "/JavaScript", "/Launch", "/ImportData", "/SubmitForm", "/Rendition", "/Movie", "/Sound", "/RichMediaExecute",
        "/GoTo3DView", "/GoToE",
    }
)  # fmt: skip
"""Actions (the key /S) that run, play, send or open something else than a place in this document or a link."""
_PLAYS = frozenset({"/RichMedia", "/Movie", "/Sound", "/Screen", "/3D"})
"""Annotations (/Subtype) that play."""


def look_pdf(file: BinaryIO) -> Look:
    """Return what a PDF is; one without any words, a scan, is told of in a note.

    Raises:
        Refusal: broken, locked, with active content, with files in it, or with something beside it.
    Source: ISO 32000-1, 7.5 (structure), 12.6 (actions), 7.11 (embedded files).
    """
    _require_ends(file)
    import pikepdf

    _limits()
    file.seek(0)
    try:
        with pikepdf.open(file, attempt_recovery=False, suppress_warnings=True) as pdf:
            if not len(pdf.pages):
                raise Refusal("file.err.damaged")
            _require_passive(pdf)
            notes = () if any(_says(page) for page in pdf.pages[:_PAGES_READ]) else (Note("file.note.image_only"),)
    except pikepdf.PasswordError:
        raise Refusal("file.err.locked") from None
    except (pikepdf.PdfError, pikepdf.DataDecodingError, ValueError, TypeError, KeyError, RecursionError):
        raise Refusal("file.err.damaged") from None
    return Look("pdf", notes)


@cache
def _limits() -> None:
    """Bound what a stream may unpack to, for the whole process."""
    from pikepdf import settings

    settings.set_qpdf_limits(
        flate_max_memory=MOST_UNPACKED,
        png_max_memory=MOST_UNPACKED,
        tiff_max_memory=MOST_UNPACKED,
        run_length_max_memory=MOST_UNPACKED,
        dct_max_memory=MOST_UNPACKED,
        max_stream_filters=5,
        doc_max_warnings=1000,
    )


def _require_ends(file: BinaryIO) -> None:
    """Judge the first and the last bytes: a PDF from the first byte to the last, and no page or archive as well."""
    file.seek(0)
    first = file.read(_LAST)
    if not _HEADER.match(first):
        raise Refusal("file.err.damaged")
    if _MARKUP.search(first):
        raise Refusal("file.err.polyglot")
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 0xFFFF - 22))
    last = file.read()
    if b"PK\x05\x06" in last or b"PK\x06\x06" in last:
        raise Refusal("file.err.polyglot")
    if not last.rstrip(b"\r\n\t \0").endswith(b"%%EOF"):
        raise Refusal("file.err.trailing" if b"%%EOF" in last else "file.err.damaged")


def _require_passive(pdf: Any) -> None:
    """Refuse what runs when the document is opened or clicked, and other files carried in it."""

    if len(pdf.objects) > MOST_OBJECTS:
        raise Refusal("file.err.bomb")
    for item in pdf.objects:
        for found in _dictionaries(item):
            action, kind = _name(found.get("/S")), _name(found.get("/Subtype"))
            if "/JS" in found or "/JavaScript" in found or "/XFA" in found or action in _RUNS or kind in _PLAYS:
                raise Refusal("file.err.active")
            if "/EF" in found or "/EmbeddedFiles" in found or kind == "/FileAttachment":
                raise Refusal("file.err.embedded")


def _name(item: Any) -> str:
    import pikepdf

    return str(item) if isinstance(item, pikepdf.Name) else ""


def _dictionaries(item: Any) -> Iterator[Any]:
    """Yield an object's dictionary and those written directly in it; objects by reference come on their own."""
    import pikepdf

    left = [item]
    while left:
        one = left.pop()
        if isinstance(one, pikepdf.Array):
            left += [each for each in one.as_list() if _is_direct(each)]
        elif isinstance(one, pikepdf.Dictionary | pikepdf.Stream):
            yield one
            left += [each for _, each in one.items() if _is_direct(each)]


def _is_direct(item: Any) -> bool:
    import pikepdf

    return isinstance(item, pikepdf.Array | pikepdf.Dictionary) and not item.is_indirect


def _says(page: Any) -> bool:
    """Tell whether words are shown on a page: a font is at hand, and some content shows text."""
    return _shows_words(page.obj, page.obj, 0)


def _shows_words(holder: Any, content: Any, depth: int) -> bool:
    import pikepdf

    resources = holder.get("/Resources")
    if depth > 5 or not isinstance(resources, pikepdf.Dictionary):
        return False
    if "/Font" in resources and _WORDS_SHOWN.search(_drawn(content)):
        return True
    forms = resources.get("/XObject")
    if not isinstance(forms, pikepdf.Dictionary):
        return False
    return any(
        isinstance(form, pikepdf.Stream) and form.get("/Subtype") == "/Form" and _shows_words(form, form, depth + 1)
        for form in list(forms.as_dict().values())[:100]
    )


def _drawn(content: Any) -> bytes:
    import pikepdf

    if isinstance(content, pikepdf.Stream):
        return bytes(content.read_bytes())
    drawn = content.get("/Contents")
    pieces = drawn.as_list() if isinstance(drawn, pikepdf.Array) else [drawn]
    return b"\n".join(bytes(piece.read_bytes()) for piece in pieces if isinstance(piece, pikepdf.Stream))
