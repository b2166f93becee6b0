"""Inputs made of inputs: bits, octets, splices, and changes that know DER.

All chance comes from one ``random.Random``, so an input follows from its number.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random

LARGEST = 1 << 20
"""Octets of an input, with few exceptions: what makes larger ones dear is tested by itself."""
MOST_NODES = 20_000
OIDS = [
    bytes.fromhex(one)
    for one in (
        "2a864886f70d010701", "2a864886f70d010702", "2a864886f70d010903", "2a864886f70d010904", "2a864886f70d010905",
        "2a864886f70d010910020c", "2a864886f70d010910022f", "2a864886f70d010910020e", "2a864886f70d0109100104",
        "2a864886f70d010101", "2a864886f70d01010a", "2a864886f70d01010b", "2a864886f70d01010c", "2a864886f70d01010d",
        "2a864886f70d010105", "2a864886f70d010104", "2b0e03021a", "608648016503040201", "608648016503040202",
        "608648016503040203", "2a830e030a01010202", "2a830e030a0101020302", "2a830e030a010303", "2a830e030a01010101",
        "2a830e030a01010102", "2a830e030a010301", "2a830e030a01010201", "2a830e030a010302", "2a8648ce3d0201",
        "2b06010505070304", "2b06010505070308", "2b06010505070309", "2b0601050507300101",
        "2b0601050507300102", "2b0601050507300105", "2b0601050507300106", "2b0601050507300109", "2b06010505070809",
        "550403", "550405", "55040a", "55040b", "551d0e", "551d0f", "551d11", "551d12", "551d13",
        "551d14", "551d15", "551d17", "551d18", "551d1b", "551d1c", "551d1d", "551d1e", "551d1f", "551d20", "551d2000",
        "551d21", "551d23", "551d24", "551d25", "551d2e", "551d36", "551d3c", "2a864886f70d010901", "2a030405",
    )
]  # fmt: skip
"""Identifiers that the engine knows, as octets."""
TIMES = (
    b"000101000000Z", b"491231235959Z", b"500101000000Z", b"991231235959Z", b"261120080100Z", b"00000101000000Z",
    b"00010101000000Z", b"19700101000000Z", b"99991231235959Z", b"20261120080100Z", b"20261120080100.5Z",
    b"99991231235959.999999999Z", b"20261120080100+0500", b"20260229000000Z", b"2026112008Z", b"",
)  # fmt: skip
TEXTS = (
    b"", b"\0", b"IIN800101300123\0", b"IIN123456789012", b"BIN123456789021", b"IIN80010130012", b"\xff\xfe", b"a@b",
    "IIN８00101300123".encode(), "\u202eИИН".encode(), "\ufdfa".encode() * 40, b"\xd8\x00\xdc\x00", b"*.example",
    b"http://[::1", b"http://a@b:99999999/", b"." * 300, b"\xc0\x80", b"\x00\x11\x00\x00",
)  # fmt: skip
TAGS = (
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0A, 0x0C, 0x10, 0x13, 0x16, 0x17, 0x18, 0x1C, 0x1E, 0x1F, 0x24, 0x23,
    0x30, 0x31, 0x80, 0x81, 0x82, 0x85, 0x86, 0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xBF, 0xFF,
)  # fmt: skip


# --- a tree of elements that forgives everything ----------------------------------------------------


@dataclass
class Node:
    """An element that may be written wrongly; ``inner`` are its parts, ``value`` its octets if it has none.

    ``before`` stands between its length and its parts (the octet of a BIT STRING).  ``length`` is None for
    the shortest, "indefinite", a number of octets for a long form, or the very octets.  ``times`` is how
    often it stands there.
    """

    tag: int
    value: bytes = b""
    inner: list[Node] | None = None
    before: bytes = b""
    length: str | int | bytes | None = None
    times: int = 1

    def write(self) -> bytes:
        content = self.before + b"".join(part.write() for part in self.inner) if self.inner is not None else self.value
        whole = bytes((self.tag,)) + self._length(len(content)) + content
        if self.length == "indefinite":
            whole += b"\0\0"
        return whole if self.times == 1 else whole * min(self.times, LARGEST // (4 * len(whole)) + 1)

    def _length(self, size: int) -> bytes:
        if self.length == "indefinite":
            return b"\x80"
        if isinstance(self.length, bytes):
            return self.length
        octets = (size.bit_length() + 7) // 8
        if isinstance(self.length, int):
            octets = max(self.length, octets, 1)
        elif size < 0x80:
            return bytes((size,))
        return bytes((0x80 | octets,)) + size.to_bytes(octets, "big")

    def all(self) -> Iterator[Node]:
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += node.inner or ()

    def copy(self) -> Node:
        inner = None if self.inner is None else [part.copy() for part in self.inner]
        return Node(self.tag, self.value, inner, self.before, self.length, self.times)


@dataclass
class _Reader:
    left: int = field(default=MOST_NODES)

    def nodes(self, data: bytes, depth: int) -> list[Node] | None:
        """Return the elements that fill ``data``, None if they do not."""
        found: list[Node] = []
        at = 0
        while at < len(data):
            read = self.node(data, at, depth)
            if read is None:
                return None
            node, at = read
            found.append(node)
        return found

    def node(self, data: bytes, at: int, depth: int) -> tuple[Node, int] | None:
        self.left -= 1
        if depth > 60 or self.left < 0 or at + 2 > len(data):
            return None
        tag, size, body = data[at], data[at + 1], at + 2
        if size == 0x80:
            inner: list[Node] = []
            while data[body : body + 2] != b"\0\0":
                read = self.node(data, body, depth + 1)
                if read is None:
                    return None
                part, body = read
                inner.append(part)
            return Node(tag, inner=inner, length="indefinite"), body + 2
        if size > 0x80:
            octets = size & 0x7F
            size, body = int.from_bytes(data[body : body + octets], "big"), body + octets
        if body + size > len(data):
            return None
        content = data[body : body + size]
        before = content[:1] if tag == 0x03 else b""
        if tag & 0x20 or (
            tag in (0x03, 0x04) and content[len(before) : len(before) + 1] in (b"\x30", b"\x04", b"\x02")
        ):
            parts = self.nodes(content[len(before) :], depth + 1)
            if parts is not None:
                return Node(tag, inner=parts, before=before), body + size
        return Node(tag, content), body + size


def tree(data: bytes) -> Node | None:
    """Return the tree of an input, a row of elements under one without tag; None when it is none."""
    parts = _Reader().nodes(data, 0)
    return None if not parts else Node(0, inner=parts)


def written(root: Node) -> bytes:
    """Return the octets of a row of elements."""
    return b"".join(part.write() for part in root.inner or ())


# --- changes of a tree ------------------------------------------------------------------------------


def _parents(root: Node) -> list[Node]:
    return [node for node in root.all() if node.inner]


def _place(root: Node, dice: Random) -> tuple[list[Node], int]:
    """Choose an element; most are leaves far down, so a level is chosen first and then one of it."""
    parent = dice.choice(_parents(root))
    assert parent.inner is not None
    return parent.inner, dice.randrange(len(parent.inner))


def _tag(root: Node, dice: Random, other: Node) -> None:
    row, at = _place(root, dice)
    row[at].tag = dice.choice((*TAGS, row[at].tag ^ 0x20, row[at].tag ^ 0x80, row[at].tag ^ 1, dice.randrange(256)))


def _remove(root: Node, dice: Random, other: Node) -> None:
    row, at = _place(root, dice)
    del row[at]


def _double(root: Node, dice: Random, other: Node) -> None:
    row, at = _place(root, dice)
    row[at:at] = [row[at].copy() for _ in range(dice.choice((1, 1, 1, 2, 16, 70)))]


def _order(root: Node, dice: Random, other: Node) -> None:
    row, at = _place(root, dice)
    if dice.random() < 0.5:
        dice.shuffle(row)
    else:
        row.insert(dice.randrange(len(row)), row.pop(at))


def _move(root: Node, dice: Random, other: Node) -> None:
    row, at = _place(root, dice)
    moved = row[at].copy()
    row, at = _place(root, dice)
    row[at : at + dice.randrange(2)] = [moved]


def _graft(root: Node, dice: Random, other: Node) -> None:
    row, at = _place(other, dice)
    grafted = row[at].copy()
    row, at = _place(root, dice)
    same = [
        (parent.inner, i)
        for parent in _parents(root)
        for i, one in enumerate(parent.inner or ())
        if one.tag == grafted.tag
    ]
    if same and dice.random() < 0.7:
        row, at = dice.choice(same)  # type: ignore[assignment]
    row[at : at + dice.randrange(2)] = [grafted]


def _nest(root: Node, dice: Random, other: Node) -> None:
    row, at = _place(root, dice)
    tag = dice.choice((0x30, 0x31, 0xA0, 0x24, row[at].tag | 0x20))
    for _ in range(dice.choice((1, 1, 1, 2, 20, 31, 33, 60))):
        row[at] = Node(tag, inner=[row[at]], length=dice.choice((None, None, "indefinite")))


def _unwrap(root: Node, dice: Random, other: Node) -> None:
    row, at = _place(root, dice)
    if row[at].inner is not None:
        row[at : at + 1] = row[at].inner or []


def _length(root: Node, dice: Random, other: Node) -> None:
    row, at = _place(root, dice)
    size = len(row[at].write())
    wrong = [
        bytes((dice.randrange(256),)),
        b"\xff",
        b"\x84\x7f\xff\xff\xff",
        b"\x88" + b"\xff" * 8,
        b"\x89\1" + bytes(8),
    ]
    wrong += [bytes((max(size - 3, 0) & 0x7F,)), bytes((size - 1 & 0x7F,)), b"\x84" + (size + 7).to_bytes(4, "big")]
    row[at].length = dice.choice(("indefinite", 1, 2, 4, 8, 9, dice.choice(wrong)))


def _recode(root: Node, dice: Random, other: Node) -> None:
    """Write the whole in BER: what it says stays the same."""
    for node in list(root.all()):
        if node.inner is not None and node.tag & 0x20 and dice.random() < 0.6:
            node.length = "indefinite"
        elif node.tag == 0x04 and node.inner is None and dice.random() < 0.3:
            size = dice.choice((1, 7, 1000))
            pieces = [node.value[i : i + size] for i in range(0, min(len(node.value), 5000), size)] or [b""]
            pieces[-1] += node.value[5000:]
            node.tag, node.inner, node.value = 0x24, [Node(0x04, piece) for piece in pieces], b""
        elif dice.random() < 0.2:
            node.length = dice.choice((1, 2, 4))


def _repeat(root: Node, dice: Random, other: Node) -> None:
    row, at = _place(root, dice)
    row[at].times = dice.choice((10, 100, 1000, 20_000))


def _value(root: Node, dice: Random, other: Node) -> None:
    leaves = [node for node in root.all() if node.inner is None]
    if not leaves:
        return
    kind = dice.choice(sorted({leaf.tag for leaf in leaves}))  # there are few times among many strings
    leaf = dice.choice([leaf for leaf in leaves if leaf.tag == kind])
    value = leaf.value
    by_tag: dict[int, Sequence[bytes]] = {
        0x06: OIDS,
        0x17: TIMES,
        0x18: TIMES,
        0x01: (b"", b"\0", b"\1", b"\xff", b"\0\0"),
    }
    plain: list[Callable[[], bytes]] = [
        lambda: b"",
        lambda: bytes(len(value)),
        lambda: b"\xff" * len(value),
        lambda: dice.randbytes(len(value)),
        lambda: value[: dice.randrange(len(value) + 1)],
        lambda: value + dice.randbytes(dice.choice((1, 2, 8))),
        lambda: b"\0" + value,
        lambda: value[::-1],
        lambda: dice.choice((b"\0", b"\1", b"\x7f", b"\x80", b"\xff", b"\x00\x80", b"\x7f" + b"\xff" * 7)),
        lambda: (b"\x7f" if dice.random() < 0.5 else b"\x80") + b"\xff" * dice.choice((20, 130, 2000, 50_000)),
        lambda: _nudged(value, dice),
    ]
    known = by_tag.get(leaf.tag, TEXTS)
    leaf.value = dice.choice(known) if dice.random() < 0.4 else dice.choice(plain)()


def _nudged(value: bytes, dice: Random) -> bytes:
    """Return a value read as a number, a little greater or less."""
    number = int.from_bytes(value, "big") + dice.choice((-1, 1, 2, -256, 1 << 32))
    return (number % (1 << 8 * len(value))).to_bytes(len(value), "big") if value else b"\1"


def _bit(root: Node, dice: Random, other: Node) -> None:
    leaves = [node for node in root.all() if node.inner is None and node.value]
    if leaves:
        leaf = dice.choice(leaves)
        changed = bytearray(leaf.value)
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
        leaf.value = bytes(changed)


_GENTLE = (_value, _value, _value, _bit, _remove, _double, _order, _graft)
"""Changes that leave DER: they reach further than the reader."""
_RUDE = (_tag, _move, _nest, _unwrap, _length, _recode, _repeat, _value, _graft)


# --- changes of octets ------------------------------------------------------------------------------


def plain(data: bytes, dice: Random, others: Sequence[bytes]) -> bytes:
    """Return an input with a few octets changed."""
    changed = bytearray(data or b"\0")
    at = dice.randrange(len(changed))
    match dice.randrange(9):
        case 0 | 1:
            changed[at] ^= 1 << dice.randrange(8)
        case 2:
            changed[at] = dice.choice(TAGS)
        case 3:
            del changed[at : at + dice.choice((1, 1, 2, 8, 100))]
        case 4:
            changed[at:at] = dice.randbytes(dice.choice((1, 1, 2, 8)))
        case 5:
            other = dice.randrange(len(changed))
            changed[at : at + 16] = changed[other : other + 16]
        case 6:
            source = dice.choice(others) or b"\0"
            start = dice.randrange(len(source))
            changed[at : at + dice.choice((0, 8, len(changed)))] = source[
                start : start + dice.choice((8, 64, len(source)))
            ]
        case 7:
            del changed[at:]
        case 8:
            changed += dice.choice((b"\0", b"\0\0", b"\x30\0", dice.randbytes(5), bytes(changed)))
    return bytes(changed)


def _letters(data: bytes, dice: Random, others: Sequence[bytes]) -> bytes:
    """Change text: armour, white space, the letters of base64."""
    at = dice.randrange(len(data) + 1)
    words = (
        b"-----BEGIN CMS-----\n", b"-----END CMS-----\n", b"-----BEGIN PKCS7-----", b"-----END PKCS7-----", b"-----",
        b"-----BEGIN PRIVATE KEY-----\n", b"-----BEGIN CERTIFICATE-----\r\n", b"Proc-Type: 4,ENCRYPTED\n\n",
        b"=", b"==", b"\n", b"\r\n", b" " * 70, b"\t\v\f", b"\0", b"\xef\xbb\xbf", "ї".encode(), b"+/", b"-_", b"%2B",
    )  # fmt: skip
    match dice.randrange(6):
        case 0 | 1:
            return data[:at] + dice.choice(words) + data[at:]
        case 2:
            return data[:at] + data[at + dice.choice((1, 3, 30, 70)) :]
        case 3:
            return data.replace(b"\n", dice.choice((b"", b"\r\n", b" ", b"\n\n")))
        case 4:
            return base64.b64encode(data) if dice.random() < 0.3 else data.swapcase()
        case _:
            return plain(data, dice, others)


@lru_cache(maxsize=512)
def _known(data: bytes) -> Node | None:
    return tree(data)


def mutate_text(data: bytes, dice: Random, others: Sequence[bytes]) -> bytes:
    """Return armour made of other armour, changed in one to five places."""
    for _ in range(dice.choices((1, 2, 3, 5), (6, 3, 2, 1))[0]):
        data = _letters(data, dice, others)
    return data[: 2 * LARGEST]


def mutate(data: bytes, dice: Random, others: Sequence[bytes]) -> bytes:
    """Return an input made of another, changed in one to five places; ``others`` lend their parts."""
    changes = dice.choices((1, 2, 3, 5), (6, 3, 2, 1))[0]
    of_tree = sum(dice.random() < 0.75 for _ in range(changes))
    found = _known(data) if of_tree else None
    if found is not None:
        root, other = found.copy(), _known(dice.choice(others)) or found
        ways = dice.choice((_GENTLE, _RUDE))
        if ways is _GENTLE:
            of_tree = changes
        for _ in range(of_tree):
            try:
                dice.choice(ways)(root, dice, other)
            except IndexError:
                break  # nothing is left to choose among
        data, changes = written(root), changes - of_tree
    for _ in range(changes):
        data = plain(data, dice, others)
    return data[: 2 * LARGEST]
