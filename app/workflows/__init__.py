"""Workflow engine: where does an application stand, and where may it go?

A procedure is a sentence written in ``workflows/*.yaml``; this package owns only its words.
Pure: it knows neither Flask nor the database; plain values in, plain values out.

- ``guards``: ``Position``, ``Facts``, and the table of named conditions over them.
- ``parts``: what a procedure is made of: ``Stage``, ``Subprocess``, ``Process``, ``Transition``.
- ``machine``: ``Procedure`` and its verbs ``save``, ``finish``, ``skip``, ``fire``.  Open this first.
- ``running``: when the terms of a procedure began, stood still and ended, out of the moves of an application.
- ``definitions``: reads the files, tells every fault of every file, cross-checks them with the forms.
- ``proof``: is a procedure sound?  Over every situation an application can get into (``exploration``), told in the
  words of ``variables``.
- ``graph``: a procedure as SVG.
"""
