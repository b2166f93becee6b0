"""The sandbox: an authority, keys and a signing application for the demo and for tests.

``pki``        a root and an issuing CA with the certificate profile of the NCA, and people's keys
``signing``    a signed message as NCALayer makes it
``ncalayer``   NCALayer's WebSocket protocol, answered by a program that really signs

Its anchors are test anchors: production refuses them, and refuses the sandbox itself.
"""
