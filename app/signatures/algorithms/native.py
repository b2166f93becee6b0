"""Faster GOST by libraries of the system, where they are there and pass their known answers.

Hashes come from libgcrypt, else from libnettle; points of curves from OpenSSL's libcrypto.  A library is
asked its known answers at first use; one that is missing or wrong is not used, and nobody is told but
``in_use``.  ``KEZEN_NATIVE=0`` in the environment leaves all of them out.

Calls run without Python's lock and side by side: each has handles of its own and frees them; what is
shared (a library, the constants of a curve) is made once and only read.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from ctypes import byref, c_char_p, c_int, c_size_t, c_uint, c_void_p
from functools import cache
from typing import Any

from app.signatures.algorithms.gost_curve import CURVES, Curve, Point

Hash = Callable[[bytes], bytes]
Combine = Callable[[Curve, int, int, Point], Point | None]

PURE = "pure Python"


def _is_on() -> bool:
    return os.environ.get("KEZEN_NATIVE") != "0"


def _load(soname: str) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(soname)
    except OSError:
        return None


def _declare(library: ctypes.CDLL, **functions: tuple[Any, ...]) -> None:
    """Tell the types of functions, the result's first.

    Raises:
        AttributeError: the library has no such function.
    """
    for name, (result, *arguments) in functions.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments


# --- hashes ---------------------------------------------------------------------------------------

_CARRY = b"\xff" * 191
"""A message whose sums carry through many octets: some old Streebogs lose the carry."""

_KNOWN: dict[str, tuple[tuple[bytes, str], ...]] = {
    "streebog256": (
        (b"012345678901234567890123456789012345678901234567890123456789012",
         "9d151eefd8590b89daa6ba6cb74af9275dd051026bb149a452fd84e5e57b5500"),
        (_CARRY, "efe750d176a1857248e14f3e3fbe29ce33e3502bbcde0505da10abcd7be2fa36"),
    ),
    "streebog512": (
        (b"012345678901234567890123456789012345678901234567890123456789012",
         "1b54d01a4af5b9d5cc3d86d68d285462b19abc2475222f35c085122be4ba1ffa"
         "00ad30f8767b3a82384c6574f024c311e2a481332b08ef7f41797891c1646f48"),
        (_CARRY,
         "0b3122cde7c8bdb6e63609d8a5cd8a9e5232deca6be41888474150cbe25310c2"
         "674484ef753472025957218b79f000105b12da98dcaad19f6d80259e9d14dace"),
    ),
    "gost34311": (
        (b"", "ce85b99cc46752fffee35cab9a7b0278abb4c2d2055cff685af4912c49490f8d"),
        (_CARRY, "a663d13fa410c920121ecd40ede7e9d2e49f63a424a11028b2354877aaf91561"),
    ),
}  # fmt: skip
"""Name of a hash -> messages and their digests.  Source: RFC 6986, 10.1; the rest computed in two ways."""


class _Gcrypt:
    """libgcrypt; 308 is GOST R 34.11-94 with the test set, 311 would be CryptoPro's."""

    NUMBERS = {"streebog256": (309, 32), "streebog512": (310, 64), "gost34311": (308, 32)}
    _DISABLE_SECURE_MEMORY, _INITIALIZATION_FINISHED, _IS_INITIALIZATION_FINISHED = 37, 38, 39

    def __init__(self, library: ctypes.CDLL) -> None:
        _declare(
            library,
            gcry_check_version=(c_char_p, c_char_p),
            gcry_control=(c_uint, c_int),
            gcry_md_open=(c_uint, c_void_p, c_int, c_uint),
            gcry_md_write=(None, c_void_p, c_char_p, c_size_t),
            gcry_md_read=(c_void_p, c_void_p, c_int),
            gcry_md_close=(None, c_void_p),
        )
        self._library = library
        version = library.gcry_check_version(None)
        if not library.gcry_control(self._IS_INITIALIZATION_FINISHED):
            library.gcry_control(self._DISABLE_SECURE_MEMORY, c_int(0))
            library.gcry_control(self._INITIALIZATION_FINISHED, c_int(0))
        self.name = f"libgcrypt {version.decode()}"

    def hash(self, name: str) -> Hash:
        number, size = self.NUMBERS[name]
        library = self._library

        def compute(content: bytes) -> bytes:
            handle = c_void_p()
            if library.gcry_md_open(byref(handle), number, 0):
                raise OSError("gcry_md_open")
            try:
                library.gcry_md_write(handle, content, len(content))
                return ctypes.string_at(library.gcry_md_read(handle, number), size)
            finally:
                library.gcry_md_close(handle)

        return compute


