"""Files to attach: good ones, as small as they can be."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pikepdf


def pdf(words: str = "belgi", *, edit=None, **saved) -> bytes:
    """Return a PDF of one page that says ``words`` (in Latin letters); ``edit`` is given it before it is saved.

    Without ``words`` nothing is written on the page.
    """
    document = pikepdf.new()
    page = document.add_blank_page(page_size=(300, 100))
    if words:
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=document.make_indirect(font)))
        drawn = f"BT /F1 12 Tf 10 50 Td ({words}) Tj ET"
        page.Contents = document.make_stream(drawn.encode("latin-1", "replace"))
    if edit is not None:
        edit(document)
    buffer = io.BytesIO()
    document.save(buffer, deterministic_id="encryption" not in saved, **saved)
    return buffer.getvalue()


def zipped(parts: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


OFFICE = "application/vnd.openxmlformats-officedocument."
RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
MAIN = {
    "docx": ("word/document.xml", f"{OFFICE}wordprocessingml.document.main+xml"),
    "xlsx": ("xl/workbook.xml", f"{OFFICE}spreadsheetml.sheet.main+xml"),
}


def rels(*links: tuple[str, str, bool]) -> bytes:
    """Return a part of relationships, each (the last word of its type, target, whether it leads outside)."""
    outside = ' TargetMode="External"'
    lines = "".join(
        f'<Relationship Id="r{number}" Type="{RELATIONSHIPS}{kind}" Target="{target}"{outside if is_outside else ""}/>'
        for number, (kind, target, is_outside) in enumerate(links)
    )
    space = "http://schemas.openxmlformats.org/package/2006/relationships"
    return f'<?xml version="1.0"?><Relationships xmlns="{space}">{lines}</Relationships>'.encode()


def office(
    kind: str = "docx", *, content_type: str = "", words: str = "", more: dict[str, bytes] | None = None
) -> bytes:
    """Return an office file: ``content_type`` of its main part, what stands in it, further parts."""
    main, ordinary = MAIN[kind]
    types = (
        '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/{main}" ContentType="{content_type or ordinary}"/></Types>'
    )
    return zipped(
        {
            "[Content_Types].xml": types.encode(),
            "_rels/.rels": rels(("officeDocument", main, False)),
            main: f"<main xmlns:w='urn:w'>{words}</main>".encode(),
            **(more or {}),
        }
    )


def png(width: int = 2, height: int = 2, *, tail: bytes = b"") -> bytes:
    """Return a PNG that says it is so large; only a small one has all its points."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    points = zlib.compress(
        b"".join(b"\0" + bytes(width * 3) for _ in range(height)) if width * height < 10_000 else b""
    )
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", points) + chunk(b"IEND", b"") + tail


def jpg(width: int = 2, height: int = 2, *, tail: bytes = b"") -> bytes:
    """Return the structure of a JPEG: frame, scan, end."""
    frame = b"\xff\xc0\x00\x0b\x08" + struct.pack(">HH", height, width) + b"\x01\x01\x11\x00"
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + b"\x12\x34\xff\x00\x56"
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0" + frame + scan + b"\xff\xd9" + tail
