"""Cut names in the middle to fit a column, and keep them distinct."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from rich.cells import cell_len, set_cell_size

ELLIPSIS = "…"
#: Share of the room for a cut name's beginning; the next is tried where names come out equal.
HEADS = (0.5, 0.8, 0.2)


def shorten(text: str, room: int, head: float = 0.5) -> str:
    """Cut the middle out of a text wider than `room` columns.

    >>> shorten("transaction_amount_usd", 11)
    'trans…t_usd'
    """
    if cell_len(text) <= room:
        return text
    front = max(0, round((room - 1) * head))
    return _begin(text, front) + ELLIPSIS + _end(text, room - 1 - front)


def shorten_all(texts: Sequence[str], room: int) -> dict[str, str]:
    """Cut every text to `room` columns; different texts stay different."""
    found = {text: shorten(text, room) for text in texts}
    groups = defaultdict(list)
    for text, short in found.items():
        groups[short].append(text)
    taken = {short for short, alike in groups.items() if len(alike) == 1}
    for alike in groups.values():
        if len(alike) > 1:
            found |= _apart(alike, room, taken)
            taken |= {found[text] for text in alike}
    return found


def _apart(alike: Sequence[str], room: int, taken: set[str]) -> dict[str, str]:
    """Cut texts at another place where they come out equal."""
    ways: list[Callable[[str], str]] = [
        *(lambda text, head=head: shorten(text, room, head) for head in HEADS[1:]),
        _window(alike, room),
    ]
    for way in ways:
        cut = {text: way(text) for text in alike}
        if len({*cut.values()} - taken) == len(alike):
            return cut
    numbers = iter(range(1, len(alike) + len(taken) + 1))
    found = {}
    for text in alike:
        tails = (f"#{number}" for number in numbers)
        numbered = (shorten(text, max(room - len(tail), 1)) + tail for tail in tails)
        found[text] = next(one for one in numbered if one not in taken)
    return found


def _window(alike: Sequence[str], room: int) -> Callable[[str], str]:
    """Show the texts from just before the first difference."""
    letters = enumerate(zip(*alike, strict=False))
    same = min(len(text) for text in alike)
    differ = next((place for place, those in letters if len({*those}) > 1), same)
    first = max(0, differ - 2)

    def cut(text: str) -> str:
        rest = text[first:]
        if cell_len(rest) <= room - 1:
            return ELLIPSIS + rest
        return ELLIPSIS + _begin(rest, room - 2) + ELLIPSIS

    return cut


def _begin(text: str, room: int) -> str:
    # A wide character that does not fit is replaced by a blank.
    return set_cell_size(text[: room + 1], room).rstrip() if room > 0 else ""


def _end(text: str, room: int) -> str:
    kept = text[len(text) - room :] if room > 0 else ""
    while cell_len(kept) > room:
        kept = kept[1:]
    return kept
