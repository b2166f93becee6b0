"""GOST 34.311-95 (GOST R 34.11-94) with the substitution of the Kazakh NCA, in plain Python.

The NCA uses the parameter set that RFC 4357 calls the test one, not CryptoPro's.  Blocks and states
are integers, the first octet the lowest.  Source: RFC 5831; RFC 4357, 11.2.
"""

from __future__ import annotations

import struct

BLOCK = 32

_NIBBLES = (
    "4a92d80e6b1c7f53", "eb4c6dfa23810759", "581da342efc7609b", "7da1089fe46cb253",
    "6c715fd84a9e03b2", "4ba0721d36859cfe", "db413f590ae7682c", "1fd057a4923e6b8c",
)  # fmt: skip
"""What a half octet is replaced with, from the lowest of a word to the highest."""

_HALF, _WORD = (1 << 32) - 1, 1 << 256
_C3 = 0xFF00FFFF000000FFFF0000FF00FFFF0000FF00FF00FF00FFFF00FF00FF00FF00


def _table(octet: int) -> tuple[int, ...]:
    """Return for each value of the given octet of a word its substitute, turned left by 11 bits."""
    low, high = ([int(digit, 16) for digit in digits] for digits in _NIBBLES[2 * octet : 2 * octet + 2])
    substitutes = ((low[value & 15] | high[value >> 4] << 4) << 8 * octet for value in range(256))
    return tuple((word << 11 | word >> 21) & _HALF for word in substitutes)


_TABLES = tuple(map(_table, range(4)))
_words = struct.Struct("<8I").unpack
_lanes = struct.Struct("<16H").unpack
_quarters = struct.Struct("<4Q").unpack


def _keys(state: int, block: int) -> tuple[tuple[int, ...], ...]:
    """Return the four keys of a step, each as eight words (RFC 5831, 6.1)."""
    keys = []
    for step in range(4):
        octets = (state ^ block).to_bytes(BLOCK, "little")
        keys.append(_words(b"".join([octets[at::8] for at in range(8)])))
        state = _shifted(state)
        if step == 1:
            state ^= _C3
        block = _shifted(_shifted(block))
    return tuple(keys)


def _shifted(value: int) -> int:
    return value >> 64 | ((value ^ value >> 64) & 0xFFFFFFFFFFFFFFFF) << 192


def _encrypt(key: tuple[int, ...], quarter: int) -> int:
    """Return 64 bits encrypted by GOST 28147-89."""
    t0, t1, t2, t3 = _TABLES
    one, two = quarter & _HALF, quarter >> 32
    for turn in (key, key, key, key[::-1]):
        for first, second in zip(turn[::2], turn[1::2], strict=True):
            at = one + first
            two ^= t0[at & 255] ^ t1[at >> 8 & 255] ^ t2[at >> 16 & 255] ^ t3[at >> 24 & 255]
            at = two + second
            one ^= t0[at & 255] ^ t1[at >> 8 & 255] ^ t2[at >> 16 & 255] ^ t3[at >> 24 & 255]
    return two | one << 32


def _mixed(value: int, times: int) -> int:
    """Return the mixing transformation done so many times (RFC 5831, 6.3)."""
    for _ in range(times):
        new = value ^ value >> 16 ^ value >> 32 ^ value >> 48 ^ value >> 192 ^ value >> 240
        value = value >> 16 | (new & 0xFFFF) << 240
    return value


# The mixing is linear and does the same to every bit of a 16-bit word, so that a word times the
# image of 1 at its place is what the word adds: 48 products instead of 74 turns.
_IMAGES = tuple(tuple(_mixed(1 << 16 * place, times) for place in range(16)) for times in (61, 62, 74))


def _step(state: int, block: int) -> int:
    """Return the state after a block."""
    keys = _keys(state, block)
    quarters = _quarters(state.to_bytes(BLOCK, "little"))
    encrypted = 0
    for place, (key, quarter) in enumerate(zip(keys, quarters, strict=True)):
        encrypted |= _encrypt(key, quarter) << 64 * place
    mixed = 0
    for images, value in zip(_IMAGES, (state, block, encrypted), strict=True):
        for image, lane in zip(images, _lanes(value.to_bytes(BLOCK, "little")), strict=True):
            mixed ^= image * lane
    return mixed


def gost34311(content: bytes) -> bytes:
    """Return the digest of 32 octets."""
    view, state, total = memoryview(content), 0, 0
    for at in range(0, len(content), BLOCK):
        block = int.from_bytes(view[at : at + BLOCK], "little")
        state = _step(state, block)
        total += block
    state = _step(state, 8 * len(content))
    return _step(state, total % _WORD).to_bytes(BLOCK, "little")
