"""Word and Excel files in Office Open XML: without macros, active controls, or parts fetched from elsewhere.

What they refer to is read from the two places that office programs go by: ``[Content_Types].xml`` and the
``*.rels`` parts.  Source: ECMA-376, part 2 (Open Packaging Conventions).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import BinaryIO

from lxml import etree

from app.files.archives import Archive
from app.files.findings import Look, Note, Refusal

CONTENT_TYPES = "[Content_Types].xml"

_KINDS: Mapping[str, str] = {
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml": "xlsx",
}
"""The content type of the main part says what a file is; those with macros, templates and slides are not here."""

_MACROS = ("macroenabled", "vbaproject", "macrosheet", "vbadata")
_ACTIVE = ("activex", "control+xml", "ms-office.webextension")
_OFFICE_WITHIN = ("docx", "xlsx")
_ENVELOPE = 2 * 1024 * 1024
"""Bytes of a part that names other parts; real ones have a few thousand."""

_INSTRUCTION = re.compile(rb"<w:instrText[^>]*>([^<]*)<|<w:fldSimple[^>]*w:instr=\"([^\"]*)\"")
_DDE = re.compile(rb"\bDDE(AUTO)?\b", re.IGNORECASE)
_SAFE_LINK = re.compile(r"(?i)(https?|mailto|ftp|tel):|#|[^:/\\]*(?:[/\\](?![/\\])|$)")
_OWN_DISK = re.compile(r"(?i)(file:///)?[a-z]:[/\\]|[^:/\\]+$")

LookWithin = Callable[[BinaryIO], Look]


def is_office(archive: Archive) -> bool:
    """Tell whether an archive is the container of an office file."""
    return CONTENT_TYPES in archive.names


def look_office(archive: Archive, look_within: LookWithin) -> Look:
    """Return what an office file is; ``look_within`` judges the office files put into it.

    Links to other workbooks are told in a note: their last values are kept in the file itself.

    Raises:
        Refusal: no Word or Excel file, or one that could run or fetch something.
    """
    types = _Types(_xml(archive, CONTENT_TYPES))
    for part in archive.names:
        said = f"{part} {types.of(part)}".casefold()
        if any(sign in said for sign in _MACROS):
            raise Refusal("file.err.macros")
        if any(sign in said for sign in _ACTIVE):
            raise Refusal("file.err.active")
    kind = _kind(archive, types)
    is_linked = False
    for part, content in archive.unpacked():
        if part.endswith(".rels"):
            is_linked = _require_harmless_links(archive, part) or is_linked
        elif part.endswith(".xml"):
            _require_harmless_words(part, content)
        elif "/embeddings/" in f"/{part.casefold()}" and not _is_office_file(content, look_within):
            raise Refusal("file.err.embedded")
    return Look(kind, (Note("file.note.linked"),) if is_linked else ())


def _is_office_file(content: bytes, look_within: LookWithin) -> bool:
    return content.startswith(b"PK\x03\x04") and look_within(BytesIO(content)).kind in _OFFICE_WITHIN


class _Types:
    """Which content type each part has."""

    def __init__(self, root: etree._Element) -> None:
        self._by_ending: dict[str, str] = {}
        self._by_name: dict[str, str] = {}
        for item in root:
            kind = item.get("ContentType", "")
            if _local(item) == "Default":
                self._by_ending[item.get("Extension", "").casefold()] = kind
            elif _local(item) == "Override":
                self._by_name[item.get("PartName", "").lstrip("/").casefold()] = kind

    def of(self, part: str) -> str:
        part = part.casefold()
        return self._by_name.get(part) or self._by_ending.get(part.rpartition(".")[2], "")


def _kind(archive: Archive, types: _Types) -> str:
    """Return the kind of the main part, which the package's own relationships name."""
    if "_rels/.rels" not in archive.names:
        raise Refusal("file.err.damaged")
    main = [
        posixpath.normpath(link.get("Target", "").lstrip("/"))
        for link in _links(archive, "_rels/.rels")
        if link.get("Type", "").endswith("/officeDocument")
    ]
    if len(main) != 1 or main[0] not in archive.names:
        raise Refusal("file.err.damaged")
    kind = _KINDS.get(types.of(main[0]))
    if kind is None:
        raise Refusal("file.err.unknown")
    return kind


def _require_harmless_links(archive: Archive, part: str) -> bool:
    """Judge the relationships that lead out of the file; return whether other workbooks are among them."""
    is_linked = False
    for link in _links(archive, part):
        if link.get("TargetMode", "").casefold() != "external":
            continue
        kind, target = link.get("Type", "").rpartition("/")[2], link.get("Target", "").strip()
        if kind == "hyperlink":
            if not _SAFE_LINK.match(target):
                raise Refusal("file.err.external")
        elif kind in ("externalLinkPath", "xlPathMissing", "xlStartup", "xlAlternateStartup", "xlLibrary"):
            is_linked = True
        elif kind != "attachedTemplate" or not _OWN_DISK.match(target):
            # Pictures, templates, frames and objects from elsewhere are fetched when the file is opened.
            raise Refusal("file.err.external")
    return is_linked


def _require_harmless_words(part: str, content: bytes) -> None:
    if b"<!DOCTYPE" in content[:4096] or b"<!ENTITY" in content[:4096]:
        raise Refusal("file.err.damaged")
    if part.startswith("word/"):
        said = b"".join(plain or simple for plain, simple in _INSTRUCTION.findall(content))
        if _DDE.search(said):
            raise Refusal("file.err.external")
    elif part.startswith("xl/externalLinks/") and (b"ddeLink" in content or b"oleLink" in content):
        raise Refusal("file.err.external")


def _links(archive: Archive, part: str) -> Iterator[etree._Element]:
    return (item for item in _xml(archive, part) if _local(item) == "Relationship")


def _local(item: etree._Element) -> str:
    return str(item.tag).rpartition("}")[2] if isinstance(item.tag, str) else ""


def _xml(archive: Archive, part: str) -> etree._Element:
    content = archive.read(part)
    if len(content) > _ENVELOPE:
        raise Refusal("file.err.bomb")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise Refusal("file.err.damaged") from None
    if root.getroottree().docinfo.doctype:
        raise Refusal("file.err.damaged")
    return root
