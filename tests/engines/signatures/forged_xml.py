"""Signed XML with one thing wrong each: the workshop of the tests of XML signatures.

The signatures are real, made over what a signer would have signed who wanted just that; the
canonical forms are lxml's, called here directly and not by way of ``app.signatures``.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from functools import partial

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from forged_messages import Holder
from lxml import etree

DS = "http://www.w3.org/2000/09/xmldsig#"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ENVELOPED = f"{DS}enveloped-signature"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
WITH_COMMENTS = f"{INCLUSIVE}#WithComments"
RSA_SHA256, SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256"

HERE = "<here/>"
"""Where the signature goes."""
DOCUMENT = f'<application xmlns="urn:listing" Id="A1"><amount>1000</amount>{HERE}</application>'
BY_ID = f"<envelope><body>{DOCUMENT.replace(HERE, '')}</body>{HERE}</envelope>"

canonical = partial(etree.tostring, method="c14n", with_tail=False)


def identified(tree, identifier: str):
    """Return the first element with an Id, of whatever spelling."""
    (first, *_) = tree.xpath("//*[@Id=$it or @id=$it or @wsu:Id=$it]", it=identifier, namespaces={"wsu": WSU})
    return first


def transform(uri: str, inside: str = "") -> str:
    return f'<ds:Transform Algorithm="{uri}">{inside}</ds:Transform>'


def reference(
    digest: bytes, *, uri: str | None = "", transforms: Sequence[str] | None = None, digest_uri: str = SHA256
) -> str:
    """Return a Reference; of the enveloped form if no transforms are given."""
    steps = [transform(ENVELOPED), transform(WITH_COMMENTS)] if transforms is None else transforms
    where = "" if uri is None else f' URI="{uri}"'
    listed = f"<ds:Transforms>{''.join(steps)}</ds:Transforms>" if steps else ""
    value = f"<ds:DigestValue>{_base64(digest)}</ds:DigestValue>"
    return f'<ds:Reference{where}>{listed}<ds:DigestMethod Algorithm="{digest_uri}"/>{value}</ds:Reference>'


def signed(
    holder: Holder,
    document: str = DOCUMENT,
    *,
    uri: str | None = "",
    digested: Callable[[etree._ElementTree], bytes] | None = None,
    with_comments: bool = False,
    references: Callable[[bytes], str] | None = None,
    method: str = INCLUSIVE,
    method_inside: str = "",
    signature_uri: str = RSA_SHA256,
    signature_inside: str = "",
    value: Callable[[bytes], str] | None = None,
    key_info: str | None = None,
    certificates: Sequence[bytes] | None = None,
    objects: str = "",
    hash: hashes.HashAlgorithm | None = None,
    **how,
) -> str:
    """Return the document with a signature at ``HERE``.

    ``digested`` gives the octets that the digest is of, by default those that ``uri`` points at;
    ``references`` makes the References of the digest; ``value`` writes the signature value.
    """
    before = etree.ElementTree(etree.fromstring(document.replace(HERE, "", 1).replace(HERE, "")))
    if digested is not None:
        octets = digested(before)
    elif uri and uri.startswith("#"):
        octets = canonical(identified(before, uri[1:]), with_comments=with_comments)
    else:
        octets = canonical(before, with_comments=with_comments)
    digest = hashlib.sha256(octets).digest()
    if uri:
        how = {"transforms": [transform(WITH_COMMENTS)]} | how
    made = references(digest) if references else reference(digest, uri=uri, **how)
    info = (
        f'<ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{method}">{method_inside}</ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{signature_uri}">{signature_inside}</ds:SignatureMethod>{made}</ds:SignedInfo>'
    )
    if key_info is None:
        enclosed = [holder.der] if certificates is None else certificates
        listed = "".join(f"<ds:X509Certificate>{_base64(der)}</ds:X509Certificate>" for der in enclosed)
        key_info = f"<ds:KeyInfo><ds:X509Data>{listed}</ds:X509Data></ds:KeyInfo>"
    parts = f"{info}<ds:SignatureValue>@</ds:SignatureValue>{key_info}{objects}"
    whole = document.replace(HERE, f'<ds:Signature xmlns:ds="{DS}">{parts}</ds:Signature>', 1).replace(HERE, "")
    covered = _last_signed_info(whole, exclusive=method.startswith(EXCLUSIVE))
    signature = holder.private.sign(covered, padding.PKCS1v15(), hash or hashes.SHA256())
    return whole.replace(">@<", f">{(value or _base64)(signature)}<")


def _last_signed_info(text: str, *, exclusive: bool) -> bytes:
    """Return the canonical SignedInfo of the signature that has no value yet."""
    (info,) = etree.fromstring(text).xpath(
        "//ds:SignedInfo[following-sibling::ds:SignatureValue = '@']", namespaces={"ds": DS}
    )
    return canonical(info, exclusive=exclusive)


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def soap(body: str = "<order>5</order>", header: str = "", around: str = "") -> str:
    """Return a SOAP message with its body named ``B1`` and room for a signature in its header."""
    return (
        f'<soap:Envelope xmlns:soap="{SOAP}" xmlns:wsu="{WSU}"{around}><soap:Header>{header}'
        f'<wsse:Security xmlns:wsse="{WSSE}" soap:mustUnderstand="1">{HERE}</wsse:Security></soap:Header>'
        f'<soap:Body wsu:Id="B1">{body}</soap:Body></soap:Envelope>'
    )


def sign_soap(holder: Holder, message: str) -> str:
    """Return a SOAP message signed as WS-Security does: exclusive forms, the certificate in a token reference."""
    token = (
        f'<ds:KeyInfo><wsse:SecurityTokenReference xmlns:wsse="{WSSE}"><wsse:KeyIdentifier '
        'EncodingType="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary" '
        'ValueType="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3">'
        f"{_base64(holder.der)}</wsse:KeyIdentifier></wsse:SecurityTokenReference></ds:KeyInfo>"
    )
    return signed(
        holder,
        message,
        uri="#B1",
        digested=lambda tree: canonical(identified(tree, "B1"), exclusive=True),
        transforms=[transform(EXCLUSIVE)],
        method=EXCLUSIVE,
        key_info=token,
    )
