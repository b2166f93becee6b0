"""Is this signature good, and whose is it?

Pure Python: bytes, a moment and a trust store in, a report of facts out; neither Flask nor the
database, no network.  Open ``verify.py`` first.

``verify``        the judgement of a signed message, stage by stage
``report``        what is known: verdicts, stages, and every reason a refusal can have
``cms``           the signed message and its signed attributes (RFC 5652)
``certificates``  what a certificate says (RFC 5280)
``identity``      whose it is, and in which capacity he signs (profile of the NCA of the RK)
``trust``         whom we trust, and since when
``paths``         the path from a certificate to an anchor; with ``policies``, ``constraints``
                  and ``names`` what the certificates on it allow
``standing``      of one certificate: does it lead to an anchor, and was it revoked?
``revocation``    revocation lists (CRL)
``algorithms``    the table of what we can compute
``asn1``          the bounded reader and the schemas under all of them
``who``           may this signer sign for this organisation?
"""
