"""Values of OpenSLO documents in messages: any value can be quoted, cut."""

from __future__ import annotations

#: The longest text of a file in a message.
SHOWN = 60


def shown(value: object) -> str:
    """Quote a value, cut."""
    try:
        quoted = repr(value)
    except ValueError:
        # Python spells no integer of thousands of digits.
        return "a number of thousands of digits"
    return quoted if len(quoted) <= SHOWN else f"{quoted[:SHOWN]}…"


def word(value: object) -> str:
    """Return a text as it is, cut; quote any other value."""
    return value[:SHOWN] if isinstance(value, str) and value.isprintable() else shown(value)
