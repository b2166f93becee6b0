"""The sandbox authority's services on the loopback: OCSP, revocation lists, time-stamps.

``POST /ocsp`` (or ``GET /ocsp/<base64>``), ``GET /crl/<name>.crl`` for each of ``pki.ISSUERS``,
``POST /tsp``.  They answer as the NCA's do, by the clock they are given, and can misbehave on
demand.  What is revoked shows in the next answer.
"""

from __future__ import annotations

import binascii
import hashlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache, partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote_to_bytes

from cryptography.x509.oid import ExtendedKeyUsageOID

from app.sandbox import answers, certificates
from app.sandbox.answers import Asked, Wish
from app.sandbox.certificates import Revoked
from app.sandbox.pki import ISSUERS, SandboxPki
from app.signatures import algorithms, asn1
from app.signatures.asn1 import Malformed

PORT = 8013
LARGEST_QUESTION = 64 * 1024
SLOW_SECONDS = 8.0
LIST_LASTS, LIST_SERVES = timedelta(days=7), timedelta(days=1)
"""How long a list is good, and after what time a new one is signed all the same."""
LATE = timedelta(days=1)
"""How old the answers are of one who is ``STALE``."""
TSA_POLICIES = {"1.2.398.3.3.2.6.2": "ca", "1.2.398.3.3.2.6.4": "gost_ca"}
"""Policy of a token -> the issuer of the authority that gives it.  Source: root.gov.kz/oid."""

_STREEBOG = "1.2.398.3.10.1.3."
_SHA1 = "1.3.14.3.2.26"


class Behaviour(StrEnum):
    """What the services do when they are asked."""

    OK = "ok"
    TRY_LATER = "try-later"
    SLOW = "slow"
    DOWN = "down"
    WRONG_NONCE = "wrong-nonce"
    STALE = "stale"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class _List:
    der: bytes
    at: datetime
    revoked: tuple[Revoked, ...]


class Authority:
    """The three services without their doors; ``now`` is their clock, aware."""

    def __init__(self, pki: SandboxPki, now: Callable[[], datetime], *, behaviour: Behaviour = Behaviour.OK) -> None:
        self.pki = pki
        self.now = now
        self.behaviour = behaviour
        self._issuers = {name: pki.issuer(name) for name in ISSUERS}
        self._responder = cache(partial(pki.service, "OCSP", purpose=ExtendedKeyUsageOID.OCSP_SIGNING))
        self._stamper = cache(partial(pki.service, "TSA", purpose=ExtendedKeyUsageOID.TIME_STAMPING))
        self._lists: dict[str, _List] = {}
        self._lock = threading.Lock()

    # --- OCSP ---

    def ocsp(self, question: bytes) -> bytes:
        """Return the answer to a question, whatever the bytes are."""
        if self.behaviour is Behaviour.TRY_LATER:
            return answers.status_only(answers.TRY_LATER)
        try:
            inquiry = answers.read_inquiry(question)
        except Malformed:
            return answers.status_only(answers.MALFORMED_REQUEST)
        names = {self._issuer_of(asked) for asked in inquiry.asked}
        name = names.pop()
        if names or name is None:
            return answers.status_only(answers.UNAUTHORIZED)
        revoked = {one.serial: one for one in self.pki.revoked(name)}
        statuses, never_issued = [], False
        for asked in inquiry.asked:
            status = answers.GOOD
            if self.behaviour is Behaviour.UNKNOWN:
                status = answers.UNKNOWN
            elif asked.serial in revoked:
                status = answers.revoked(revoked[asked.serial])
            elif not self.pki.has_issued(name, asked.serial):
                status, never_issued = answers.revoked(answers.NEVER_ISSUED), True
            statuses.append((asked, status))
        nonce, now = inquiry.nonce, self.now()
        if nonce is not None and self.behaviour is Behaviour.WRONG_NONCE:
            nonce = asn1.tlv(asn1.OCTETS, secrets.token_bytes(8))
        return answers.ocsp_answer(
            statuses,
            self._responder(name),
            at=now,
            this_update=now - LATE if self.behaviour is Behaviour.STALE else now,
            nonce=nonce,
            never_issued=never_issued,
        )

    def _issuer_of(self, asked: Asked) -> str | None:
        for name, issuer in self._issuers.items():
            key = asn1.parse(issuer.private.public).children[1].content[1:]
            subject = issuer.certificate.subject.public_bytes()
            if (asked.name_hash, asked.key_hash) == (_digest(asked.digest, subject), _digest(asked.digest, key)):
                return name
        return None

    # --- lists ---

    def revocation_list(self, name: str) -> bytes | None:
        """Return the list of an issuer, None when there is no such issuer."""
        if name not in ISSUERS:
            return None
        now, revoked = self.now(), tuple(self.pki.revoked(name))
        with self._lock:
            kept = self._lists.get(name)
            if kept is None or kept.revoked != revoked or not kept.at <= now < kept.at + LIST_SERVES:
                kept = self._lists[name] = _List(self._signed(name, revoked, now), now, revoked)
            return kept.der

    def _signed(self, name: str, revoked: tuple[Revoked, ...], now: datetime) -> bytes:
        at = now - LIST_LASTS - LATE if self.behaviour is Behaviour.STALE else now
        return certificates.revocation_list(self._issuers[name], revoked, at=at, until=at + LIST_LASTS)

    # --- time-stamps ---

    def timestamp(self, question: bytes) -> bytes:
        """Return a token, or a refusal, whatever the bytes are."""
        try:
            wish = answers.read_wish(question)
        except Malformed:
            return answers.refusal(answers.BAD_FORMAT)
        if not _is_a_digest(wish):
            return answers.refusal(answers.BAD_ALGORITHM)
        policy = wish.policy or next(
            policy for policy, name in TSA_POLICIES.items() if name.startswith("gost") == _is_gost(wish)
        )
        if policy not in TSA_POLICIES:
            return answers.refusal(answers.UNACCEPTED_POLICY)
        authority = self._stamper(TSA_POLICIES[policy])
        nonce = wish.nonce
        if nonce is not None and self.behaviour is Behaviour.WRONG_NONCE:
            nonce = secrets.randbits(63)
        return answers.granted(answers.token(wish, authority, policy=policy, at=self.now(), nonce=nonce))


