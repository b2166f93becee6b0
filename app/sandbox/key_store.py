"""GOST key stores as the NCA issues them (PKCS #12, RFC 7292), which `cryptography` cannot open.

The authenticated content is BER with indefinite lengths, the MAC is SHA-1, the key's bag is encrypted
with pbeWithSHAAnd3-KeyTripleDES-CBC.  The certificates, encrypted with RC2-40, are not read: they are
published beside the stores.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from app.sandbox import keys
from app.sandbox.der import oid
from app.sandbox.keys import Key
from app.signatures import asn1
from app.signatures.asn1 import INTEGER, OCTETS, Element, Malformed

LARGEST_STORE = 64 * 1024
MOST_ITERATIONS = 100_000
_DATA, _SHROUDED_KEY = oid("1.2.840.113549.1.7.1"), oid("1.2.840.113549.1.12.10.1.2")
_TRIPLE_DES, _SHA1 = oid("1.2.840.113549.1.12.1.3"), oid("1.3.14.3.2.26")
_FOR_KEY, _FOR_IV, _FOR_MAC = 1, 2, 3


def open_key(store: bytes, password: str) -> Key:
    """Return the private key of a store.

    Raises:
        Malformed: it is no such store, or the password is wrong (code ``wrong_password``).
    """
    if len(store) > LARGEST_STORE:
        raise Malformed("too_large")
    try:
        _, content, mac = asn1.parse(store).children
        kind, wrapped = content.children
        (held,) = wrapped.children
        if kind.raw != _DATA:
            raise Malformed(detail="key store signed by a key")
        written = _string(held)
        _check_mac(mac, written, password)
        return keys.read(_decrypt(_key_bag(written), password))
    except (ValueError, IndexError) as error:
        raise Malformed(detail=f"key store: {error}") from None


def _string(element: Element) -> bytes:
    """Return an OCTET STRING, in one piece or in segments."""
    whole = asn1.parse(element.der())
    if whole.tag != OCTETS:
        raise Malformed(detail="key store: no string")
    return whole.content


def _check_mac(mac: Element, written: bytes, password: str) -> None:
    info, salt, iterations = mac.children
    named, expected = info.children
    if named.children[0].raw != _SHA1:
        raise Malformed(detail="MAC of a key store")
    key = derive(password, salt.content, _count(iterations), _FOR_MAC, 20)
    if not hmac.compare_digest(hmac.digest(key, written, "sha1"), expected.content):
        raise Malformed("wrong_password")


def _key_bag(written: bytes) -> Element:
    """Return the EncryptedPrivateKeyInfo of the only key."""
    found = []
    for part in asn1.parse(written).children:
        kind, wrapped = part.children
        if kind.raw == _DATA:
            bags = asn1.parse(_string(wrapped.children[0])).children
            found += [bag.children[1].children[0] for bag in bags if bag.children[0].raw == _SHROUDED_KEY]
    if len(found) != 1:
        raise Malformed(detail=f"key store: {len(found)} keys")
    return found[0]


def _decrypt(info: Element, password: str) -> bytes:
    named, encrypted = info.children
    kind, parameters = named.children
    salt, iterations = parameters.children
    if kind.raw != _TRIPLE_DES:
        raise Malformed(detail="encryption of a key store")
    count = _count(iterations)
    key, iv = (derive(password, salt.content, count, use, size) for use, size in ((_FOR_KEY, 24), (_FOR_IV, 8)))
    opened = Cipher(TripleDES(key), modes.CBC(iv)).decryptor()  # nosec: the NCA's choice, of published keys
    padded = opened.update(encrypted.content) + opened.finalize()
    unpadder = padding.PKCS7(64).unpadder()
    return unpadder.update(padded) + unpadder.finalize()


def _count(element: Element) -> int:
    count = int.from_bytes(element.content, "big")
    if element.tag != INTEGER or not 0 < count <= MOST_ITERATIONS:
        raise Malformed(detail="iterations of a key store")
    return count


def derive(password: str, salt: bytes, iterations: int, use: int, size: int) -> bytes:
    """Return ``size`` octets for a use (1 key, 2 IV, 3 MAC) with SHA-1.  Source: RFC 7292, B.2."""
    block = 64
    if not 0 < len(salt) <= block:
        raise Malformed(detail="salt of a key store")
    known = [_filled(part, block) for part in (salt, password.encode("utf-16-be") + b"\0\0")]
    mixed, found = b"".join(known), b""
    while len(found) < size:
        digest = bytes([use]) * block + mixed
        for _ in range(iterations):
            digest = hashlib.sha1(digest, usedforsecurity=False).digest()
        found += digest
        step = int.from_bytes(_filled(digest, block)[:block], "big") + 1
        mixed = b"".join(
            ((int.from_bytes(mixed[at : at + block], "big") + step) % (1 << 8 * block)).to_bytes(block, "big")
            for at in range(0, len(mixed), block)
        )
    return found[:size]


def _filled(part: bytes, block: int) -> bytes:
    """Return a part repeated to a whole number of blocks."""
    size = -(-len(part) // block) * block
    return (part * (size // len(part) + 1))[:size]
