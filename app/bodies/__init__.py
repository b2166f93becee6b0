"""ENGINE  The Exchange's deciding bodies: by which rules they sit, and what their votes amount to.

``definitions`` reads ``workflows/_bodies/``: names, and rules in force from a day on.  ``voting`` judges one
matter: quorum, majority, conflicts of interest, the casting vote.  Read ``voting.tally`` first.
"""
