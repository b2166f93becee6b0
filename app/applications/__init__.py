"""The heart: applications, from «Беру» to «Мұрағат».

``models`` what is kept, ``queries`` who may see what, ``summary`` what an application says,
``document`` what is printed and signed, ``attachments`` its files, ``effects`` the named
consequences of transitions, ``moves`` the one way it changes where it stands, then the verbs by
the manual's chapters: ``filing`` (13, 9.4), ``answering`` (14), ``entries`` (16), ``reuse`` (9.6), ``approval``
(20), ``signing`` (21-23), ``uploading`` (files as acts of their own), ``accepting`` (the reviewers' word
on documents), ``importing`` and ``exporting`` tables, ``renewal`` to newer versions of forms; ``checklist``
says which documents are asked for and what stands there, ``versions`` and ``changes`` what was sent when.
"""
