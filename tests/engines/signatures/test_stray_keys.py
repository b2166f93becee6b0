"""A key store given in place of a signature is told for what it is, in whatever form."""

from __future__ import annotations

import base64

import forged_answers as answers
import forged_messages as forge
import forged_tokens as tokens
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)  # fmt: skip
from forged_messages import VECTORS

from app.sandbox.keys import GostKey
from app.signatures import asn1, cms, stray_keys, timestamps
from app.signatures.asn1 import Malformed
from app.signatures.report import Verdict
from app.terms import say

PASSWORD = BestAvailableEncryption(b"Qwerty12")
DER, PEM = Encoding.DER, Encoding.PEM
PKCS8, TRADITIONAL = PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL
STORES = sorted(
    [*VECTORS.glob("keys-test-*/*.p12"), *(VECTORS.parents[3] / "app/sandbox/nca_test_keys").rglob("*.p12")]
)


def _keys() -> dict[str, bytes]:
    private, elliptic = forge.key("head"), ec.generate_private_key(ec.SECP256R1())
    edwards, older = ed25519.Ed25519PrivateKey.generate(), dsa.generate_private_key(2048)
    store = pkcs12.serialize_key_and_certificates(b"head", private, None, None, PASSWORD)
    return {
        "PKCS #12": store,
        "PKCS #12, not encrypted": pkcs12.serialize_key_and_certificates(b"head", private, None, None, NoEncryption()),
        "PKCS #8": private.private_bytes(DER, PKCS8, NoEncryption()),
        "PKCS #8, encrypted": private.private_bytes(DER, PKCS8, PASSWORD),
        "PKCS #8, of an elliptic key": elliptic.private_bytes(DER, PKCS8, NoEncryption()),
        "PKCS #8, of an Edwards key": edwards.private_bytes(DER, PKCS8, NoEncryption()),
        "PKCS #8, of a GOST key": GostKey.new().pkcs8(),
        "PKCS #1": private.private_bytes(DER, TRADITIONAL, NoEncryption()),
        "SEC 1": elliptic.private_bytes(DER, TRADITIONAL, NoEncryption()),
        "DSA": older.private_bytes(DER, TRADITIONAL, NoEncryption()),
        "JKS": b"\xfe\xed\xfe\xed\0\0\0\2" + bytes(100),
        "PEM": private.private_bytes(PEM, PKCS8, NoEncryption()),
        "PEM, encrypted": private.private_bytes(PEM, PKCS8, PASSWORD),
        "PEM, traditional": private.private_bytes(PEM, TRADITIONAL, NoEncryption()),
        "PEM, traditional, elliptic": elliptic.private_bytes(PEM, TRADITIONAL, NoEncryption()),
        "OpenSSH": edwards.private_bytes(PEM, PrivateFormat.OpenSSH, NoEncryption()),
    }


KEYS = _keys()


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("form", ["as it is", "base64", "base64 in lines", "cut short", "after a certificate"])
def test_a_private_key_is_told_for_what_it_is(kind, form, world):
    key = KEYS[kind]
    sent = {
        "as it is": key,
        "base64": base64.b64encode(key),
        "base64 in lines": base64.encodebytes(key),
        "cut short": key[:60],
        "after a certificate": world.head.certificate.public_bytes(PEM) + key,
    }[form]
    if form == "after a certificate" and not key.startswith(b"-----"):
        sent = b"Bag Attributes\n" + asn1.armour(key, "ENCRYPTED PRIVATE KEY").encode()
    if form.startswith("base64") and key.startswith(b"-----"):
        sent = b"\xef\xbb\xbf\r\n" + key  # as some editors save it

    report = world.verify(sent)

    assert report.reasons == ("private_key",)
    assert report.verdict is Verdict.INVALID
    assert report.indication == "TOTAL-FAILED"
    assert report.content is None


@pytest.mark.parametrize("store", STORES, ids=lambda path: path.stem)
def test_the_key_stores_of_the_nca_are_told_too(store, world):
    assert world.verify(store.read_bytes()).reasons == ("private_key",)
    assert world.verify(asn1.armour(store.read_bytes(), "CMS")).reasons == ("private_key",)
    assert world.verify(base64.b64encode(store.read_bytes()).decode()).reasons == ("private_key",)


def test_there_are_key_stores_to_try():
    assert len(STORES) >= 15


def test_what_is_no_key_is_not_taken_for_one(world):
    tsa = tokens.authority(world.ca)
    others = {
        "message": forge.message(world.head),
        "message in BER": forge.as_ber(forge.message(world.head)),
        "certificate": world.head.der,
        "list": forge.revocation_list(world.ca),
        "answer": answers.answer([answers.single(answers.named(world.head, world.ca))], world.ca),
        "no answer": answers.response(None, 3),
        "token": tokens.token(b"", tsa),
        "information of a token": tokens.info(b""),
        "question for a token": timestamps.request(bytes(32), digest=cms.SHA256, nonce=1),
        "public key": forge.key("head").public_key().public_bytes(DER, PublicFormat.SubjectPublicKeyInfo),
        "public key of RSA": forge.key("head").public_key().public_bytes(DER, PublicFormat.PKCS1),
        "empty sequence": b"\x30\x00",
        "nothing": b"",
    }
    others |= {path.name: path.read_bytes() for path in VECTORS.rglob("*") if path.suffix in (".cms", ".cer", ".crl")}

    assert [name for name, octets in others.items() if stray_keys.is_key(octets)] == []
    assert not any(stray_keys.is_armoured_key(octets) for octets in others.values())
    for octets in (others["message"], others["message in BER"]):
        assert cms.read_cms(octets) == octets
        assert cms.read_cms(asn1.armour(octets, "CMS")) == octets


def test_a_signed_document_that_speaks_of_keys_is_a_document(world):
    content = b"-----BEGIN PRIVATE KEY-----\nnever send one\n"

    assert world.verify(forge.message(world.head, content=content)).verdict is Verdict.VALID


@pytest.mark.parametrize("text", ["қолтаңба", "MIIC қ", "-----BEGIN CMS-----\nMIIқ\n-----END CMS-----\n", "\udcff"])
def test_text_that_is_no_armour_is_malformed(text):
    with pytest.raises(Malformed) as refused:
        cms.read_cms(text)

    assert refused.value.code == "malformed"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("kk", ("ешкімге жібермеңіз", "құпиясөзін дереу ауыстырыңыз")),
        ("ru", ("никому его не отправляйте", "смените пароль")),
        ("en", ("Never send it", "Change the password")),
    ],
)
def test_the_sentence_says_what_to_do(language, words):
    sentence = say("sig.reason.private_key", language)

    assert all(part in sentence for part in words)
