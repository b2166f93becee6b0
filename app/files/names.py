"""What is kept of the name a sender gave a file: readable, harmless on every system, no longer than disks take."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 120
"""Characters; in Cyrillic 240 bytes, and no common disk takes more than 255."""

_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|clock\$|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|$)")
"""Devices of Windows: no file there may bear such a name, whatever follows the first dot."""

_RUNNING = (
    "ade adp app appx bat chm cmd com cpl dll dmg docm dotm exe hta htm html ins iso jar js jse lnk mht mhtml msc msi"
    " msix msp mst ocx pif potm ppam pptm ps1 ps1xml psc1 reg scf scr sct sh shtml svg sys url vb vbe vbs vhd vhdx wsc"
    " wsf wsh xht xhtml xlam xlsb xlsm xltm xll xml xsl"
)
"""Endings behind which programs, scripts and pages stand; such a one before the last ending only deceives."""
_RUN = frozenset(_RUNNING.split())


def safe_name(name: str) -> str:
    """Return a file name without folders, signs that do not show or turn the line, and false endings.

    ``invoice.exe.pdf`` becomes ``invoice_exe.pdf``; a name of which nothing remains becomes ``file``.
    """
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in name)
    name = "".join(sign for sign in name if sign.isprintable())
    name = re.sub(r'[<>:"|?*]+', "_", re.sub(r" {2,}", " ", name)).strip(" .")
    stem, dot, ending = name.rpartition(".")
    if dot:
        first, *inner = stem.split(".")
        stem = first + "".join(f"_{part}" if part.strip().casefold() in _RUN else f".{part}" for part in inner)
        ending = ending.strip()[:10]
        room = LONGEST - len(ending) - 1
        name = f"{stem.strip(' .')[:room].rstrip(' .') or 'file'}.{ending}"
    else:
        name = name[:LONGEST].rstrip(" .")
    return _RESERVED.sub(r"_\1", name, count=1) if _RESERVED.match(name) else name or "file"


def ending_of(name: str) -> str:
    """Return the kind that a name claims: its last ending in small letters, ``jpeg`` as ``jpg``."""
    ending = name.rpartition(".")[2].casefold() if "." in name else ""
    return "jpg" if ending == "jpeg" else ending
