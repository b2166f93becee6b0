"""NCALayer's protocol on a WebSocket of 127.0.0.1, answered by a program that really signs.

The shapes of requests and answers are those of recorded dialogues (``tests``); the person at the
key-store window is played by ``Behaviour``.  What differs from the real one: a key chosen
beforehand instead of a window, and time-stamps of the sandbox's own authority.  The words of the
wrong-password answer are Java's own; no recording has them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection
from websockets.sync.server import serve as listen

from app.sandbox import pki as sandbox
from app.sandbox import signing, xml_signing
from app.sandbox.pki import SandboxPki, SigningKey
from app.sandbox.services import Authority
from app.signatures import algorithms, certificates, names, timestamps, upgrade
from app.signatures.certificates import Certificate

PORT = 13579
VERSION = "1.4"
HEARTBEAT = "--heartbeat--"
LARGEST_REQUEST = 100 * 1024 * 1024
SLOW_SECONDS = 8.0
WRONG_PASSWORD = "java.io.IOException: keystore password was incorrect"  # noqa: S105, a message


class Behaviour(StrEnum):
    """What the person, or the machine, does when a signature is asked for."""

    OK = "ok"
    CANCEL = "cancel"
    SLOW = "slow"
    DROP = "drop"
    WRONG_PASSWORD = "wrong-password"  # noqa: S105, a behaviour


class _Mismatch(Exception):
    """An argument of the wrong type, answered as Java's reflection does."""


class _Cancelled(Exception):
    """The person closed the window."""


class _Failed(Exception):
    """The agent could not sign; the message is its own, None when it gives none."""


class _Dropped(Exception):
    """The agent went away in the middle."""


