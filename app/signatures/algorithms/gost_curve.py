"""The curves of the GOST signatures and the one sum a verifier needs, in plain Python integers.

Every prime here is 2^n - k with a small k, so that a product is reduced by folding its upper half
onto the lower.  Folded values may be negative or a little longer than n bits; only what is compared
or returned is reduced wholly.  All that is computed with is public: nothing here is made for secrets.

Sources: RFC 4357, 11.4; RFC 7836, A.1 and A.2; formulas dbl-2001-b and madd of the Explicit-Formulas
Database.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

Point = tuple[int, int]
"""An affine point; the neutral one is None where it may appear."""
_Jacobian = tuple[int, int, int]

_KEY_WIDTH, _GENERATOR_WIDTH = 5, 8
"""Bits of a multiplier that one addition serves, of a key's point and of the generator."""


@dataclass(frozen=True, eq=False)
class Curve:
    """y^2 = x^3 + ax + b modulo p, with a generator of the prime order ``order``.

    ``size`` is the length of a coordinate in octets; the group has ``cofactor`` times ``order`` points.
    """

    name: str
    size: int
    fold: int
    a: int
    b: int
    order: int
    generator: Point
    cofactor: int = 1

    @property
    def p(self) -> int:
        """Return the prime 2^n - k; ``fold`` is the k."""
        return (1 << 8 * self.size) - self.fold

    def has(self, point: Point) -> bool:
        """Whether the coordinates are reduced, on the curve, and of a point of the generator's group."""
        p, (x, y) = self.p, point
        if not (0 <= x < p and 0 <= y < p) or (y * y - (x * x + self.a) * x - self.b) % p:
            return False
        return self.cofactor == 1 or self.combine(0, self.order, point) is None

    def combine(self, u: int, v: int, point: Point) -> Point | None:
        """Return u times the generator plus v times a point of the curve, None for the neutral point."""
        terms = [*_terms(u, _multiples(self, self.generator, _GENERATOR_WIDTH), _GENERATOR_WIDTH, self.p)]
        terms += _terms(v, _multiples(self, point, _KEY_WIDTH), _KEY_WIDTH, self.p)
        terms.sort(key=lambda term: -term[0])
        total: _Jacobian | None = None
        at = 0
        for place, term in terms:
            total = _added(self, _doubled(self, total, at - place), term)
            at = place
        return _affine(self, _doubled(self, total, at))


def _terms(factor: int, multiples: tuple[Point, ...], width: int, p: int) -> Iterator[tuple[int, Point]]:
    """Yield (i, point) such that the points, each doubled i times, sum up to ``factor`` times the point.

    The odd digits of the non-adjacent form of a width: every ``width + 1`` bits there is one.
    """
    place = 0
    while factor:
        zeros = (factor & -factor).bit_length() - 1
        place, factor = place + zeros, factor >> zeros
        digit = factor & (1 << width) - 1
        if digit >> width - 1:
            digit -= 1 << width
        x, y = multiples[abs(digit) >> 1]
        yield place, (x, y if digit > 0 else p - y)
        factor -= digit


@lru_cache(maxsize=64)
def _multiples(curve: Curve, point: Point, width: int) -> tuple[Point, ...]:
    """Return the odd multiples 1, 3, 5 ... of a point that a width needs.

    The points of the curves have large orders, but for those of order 2 and 4 where the cofactor is
    4: of these no multiple is asked that is neutral, since the multiples are odd.
    """
    double = _affine(curve, _doubled(curve, (*point, 1), 1))
    found = [(*point, 1)]
    for _ in range((1 << width - 2) - 1):
        more = _added(curve, found[-1], double) if double else found[-1]
        assert more is not None
        found.append(more)
    return tuple(_all_affine(curve, found))


def _all_affine(curve: Curve, points: list[_Jacobian]) -> Iterator[Point]:
    """Yield points in affine form for the price of one inversion."""
    p, product, before = curve.p, 1, []
    for _, _, z in points:
        before.append(product)
        product = product * z % p
    inverse = pow(product, -1, p)
    inverses = []
    for (_, _, z), others in zip(reversed(points), reversed(before), strict=True):
        inverses.append(inverse * others % p)
        inverse = inverse * z % p
    for (x, y, _), each in zip(points, reversed(inverses), strict=True):
        square = each * each % p
        yield x * square % p, y * square * each % p


def _affine(curve: Curve, point: _Jacobian | None) -> Point | None:
    return None if point is None else next(_all_affine(curve, [point]))