class _NettleHash(ctypes.Structure):
    """The head of nettle's ``struct nettle_hash`` (version 3)."""

    _fields_ = (
        ("name", c_char_p), ("context_size", c_uint), ("digest_size", c_uint), ("block_size", c_uint),
        ("init", ctypes.CFUNCTYPE(None, c_void_p)),
        ("update", ctypes.CFUNCTYPE(None, c_void_p, c_size_t, c_char_p)),
        ("digest", ctypes.CFUNCTYPE(None, c_void_p, c_size_t, c_void_p)),
    )  # fmt: skip


class _Nettle:
    """libnettle 3; not every build has all hashes."""

    NAMES = {"streebog256": "streebog256", "streebog512": "streebog512", "gost34311": "gosthash94"}

    def __init__(self, library: ctypes.CDLL) -> None:
        _declare(library, nettle_version_major=(c_int,), nettle_version_minor=(c_int,))
        self._library = library
        self.name = f"libnettle {library.nettle_version_major()}.{library.nettle_version_minor()}"

    def hash(self, name: str) -> Hash:
        known = _NettleHash.in_dll(self._library, f"nettle_{self.NAMES[name]}")

        def compute(content: bytes) -> bytes:
            context = ctypes.create_string_buffer(known.context_size)
            digest = ctypes.create_string_buffer(known.digest_size)
            known.init(context)
            known.update(context, len(content), content)
            known.digest(context, known.digest_size, digest)
            return digest.raw

        return compute


@cache
def _hashes(name: str) -> tuple[str, Hash] | None:
    """Return the first library that knows a hash, and the hash."""
    for kind, soname in ((_Gcrypt, "libgcrypt.so.20"), (_Nettle, "libnettle.so.8")):
        library = _load(soname)
        if library is None:
            continue
        try:
            opened = kind(library)
            found = opened.hash(name)
            if all(found(message).hex() == digest for message, digest in _KNOWN[name]):
                return opened.name, found
        except (AttributeError, OSError, ValueError, ctypes.ArgumentError):
            continue
    return None


def digest(name: str, content: bytes) -> bytes | None:
    """Return the ``streebog256``, ``streebog512`` or ``gost34311`` of a content, None where no library serves."""
    found = _hashes(name) if _is_on() else None
    if found is None:
        return None
    try:
        return found[1](content)
    except OSError:  # for want of memory, say
        return None


# --- curves ---------------------------------------------------------------------------------------


class _Failed(Exception):
    """libcrypto could not do it; the reason is in its own queue, which is emptied."""


class _Crypto:
    """The points of curves in libcrypto 3."""

    def __init__(self, library: ctypes.CDLL) -> None:
        one, many = c_void_p, (c_void_p,)
        _declare(
            library,
            OpenSSL_version=(c_char_p, c_int),
            ERR_clear_error=(None,),
            BN_CTX_new=(one,),
            BN_CTX_free=(None, one),
            BN_new=(one,),
            BN_free=(None, one),
            BN_lebin2bn=(one, c_char_p, c_int, one),
            BN_bn2lebinpad=(c_int, one, c_char_p, c_int),
            EC_GROUP_new_curve_GFp=(one, *many * 4),
            EC_GROUP_set_generator=(c_int, *many * 4),
            EC_GROUP_free=(None, one),
            EC_POINT_new=(one, one),
            EC_POINT_free=(None, one),
            EC_POINT_is_at_infinity=(c_int, *many * 2),
            EC_POINT_set_affine_coordinates=(c_int, *many * 5),
            EC_POINT_get_affine_coordinates=(c_int, *many * 5),
            EC_POINT_mul=(c_int, *many * 6),
        )
        self._library = library
        words = library.OpenSSL_version(0).decode().split()
        self.name = f"libcrypto {words[1]}"
        self._groups = {curve: self._group(curve) for curve in CURVES}

    def combine(self, curve: Curve, u: int, v: int, point: Point) -> Point | None:
        """Do as ``Curve.combine``."""
        with _Scope(self._library) as scope:
            library, group, context = self._library, self._groups[curve], scope.context
            other, total = scope.point(group), scope.point(group)
            x, y = scope.number(point[0]), scope.number(point[1])
            scope.check(library.EC_POINT_set_affine_coordinates(group, other, x, y, context))
            scope.check(library.EC_POINT_mul(group, total, scope.number(u), other, scope.number(v), context))
            if library.EC_POINT_is_at_infinity(group, total):
                return None
            scope.check(library.EC_POINT_get_affine_coordinates(group, total, x, y, context))
            return scope.value(x, curve.size), scope.value(y, curve.size)

    def _group(self, curve: Curve) -> int:
        """Return a group that stays for the life of the process."""
        with _Scope(self._library) as scope:
            library, number = self._library, scope.number
            group = library.EC_GROUP_new_curve_GFp(number(curve.p), number(curve.a), number(curve.b), scope.context)
            scope.check(group)
            generator = scope.point(group)
            x, y = map(number, curve.generator)
            scope.check(library.EC_POINT_set_affine_coordinates(group, generator, x, y, scope.context))
            order, cofactor = number(curve.order), number(curve.cofactor)
            scope.check(library.EC_GROUP_set_generator(group, generator, order, cofactor))
            return int(group)