class Agent:
    """One NCALayer with one key chosen in its window.

    ``answers_array``: basics gives an array also for one document, as version 1.4 does; older ones
    gave the bare string.  ``has_basics`` False is an agent without that module.  ``stamp`` puts a
    time-stamp into a message; without it the agent reaches no authority, and signs without.
    """

    def __init__(
        self,
        key: Callable[[], SigningKey],
        *,
        behaviour: Behaviour = Behaviour.OK,
        answers_array: bool = True,
        has_basics: bool = True,
        slow_seconds: float = SLOW_SECONDS,
        stamp: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self._key = key
        self._stamp = stamp or bytes
        self.behaviour = behaviour
        self.answers_array = answers_array
        self.has_basics = has_basics
        self.slow_seconds = slow_seconds
        self._closing = threading.Event()

    def close(self) -> None:
        """Wake the answers that are being slow."""
        self._closing.set()

    def answer(self, text: str | bytes) -> str | None:
        """Return the answer to a request, None for no answer.

        Raises:
            _Dropped: the connection is to be cut.
        """
        if text == HEARTBEAT:
            return HEARTBEAT
        try:
            request = json.loads(text)
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            return json.dumps({"success": False, "errorCode": "MODULE_NOT_FOUND"})
        module, method = request.get("module"), request.get("method")
        if module == "kz.gov.pki.knca.commonUtils":
            reply = self._common_utils(str(method), request.get("args", []))
        elif module == "kz.gov.pki.knca.basics" and self.has_basics:
            reply = self._basics(str(method), request.get("args"))
        else:
            reply = {"success": False, "errorCode": "MODULE_NOT_FOUND"}
        if "uuid" in request:
            reply["uuid"] = request["uuid"]
        return json.dumps(reply, ensure_ascii=False)

    # --- kz.gov.pki.knca.commonUtils ---

    def _common_utils(self, method: str, args: object) -> dict[str, Any]:
        methods: dict[str, Callable[[list[Any]], object]] = {
            "getActiveTokens": lambda args: [],
            "getKeyInfo": self._key_info,
            "createCAdESFromBase64": self._sign_base64,
            "createCMSSignatureFromBase64": self._sign_and_stamp,
            "createCAdESFromBase64Hash": self._sign_hash,
            "signXml": self._sign_xml,
            "signXmls": self._sign_xmls,
            "changeLocale": self._change_locale,
        }
        if method not in methods or not isinstance(args, list):
            return {"code": "500", "message": f"java.lang.NoSuchMethodException: {method}"}
        try:
            answered = methods[method](args)
        except _Mismatch:
            message = f"java.lang.IllegalArgumentException: argument type mismatch. Method: {method}"
            return {"code": "500", "message": message}
        except _Cancelled:
            return {"code": "500", "message": "action.canceled"}
        except _Failed as failed:
            return {"code": "500", "message": str(failed)} if failed.args else {"code": "500"}
        return {"code": "200"} if answered is None else {"responseObject": answered, "code": "200"}

    def _key_info(self, args: list[Any]) -> dict[str, str]:
        _expect(args, str)
        return key_info(self._chosen())

    def _sign_and_stamp(self, args: list[Any]) -> str:
        return base64.b64encode(self._stamp(base64.b64decode(self._sign_base64(args)))).decode()

    def _sign_base64(self, args: list[Any]) -> str:
        _expect(args, str, str, str, bool)
        try:
            content = base64.b64decode(args[2], validate=True)
        except (binascii.Error, ValueError):
            raise _Failed from None
        return base64.b64encode(_sign(self._chosen(), content, attached=args[3])).decode()

    def _sign_hash(self, args: list[Any]) -> str:
        _expect(args, str, str, str)
        try:
            digest = base64.b64decode(args[2], validate=True)
        except (binascii.Error, ValueError):
            raise _Failed from None
        if not digest:
            raise _Failed
        return base64.b64encode(_sign_digest(self._chosen(), digest)).decode()

    def _sign_xml(self, args: list[Any]) -> str:
        _expect(args, str, str, str, str, str)
        return self._xml(self._chosen(), *args[2:])

    def _sign_xmls(self, args: list[Any]) -> list[str]:
        _expect(args, str, str, list, str, str)
        if not all(isinstance(text, str) for text in args[2]):
            raise _Mismatch
        key = self._chosen()
        return [self._xml(key, text, *args[3:]) for text in args[2]]

    def _xml(self, key: SigningKey, text: str, element: str, parent: str) -> str:
        try:
            if element:
                return xml_signing.sign_element(key, text, element=element, parent=parent or "/*")
            return xml_signing.sign(key, text)
        except xml_signing.NotSigned as why:
            raise _Failed(str(why)) from None

    def _change_locale(self, args: list[Any]) -> None:
        _expect(args, str)

    # --- kz.gov.pki.knca.basics ---

    def _basics(self, method: str, args: object) -> dict[str, Any]:
        if method != "sign" or not isinstance(args, dict):
            return _invocation_error(f"java.lang.NoSuchMethodException: {method}")
        for name in ("signingParams", "signerParams"):
            if not isinstance(args.get(name), dict):
                return _invocation_error(f'org.json.JSONException: JSONObject["{name}"] is not a JSONObject.')
        sign = {"cms": self._sign_cms, "xml": _sign_xml}.get(str(args.get("format")))
        if sign is None:
            return {
                "status": False,
                "code": "INVALID_SIGNING_PARAMS",
                "message": "The sandbox signs the formats cms and xml only.",
            }
        data = args.get("data")
        several = isinstance(data, list)
        items: list[Any] = data if isinstance(data, list) else [data]
        if not items or not all(isinstance(item, str) for item in items):
            return _invocation_error('org.json.JSONException: JSONObject["data"] is not a string.')
        try:
            key = self._chosen(args["signerParams"])
            signed = [sign(key, item, args["signingParams"]) for item in items]
        except _Cancelled:
            return {"body": {}, "status": True}
        except _Failed as failed:
            return {
                "status": False,
                "code": "SIGNING_FAILURE",
                "message": "Signing failed.",
                "details": str(failed),
            }
        return {"body": {"result": signed if several or self.answers_array else signed[0]}, "status": True}

    def _sign_cms(self, key: SigningKey, item: str, params: dict[str, Any]) -> str:
        content = _content(item, params)
        if params.get("digested"):
            message = _sign_digest(key, content)
        else:
            message = _sign(key, content, attached=bool(params.get("encapsulate")))
        return signing.armour(self._stamp(message) if isinstance(params.get("tsaProfile"), dict) else message)

    # --- the person at the window ---

    def _chosen(self, filters: dict[str, Any] | None = None) -> SigningKey:
        if self.behaviour is Behaviour.DROP:
            raise _Dropped
        if self.behaviour is Behaviour.CANCEL:
            raise _Cancelled
        if self.behaviour is Behaviour.WRONG_PASSWORD:
            raise _Failed(WRONG_PASSWORD)
        if self.behaviour is Behaviour.SLOW and self._closing.wait(self.slow_seconds):
            raise _Dropped
        key = self._key()
        if not _fits(key, filters or {}):
            raise _Cancelled  # the window shows no key to choose, and the person closes it
        return key


def _expect(args: list[Any], *types: type) -> None:
    if len(args) != len(types) or any(type(arg) is not kind for arg, kind in zip(args, types, strict=True)):
        raise _Mismatch


def _invocation_error(details: str) -> dict[str, Any]:
    message = "An invoked method threw an exception."
    return {"code": "INVOCATION_ERROR", "details": details, "message": message, "status": False}


def _fits(key: SigningKey, filters: dict[str, Any]) -> bool:
    """Whether the window would offer the key: all usages asked for, the person, organisation and serial named."""
    subject = dict(pair for relative in names.attributes(_read(key).subject) for pair in relative)
    wanted = filters.get("extKeyUsageOids") or []
    return (
        set(map(str, wanted)) <= set(key.purposes)
        and filters.get("iin") in (None, "", subject.get(names.SERIAL_NUMBER, "").removeprefix("IIN"))
        and filters.get("bin") in (None, "", subject.get(names.UNIT, "").removeprefix("BIN"))
        and filters.get("serialNumber") in (None, "", f"{key.certificate.serial_number:x}")
    )


def _content(item: str, params: dict[str, Any]) -> bytes:
    try:
        return base64.b64decode(item, validate=True) if params.get("decode") else item.encode()
    except (binascii.Error, ValueError):
        raise _Failed("java.lang.IllegalArgumentException: Illegal base64 character") from None


def _sign_xml(key: SigningKey, item: str, params: dict[str, Any]) -> str:
    try:
        return xml_signing.sign(key, _content(item, params).decode("utf-8", "replace"), compact=True)
    except xml_signing.NotSigned as why:
        raise _Failed(str(why)) from None


def _sign(key: SigningKey, content: bytes, *, attached: bool) -> bytes:
    return sandbox.sign_with(key, content, attached=attached)


def _sign_digest(key: SigningKey, digest: bytes) -> bytes:
    return signing.sign_digest(
        key.private, key.certificate, digest, content=None, at=datetime.now(UTC), chain=key.chain
    )


_LABELS = {
    names.CN: "CN", names.SURNAME: "SURNAME", names.SERIAL_NUMBER: "SERIALNUMBER", names.COUNTRY: "C",
    names.ORGANISATION: "O", names.UNIT: "OU", names.GIVEN_NAME: "GIVENNAME",
}  # fmt: skip


def _in_words(name: bytes) -> str:
    """Return a name in one line, as Java's libraries write it."""
    pairs = [pair for relative in names.attributes(name) for pair in relative]
    return ",".join(f"{_LABELS.get(oid, oid)}={text}" for oid, text in pairs)


def _read(key: SigningKey) -> Certificate:
    """Read the certificate without `cryptography`, which warns of names as long as the NCA's."""
    return certificates.read(key.certificate.public_bytes(serialization.Encoding.DER))


def key_info(key: SigningKey) -> dict[str, str]:
    """Return what getKeyInfo says of a key."""
    certificate = key.certificate
    authority = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier or b""
    read = _read(key)
    der = certificate.public_bytes(serialization.Encoding.DER)
    return {
        "alias": hashlib.sha1(der, usedforsecurity=False).hexdigest(),
        "keyId": certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex(),
        "algorithm": key.private.kalkan_name,
        "subjectCn": names.texts(read.subject, names.CN)[0],
        "subjectDn": _in_words(read.subject),
        "issuerCn": names.texts(read.issuer, names.CN)[0],
        "issuerDn": _in_words(read.issuer),
        "serialNumber": f"{certificate.serial_number:x}",
        "certNotBefore": certificate.not_valid_before_utc.strftime("%d.%m.%Y %H:%M:%S"),
        "certNotAfter": certificate.not_valid_after_utc.strftime("%d.%m.%Y %H:%M:%S"),
        "authorityKeyIdentifier": authority.hex(),
        "pem": certificate.public_bytes(serialization.Encoding.PEM).decode(),
    }


# --- the server -------------------------------------------------------------------------------------


class Emulator:
    """A running agent; use it in ``with``, or call ``run`` to serve until stopped."""

    def __init__(self, agent: Agent, *, port: int, tls: tuple[str, str] | None) -> None:
        self.agent = agent
        context = None
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
        self._server: Server = listen(
            self._talk, "127.0.0.1", port, ssl=context, max_size=LARGEST_REQUEST, server_header=None
        )
        self.port: int = self._server.socket.getsockname()[1]
        self.url = f"{'wss' if tls else 'ws'}://127.0.0.1:{self.port}"

    def _talk(self, connection: ServerConnection) -> None:
        try:
            connection.send(json.dumps({"result": {"version": VERSION}}))
            for text in connection:
                answer = self.agent.answer(text)
                if answer is not None:
                    connection.send(answer)
        except _Dropped:
            connection.close_socket()
        except ConnectionClosed:
            pass

    def run(self) -> None:
        """Serve until ``close`` is called from another thread or the process is stopped."""
        self._server.serve_forever()

    def close(self) -> None:
        """Stop serving and cut the connections."""
        self.agent.close()
        self._server.shutdown()

    def __enter__(self) -> Emulator:
        self._thread = threading.Thread(target=self.run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._thread.join(5)


def _stamper(pki: SandboxPki) -> Callable[[bytes], bytes]:
    """Return what puts a time-stamp of the sandbox's authority into a message of one signer (CAdES-T)."""
    authority = cache(lambda: Authority(pki, lambda: datetime.now(UTC)))

    def stamp(message: bytes) -> bytes:
        value, digest = upgrade.to_stamp(message)
        imprint = algorithms.digest(digest).compute(value)
        question = timestamps.request(imprint, digest=digest, nonce=secrets.randbits(63))
        return upgrade.with_time_stamp(message, timestamps.token_in(authority().timestamp(question)))

    return stamp


def emulator(
    pki: SandboxPki,
    as_key: str,
    *,
    port: int = PORT,
    behaviour: str = "ok",
    tls: bool = True,
    answers_array: bool = True,
    has_basics: bool = True,
    slow_seconds: float = SLOW_SECONDS,
    gost: bool = False,
) -> Emulator:
    """Return an emulator that signs as an account, or with a published key (``nca:head``).

    ``port`` 0 takes any free one; ``gost`` takes the account's GOST key instead of the RSA one.

    Raises:
        SandboxRefused: nobody is enrolled under ``as_key``.
        OSError: the port is taken.
    """
    pki.key_for(as_key, gost=gost)  # an unknown account is told now, not at the first signature
    agent = Agent(
        lambda: pki.key_for(as_key, gost=gost),
        behaviour=Behaviour(behaviour),
        answers_array=answers_array,
        has_basics=has_basics,
        slow_seconds=slow_seconds,
        stamp=_stamper(pki),
    )
    pair = sandbox.tls_pair(pki.folder) if tls else None
    return Emulator(agent, port=port, tls=(str(pair[0]), str(pair[1])) if pair else None)


def serve(pki: SandboxPki, as_key: str, *, port: int = PORT, behaviour: str = "ok", tls: bool = True) -> None:
    """Serve until the process is stopped."""
    emulator(pki, as_key, port=port, behaviour=behaviour, tls=tls).run()
