"""The heart: applications, from «Беру» to «Мұрағат».

``models`` what is kept, ``queries`` who may see what, ``summary`` what an application says,
``document`` what is printed and signed, ``attachments`` its files, ``effects`` the named
consequences of transitions, ``moves`` the one way it changes where it stands, then the verbs by
the manual's chapters: ``filing`` (13-16, 19), ``approval`` (20), ``signing`` (21-23).
"""