def _digest(dotted: str, content: bytes) -> bytes | None:
    if dotted == _SHA1:  # an identifier here, not a proof
        return hashlib.sha1(content, usedforsecurity=False).digest()
    return algorithms.DIGESTS[dotted].compute(content) if dotted in algorithms.DIGESTS else None


def _is_a_digest(wish: Wish) -> bool:
    empty = algorithms.DIGESTS[wish.digest].compute(b"") if wish.digest in algorithms.DIGESTS else b""
    return len(wish.value) == len(empty) != 0


def _is_gost(wish: Wish) -> bool:
    return wish.digest.startswith(_STREEBOG)


# --- the doors --------------------------------------------------------------------------------------


class _Handler(BaseHTTPRequestHandler):
    timeout = 10
    server: _Server
    server_version, sys_version = "Kezen-sandbox", ""

    def do_POST(self) -> None:
        try:
            length = int(self.headers.get("Content-Length", ""))
        except ValueError:
            length = -1
        if not 0 <= length <= LARGEST_QUESTION:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE if length > 0 else HTTPStatus.LENGTH_REQUIRED)
            return
        question = self.rfile.read(length)
        authority = self.server.authority
        if not self._goes_on():
            return
        if self.path.rstrip("/") == "/ocsp":
            self._give(authority.ocsp(question), "application/ocsp-response")
        elif self.path.rstrip("/") != "/tsp":
            self.send_error(HTTPStatus.NOT_FOUND)
        elif authority.behaviour is Behaviour.TRY_LATER:
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self._give(authority.timestamp(question), "application/timestamp-reply")

    def do_GET(self) -> None:
        authority = self.server.authority
        if not self._goes_on():
            return
        _, service, asked, *_ = (*self.path.split("/", 2), "", "")
        if service == "ocsp":
            self._give(authority.ocsp(_unbase64(asked)), "application/ocsp-response")
            return
        found = authority.revocation_list(asked.removesuffix(".crl")) if service == "crl" else None
        if found is None:
            self.send_error(HTTPStatus.NOT_FOUND)
        elif authority.behaviour is Behaviour.TRY_LATER:
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self._give(found, "application/pkix-crl", etag=f'"{hashlib.sha256(found).hexdigest()}"')

    def _goes_on(self) -> bool:
        """Wait, or cut the line, when that is the behaviour; return whether there is to be an answer."""
        if self.server.authority.behaviour is Behaviour.SLOW:
            return not self.server.is_closing.wait(self.server.slow_seconds)
        return self.server.authority.behaviour is not Behaviour.DOWN

    def _give(self, content: bytes, kind: str, *, etag: str = "") -> None:
        is_known = bool(etag) and self.headers.get("If-None-Match") == etag
        self.send_response(HTTPStatus.NOT_MODIFIED if is_known else HTTPStatus.OK)
        if etag:
            self.send_header("ETag", etag)
        if not is_known:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if not is_known:
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: who asks about whom is nobody's business."""


def _unbase64(written: str) -> bytes:
    try:
        return binascii.a2b_base64(unquote_to_bytes(written))
    except binascii.Error:
        return b""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, authority: Authority, *, port: int, slow_seconds: float) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.authority = authority
        self.slow_seconds = slow_seconds
        self.is_closing = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of one who went away in the middle."""


class Services:
    """The running services; use them in ``with``, or call ``run`` to serve until stopped."""

    def __init__(self, authority: Authority, *, port: int = PORT, slow_seconds: float = SLOW_SECONDS) -> None:
        """Listen on the loopback; ``port`` 0 takes any free one.

        Raises:
            OSError: the port is taken.
        """
        self.authority = authority
        self._server = _Server(authority, port=port, slow_seconds=slow_seconds)
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        """Return the variables by which an installation asks these services."""
        lists = " ".join(f"{self.url}/crl/{name}.crl" for name in ISSUERS)
        return {
            "KEZEN_OCSP_URLS": f"{self.url}/ocsp",
            "KEZEN_TSP_URLS": f"{self.url}/tsp",
            "KEZEN_CRL_URLS": lists,
        }

    def run(self) -> None:
        """Serve until ``close`` is called from another thread or the process is stopped."""
        self._server.serve_forever(poll_interval=0.1)

    def close(self) -> None:
        """Stop serving."""
        self._server.is_closing.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Services:
        self._thread = threading.Thread(target=self.run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._thread.join(5)
