"""ENGINE: what is asked, and whether an answer will do.

``definitions.load(folder, root)`` reads the form files into a ``FormLibrary``.  A simple form is in
``simple`` (Form, Section, Field), a dynamic one in ``dynamic`` (chosen by criteria); ``fields``
holds a class for each type of field and ``identifiers`` the check digits; ``inputs`` makes a
WTForms class out of a form, ``compare`` tells two sets of answers apart.
"""