def _doubled(curve: Curve, point: _Jacobian | None, times: int) -> _Jacobian | None:
    """Return a point doubled so many times.

    A reduction is ``(c & mask) + (c >> n) * k``; what leaves the loop is folded twice, so that it does not grow.
    """
    if point is None or times == 0:
        return point
    n, k, a, p = 8 * curve.size, curve.fold, curve.a, curve.p
    mask = (1 << n) - 1
    is_minus_three = a == p - 3
    x, y, z = point
    for _ in range(times):
        c = z * z
        zz = (c & mask) + (c >> n) * k
        c = y * z
        c = (c & mask) + (c >> n) * k
        z = (c & mask) + (c >> n) * k << 1
        c = y * y
        yy = (c & mask) + (c >> n) * k
        c = x * yy << 2
        xyy = (c & mask) + (c >> n) * k
        c = (x - zz) * (x + zz) * 3 if is_minus_three else 3 * x * x + a * (zz * zz % p)
        slope = (c & mask) + (c >> n) * k
        c = slope * slope - (xyy << 1)
        c = (c & mask) + (c >> n) * k
        x = (c & mask) + (c >> n) * k
        c = slope * (xyy - x) - (yy * yy << 3)
        c = (c & mask) + (c >> n) * k
        y = (c & mask) + (c >> n) * k
    return (x, y, z) if z % p else None


def _added(curve: Curve, one: _Jacobian | None, other: Point) -> _Jacobian | None:
    """Return the sum of two points, whatever they are."""
    if one is None:
        return (*other, 1)
    n, k, p = 8 * curve.size, curve.fold, curve.p
    mask = (1 << n) - 1
    x, y, z = one
    c = z * z
    zz = (c & mask) + (c >> n) * k
    c = other[0] * zz
    width = (c & mask) + (c >> n) * k - x
    c = z * zz
    c = other[1] * ((c & mask) + (c >> n) * k)
    height = (c & mask) + (c >> n) * k - y
    if not width % p:
        return _doubled(curve, one, 1) if not height % p else None
    c = width * width
    square = (c & mask) + (c >> n) * k
    c = square * width
    cube = (c & mask) + (c >> n) * k
    c = x * square
    way = (c & mask) + (c >> n) * k
    c = z * width
    c = (c & mask) + (c >> n) * k
    z = (c & mask) + (c >> n) * k
    c = height * height - cube - 2 * way
    c = (c & mask) + (c >> n) * k
    x = (c & mask) + (c >> n) * k
    c = height * (way - x) - y * cube
    c = (c & mask) + (c >> n) * k
    return x, (c & mask) + (c >> n) * k, z


CRYPTO_PRO_A = Curve(
    name="CryptoPro-A",
    size=32,
    fold=617,
    a=2**256 - 617 - 3,
    b=166,
    order=0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF6C611070995AD10045841B09B761B893,
    generator=(1, 0x8D91E471E0989CDA27DF505A453F2B7635294F2DDF23E3B122ACC99C9E9F1E14),
)

TC26_256_A = Curve(
    name="tc26 256 A",
    size=32,
    fold=617,
    a=0xC2173F1513981673AF4892C23035A27CE25E2013BF95AA33B22C656F277E7335,
    b=0x295F9BAE7428ED9CCC20E7C359A9D41A22FCCD9108E17BF7BA9337A6F8AE9513,
    order=0x400000000000000000000000000000000FD8CDDFC87B6635C115AF556C360C67,
    generator=(
        0x91E38443A5E82C0D880923425712B2BB658B9196932E02C78B2582FE742DAA28,
        0x32879423AB1A0375895786C4BB46E9565FDE0B5344766740AF268ADB32322E5C,
    ),
    cofactor=4,
)

TC26_512_A = Curve(
    name="tc26 512 A",
    size=64,
    fold=569,
    a=2**512 - 569 - 3,
    b=int(
        "e8c2505dedfc86ddc1bd0b2b6667f1da34b82574761cb0e879bd081cfd0b6265"
        "ee3cb090f30d27614cb4574010da90dd862ef9d4ebee4761503190785a71c760",
        16,
    ),
    order=int("ff" * 32 + "27e69532f48d89116ff22b8d4e0560609b4b38abfad2b85dcacdb1411f10b275", 16),
    generator=(
        3,
        int(
            "7503cfe87a836ae3a61b8816e25450e6ce5e1c93acf1abc1778064fdcbefa921"
            "df1626be4fd036e93d75e6a50e3a41e98028fe5fc235f5b889a589cb5215f2a4",
            16,
        ),
    ),
)

CURVES = (CRYPTO_PRO_A, TC26_256_A, TC26_512_A)
