"""Measurements, each beside its floor: ``./kezen bench``; what they mean stands in ``docs/bench.md``."""
