"""A zip archive read with bounds: its list and its bytes must say the same, and nothing stands beside them.

Python's ``zipfile`` believes the list at the end; other programs go by the heads before each part.  An archive
in which the two differ, or which has bytes that neither names, shows different people different files.
"""

from __future__ import annotations

import io
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from app.files.findings import Refusal

_END = struct.Struct("<4s4H2LH")
_HEAD = struct.Struct("<4s5H3L2H")
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_DESCRIPTOR = 0x8
_PIECE = 256 * 1024
_DEEP_ENOUGH_TO_JUDGE = 1024 * 1024


@dataclass(frozen=True)
class Bounds:
    """How much an archive may hold: parts, bytes of one and of all when unpacked, bytes for one packed byte."""

    parts: int
    part_bytes: int
    bytes: int
    ratio: int = 200


class Archive:
    """An archive whose structure has been judged.

    Raises:
        Refusal: broken, locked, overlapping, with hidden bytes, or larger than ``bounds`` when unpacked.
    Source: PKWARE APPNOTE 6.3.10, section 4.3.
    """

    def __init__(self, file: BinaryIO, bounds: Bounds) -> None:
        self._file, self._bounds = file, bounds
        start, count = self._list_of_parts()
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, OverflowError):
            raise Refusal("file.err.damaged") from None
        self._parts = self._zip.infolist()
        if len(self._parts) != count:
            raise Refusal("file.err.damaged")
        self._require_names()
        self._require_sizes()
        self._require_nothing_beside(start)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all parts that are no folders."""
        return tuple(part.filename for part in self._parts if not part.is_dir())

    def read(self, name: str) -> bytes:
        """Return one part, unpacked within the bounds and with the right checksum."""
        return b"".join(self._pieces(self._zip.getinfo(name)))

    def unpacked(self) -> Iterator[tuple[str, bytes]]:
        """Yield every part that is no folder: its name, and its bytes."""
        for name in self.names:
            yield name, self.read(name)

    def _pieces(self, part: zipfile.ZipInfo) -> Iterator[bytes]:
        read = 0
        try:
            with self._zip.open(part) as file:
                while piece := file.read(_PIECE):
                    read += len(piece)
                    if read > self._bounds.part_bytes:
                        raise Refusal("file.err.bomb")
                    yield piece
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, OSError):
            raise Refusal("file.err.damaged") from None
        if read != part.file_size:
            raise Refusal("file.err.damaged")

    def _list_of_parts(self) -> tuple[int, int]:
        """Return where the list begins, and how many parts it names; it must be what the file ends with."""
        size = self._file.seek(0, io.SEEK_END)
        if size < _END.size:
            raise Refusal("file.err.damaged")
        self._file.seek(size - _END.size)
        mark, disk, first_disk, here, count, length, start, comment = _END.unpack(self._file.read(_END.size))
        if mark != b"PK\x05\x06":
            self._file.seek(max(0, size - 0xFFFF - _END.size))
            raise Refusal("file.err.trailing" if b"PK\x05\x06" in self._file.read() else "file.err.damaged")
        if disk or first_disk or here != count or comment:
            raise Refusal("file.err.damaged")
        if count > self._bounds.parts:
            raise Refusal("file.err.too_many_parts", most=self._bounds.parts)
        if start + length != size - _END.size:
            raise Refusal("file.err.trailing" if start + length < size - _END.size else "file.err.damaged")
        return start, count

    def _require_names(self) -> None:
        seen = set()
        for part in self._parts:
            name = part.orig_filename
            folded = unicodedata.normalize("NFC", part.filename).casefold()
            steps = part.filename.rstrip("/").split("/")
            if (
                not all(sign.isprintable() for sign in name)
                or "\\" in name
                or ":" in name
                or len(name) > 255
                or any(step in ("", ".", "..") for step in steps)
                or folded in seen
            ):
                raise Refusal("file.err.part_name", part="".join(filter(str.isprintable, name))[:80])
            if stat.S_ISLNK(part.external_attr >> 16):
                raise Refusal("file.err.part_name", part=part.filename[:80])
            seen.add(folded)

    def _require_sizes(self) -> None:
        for part in self._parts:
            if part.flag_bits & _ENCRYPTED:
                raise Refusal("file.err.locked")
            if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise Refusal("file.err.damaged")
            swollen = part.file_size > self._bounds.ratio * max(part.compress_size, 1)
            if part.file_size > self._bounds.part_bytes or (swollen and part.file_size > _DEEP_ENOUGH_TO_JUDGE):
                raise Refusal("file.err.bomb")
        if sum(part.file_size for part in self._parts) > self._bounds.bytes:
            raise Refusal("file.err.bomb")

    def _require_nothing_beside(self, start_of_list: int) -> None:
        """Walk from head to head: each part where the list says, the same name, no byte between them."""
        at = 0
        for part in sorted(self._parts, key=lambda part: part.header_offset):
            if part.header_offset != at:
                raise Refusal("file.err.trailing" if part.header_offset > at else "file.err.bomb")
            self._file.seek(at)
            head = self._file.read(_HEAD.size)
            if len(head) != _HEAD.size:
                raise Refusal("file.err.damaged")
            mark, _, flags, method, _, _, _, packed, full, name_length, extra = _HEAD.unpack(head)
            name = self._file.read(name_length)
            coding = "utf-8" if flags & 0x800 else "cp437"
            if mark != b"PK\x03\x04" or method != part.compress_type or flags & _ENCRYPTED:
                raise Refusal("file.err.damaged")
            if name.decode(coding, "replace") != part.orig_filename:
                raise Refusal("file.err.part_name", part=part.filename[:80])
            sizes = {(packed, full), (part.compress_size, part.file_size)}
            if not flags & _DESCRIPTOR and len(sizes) > 1 and 0xFFFFFFFF not in (packed, full):
                raise Refusal("file.err.damaged")
            at += _HEAD.size + name_length + extra + part.compress_size
            if flags & _DESCRIPTOR:
                at += self._descriptor(at, part)
        if at != start_of_list:
            raise Refusal("file.err.trailing" if at < start_of_list else "file.err.bomb")

    def _descriptor(self, at: int, part: zipfile.ZipInfo) -> int:
        """Return how long the record behind a part is: with or without its mark, of 32 or 64 bits."""
        self._file.seek(at)
        record = self._file.read(24)
        for form in ("<4sL2L", "<4sL2Q", "<L2L", "<L2Q"):
            length = struct.calcsize(form)
            if len(record) < length:
                continue
            fields = struct.unpack(form, record[:length])
            if fields[-3:] == (part.CRC, part.compress_size, part.file_size) and fields[0] in (b"PK\x07\x08", part.CRC):
                return length
        raise Refusal("file.err.damaged")
