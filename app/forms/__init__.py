"""ENGINE: what is asked, and whether an answer will do.

``definitions.load(folder, root)`` reads the form files into a ``FormLibrary``: ``form_files`` one file, ``folders``
a dynamic form, ``shared`` sections, ``figures`` of the rules.  What stands in the files is in ``parts``; a simple
form is in ``simple``, a dynamic one (chosen by criteria) in ``dynamic``.

``reading`` turns what was typed into canonical values, ``outline`` tells what is asked now, ``rows`` changes the
entries of groups, ``paths`` knows the names of inputs.  ``logic`` says which fields are asked and what computed
ones hold, by the language of ``app.expressions``.  ``fields`` holds a class for each type of field and
``identifiers`` the check digits.

``compare`` tells two sets of answers apart, ``merge`` joins what two people changed, ``versions`` tells two
versions of a form apart, and ``carrying`` takes answers to other questions without losing any.
"""
