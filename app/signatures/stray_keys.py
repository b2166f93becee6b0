"""Private keys that were sent by mistake: somebody in a hurry gives the key store in place of the signature.

They are known by their first octets, so that one that was cut short is told too; nothing of them is
read further, and nothing is kept.
"""

from __future__ import annotations

import re

_LENGTH = rb"(?:[\x00-\x80]|\x81.|\x82.{2}|\x83.{3}|\x84.{4})"
_SEQUENCE = rb"\x30" + _LENGTH
_HEADS = (
    # PFX: version 3 and a ContentInfo (RFC 7292, 4)
    rb"\x02\x01\x03" + _SEQUENCE + rb"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07",
    # PrivateKeyInfo and OneAsymmetricKey: version 0 or 1, an algorithm (RFC 5208, 5; RFC 5958, 2)
    rb"\x02\x01[\x00\x01]" + _SEQUENCE + rb"\x06",
    # EncryptedPrivateKeyInfo: an algorithm of PKCS #5 or PKCS #12 (RFC 5208, 6)
    _SEQUENCE + rb"\x06" + _LENGTH + rb"\x2a\x86\x48\x86\xf7\x0d\x01(?:\x05|\x0c\x01)",
    # RSAPrivateKey and DSA: version 0 and a number (RFC 8017, A.1.2)
    rb"\x02\x01\x00\x02",
    # ECPrivateKey: version 1 and octets (RFC 5915, 3)
    rb"\x02\x01\x01\x04",
)
_JAVA = (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce")
"""Key stores of Java: JKS and JCEKS."""

_STORE = re.compile(_SEQUENCE + rb"(?:" + rb"|".join(_HEADS) + rb")", re.DOTALL)
_ARMOUR = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY")


def is_key(octets: bytes) -> bool:
    """Whether octets begin as a private key or a store of such, encrypted or not."""
    return octets.startswith(_JAVA) or _STORE.match(octets) is not None


def is_armoured_key(text: bytes) -> bool:
    """Whether a text holds a private key in PEM or a like armour, wherever it begins."""
    return _ARMOUR.search(text) is not None
