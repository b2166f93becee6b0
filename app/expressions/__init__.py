"""The engine of expressions: what definition files ask of answers, in a small, total language.

``compiling`` checks an expression and makes it ready to be read, ``language`` holds its words, ``reckoning``
what it does with values, ``scopes`` the answers it sees.
"""
