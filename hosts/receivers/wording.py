"""Texts of a page as a vendor takes them: printable, escaped, within a size."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import quote

from engine.texts import cut, storable
from fleet.partitions import FLEET
from monitoring.alerts.paging import Page
from monitoring.alerts.receivers import ONCALL

#: They join emoji and letters, and do nothing else.
JOINERS = "\u200c\u200d"
#: The place of a report in a line; see `fleet.model.report_links`.
PLACE = re.compile(r"(?<!\S)/models/\S+")
#: No line is cut shorter than this before others are left out.
SHORTEST = 120

Escape = Callable[[str], str]
Measure = Callable[[str], int]


def plain(text: str) -> str:
    r"""Return one line of text; what turns the direction of text or starts a line is escaped.

    >>> plain("a\nb \u202ec"), plain("שלום 👩\u200d💻") == "שלום 👩\u200d💻"
    ('a\\nb \\u202ec', True)
    """
    return "".join(
        one if one.isprintable() or one in JOINERS else one.encode("unicode_escape").decode()
        for one in storable(text)
    )


def same(text: str) -> str:
    """Escape nothing."""
    return text


def fitted(
    lines: Sequence[str], most: int, escape: Escape = same, measure: Measure = len
) -> tuple[str, ...]:
    """Return lines, escaped, of at most `most` in all; what is left out is counted.

    A long line is cut before a whole one is left out: the first reason must not hide the others.
    Each line counts one more, for its end.
    """
    whole = [escape(line) for line in lines]
    if sum(measure(line) + 1 for line in whole) <= most:
        return tuple(whole)
    share = max(SHORTEST, most // max(len(lines), 1) - 1)
    whole = [_cut(line, share, escape, measure) for line in lines]
    if sum(measure(line) + 1 for line in whole) <= most:
        return tuple(whole)
    room = most - measure(_rest(len(lines), sum(map(len, lines)))) - 1
    kept: list[str] = []
    for line in whole:
        room -= measure(line) + 1
        if room < 0:
            break
        kept.append(line)
    left = lines[len(kept) :]
    return (*kept, _rest(len(left), sum(map(len, left))))


def fitting(text: str, most: int, escape: Escape = same, measure: Measure = len) -> str:
    """Return one text, escaped, of at most `most`; a longer one is cut, its length told."""
    return _cut(text, most, escape, measure)


def _cut(text: str, most: int, escape: Escape, measure: Measure) -> str:
    if measure(escape(text)) <= most:
        return escape(text)
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if measure(escape(cut(text, middle))) <= most:
            low = middle
        else:
            high = middle - 1
    return escape(cut(text, low))


def _rest(lines: int, characters: int) -> str:
    return f"… {lines} more lines of {characters} characters left out"


def absolute(page: Page, base: str) -> Page:
    """Return a page whose places on our own pages are addresses; without a base as it is."""
    if not base:
        return page
    lines = tuple(PLACE.sub(lambda found: base + found[0], line) for line in page.lines)
    return replace(page, lines=lines)


def link(page: Page, base: str) -> str:
    """Return the address of the page's first model, or of the fleet; empty without a base."""
    return link_to(page.alerts[0] if page.alerts else "", base)


def link_to(alert: str, base: str) -> str:
    """Return the address of an alert's model, or of the fleet; empty without a base."""
    if not base:
        return ""
    model = model_of(alert) or FLEET
    known = model != FLEET and not model.startswith(ONCALL)
    return f"{base}/models/{quote(model)}" if known else f"{base}/"


def model_of(alert: str) -> str:
    """Return the model of an alert by its name across the fleet.

    >>> model_of("flights:performance-3"), model_of("oncall:shop:unreachable-mail-1")
    ('flights', 'oncall:shop')
    """
    prefix = ONCALL if alert.startswith(ONCALL) else ""
    return prefix + alert.removeprefix(prefix).partition(":")[0]


def kind_of(page: Page) -> str:
    """Return the kind of the alerts of a page, by its incident `TEAM:KIND-N`.

    >>> from monitoring.alerts.paging import Event
    >>> from monitoring.alerts.lifecycle import Severity
    >>> kind_of(Page("k", "ops", Event.FIRING, Severity.PAGE, "t", (), (), "shop:drift-7"))
    'drift'
    """
    return page.incident.rpartition(":")[2].rpartition("-")[0] or str(page.event)
