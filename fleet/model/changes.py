"""Changes that people and other systems report: their kinds, and how their texts are bounded."""

from __future__ import annotations

from datetime import datetime

from engine.errors import Refused
from engine.texts import cut, visible
from fleet.model.facts import Asked, Noted
from monitoring.change import Change

#: The type of the event, and of a note that an operator gives.
CHANGED = "Driftwarden.Changed"
#: Most characters that are kept of a text, and of the name of its author.
LONGEST_TEXT, LONGEST_AUTHOR = 200, 60
#: Clocks and calendars of other tools end at the year 9999; times of zones differ at both ends.
FIRST_YEAR, LAST_YEAR = 1900, 9000


def kind_of(text: str, what: str) -> Change:
    """Return the kind by its word, a note where there is none; Refused where it is another."""
    try:
        return Change(text or Change.NOTE)
    except ValueError:
        shown = visible(cut(text, LONGEST_AUTHOR))
        raise Refused(f"{what}: kind {shown!r}; known are {', '.join(Change)}") from None


def check_span(at: datetime | None, until: datetime | None, what: str) -> None:
    """Refuse moments that are out of bounds, and an end before its begin."""
    for name, moment in (("at", at), ("until", until)):
        if moment is not None and not FIRST_YEAR <= moment.year <= LAST_YEAR:
            told = f"give one from {FIRST_YEAR} to {LAST_YEAR}"
            raise Refused(f"{what}: {name} the year {moment.year}: {told}")
    if at is not None and until is not None and until < at:
        raise Refused(f"{what}: until {until:%Y-%m-%dT%H:%MZ} is before at {at:%Y-%m-%dT%H:%MZ}")


def bounded(text: str, most: int) -> str:
    """Return a text of a sender as one bounded line without control and format characters.

    >>> bounded("new prices\\n since noon \\u202e", 200)
    'new prices since noon \\\\u202e'
    """
    return cut(visible(" ".join(text.split())), most)


def change(
    kind: str, text: str, by: str, at: datetime | None, until: datetime | None, what: str
) -> Noted:
    """Return a reported change as a fact.

    Raises
    ------
    Refused
        The text is empty, the kind is unknown, or it would end before it began; `what` names it.
    """
    said = bounded(text, LONGEST_TEXT)
    if not said:
        raise Refused(f"{what}: the text is empty; say what changed")
    check_span(at, until, what)
    author = bounded(by, LONGEST_AUTHOR)
    return Noted(CHANGED, said, at, kind_of(kind, what), author, until)


def asked(fact: Asked) -> Noted:
    """Return the change that an operator reports; Refused as `change` refuses it."""
    return change(fact.change, fact.reason, fact.by, fact.at, fact.until, f"note {fact.target}")
