"""What a given file really is, and whether it is harmless: bytes in, facts or a refusal out.

``look`` is the question, ``names`` what is kept of a file's name.  A file is judged by its whole structure,
never by its name: ``pdf``, ``office`` (docx, xlsx), ``archives`` (zip, and the container of office files),
``images``.  ``aside`` asks the same in a process of its own with little memory and time, so that a file
made to break its reader breaks nothing else.  What is refused, and why, stands in ``docs/attachments.md``.
"""
