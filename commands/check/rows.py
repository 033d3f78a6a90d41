"""Features as lines of one width: the columns that fit, and the texts cut to fit."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from commands.check.shortening import shorten, shorten_all
from monitoring.drift.report import FeatureReport
from monitoring.drift.telling import Moved, effect, missing, moved
from monitoring.drift.verdict import Verdict
from monitoring.drift.wording import printable, probability, size
from monitoring.schema import Kind

COLOURS = {
    Verdict.DRIFTED: "bold red",
    Verdict.DRIFTING: "yellow",
    Verdict.STABLE: "green",
    Verdict.INSUFFICIENT: "dim",
}
GAP = 2
FEATURE, SEGMENT, VERDICT, MOVED = "feature", "segment", "verdict", "what moved"
NUMBERS = ("effect", "p", "missing", "psi", "js", "q")
#: Columns by importance: the first that does not fit and all after it are left out.
WORTH = (FEATURE, VERDICT, SEGMENT, MOVED, *NUMBERS)
#: Columns from left to right; the text of varying length comes last.
PLACES = (FEATURE, SEGMENT, VERDICT, *NUMBERS, MOVED)
#: Columns that shrink, and the width to which each is cut before others are left out.
LEAST = {FEATURE: 14, SEGMENT: 10, MOVED: 22}
#: Intervals of numbers up to this width are never cut: cutting the middle would falsify them.
UNCUT = 36
#: Columns that get the remaining room, in order, and their widest.
MORE = ((FEATURE, 32), (SEGMENT, 20), (MOVED, 200), (FEATURE, 400), (SEGMENT, 400))
Cells = dict[str, str]


def lay_out(features: Sequence[FeatureReport], width: int) -> tuple[tuple[str, ...], list[Text]]:
    """Choose the columns for a width; return titles, head, and one line per feature.

    No line is wider than that; different names stay different when cut.
    """
    rows = [_cells(one) for one in features]
    segmented = any(one.segment is not None for one in features)
    titles = [title for title in WORTH if segmented or title != SEGMENT]
    widths = _widths(rows, titles, width, _interval(features))
    for title in {FEATURE, SEGMENT} & widths.keys():
        short = shorten_all([row[title] for row in rows], widths[title])
        for row in rows:
            row[title] = short[row[title]]
    for feature, row in zip(features, rows, strict=True):
        row[MOVED] = _moved(feature, widths.get(MOVED, 1))
    shown = tuple(title for title in PLACES if title in widths)
    head = _line({title: title for title in shown}, widths, {})
    return shown, [head, *map(lambda row, one: _line(row, widths, _styles(one)), rows, features)]


def _cells(feature: FeatureReport) -> Cells:
    return {
        FEATURE: printable(feature.name),
        SEGMENT: "(all)" if feature.segment is None else printable(feature.segment),
        VERDICT: feature.verdict,
        MOVED: ", ".join(_phrases(feature)),
        "effect": size(effect(feature)),
        "p": probability(feature.p_value),
        "missing": missing(feature),
        "psi": size(feature.psi),
        "js": size(feature.js),
        "q": probability(feature.q_value),
    }


def _widths(rows: Sequence[Cells], titles: Sequence[str], width: int, uncut: int) -> dict[str, int]:
    """Choose the columns that fit, and the width of each."""
    wanted = {**LEAST, MOVED: max(LEAST[MOVED], uncut)}
    whole = {
        title: max(cell_len(title), *(cell_len(row[title]) for row in rows)) for title in titles
    }
    found: dict[str, int] = {}
    room = width
    for title in titles:
        if found and min(whole[title], LEAST.get(title, width)) > room:
            break
        found[title] = min(whole[title], wanted.get(title, width), max(room, 1))
        room -= found[title] + GAP
    room += GAP
    for title, most in MORE:
        more = min(room, min(whole.get(title, 0), most) - found.get(title, most))
        if more > 0:
            found[title] += more
            room -= more
    return found


def _interval(features: Sequence[FeatureReport]) -> int:
    """Return the width of the widest interval with its shares, up to the limit."""
    numeric = (one for one in features if one.kind is Kind.NUMERIC and one.n_current is not None)
    widths = [cell_len(phrase) for one in numeric for phrase in _phrases(one)[:1]]
    return min(max(widths, default=0), UNCUT)


def _line(row: Cells, widths: dict[str, int], styles: Cells) -> Text:
    line = Text()
    for title in (title for title in PLACES if title in widths):
        if line:
            line.append(" " * GAP)
        blank = " " * (widths[title] - cell_len(row[title]))
        text = blank + row[title] if title in NUMBERS else row[title] + blank
        line.append(text, styles.get(title, ""))
    line.rstrip()
    return line


def _styles(feature: FeatureReport) -> Cells:
    calm = feature.verdict is Verdict.STABLE
    return {VERDICT: COLOURS[feature.verdict], MOVED: "dim" if calm else ""}


def _phrases(feature: FeatureReport) -> list[str]:
    """Return what moved most or, where one side has no counts, why."""
    if feature.n_current is None:
        return [printable(feature.reason).removeprefix("the column ").removeprefix("is ")]
    return [str(one) for one in moved(feature)]


def _moved(feature: FeatureReport, room: int) -> str:
    """Return the moves that fit; cell names may be cut, the shares of the first never."""
    phrases = _phrases(feature)
    if cell_len(", ".join(phrases)) <= room:
        return ", ".join(phrases)
    largest = next(iter(moved(feature)), None)
    if largest is None:
        return shorten(phrases[0], room)
    told = str(largest)
    if cell_len(told) > room:
        label = shorten(largest.cell, max(room - cell_len(largest.shares) - 2, 1))
        told = shorten(str(Moved(label, largest.shares)), room)
    for phrase in phrases[1:]:
        if cell_len(f"{told}, {phrase}") > room:
            break
        told = f"{told}, {phrase}"
    return told
