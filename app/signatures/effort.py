"""How much computing one judgement may cost.

A signature is the dearest thing to compute here: some milliseconds for GOST without a native
library.  A message may bring certificates, signers and time-stamps made to multiply, so all that
one judgement computes is counted together, wherever it is computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MOST_COMPUTATIONS = 110
"""Signatures computed in one judgement: sixteen signers with time-stamps and answers need some seventy."""


class TooCostly(Exception):
    """The judgement would cost more than any honest message does."""


_left: ContextVar[list[int] | None] = ContextVar("_left", default=None)


@contextmanager
def bounded(computations: int = MOST_COMPUTATIONS) -> Iterator[None]:
    """Bound what is computed within; ``spend`` then raises ``TooCostly``."""
    token = _left.set([computations])
    try:
        yield
    finally:
        _left.reset(token)


def spend() -> None:
    """Count one signature that is about to be computed.

    Raises:
        TooCostly: it would be one too many.
    """
    left = _left.get()
    if left is None:
        return
    if left[0] == 0:
        raise TooCostly
    left[0] -= 1
