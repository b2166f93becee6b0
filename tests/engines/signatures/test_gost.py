"""GOST signatures and digests: known answers, and agreement of the plain and the fast way."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from math import isqrt
from pathlib import Path

import pytest
from forged_messages import VECTORS
from hypothesis import given, settings
from hypothesis import strategies as st

from app.sandbox.keys import GostKey
from app.signatures import algorithms
from app.signatures.algorithms import gost, native
from app.signatures.algorithms.gost import GOST_2004, GOST_2015_256, GOST_2015_512
from app.signatures.algorithms.gost34311 import gost34311
from app.signatures.algorithms.gost_curve import CURVES, TC26_256_A
from app.signatures.algorithms.streebog import streebog256, streebog512
from app.signatures.report import Verdict
from app.signatures.verify import verify

PURE = {"streebog256": streebog256, "streebog512": streebog512, "gost34311": gost34311}
WITHOUT = dict.fromkeys(("streebog", "gost34311", "curve"), native.PURE)
KINDS = (GOST_2015_512, GOST_2015_256, GOST_2004)

# RFC 6986, 10: its numbers are written with the highest octet first.
M1 = b"012345678901234567890123456789012345678901234567890123456789012"
M2 = bytes.fromhex(
    "fbe2e5f0eee3c820fbeafaebef20fffbf0e1e0f0f520e0ed20e8ece0ebe5f0f2f120fff0"
    "eeec20f120faf2fee5e2202ce8f6f3ede220e8e6eee1e8f0f2d1202ce8f0f2e5e220e5d1"
)[::-1]
RFC_6986 = [
    (streebog512, M1, "486f64c1917879417fef082b3381a4e211c324f074654c38823a7b76f830ad00"
                      "fa1fbae42b1285c0352f227524bc9ab16254288dd6863dccd5b9f54a1ad0541b"),
    (streebog256, M1, "00557be5e584fd52a449b16b0251d05d27f94ab76cbaa6da890b59d8ef1e159d"),
    (streebog512, M2, "28fbc9bada033b1460642bdcddb90c3fb3e56c497ccd0f62b8a2ad4935e85f03"
                      "7613966de4ee00531ae60f3b5a47f8dae06915d5f2f194996fcabf2622e6881e"),
    (streebog256, M2, "508f7e553c06501d749a66fc28c6cac0b005746d97537fa85d9e40904efed29d"),
]  # fmt: skip


@pytest.fixture
def pure(monkeypatch):
    monkeypatch.setenv("KEZEN_NATIVE", "0")


def _digest(name: str, content: bytes) -> bytes:
    """Return what a library computes."""
    found = native.digest(name, content)
    if found is None:
        pytest.skip(f"no library computes {name} here")
    return found


# --- digests ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("compute", "message", "written"), RFC_6986)
def test_streebog_gives_the_digests_of_the_standard(compute, message, written):
    assert compute(message)[::-1].hex() == written


def test_gost_34_311_has_the_test_substitution_as_the_nca_does():
    empty = "ce85b99cc46752fffee35cab9a7b0278abb4c2d2055cff685af4912c49490f8d"

    assert gost34311(b"").hex() == empty
    assert gost.GOST_34_311.compute(b"").hex() == empty


@pytest.mark.parametrize("name", PURE)
def test_the_plain_and_the_fast_way_agree_at_every_length(name):
    chance = random.Random(3)
    for length in (*range(301), 1000, 4095, 4096, 65_537):
        content = chance.randbytes(length)

        assert PURE[name](content) == _digest(name, content), length


@pytest.mark.parametrize("name", PURE)
@pytest.mark.parametrize("octet", [b"\xff", b"\0", b"\xfe"])
def test_sums_carry_through_all_octets(name, octet):
    for length in (31, 32, 33, 63, 64, 65, 191, 512):
        assert PURE[name](octet * length) == _digest(name, octet * length), length


@pytest.mark.parametrize("digest", gost.DIGESTS, ids=lambda digest: digest.name)
def test_without_a_library_a_long_document_is_told_to_be_too_slow(digest, pure):
    short = replace(digest, limit=100)

    assert short.compute(bytes(100)) == digest.pure(bytes(100))
    with pytest.raises(algorithms.TooSlow) as told:
        short.compute(bytes(101))
    assert (told.value.size, told.value.limit, told.value.name) == (101, 100, digest.name)


def test_too_slow_counts_as_not_supported_where_nobody_asks_for_more():
    assert issubclass(algorithms.TooSlow, algorithms.Unsupported)


def test_such_a_document_is_left_open_not_refused(sandbox, monkeypatch):
    document = bytes(gost.STREEBOG_512.limit + 1)
    if not native.digest("streebog512", b""):
        pytest.skip("no library to sign so long a document with")
    message = sandbox.sign("first_head", document, attached=False, gost=True)
    monkeypatch.setenv("KEZEN_NATIVE", "0")

    report = verify(message, document, at=datetime.now(UTC), trust=sandbox.trust_store())

    assert report.verdict is Verdict.INDETERMINATE
    assert report.reasons == ("hash_too_slow",)
    assert report.signers[0].details["hash_too_slow"] == "GOST R 34.11-2012 (512): 8,388,609 bytes, at most 8,388,608"


# --- signatures -------------------------------------------------------------------------------------


def _raw() -> dict[str, bytes]:
    lines = (VECTORS / "raw/test_gost512.vectors").read_text().splitlines()
    parts = dict(line.split("=", 1) for line in lines if "=" in line)
    return {
        name: value.encode() if name == "msg" else bytes.fromhex(value)
        for name, value in parts.items()
        if not name.endswith("oid")
    }


@pytest.mark.parametrize("switch", ["0", "1"])
def test_the_raw_vector_verifies(switch, monkeypatch):
    monkeypatch.setenv("KEZEN_NATIVE", switch)
    raw = _raw()
    key = GostKey(int.from_bytes(raw["d"], "big"))
    point = gost.public_point(GOST_2015_512, raw["spki"])

    assert gost.STREEBOG_512.compute(raw["msg"]) == raw["digest"]
    assert GOST_2015_512.verify(raw["spki"], raw["sig"], raw["msg"])
    assert point == (int.from_bytes(raw["qx"], "big"), int.from_bytes(raw["qy"], "big"))
    assert key.public == raw["spki"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_what_a_key_signs_verifies_both_ways_and_nothing_else_does(kind, data):
    key = GostKey(data.draw(st.integers(1, kind.curve.order - 1)), kind)
    message = data.draw(st.binary(max_size=200))
    signature = key.sign(message)
    place = data.draw(st.integers(0, 8 * len(signature) - 1))
    flipped = (int.from_bytes(signature, "big") ^ 1 << place).to_bytes(len(signature), "big")

    for switch in ("0", "1"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("KEZEN_NATIVE", switch)
            assert kind.verify(key.public, signature, message)
            assert not kind.verify(key.public, signature, message + b"\0")
            assert not kind.verify(key.public, flipped, message)
            assert not kind.verify(key.public, signature[::-1], message)


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def signed(request):
    kind = request.param
    key = GostKey(kind.curve.order // 3, kind)
    return kind, key, key.sign(b"message")


def _written(kind, r: int, s: int) -> bytes:
    return b"".join(number.to_bytes(kind.curve.size, "little") for number in (r, s))


def test_r_and_s_lie_between_nothing_and_the_order(signed):
    kind, key, signature = signed
    order, size = kind.curve.order, kind.curve.size
    r, s = (int.from_bytes(half, "little") for half in (signature[:size], signature[size:]))
    wrong = [(0, s), (r, 0), (0, 0), (order, s), (r, order), (order - r, s), (r, order - s), (s, r)]
    wrong += [(number, s) for number in [r + order] if number < 1 << 8 * size]
    wrong += [(r, number) for number in [s + order] if number < 1 << 8 * size]

    assert kind.verify(key.public, _written(kind, r, s), b"message")
    for pair in wrong:
        assert not kind.verify(key.public, _written(kind, *pair), b"message"), pair


def test_a_signature_has_its_exact_length(signed):
    kind, key, signature = signed

    for wrong in (b"", signature[:-1], signature + b"\0", signature * 2, signature[:-2] + b"\0"):
        assert not kind.verify(key.public, wrong, b"message")


def test_a_digest_of_nothing_counts_as_one(signed, monkeypatch):
    kind, key, _ = signed
    nothing = replace(kind, digest=replace(kind.digest, native_name="none", pure=lambda _: bytes(64)))
    monkeypatch.setattr(native, "digest", lambda *_: None)

    assert nothing.number(bytes(64)) == 1
    assert nothing.verify(key.public, replace(key, kind=nothing).sign(b"x"), b"y")


def test_a_key_that_is_not_on_the_curve_verifies_nothing(signed):
    kind, key, signature = signed
    size, head = kind.curve.size, kind.key_head
    x, y = gost.public_point(kind, key.public)
    p = kind.curve.p
    off = [(x, (y + 1) % p), ((x + 1) % p, y), (0, 0), (x, 0), (p, y), (x + p, y), (x, y + p), (0, 1)]

    for wrong in off:
        if max(wrong) < 1 << 8 * size:
            assert gost.public_point(kind, head + _written(kind, *wrong)) is None, wrong
            assert not kind.verify(head + _written(kind, *wrong), signature, b"message")


def test_the_parameters_of_a_key_are_the_algorithms_own(signed):
    kind, key, signature = signed
    others = [other for other in KINDS if other is not kind]

    for other in others:
        assert not other.verify(key.public, signature, b"message")
        assert not kind.verify(other.key_head + key.public[len(kind.key_head) :], signature, b"message")
    for place in range(len(kind.key_head)):
        changed = bytearray(key.public)
        changed[place] ^= 1
        assert not kind.verify(bytes(changed), signature, b"message"), place
    assert not kind.verify(key.public + b"\0", signature, b"message")
    assert not kind.verify(key.public[:-1], signature, b"message")


def test_only_the_three_allowed_triples_are_computed():
    signatures = {oid: kind for kind in KINDS for oid in kind.oids}
    digests = [oid for digest in algorithms.DIGESTS.values() for oid in digest.oids]
    keys = [oid for kind in KINDS for oid in kind.keys] + ["1.2.840.113549.1.1.1"]
    allowed = []
    for oid in signatures:
        for key in keys:
            for digest in digests:
                try:
                    allowed.append((algorithms.signature(oid, key=key, digest=digest).name, key, digest))
                except algorithms.Mismatch:
                    continue

    assert sorted(allowed) == sorted((kind.name, kind.keys[0], kind.digests[0]) for kind in KINDS)
    with pytest.raises(algorithms.Mismatch):  # RSA does not go with the digest of the old keys
        algorithms.signature("1.2.840.113549.1.1.11", key="1.2.840.113549.1.1.1", digest="1.2.398.3.10.1.3.1")


# --- curves -----------------------------------------------------------------------------------------


def _naive_sum(curve, one, other):
    if one is None or other is None:
        return other if one is None else one
    p = curve.p
    if one[0] == other[0]:
        if (one[1] + other[1]) % p == 0:
            return None
        slope = (3 * one[0] ** 2 + curve.a) * pow(2 * one[1], -1, p)
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, p)
    x = (slope * slope - one[0] - other[0]) % p
    return x, (slope * (one[0] - x) - one[1]) % p


def _naive(curve, factor, point):
    total = None
    while factor:
        if factor & 1:
            total = _naive_sum(curve, total, point)
        point, factor = _naive_sum(curve, point, point), factor >> 1
    return total


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_a_curve_is_what_it_says(curve):
    (x, y), p = curve.generator, curve.p

    assert (y * y - x**3 - curve.a * x - curve.b) % p == 0
    assert _naive(curve, curve.order, curve.generator) is None
    # Hasse: the number of points is that near to p, so no other multiple of the order will do.
    assert abs(curve.cofactor * curve.order - p - 1) <= 2 * isqrt(p)
    assert pow(2, p - 1, p) == 1
    assert pow(2, curve.order - 1, curve.order) == 1


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_sums_of_multiples_are_right_for_every_pair_of_points(curve):
    chance = random.Random(5)
    q, one = curve.order, curve.generator
    other = _naive(curve, chance.randrange(1, q), one)
    factors = [(1, 0), (0, 1), (0, 0), (q - 1, 0), (q - 1, 1), (2, 2), (5, q - 5), (1, 1), (q, q), (3, q - 3)]
    factors += [(chance.randrange(q), chance.randrange(q)) for _ in range(4)]
    # Of the generator itself, and of its opposite, the sums run into doublings and into nothing.
    for point in (other, one, (one[0], curve.p - one[1])):
        for u, v in factors:
            expected = _naive_sum(curve, _naive(curve, u, one), _naive(curve, v, point))

            assert curve.combine(u, v, point) == expected, (u, v)
            assert native.combine(curve, u, v, point) == expected, (u, v)


def test_a_point_outside_the_generators_group_is_no_key():
    curve, x = TC26_256_A, 2
    while True:  # a point of the whole group, of which the generator makes a quarter
        square = (x**3 + curve.a * x + curve.b) % curve.p
        y = pow(square, (curve.p + 1) // 4, curve.p)
        small = _naive(curve, curve.order, (x, y)) if y * y % curve.p == square else None
        if small is not None and _naive_sum(curve, small, small) is not None:
            break
        x += 1
    two = _naive_sum(curve, small, small)

    assert _naive(curve, 4, small) is None
    for point in ((x, y), small, two, _naive_sum(curve, small, curve.generator)):
        assert not curve.has(point)
    assert curve.has(_naive(curve, 4, (x, y)))


# --- libraries --------------------------------------------------------------------------------------


@pytest.fixture
def fresh():
    """Libraries are asked their known answers again, in this test and after it."""
    native._hashes.cache_clear()
    native._crypto.cache_clear()
    yield
    native._hashes.cache_clear()
    native._crypto.cache_clear()


def test_the_switch_leaves_all_libraries_out(monkeypatch):
    monkeypatch.setenv("KEZEN_NATIVE", "0")

    assert native.in_use() == WITHOUT
    assert native.digest("streebog512", b"") is None


def test_what_is_in_use_is_named_with_its_version(monkeypatch):
    monkeypatch.delenv("KEZEN_NATIVE", raising=False)

    for part, words in native.in_use().items():
        assert words == native.PURE or words.split()[0] in (
            ("libcrypto",) if part == "curve" else ("libgcrypt", "libnettle")
        )
        assert words == native.PURE or words.split()[1][0].isdigit()


def test_a_missing_library_is_done_without(monkeypatch, fresh):
    monkeypatch.setattr(native, "_load", lambda soname: None)

    assert native.in_use() == WITHOUT
    key = GostKey(7)
    assert GOST_2015_512.verify(key.public, key.sign(b"x"), b"x")


def test_a_library_with_a_wrong_answer_is_not_used(monkeypatch, fresh):
    wrong = dict.fromkeys(PURE, ((b"", "00" * 32),))
    monkeypatch.setattr(native, "_KNOWN", wrong)
    monkeypatch.setattr(native._Crypto, "combine", lambda *_: (1, 1))

    assert native.in_use() == WITHOUT


def test_nettle_serves_where_gcrypt_is_missing(monkeypatch, fresh):
    load = native._load
    monkeypatch.setattr(native, "_load", lambda soname: None if "gcrypt" in soname else load(soname))
    if native.digest("streebog512", b"") is None:
        pytest.skip("no libnettle here")

    assert native.in_use()["streebog"].startswith("libnettle")
    assert ("(256)" in native.in_use()["streebog"]) is (native.digest("streebog256", b"") is None)
    for name in ("streebog512", "gost34311"):
        assert _digest(name, M2) == PURE[name](M2)


def test_a_library_that_fails_later_is_replaced_by_the_plain_way(monkeypatch):
    def fail(*_):
        raise OSError

    monkeypatch.setattr(native, "_hashes", lambda name: ("broken", fail))
    assert gost.STREEBOG_512.compute(b"") == streebog512(b"")

    def stumble(*_):
        raise native._Failed

    curve = GOST_2004.curve
    monkeypatch.setattr(native, "_crypto", lambda: ("broken", stumble))
    assert native.combine(curve, 2, 0, curve.generator) == curve.combine(2, 0, curve.generator)


def test_a_point_off_the_curve_is_told_by_the_library_and_leaves_no_trace():
    curve = GOST_2004.curve
    found = native._crypto()
    if found is None:
        pytest.skip("no libcrypto here")

    with pytest.raises(native._Failed):
        found[1](curve, 1, 1, (5, 5))
    assert native.combine(curve, 1, 1, curve.generator) == curve.combine(2, 0, curve.generator)


def test_many_threads_at_once_get_the_right_answers():
    key = GostKey(GOST_2015_512.curve.order // 5)
    messages = [bytes([number]) * 20_000 for number in range(24)]
    signatures = [key.sign(message) for message in messages]
    start = threading.Barrier(8)

    def verify_all(_):
        start.wait()
        return [
            GOST_2015_512.verify(key.public, signature, message) and gost.GOST_34_311.compute(message)
            for signature, message in zip(signatures, messages, strict=True)
        ]

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(verify_all, range(8)))

    assert found == [[gost.GOST_34_311.compute(message) for message in messages]] * 8


def _resident() -> int:
    """Return the kilobytes this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc here")
def test_libraries_are_given_back_what_they_took():
    curve = GOST_2004.curve

    def use(times: int) -> None:
        for _ in range(times):
            native.digest("streebog512", b"abc")
            native.digest("gost34311", b"abc")
            native.combine(curve, 3, 5, curve.generator)

    use(300)
    before = _resident()
    use(3000)

    assert _resident() - before < 1500
