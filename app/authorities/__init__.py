"""The online services of certification authorities, asked by this house: OCSP, lists, time-stamps.

Only configured addresses are ever asked; what a certificate names is asked only where its scheme,
host and port are configured.  Every question has an end: in time, in size, in tries.  What cannot
be had is ``Unavailable`` with a word why, never an exception.

``gathering``   what one signature needs, and ``judged``: the whole judgement with fresh evidence
``online``      the three questions
``kept_lists``  revocation lists kept on the disk
``refreshing``  fetches them anew before they end
``exchange``    one question and its answer over HTTP
``addresses``   which addresses there are

Nothing here knows Flask or the database.  Ask outside of any transaction: an answer may take
seconds, and a database must not wait for it.
"""
