"""The emulator answers as the recorded NCALayer does, and its signatures are real."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import ssl
import time
from datetime import UTC, datetime

import forged_messages as forge
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from forged_messages import NOW, VECTORS
from lxml import etree
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from app.sandbox.ncalayer import Agent, Behaviour, emulator
from app.sandbox.pki import SandboxRefused, tls_pair
from app.sandbox.xml_signing import DECLARATION
from app.signatures.report import Outcome, Stage, Verdict
from app.signatures.verify import verify

DOCUMENT = "Өтініш".encode()
BASE64 = base64.b64encode(DOCUMENT).decode()
COMMON, BASICS = "kz.gov.pki.knca.commonUtils", "kz.gov.pki.knca.basics"


def _agent(sandbox, account="first_head", **how) -> Agent:
    return Agent(lambda: sandbox.key_for(account), **how)


def _ask(agent, module, method, args=None, **more):
    request = {"module": module, "method": method, **more} | ({} if args is None else {"args": args})
    return json.loads(agent.answer(json.dumps(request)))


def _basics(data=BASE64, *, signing=None, signer=None, **more):
    signing_params = {"decode": True, "encapsulate": False, "digested": False} | (signing or {})
    signer_params = {"extKeyUsageOids": [], "chain": []} | (signer or {})
    args = {"allowedStorages": None, "format": "cms", "data": data, "locale": "ru"} | more
    return args | {"signingParams": signing_params, "signerParams": signer_params}


def _verdict(sandbox, message, content=None):
    return verify(message, content, at=datetime.now(UTC), trust=sandbox.trust_store()).verdict


def _recorded():
    return json.loads((VECTORS / "ncalayer/ncalayer-recorded-dialogue.json").read_text(encoding="utf-8"))


def _emulated(pair) -> bool:
    """Whether a recorded dialogue is of the parts that are emulated: nothing raw, no token in a socket."""
    request = pair["request"]
    return not any(part in request for part in ('"format":"raw"', "digiflow")) and (
        "AKKaztokenStore" not in pair["response"]
    )


def _shape(answer):
    """Return an answer without its signatures and key data; a string and a list of one are the same (both occur)."""
    match answer:
        case {"responseObject": str() | dict()}:
            return answer | {"responseObject": "..."}
        case {"responseObject": [str(), *_] as items}:
            return answer | {"responseObject": len(items)}
        case {"body": {"result": str() | [_]}}:
            return answer | {"body": {"result": "..."}}
        case {"body": {"result": [*items]}}:
            return answer | {"body": {"result": len(items)}}
    return answer


@pytest.mark.parametrize("number", [at for at, pair in enumerate(_recorded()) if _emulated(pair)])
def test_a_recorded_request_gets_an_answer_of_the_recorded_shape(number, sandbox):
    pair = _recorded()[number]
    recorded = json.loads(pair["response"])
    cancelled = recorded.get("message") == "action.canceled" or recorded.get("body") == {}
    agent = _agent(sandbox, behaviour=Behaviour.CANCEL if cancelled else Behaviour.OK)

    answered = json.loads(agent.answer(pair["request"]))

    assert _shape(answered) == _shape(recorded)


def test_enough_of_the_record_is_replayed():
    assert sum(map(_emulated, _recorded())) >= 39


@pytest.mark.parametrize("attached", [True, False])
@pytest.mark.parametrize("method", ["createCAdESFromBase64", "createCMSSignatureFromBase64"])
def test_common_utils_signs_for_real(method, attached, sandbox):
    answer = _ask(_agent(sandbox), COMMON, method, ["PKCS12", "SIGNATURE", BASE64, attached])

    assert answer["code"] == "200"
    assert _verdict(sandbox, answer["responseObject"], None if attached else DOCUMENT) is Verdict.VALID


def test_common_utils_signs_a_hash(sandbox):
    digest = base64.b64encode(hashlib.sha256(DOCUMENT).digest()).decode()

    answer = _ask(_agent(sandbox), COMMON, "createCAdESFromBase64Hash", ["PKCS12", "SIGNATURE", digest])

    assert _verdict(sandbox, answer["responseObject"], DOCUMENT) is Verdict.VALID


def test_basics_answers_an_array_of_armoured_messages(sandbox):
    answer = _ask(_agent(sandbox), BASICS, "sign", _basics())

    (message,) = answer["body"]["result"]
    assert message.startswith("-----BEGIN CMS-----\n")
    assert answer["status"] is True
    assert _verdict(sandbox, message, DOCUMENT) is Verdict.VALID


def test_an_older_basics_answers_the_bare_string_but_several_always_as_an_array(sandbox):
    agent = _agent(sandbox, answers_array=False)

    assert isinstance(_ask(agent, BASICS, "sign", _basics())["body"]["result"], str)
    assert len(_ask(agent, BASICS, "sign", _basics([BASE64, BASE64]))["body"]["result"]) == 2


@pytest.mark.parametrize(
    ("signing", "data", "content"),
    [
        ({"encapsulate": True}, BASE64, None),
        ({"decode": False, "encapsulate": True}, "текст", None),
        ({"digested": True}, base64.b64encode(hashlib.sha256(DOCUMENT).digest()).decode(), DOCUMENT),
    ],
)
def test_basics_follows_the_signing_parameters(signing, data, content, sandbox):
    (message,) = _ask(_agent(sandbox), BASICS, "sign", _basics(data, signing=signing))["body"]["result"]

    assert _verdict(sandbox, message, content) is Verdict.VALID


@pytest.mark.parametrize(
    ("filters", "offered"),
    [
        ({"extKeyUsageOids": ["1.3.6.1.5.5.7.3.4", "1.2.398.3.3.4.1.2.1"]}, True),
        ({"extKeyUsageOids": ["1.3.6.1.5.5.7.3.2"]}, False),
        ({"iin": forge.IIN, "bin": forge.BIN}, True),
        ({"iin": "000000000000"}, False),
        ({"bin": "000000000000"}, False),
        ({"serialNumber": "ff"}, False),
    ],
)
def test_only_a_key_that_fits_is_offered(filters, offered, sandbox):
    answer = _ask(_agent(sandbox), BASICS, "sign", _basics(signer=filters))

    assert ("result" in answer["body"]) is offered


def test_a_clerk_has_no_first_heads_key(sandbox):
    filters = {"extKeyUsageOids": ["1.3.6.1.5.5.7.3.4", "1.2.398.3.3.4.1.2.1"]}

    assert _ask(_agent(sandbox, "clerk"), BASICS, "sign", _basics(signer=filters)) == {"body": {}, "status": True}


def test_cancel_is_an_error_of_common_utils_and_an_empty_success_of_basics(sandbox):
    agent = _agent(sandbox, behaviour=Behaviour.CANCEL)
    args = ["PKCS12", "SIGNATURE", BASE64, False]

    assert _ask(agent, COMMON, "createCAdESFromBase64", args) == {"code": "500", "message": "action.canceled"}
    assert _ask(agent, BASICS, "sign", _basics()) == {"body": {}, "status": True}


def test_a_wrong_password_is_an_error_with_words(sandbox):
    agent = _agent(sandbox, behaviour=Behaviour.WRONG_PASSWORD)

    common = _ask(agent, COMMON, "createCAdESFromBase64", ["PKCS12", "SIGNATURE", BASE64, False])
    basics = _ask(agent, BASICS, "sign", _basics())

    assert (common["code"], "password" in common["message"]) == ("500", True)
    assert (basics["status"], "password" in basics["details"]) == (False, True)


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "[" * 100_000, '{"module":"no.such"}', '{"method":"sign"}'])
def test_what_it_does_not_know_it_answers_so(text, sandbox):
    assert json.loads(_agent(sandbox).answer(text)) == {"success": False, "errorCode": "MODULE_NOT_FOUND"}


def test_the_uuid_of_a_request_comes_back_and_a_heartbeat_is_borne(sandbox):
    agent = _agent(sandbox)

    assert _ask(agent, COMMON, "getActiveTokens", uuid="7") == {"responseObject": [], "code": "200", "uuid": "7"}
    assert agent.answer("--heartbeat--") == "--heartbeat--"


def test_key_info_describes_the_key(sandbox):
    info = _ask(_agent(sandbox), COMMON, "getKeyInfo", ["PKCS12"])["responseObject"]

    assert info["subjectCn"] == "АХМЕТОВ ДАРХАН"
    assert datetime.strptime(info["certNotAfter"], "%d.%m.%Y %H:%M:%S") > datetime.now()
    assert set(info) == {
        "alias", "keyId", "algorithm", "subjectCn", "subjectDn", "issuerCn", "issuerDn", "serialNumber",
        "certNotBefore", "certNotAfter", "authorityKeyIdentifier", "pem",
    }  # fmt: skip


@pytest.mark.parametrize("account", ["first_head", "nca:head"])
def test_a_gost_key_signs_and_is_told_as_one(account, sandbox):
    agent = Agent(lambda: sandbox.key_for(account, gost=True))
    head = {"extKeyUsageOids": ["1.3.6.1.5.5.7.3.4", "1.2.398.3.3.4.1.2.1"], "bin": "123456789021"}

    info = _ask(agent, COMMON, "getKeyInfo", ["PKCS12"])["responseObject"]
    (message,) = _ask(agent, BASICS, "sign", _basics(signer=head))["body"]["result"]

    assert info["algorithm"] == "ECGOST3410-2015-512"
    assert "GOST" in info["issuerCn"]
    assert info["subjectDn"].startswith("CN=")
    (signer,) = verify(message, DOCUMENT, at=datetime.now(UTC), trust=sandbox.trust_store()).signers
    assert (signer.stages[Stage.INTEGRITY], signer.stages[Stage.CHAIN]) == (Outcome.PASS, Outcome.PASS)
    assert "FIRST_HEAD" in signer.roles


def test_the_emulator_offers_the_gost_key_that_was_asked_for(sandbox):
    request = json.dumps({"module": BASICS, "method": "sign", "args": _basics()})
    with emulator(sandbox, "first_head", port=0, tls=False, gost=True) as running, connect(running.url) as socket:
        socket.recv(5)
        socket.send(request)
        (message,) = json.loads(socket.recv(5))["body"]["result"]

    report = verify(message, DOCUMENT, at=datetime.now(UTC), trust=sandbox.trust_store())
    assert [signer.algorithm for signer in report.signers] == ["GOST R 34.10-2015 (512)"]


# --- XML --------------------------------------------------------------------------------------------

XML = '<?xml version="1.0"?><a xmlns="urn:a" xmlns:b="urn:b"><b:c Id="C">Өтініш<!-- x --></b:c></a>'
SIGN_XML = ["PKCS12", "SIGNATURE", XML, "", ""]


def _without_values(text):
    """Return a signed document without its values in base64; how they stand in lines is kept."""
    return re.sub("(?<=[eE]>)(\n?)[A-Za-z0-9+/=]{20,}(&#13;\n[A-Za-z0-9+/=]+)*(\n?)", r"\1...\3", text)


def _checked_apart(text, public):
    """Check an enveloped RSA signature with nothing of ours."""
    tree = etree.fromstring(text.encode()).getroottree()
    names = {"ds": "http://www.w3.org/2000/09/xmldsig#"}
    (signature,) = tree.xpath("//ds:Signature", namespaces=names)
    info, value, digest = (
        signature.xpath(path, namespaces=names)[0]
        for path in ("ds:SignedInfo", "ds:SignatureValue", ".//ds:DigestValue")
    )
    public.verify(
        base64.b64decode(value.text),
        etree.tostring(info, method="c14n", with_tail=False),
        padding.PKCS1v15(),
        hashes.SHA256(),
    )
    signature.getparent().remove(signature)
    signed = etree.tostring(tree, method="c14n", with_comments=False)
    return base64.b64decode(digest.text) == hashlib.sha256(signed).digest()


def _signed_xml(agent):
    """Return what the three ways of signing XML answer."""
    one = _ask(agent, COMMON, "signXml", SIGN_XML)["responseObject"]
    (several,) = _ask(agent, COMMON, "signXmls", ["PKCS12", "SIGNATURE", [XML], "", ""])["responseObject"]
    (basics,) = _ask(agent, BASICS, "sign", _basics(XML, format="xml", signing={"decode": False}))["body"]["result"]
    return one, several, basics


def test_xml_is_signed_for_real_and_holds_when_checked_without_us(sandbox):
    public = sandbox.key_for("first_head").certificate.public_key()

    for text in _signed_xml(_agent(sandbox)):
        report = verify(text, XML.encode(), at=datetime.now(UTC), trust=sandbox.trust_store())

        assert (report.verdict, report.signers[0].iin) == (Verdict.VALID, forge.IIN)
        assert _checked_apart(text, public)


@pytest.mark.parametrize("account", ["first_head", "nca:head"])
def test_a_gost_key_signs_xml(account, sandbox):
    at = NOW if account.startswith("nca:") else datetime.now(UTC)
    for text in _signed_xml(Agent(lambda: sandbox.key_for(account, gost=True))):
        report = verify(text, at=at, trust=sandbox.trust_store())

        assert report.verdict is Verdict.VALID, report.reasons
        assert [signer.algorithm for signer in report.signers] == ["GOST R 34.10-2015 (512)"]


@pytest.mark.parametrize(
    ("file", "document", "element"),
    [
        ("simple", '<root><a>1</a><b attr="x">текст</b></root>', ""),
        ("ns", '<ns1:doc xmlns:ns1="urn:test" id="d1"><ns1:item>  spaced  </ns1:item><empty/></ns1:doc>', ""),
        ("by_id", '<root><a Id="part"><x>1</x></a><b/></root>', "/root/a"),
    ],
)
def test_common_utils_writes_xml_letter_by_letter_as_the_real_one(file, document, element, sandbox):
    real = (VECTORS / f"xml/ncalayer-rs_gost2015_{file}.xml").read_text(encoding="utf-8")
    agent = Agent(lambda: sandbox.key_for("nca:head"))

    answer = _ask(agent, COMMON, "signXml", ["PKCS12", "SIGNATURE", document, element, "/root" if element else ""])

    assert _without_values(answer["responseObject"]) == DECLARATION + _without_values(real).rstrip("\n")


def test_basics_writes_xml_without_white_space_in_the_signature(sandbox):
    made = (VECTORS / "made-here/xml/01_head_enveloped.xml").read_text(encoding="utf-8")
    document = re.sub("<ds:Signature .*</ds:Signature>", "", made).removeprefix(DECLARATION)
    agent = Agent(lambda: sandbox.key_for("nca:head"))

    (text,) = _ask(agent, BASICS, "sign", _basics(document, format="xml", signing={"decode": False}))["body"]["result"]

    assert _without_values(text) == _without_values(made)


def test_an_element_is_signed_by_its_id_and_two_sign_one_after_the_other(sandbox):
    framed = XML.replace('<a xmlns="urn:a" ', "<root ").replace("</a>", "</root>")
    args = ["PKCS12", "SIGNATURE", framed, "//*[@Id]", "/*"]
    by_id = _ask(_agent(sandbox), COMMON, "signXml", args)["responseObject"]
    both = _ask(_agent(sandbox, "clerk"), COMMON, "signXml", ["PKCS12", "SIGNATURE", by_id, "", ""])["responseObject"]

    report = verify(both, at=datetime.now(UTC), trust=sandbox.trust_store())

    assert report.verdict is Verdict.VALID
    assert [(signer.covers.path, signer.covers.whole) for signer in report.signers] == [
        ("/root/b:c", False),
        ("/root", True),
    ]


@pytest.mark.parametrize(
    "args",
    [
        ["PKCS12", "SIGNATURE", XML, "/a/none", "/a"],
        ["PKCS12", "SIGNATURE", XML, "/*", "/*"],
        ["PKCS12", "SIGNATURE", XML, "///", ""],
        ["PKCS12", "SIGNATURE", XML, "//*[@Id]", "//*[@Id]"],
        ["PKCS12", "SIGNATURE", "<!DOCTYPE a><a/>", "", ""],
        ["PKCS12", "SIGNATURE", "no XML", "", ""],
        ["PKCS12", "SIGNATURE", "", "", ""],
    ],
)
def test_what_cannot_be_signed_as_xml_is_an_error_with_words(args, sandbox):
    answer = _ask(_agent(sandbox), COMMON, "signXml", args)

    assert answer["code"] == "500"
    assert "Exception" in answer["message"]


# --- on the wire ------------------------------------------------------------------------------------


def test_over_tls_it_greets_first_and_signs(sandbox):
    trusted = ssl.create_default_context(cafile=str(tls_pair(sandbox.folder)[0]))
    request = json.dumps({"module": BASICS, "method": "sign", "args": _basics()})

    with emulator(sandbox, "first_head", port=0) as running, connect(running.url, ssl=trusted) as socket:
        assert json.loads(socket.recv(5)) == {"result": {"version": "1.4"}}
        socket.send(request)
        (message,) = json.loads(socket.recv(5))["body"]["result"]

    assert running.url.startswith("wss://127.0.0.1:")
    assert _verdict(sandbox, message, DOCUMENT) is Verdict.VALID


def test_it_may_drop_the_line_in_the_middle(sandbox):
    with (
        emulator(sandbox, "first_head", port=0, behaviour="drop", tls=False) as running,
        connect(running.url) as socket,
    ):
        socket.recv(5)
        socket.send(json.dumps({"module": BASICS, "method": "sign", "args": _basics()}))
        with pytest.raises(ConnectionClosed):
            socket.recv(5)


def test_it_may_be_slow(sandbox):
    request = json.dumps({"module": BASICS, "method": "sign", "args": _basics()})
    slow = {"port": 0, "behaviour": "slow", "slow_seconds": 0.3, "tls": False}
    with emulator(sandbox, "first_head", **slow) as running, connect(running.url) as socket:
        socket.recv(5)
        begun = time.perf_counter()
        socket.send(request)
        answer = json.loads(socket.recv(5))

    assert answer["status"] is True
    assert time.perf_counter() - begun >= 0.3


def test_an_unknown_account_is_told_before_anything_listens(sandbox):
    with pytest.raises(SandboxRefused, match="nobody"):
        emulator(sandbox, "nobody", port=0)
