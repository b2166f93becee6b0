"""The three questions: is this certificate good, which are revoked, when was this.

    online = Online.of(config, config.var / "authorities")
    online.ocsp_answer(certificate, issuer, at=now)     # DER, or Unavailable
    online.revocation_list(address, at=now)
    online.timestamp(value, digest="2.16.840.1.101.3.4.2.1")

An ``Online`` keeps no connection open; threads may share it, and processes may fork with it.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from app.authorities import addresses, exchange
from app.authorities.addresses import Address, BadAddress
from app.authorities.exchange import NoAnswer, Patience, Question
from app.authorities.kept_lists import Kept, KeptLists
from app.config import BadConfiguration, Config
from app.signatures import algorithms, asn1, names, ocsp, revocation, timestamps
from app.signatures.asn1 import Malformed
from app.signatures.certificates import Certificate
from app.signatures.ocsp import State

LARGEST_ANSWER = 64 * 1024
"""Bytes of an OCSP answer or a token."""
PAUSES = (0.3, 1.0)
"""Seconds before the second and the third try."""
REST = 15.0
"""Seconds for which an address that gave no answer is not asked again: who waits would wait in vain."""

SECONDS = 10.0
"""For one question with all its tries."""

_ANSWERS = frozenset({State.GOOD, State.REVOKED, State.NOT_ISSUED, State.UNKNOWN})
_PASSING_STATUSES = frozenset({"tryLater", "internalError"})
_AWAY = frozenset({"name", "connection", "timeout"})
log = structlog.get_logger()


@dataclass(frozen=True)
class Unavailable:
    """Why there is no answer.

    ``service`` is ``ocsp``, ``list`` or ``timestamp``.  ``why``: ``name``, ``connection``,
    ``timeout``, ``tls``, ``redirect``, ``status 503`` and the like, ``content_type``,
    ``content_encoding``, ``too_large``, ``malformed``, ``nonce``, ``imprint``, ``signature``,
    ``older`` (than the list kept), the service's own ``tryLater`` or ``refused``, ``resting`` (it
    gave no answer just now), ``not_configured``.
    """

    service: str
    host: str
    why: str


@dataclass
class Online:
    """The configured services.

    ``lists`` with a path are lists, asked when a certificate names none; those without only say
    which hosts may be asked.  ``again_after``: when a kept list that is still true is asked for anew.
    """

    responders: tuple[Address, ...] = ()
    stampers: tuple[Address, ...] = ()
    lists: tuple[Address, ...] = ()
    kept: KeptLists = field(kw_only=True)
    patience: Patience = exchange.PATIENCE
    pauses: tuple[float, ...] = PAUSES
    rest: float = REST
    again_after: timedelta = timedelta(minutes=10)
    _resting: dict[tuple[str, str, int], float] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def of(cls, config: Config, folder: Path) -> Online:
        """Return the services of an installation; lists are kept in ``folder``.

        Raises:
            BadConfiguration: an address will not do.
        """
        return cls(
            _read("KEZEN_OCSP_URLS", config.ocsp_urls),
            _read("KEZEN_TSP_URLS", config.tsp_urls),
            _read("KEZEN_CRL_URLS", config.crl_urls),
            kept=KeptLists(folder),
        )

    # --- is this certificate good? ---

    def ocsp_answer(
        self, certificate: Certificate, issuer: Certificate, *, at: datetime, seconds: float = SECONDS
    ) -> bytes | Unavailable:
        """Return an answer to the question about one certificate, as it came; it carries the nonce sent.

        The responder that the certificate names goes first, where it is configured.  An answer
        that may not be relied upon is given back only when no other responder has a better one.
        """
        end = time.monotonic() + seconds
        named = addresses.allowed(addresses.responders(certificate), self.responders)
        best: bytes | Unavailable = Unavailable("ocsp", "", "not_configured")
        for address in dict.fromkeys((*named, *self.responders)):
            got = self._asked("ocsp", address, end, partial(self._answer, address, certificate, issuer))
            if isinstance(got, bytes) and ocsp.judge(got, certificate, issuer, at=at).state in _ANSWERS:
                return got
            if isinstance(got, bytes) or not isinstance(best, bytes):
                best = got
        return best

    def _answer(self, address: Address, certificate: Certificate, issuer: Certificate, seconds: float) -> bytes:
        nonce = secrets.token_bytes(ocsp.NONCE_OCTETS)
        question = Question(
            LARGEST_ANSWER,
            ocsp.request(certificate, issuer, nonce),
            {"Content-Type": "application/ocsp-request", "Accept": "application/ocsp-response"},
        )
        content = self._content(address, question, seconds)
        try:
            answer = ocsp.read(content)
        except Malformed:
            raise NoAnswer("malformed") from None
        if answer.status:
            raise NoAnswer(answer.status, is_passing=answer.status in _PASSING_STATUSES)
        if answer.nonce != asn1.tlv(asn1.OCTETS, nonce):
            raise NoAnswer("nonce")  # an old answer, perhaps, given again
        return content

    # --- which are revoked? ---

    def lists_for(
        self, certificate: Certificate, *, at: datetime, signers: Sequence[Certificate] = (), seconds: float = SECONDS
    ) -> tuple[tuple[bytes, ...], tuple[Unavailable, ...]]:
        """Return the lists for a certificate, and what could not be had.

        They lie where the certificate says, if that is configured; else all lists that are
        configured are asked for and those of its issuer given back.
        """
        end = time.monotonic() + seconds
        named = [addresses.allowed(urls, self.lists) for urls in addresses.lists(certificate)]
        places = [place for place in named if place]
        is_named = bool(places)
        if not is_named:
            places = [(address,) for address in self.lists if address.path != "/"]
        found, missing = [], []
        for place in places:
            for address in place:
                if not is_named and self._is_of_another(address, certificate):
                    break
                got = self.revocation_list(address, at=at, signers=signers, seconds=end - time.monotonic())
                if isinstance(got, Unavailable):
                    missing.append(got)
                elif is_named or names.same_name(revocation.read(got).issuer, certificate.issuer):
                    found.append(got)
                    break
        return tuple(found), tuple(missing)

    def _is_of_another(self, address: Address, certificate: Certificate) -> bool:
        """Whether the list kept for an address is another authority's than the certificate's issuer."""
        kept = self.kept.get(address)
        return kept is not None and not names.same_name(kept.revoked.issuer, certificate.issuer)

    def revocation_list(
        self, address: Address, *, at: datetime, signers: Sequence[Certificate] = (), seconds: float = SECONDS
    ) -> bytes | Unavailable:
        """Return the list at an address: the one kept while it is true, else a new one.

        A kept list is asked for again after a while, and serves on while its address does not
        answer.  With ``signers`` a new list is taken only if one of them signed it, so that a liar
        on the line cannot push out a good one.
        """
        kept = self._usable(address, at)
        if kept is not None and kept.age < self.again_after:
            return kept.revoked.der
        got = self.newest_list(address, at=at, signers=signers, seconds=seconds)
        return kept.revoked.der if isinstance(got, Unavailable) and kept is not None else got

    def newest_list(
        self, address: Address, *, at: datetime, signers: Sequence[Certificate] = (), seconds: float = SECONDS
    ) -> bytes | Unavailable:
        """Ask an address for its list now, however young the one kept is; see ``revocation_list``."""
        kept = self._usable(address, at)
        end = time.monotonic() + seconds
        return self._asked("list", address, end, partial(self._list, address, kept, at, signers))

    def _usable(self, address: Address, at: datetime) -> Kept | None:
        kept = self.kept.get(address)
        return kept if kept is not None and kept.is_usable_at(at) else None

    def _list(
        self, address: Address, kept: Kept | None, at: datetime, signers: Sequence[Certificate], seconds: float
    ) -> bytes:
        headers = {"Accept": "application/pkix-crl"}
        if kept is not None and kept.etag:
            headers["If-None-Match"] = kept.etag
        elif kept is not None and kept.last_modified:
            headers["If-Modified-Since"] = kept.last_modified
        question = Question(revocation.LARGEST_LIST, headers=headers)
        reply = exchange.ask(address, question, seconds=seconds, patience=self.patience)
        if reply.content is None:
            assert kept is not None
            self.kept.asked(address)
            return kept.revoked.der
        try:
            new = revocation.read(reply.content)
        except Malformed:
            raise NoAnswer("malformed") from None
        if signers and not any(names.same_name(one.subject, new.issuer) and new.is_signed_by(one) for one in signers):
            raise NoAnswer("signature")
        if kept is not None and new.this_update < kept.revoked.this_update:
            raise NoAnswer("older")
        self.kept.keep(address, new.der, etag=reply.etag, last_modified=reply.last_modified)
        return new.der

    # --- when was this? ---

    def timestamp(
        self, stamped: bytes, *, digest: str, policy: str | None = None, seconds: float = SECONDS
    ) -> bytes | Unavailable:
        """Return a token over ``stamped``; ``digest`` and ``policy`` are identifiers.

        The token is over what was sent and carries the nonce; whether it proves anything is to be
        judged (``timestamps.judge``).

        Raises:
            Unsupported, Weak: ``digest`` is none that can be used.
        """
        end = time.monotonic() + seconds
        imprint = algorithms.digest(digest).compute(stamped)
        got: bytes | Unavailable = Unavailable("timestamp", "", "not_configured")
        for address in self.stampers:
            got = self._asked("timestamp", address, end, partial(self._token, address, imprint, digest, policy))
            if isinstance(got, bytes):
                break
        return got

    def _token(self, address: Address, imprint: bytes, digest: str, policy: str | None, seconds: float) -> bytes:
        nonce = secrets.randbits(63)
        question = Question(
            LARGEST_ANSWER,
            timestamps.request(imprint, digest=digest, nonce=nonce, policy=policy),
            {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"},
        )
        content = self._content(address, question, seconds)
        try:
            token = timestamps.read(timestamps.token_in(content))
        except timestamps.Refused:
            raise NoAnswer("refused") from None
        except Malformed:
            raise NoAnswer("malformed") from None
        if token.nonce != nonce:
            raise NoAnswer("nonce")
        if (token.digest.oid, token.imprint) != (digest, imprint):
            raise NoAnswer("imprint")
        return token.der

    # --- asking ---

    def _content(self, address: Address, question: Question, seconds: float) -> bytes:
        reply = exchange.ask(address, question, seconds=seconds, patience=self.patience)
        assert reply.content is not None
        return reply.content

    def _asked(self, service: str, address: Address, end: float, ask: Callable[[float], bytes]) -> bytes | Unavailable:
        """Ask until there is an answer, the tries are used up, or the time is."""
        started = time.monotonic()
        if self._is_resting(address, started):
            return Unavailable(service, address.host, "resting")
        why, tries = "timeout", 0
        for pause in (0.0, *self.pauses):
            if end - time.monotonic() <= pause:
                break
            time.sleep(pause)
            tries += 1
            try:
                return ask(end - time.monotonic())
            except NoAnswer as none:
                why = none.why
                if not none.is_passing:
                    break
        if why in _AWAY and tries:
            with self._lock:
                self._resting[address.origin] = time.monotonic() + self.rest
        seconds = round(time.monotonic() - started, 1)
        log.warning("authority_unavailable", service=service, host=address.host, why=why, tries=tries, seconds=seconds)
        return Unavailable(service, address.host, why)

    def _is_resting(self, address: Address, now: float) -> bool:
        with self._lock:
            return self._resting.get(address.origin, now) > now


def _read(variable: str, urls: Sequence[str]) -> tuple[Address, ...]:
    try:
        return tuple(map(addresses.read, urls))
    except BadAddress as bad:
        raise BadConfiguration(f"{variable}: {str(bad)!r} is not like http://host/path or https://host/path") from None
