"""The emulated agent stamps as the real one does: when it is asked to, by the sandbox's own authority."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from app.sandbox.ncalayer import emulator
from app.signatures.report import Verdict
from app.signatures.verify import verify

DOCUMENT = "Өтініш".encode()
BASE64 = base64.b64encode(DOCUMENT).decode()


def _report(sandbox, request, *, gost):
    with emulator(sandbox, "first_head", port=0, tls=False, gost=gost) as running:
        answer = json.loads(running.agent.answer(json.dumps(request)))
    message = answer["responseObject"] if "responseObject" in answer else answer["body"]["result"][0]
    return verify(message, DOCUMENT, at=datetime.now(UTC), trust=sandbox.trust_store())


def _basics(**params):
    signing = {"decode": True, "encapsulate": False, "digested": False} | params
    args = {"allowedStorages": None, "format": "cms", "data": BASE64, "locale": "kz", "signingParams": signing}
    args |= {"signerParams": {"extKeyUsageOids": []}}
    return {"module": "kz.gov.pki.knca.basics", "method": "sign", "args": args}


def _common(method):
    args = ["PKCS12", "SIGNATURE", BASE64, False]
    return {"module": "kz.gov.pki.knca.commonUtils", "method": method, "args": args}


@pytest.mark.parametrize("gost", [False, True])
@pytest.mark.parametrize(
    ("request_", "is_stamped"),
    [
        (_basics(tsaProfile={}), True),
        (_basics(), False),
        (_basics(tsaProfile=None), False),
        (_common("createCMSSignatureFromBase64"), True),
        (_common("createCAdESFromBase64"), False),
    ],
)
def test_a_signature_is_stamped_when_the_request_has_it_so(request_, is_stamped, gost, sandbox):
    report = _report(sandbox, request_, gost=gost)

    assert report.verdict is Verdict.VALID
    (signer,) = report.signers
    assert (signer.timestamp is not None) is is_stamped
    if is_stamped:
        assert abs(signer.timestamp.at - datetime.now(UTC)) < timedelta(minutes=1)
        assert "timestamp_imprint" not in report.notes
