"""Search: one request over everything, criteria on any field, as of a past day, kept for later (ESRV-16.2)."""
