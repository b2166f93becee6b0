"""PNG and JPEG by their structure: real dimensions, whole to the end, nothing behind it."""

from __future__ import annotations

import zlib
from typing import BinaryIO

from app.files.findings import Look, Refusal

LARGEST_SIDE = 30_000
MOST_PIXELS = 120_000_000
"""An A3 page at 600 dots an inch has 70 million."""

_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
_LARGEST_PIECE = 64 * 1024 * 1024
_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
"""JPEG markers of a frame header, in which the dimensions stand."""
_PICTURES_IN_ONE = 8
"""Cameras put a preview behind the picture (CIPA DC-007); more than these is no camera."""


def look_png(file: BinaryIO) -> Look:
    """Return what a PNG is.

    Raises:
        Refusal: broken, too large to be drawn, or with something behind its end.
    Source: PNG specification (third edition), section 5.
    """
    file.seek(len(_PNG_HEAD))
    seen: set[bytes] = set()
    while True:
        head = _exactly(file, 8)
        length, name = int.from_bytes(head[:4], "big"), head[4:]
        if length > _LARGEST_PIECE or not name.isalpha() or (not seen and (name, length) != (b"IHDR", 13)):
            raise Refusal("file.err.damaged")
        content = _exactly(file, length)
        if zlib.crc32(name + content) != int.from_bytes(_exactly(file, 4), "big"):
            raise Refusal("file.err.damaged")
        if name == b"IHDR":
            if seen:
                raise Refusal("file.err.damaged")
            _require_size(int.from_bytes(content[:4], "big"), int.from_bytes(content[4:8], "big"))
        seen.add(name)
        if name == b"IEND":
            break
    if b"IDAT" not in seen:
        raise Refusal("file.err.damaged")
    if file.read(1):
        raise Refusal("file.err.trailing")
    return Look("png")


def look_jpg(file: BinaryIO) -> Look:
    """Return what a JPEG is; the previews that cameras put behind the picture may follow it.

    Raises:
        Refusal: broken, too large to be drawn, or with something else behind its end.
    Source: ITU-T T.81, annex B.
    """
    file.seek(0)
    content = file.read()
    at = 0
    for _ in range(_PICTURES_IN_ONE):
        at = _end_of_jpg(content, at)
        if not content[at:].strip(b"\0"):
            return Look("jpg")
        if not content.startswith(b"\xff\xd8\xff", at):
            break
    raise Refusal("file.err.trailing")


def _end_of_jpg(content: bytes, at: int) -> int:
    """Return the place behind the end of the picture that begins at ``at``."""
    at += 2
    has_frame = has_scan = False
    while True:
        if at + 2 > len(content) or content[at] != 0xFF:
            raise Refusal("file.err.damaged")
        marker = content[at + 1]
        if marker == 0xFF:  # a fill byte before a marker
            at += 1
            continue
        at += 2
        if marker == 0xD9:
            if not (has_frame and has_scan):
                raise Refusal("file.err.damaged")
            return at
        length = int.from_bytes(content[at : at + 2], "big")
        if marker in (0x00, 0x01, 0xD8) or 0xD0 <= marker <= 0xD7 or length < 2 or at + length > len(content):
            raise Refusal("file.err.damaged")
        if marker in _FRAMES:
            if length < 8:
                raise Refusal("file.err.damaged")
            height, width = content[at + 3 : at + 5], content[at + 5 : at + 7]
            _require_size(int.from_bytes(width, "big"), int.from_bytes(height, "big"))
            has_frame = True
        at += length
        if marker == 0xDA:
            has_scan = True
            at = _end_of_scan(content, at)


def _end_of_scan(content: bytes, at: int) -> int:
    """Return the place of the first marker behind entropy-coded data."""
    while True:
        at = content.find(b"\xff", at)
        if at < 0 or at + 1 >= len(content):
            raise Refusal("file.err.damaged")
        if content[at + 1] == 0x00 or 0xD0 <= content[at + 1] <= 0xD7:
            at += 2
        elif content[at + 1] == 0xFF:
            at += 1
        else:
            return at


def _require_size(width: int, height: int) -> None:
    if not width or not height:
        raise Refusal("file.err.damaged")
    if max(width, height) > LARGEST_SIDE or width * height > MOST_PIXELS:
        raise Refusal("file.err.dimensions", width=width, height=height, most=MOST_PIXELS // 1_000_000)


def _exactly(file: BinaryIO, length: int) -> bytes:
    found = file.read(length)
    if len(found) != length:
        raise Refusal("file.err.damaged")
    return found