class _Scope:
    """The numbers and points of one call, freed at its end."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._frees: list[tuple[Any, int]] = []

    def __enter__(self) -> _Scope:
        self.context = self._own(self._library.BN_CTX_new(), self._library.BN_CTX_free)
        return self

    def __exit__(self, *_: object) -> None:
        for free, handle in reversed(self._frees):
            free(handle)

    def _own(self, handle: int | None, free: Any) -> int:
        self.check(handle)
        assert handle is not None
        self._frees.append((free, handle))
        return handle

    def check(self, result: int | None) -> None:
        if not result:
            self._library.ERR_clear_error()  # else the next TLS call of this thread would report it
            raise _Failed

    def number(self, value: int) -> int:
        octets = value.to_bytes((value.bit_length() + 7) // 8, "little")
        return self._own(self._library.BN_lebin2bn(octets, len(octets), None), self._library.BN_free)

    def point(self, group: int) -> int:
        return self._own(self._library.EC_POINT_new(group), self._library.EC_POINT_free)

    def value(self, number: int, size: int) -> int:
        octets = ctypes.create_string_buffer(size)
        if self._library.BN_bn2lebinpad(number, octets, size) != size:
            self.check(None)
        return int.from_bytes(octets.raw, "little")


@cache
def _crypto() -> tuple[str, Combine] | None:
    """Return libcrypto and its ``combine``, if it adds up on every curve.

    The answers known beforehand: (q-1) G + 2 G = G, (q-1) G + G = 0, and with long factors
    k G + m (2 G) = G where k + 2 m = 1 modulo q.
    """
    library = _load("libcrypto.so.3")
    if library is None:
        return None
    try:
        opened = _Crypto(library)
        for curve in CURVES:
            q, one = curve.order, curve.generator
            double = curve.combine(2, 0, one)
            assert double is not None
            long = q * 5 // 7
            answers = (
                opened.combine(curve, q - 1, 2, one) == one,
                opened.combine(curve, q - 1, 1, one) is None,
                opened.combine(curve, 2, 0, one) == double,
                opened.combine(curve, (1 - 2 * long) % q, long, double) == one,
            )
            if not all(answers):
                return None
    except (AttributeError, OSError, ValueError, ctypes.ArgumentError, _Failed):
        return None
    return opened.name, opened.combine


def combine(curve: Curve, u: int, v: int, point: Point) -> Point | None:
    """Return u times the generator plus v times a point of the curve, by the fastest way there is."""
    found = _crypto() if _is_on() else None
    if found is not None:
        try:
            return found[1](curve, u, v, point)
        except _Failed:
            pass  # for want of memory, say: the slow way gives the same answer
    return curve.combine(u, v, point)


def in_use() -> dict[str, str]:
    """Return what serves ``streebog``, ``gost34311`` and ``curve``: a library with its version, or ``PURE``."""

    def words(found: tuple[str, object] | None) -> str:
        return found[0] if found and _is_on() else PURE

    long, short = words(_hashes("streebog512")), words(_hashes("streebog256"))
    return {
        "streebog": long if long == short else f"{long} (512), {short} (256)",
        "gost34311": words(_hashes("gost34311")),
        "curve": words(_crypto()),
    }
