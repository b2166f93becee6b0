"""The sandbox: an authority, keys and a signing application for the demo and for tests.

``pki``           roots and issuing CAs with the certificate profile of the NCA, and people's keys
``nca``           the published test keys of the NCA itself
``signing``       a signed message as NCALayer makes it
``ncalayer``      NCALayer's WebSocket protocol, answered by a program that really signs
``services``      the authority on the loopback: OCSP, revocation lists, time-stamps; ``answers`` writes them

``keys`` sign (RSA and GOST), ``certificates`` writes certificates and lists, ``people`` says whom they
name, ``key_store`` opens GOST key stores, ``files`` keeps keys on the disk, ``der`` has the elements
that all of them write.

Its anchors are test anchors: production refuses them, and refuses the sandbox itself.
"""
