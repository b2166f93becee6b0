"""Signatures: a GOST message beside the bare curve, hashes, long documents, and bytes made to break the reader."""

from __future__ import annotations

import hashlib
import json
import math
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from app.sandbox.pki import SandboxPki
from app.signatures import algorithms, asn1, certificates, names, paths, revocation, trust
from app.signatures.algorithms import gost, gost_curve, native
from app.signatures.report import Outcome, SignatureReport, Stage, Verdict
from app.signatures.trust import TrustStore
from app.signatures.verify import verify

VECTORS = Path(__file__).resolve().parent.parent / "tests/engines/signatures/vectors"
NOW = datetime(2026, 11, 20, 8, 1, tzinfo=UTC)
ROUNDS = 40
MEGABYTE = 1_000_000
LENGTHS = (1, 10, 100)  # megabytes


def tell(name: str, value: float, unit: str, *, floor: float | None = None, **more: object) -> None:
    """Print a result; ``ratio`` is the value divided by the floor."""
    result: dict[str, object] = {"name": name, "value": round(value, 3), "unit": unit}
    if floor is not None:
        result |= {"floor": round(floor, 3), "ratio": round(value / floor, 3)}
    print(json.dumps({**result, **more}), flush=True)


@contextmanager
def libraries(*, used: bool) -> Iterator[None]:
    """Compute with the system's libraries or without them."""
    before = os.environ.get("KEZEN_NATIVE")
    os.environ["KEZEN_NATIVE"] = "1" if used else "0"
    try:
        yield
    finally:
        os.environ.pop("KEZEN_NATIVE")
        if before is not None:
            os.environ["KEZEN_NATIVE"] = before


def forget() -> None:
    """Forget all that is kept of the certificates seen; what is made once in a process stays."""
    certificates.read.cache_clear()
    revocation.read.cache_clear()
    names.attributes.cache_clear()
    names.comparable.cache_clear()
    paths._known.clear()
    gost.public_point.cache_clear()
    gost_curve._multiples.cache_clear()
    for curve in gost_curve.CURVES:
        curve.combine(1, 0, curve.generator)  # the generators' multiples: once in a process


def _nothing() -> None:
    pass


def _quickest(
    act: Callable[[], object],
    *,
    before: Callable[[], object] = _nothing,
    beside: Callable[[], object] = _nothing,
    rounds: int = ROUNDS,
) -> tuple[float, float]:
    """Return the milliseconds of an act and of another that takes turns with it, the quickest of the rounds.

    It is the processor's time that counts; what else the machine does only ever adds to a round.
    """
    quickest = [math.inf, math.inf]
    for _ in range(rounds):
        for place, one in enumerate((act, beside)):
            before()
            begun = time.thread_time()
            one()
            quickest[place] = min(quickest[place], time.thread_time() - begun)
    return 1000 * quickest[0], 1000 * quickest[1]


# --- a message with its chain ----------------------------------------------------------------------


