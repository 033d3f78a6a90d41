"""Reports of a window beside its reference: drawn for a page and on request, after everything else.

A report is known by the alert or the command that it is for, so that a page can name the place
where it will be before it is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

from fleet.model.facts import Asked
from fleet.model.lines import windows
from fleet.model.part import Part, take
from fleet.model.report_links import draws
from fleet.model.results import Reported
from fleet.model.tasks import BuildReport
from fleet.model.turn import Turn
from monitoring.alerts.lifecycle import Alert, Notify, Severity


def follow(turn: Turn) -> None:
    """Owe the reports of what was paged in this turn, after every page: drawing takes seconds."""
    for notice, before in turn.notices:
        _paged(turn, notice, before)


def _paged(turn: Turn, notice: Notify, before: Alert | None) -> None:
    """Owe the report of the newest window with the first page of an alert, not with reminders."""
    known = before is not None and before.id == notice.alert and before.severity is Severity.PAGE
    window = _newest(turn)
    if known or not window or not draws(notice):
        return
    _owe(turn, window, notice.alert, notice.features)


def asked(turn: Turn, fact: Asked) -> Asked:
    """Owe the report that an operator asks for, of the newest window or of that day."""
    if fact.verb != "report":
        return fact
    window = fact.days[0] if fact.days else _newest(turn)
    if window not in turn.windows.past and window not in turn.windows.open:
        reason = f"window {window!r} is not known" if window else "there is no window yet"
        reported(turn, Reported(window, fact.id, "", reason))
    else:
        _owe(turn, window, fact.id, ())
    return fact


def reported(turn: Turn, fact: Reported) -> Reported:
    """Write down what a report is called, or why there is none."""
    note = "" if fact.report else f"no report: {fact.note}"
    turn.say(windows.Report(fact.window, fact.of, fact.report, note))
    return fact


def _owe(turn: Turn, window: str, of: str, features: Sequence[str]) -> None:
    model = turn.model
    kept = _rows(turn, window)
    if not kept:
        reported(turn, Reported(window, of, "", f"the rows of {window} are not kept"))
        return
    known = model.windows.past.get(window)
    flagged = known.flagged if known is not None else ()
    past = tuple((day, one.joined) for day, one in sorted(model.windows.past.items()) if one.joined)
    first = tuple(dict.fromkeys((*features, *flagged)))
    turn.owe(BuildReport(window, of, kept, model.windows.reference, past, first))


def _rows(turn: Turn, window: str) -> tuple[str, ...]:
    """Rows with labels and scores where they are joined, or else as they came in."""
    past, still = turn.windows.past.get(window), turn.windows.open.get(window)
    if past is not None and past.joined:
        return (past.joined,)
    return tuple(batch.rows for batch in still.inputs if batch.rows) if still is not None else ()


def _newest(turn: Turn) -> str:
    model = turn.model
    return max(
        (day for day, past in model.windows.past.items() if past.verdict is not None), default=""
    )


PART = Part("reports", (take(Asked, asked), take(Reported, reported)), follow)
