"""The known name that an unknown one was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def near(name: str, known: Iterable[str]) -> str:
    """Return a suggestion where a known name is close to an unknown one, else nothing.

    >>> near("availabilty", ["availability", "latency"]), near("x", ["latency"])
    (', did you mean availability?', '')
    """
    close = difflib.get_close_matches(name, [str(one) for one in known], n=1)
    return f", did you mean {close[0]}?" if close else ""
