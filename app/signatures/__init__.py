"""Is this signature good, and whose is it?

Pure Python: bytes, a moment and a trust store in, a report of facts out; neither Flask nor the
database, no network.  Open ``verify.py`` first.

``verify``        the judgement of a signed message
``signer``        the judgement of one signer, whatever the signature is wrapped in
``cms_signature``  is one signature of a message intact, and whose key made it?
``xml_signature``  what does each signature of an XML document cover, is that intact, and whose
                  key made it?  ``xmldsig`` takes one apart, ``xml_document`` reads what lies around
``report``        what is known: verdicts, stages, and every reason a refusal can have;
                  ``indications`` says it in the words of ETSI
``policy``        the rules by which signatures are judged, as dated data
``cms``           the signed message and its signed attributes (RFC 5652)
``certificates``  what a certificate says (RFC 5280)
``identity``      whose it is, and in which capacity he signs (profile of the NCA of the RK)
``trust``         whom we trust, and since when
``paths``         the path from a certificate to an anchor; with ``policies``, ``constraints``
                  and ``names`` what the certificates on it allow
``standing``      of one certificate: does it lead to an anchor, and was it revoked?
``revocation``    revocation lists (CRL), and what is ``listed`` there of a certificate
``ocsp``          answers of OCSP responders, and the questions
``timestamps``    time-stamp tokens, and the questions
``evidence``      judging again later, against what was kept
``upgrade``       adding a time-stamp to a signature made earlier
``algorithms``    the table of what we can compute
``stray_keys``    private keys that were sent by mistake
``asn1``          the bounded reader and the schemas under all of them
``effort``        how much computing one judgement may cost
``who``           may this signer sign for this organisation?
"""
