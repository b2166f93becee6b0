"""Who did what, when, and with which result: rows that are only ever added."""