@contextmanager
def bare_curve(count: int) -> Iterator[Callable[[], None]]:
    """Give an act of ``count`` EC_POINT_mul on the 512-bit curve, all prepared beforehand."""
    library = native._load("libcrypto.so.3")
    assert library is not None
    opened, curve = native._Crypto(library), gost_curve.TC26_512_A
    with native._Scope(library) as scope:
        group = opened._groups[curve]
        point, total = scope.point(group), scope.point(group)
        library.EC_POINT_mul(group, point, scope.number(curve.order // 3), None, None, scope.context)
        u, v = scope.number(curve.order * 5 // 7), scope.number(curve.order * 3 // 11)

        def multiply() -> None:
            for _ in range(count):
                assert library.EC_POINT_mul(group, total, u, point, v, scope.context)

        yield multiply


def chain() -> None:
    """Measure a GOST-512 message with its chain: signer, issuing CA and root, so three signatures to compute."""
    message = (VECTORS / "made-here/nca-test-keys/02_head_detached_chain.cms").read_bytes()
    content = (VECTORS / "made-here/doc.txt").read_bytes()
    anchors, between = VECTORS / "ca-test/root_test_gost_2022.cer", VECTORS / "ca-test/nca_gost2022_test.cer"
    listed = VECTORS / "crl/nca_gost2022_test.2026-08-11.crl"
    bare = trust.read_store([anchors], intermediates=[between], environment="test")

    def judge() -> SignatureReport:
        return verify(message, content, at=NOW, trust=bare)

    def with_list() -> None:
        store = trust.read_store([anchors], intermediates=[between], lists=[listed], environment="test")
        assert verify(message, content, at=NOW, trust=store).verdict is Verdict.VALID

    (signer,) = judge().signers
    assert (signer.stages[Stage.INTEGRITY], signer.stages[Stage.CHAIN]) == (Outcome.PASS, Outcome.PASS)
    for used, kind in ((False, "pure"), (True, "with_libraries")):
        with bare_curve(3) as three, bare_curve(4) as four, libraries(used=used):
            by = ", ".join(sorted(set(algorithms.in_use().values())))
            spent, floor = _quickest(judge, before=forget, beside=three)
            tell(f"gost512_chain_of_three_ms_{kind}", spent, "ms", floor=floor, caches="cold", n=ROUNDS, by=by)
            spent, floor = _quickest(judge, beside=three)
            tell(f"gost512_chain_of_three_again_ms_{kind}", spent, "ms", floor=floor, caches="warm", n=ROUNDS)
            spent, floor = _quickest(with_list, before=forget, beside=four)
            size = listed.stat().st_size
            name = f"gost512_chain_with_list_ms_{kind}"
            tell(name, spent, "ms", floor=floor, caches="cold", n=ROUNDS, list_bytes=size)


# --- hashes and long documents ---------------------------------------------------------------------


def hashes() -> None:
    """Measure the GOST hashes, beside SHA-512 by OpenSSL."""
    content = os.urandom(MEGABYTE // 2)
    for digest, name in ((gost.STREEBOG_512, "streebog512"), (gost.GOST_34_311, "gost34311")):
        for used, kind in ((False, "pure"), (True, "with_libraries")):
            with libraries(used=used):
                spent, sha = _quickest(
                    partial(digest.compute, content), beside=lambda: hashlib.sha512(content).digest(),
                    rounds=20 if used else 3,
                )  # fmt: skip
            tell(f"{name}_mb_per_second_{kind}", 500 / spent, "MB/s", floor=500 / sha)


def long_documents(folder: Path) -> None:
    """Measure what a megabyte costs in documents of 1, 10 and 100 MB, beside the hash alone."""
    pki = SandboxPki.open(folder / "sandbox", environment="test")
    pki.enrol("head", name="БЕНЧ БЕНЧ", iin="800101300123", bin=None, organisation=None, roles=["individual"])
    store = pki.trust_store(environment="test")
    for length in LENGTHS:
        document = os.urandom(length * MEGABYTE)
        message = pki.sign("head", document, attached=False, gost=True)

        def judge(document: bytes = document, message: bytes = message) -> None:
            assert verify(message, document, at=datetime.now(UTC), trust=store).verdict is Verdict.VALID

        with libraries(used=True):
            judge()
            rounds = max(3, 30 // length)
            spent, alone = _quickest(judge, beside=partial(gost.STREEBOG_512.compute, document), rounds=rounds)
        name = f"gost512_detached_ms_per_mb_{length}"
        tell(name, spent / length, "ms/MB", floor=alone / length, caches="warm", n=rounds)


# --- bombs -----------------------------------------------------------------------------------------


def _nested(size: int) -> bytes:
    return b"\x30\x80" * (size // 2)


def _flat(size: int) -> bytes:
    return asn1.tlv(asn1.SEQUENCE, b"\x05\x00" * (size // 2))


def _segments(size: int) -> bytes:
    """An attached content in segments of one octet each, within the shell of a signed message."""
    content = b"\x24\x80" + b"\x04\x01x" * (size // 3) + b"\0\0"
    inner = bytes.fromhex("06092a864886f70d010701") + asn1.tlv(0xA0, content)
    data = asn1.tlv(asn1.SEQUENCE, b"\x02\x01\x01", b"\x31\x00", asn1.tlv(asn1.SEQUENCE, inner), b"\x31\x00")
    return asn1.tlv(asn1.SEQUENCE, bytes.fromhex("06092a864886f70d010702"), asn1.tlv(0xA0, data))


def _huge_length(size: int) -> bytes:
    return b"\x30\x88\x7f" + b"\xff" * 7 + bytes(size)


def _base64(size: int) -> bytes:
    return b"A" * size


BOMBS: dict[str, Callable[[int], bytes]] = {
    "nested": _nested,
    "flat": _flat,
    "segments": _segments,
    "huge_length": _huge_length,
    "base64": _base64,
}
BOMB_BYTES = 30 * MEGABYTE


def _explode(path: Path) -> tuple[float, float]:
    """Return the milliseconds that a bomb took, and the megabytes the process grew beyond the bomb itself."""
    bomb = path.read_bytes()
    verify(b"\x30\x00", b"", at=NOW, trust=TrustStore())  # all modules are loaded
    before = _peak()
    begun = time.perf_counter()
    report = verify(bomb, b"", at=NOW, trust=TrustStore())
    spent = time.perf_counter() - begun
    assert report.verdict is not Verdict.VALID
    return 1000 * spent, _peak() - before


def _peak() -> float:
    """Return the most megabytes the process has had in memory."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count the parent's too
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def bombs(folder: Path) -> None:
    """Measure bytes made to break the reader, each in a process of its own."""
    files = sorted((VECTORS / "made-here/nca-test-keys").glob("[56]*.cms"))
    for name, make in BOMBS.items():
        files.append(folder / name)
        files[-1].write_bytes(make(BOMB_BYTES))
    found = {}
    for file in files:
        with multiprocessing.get_context("spawn").Pool(1) as alone:
            found[file.name] = alone.apply(_explode, (file,))
    for place, (name, unit) in enumerate((("bombs_slowest_ms", "ms"), ("bombs_peak_mb", "MB"))):
        which = max(found, key=lambda name: found[name][place])
        tell(name, found[which][place], unit, which=which, n=len(found), bytes=BOMB_BYTES)


def run() -> None:
    """Measure all of it."""
    print(f"bench: signatures, {algorithms.in_use()}", file=sys.stderr, flush=True)
    if native._crypto() is None:
        print("bench: messages skipped, no libcrypto 3 here to measure beside", file=sys.stderr, flush=True)
    else:
        chain()
    hashes()
    with TemporaryDirectory(prefix="kezen-bench-") as folder:
        long_documents(Path(folder))
        bombs(Path(folder))
