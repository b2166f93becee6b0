"""Anyone signed in may ask: is this signature good, and whose is it?  Nothing that is given is kept.

The judge is ``app.signatures``; here are the page and its words.
"""
