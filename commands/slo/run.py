"""What would have fired, been told and been left of each objective, on given minutes."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from commands.slo.tables import LONGEST, read_table
from engine.errors import Refused
from monitoring.near import near
from monitoring.slo.definition import Level, Objective, Problem, Slo
from monitoring.slo.evaluation.evaluate import Judged, evaluate
from monitoring.slo.evaluation.periods import minute_of
from monitoring.slo.evaluation.tables import Table, counts


@dataclass(frozen=True)
class Result:
    """One objective; None where no table was given."""

    slo: Slo
    objective: Objective
    judged: Judged | None


@dataclass(frozen=True)
class Told:
    """The result of a dry run."""

    problems: tuple[Problem, ...]
    results: tuple[Result, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether a document is refused."""
        return any(one.level is Level.ERROR for one in self.problems)

    @property
    def fired(self) -> bool:
        """Whether any policy fired."""
        return any(one.judged is not None and one.judged.fired for one in self.results)


def run(arguments: Namespace) -> Told:
    """Read the documents and the tables, and judge each objective that has one.

    Raises `Refused` for a table, an indicator or a time that does not fit.
    """
    from commands.slo.documents import read

    reading = read(arguments.files)
    slos, told = reading.slos, Told(reading.problems)
    if told.refused:
        return told
    tables = {name: read_table(Path(path)) for name, path in _given(arguments.counts, slos).items()}
    times = [moment(text) for text in arguments.at]
    span = _span(arguments, tables)
    if tables:
        _bounded(tables, [*span, *times])
    results = []
    for slo in slos:
        table = tables.get(slo.indicator, tables.get(slo.name))
        for objective in slo.objectives:
            judged = _judged(slo, objective, table, span, times or [span[1]])
            results.append(Result(slo, objective, judged))
    return Told(reading.problems, tuple(results))


def moment(text: str) -> int:
    """Read a time as minutes since 1970; without a zone it is UTC.

    >>> moment("1970-01-01T01:00Z"), moment("1970-01-02")
    (60, 1440)
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(f"{text!r} is not a time; write 2026-01-31T18:00Z") from error
    if found.second or found.microsecond:
        raise Refused(f"{text!r} is not a whole minute; write 2026-01-31T18:00Z")
    if not 1900 <= found.year <= 2999:
        raise Refused(f"{text!r} is not in the years 1900 to 2999")
    return minute_of(found if found.tzinfo else found.replace(tzinfo=UTC))


def _given(pairs: Sequence[str], slos: Sequence[Slo]) -> dict[str, str]:
    """Return the table of each indicator that `--counts` names."""
    known = {name for slo in slos for name in (slo.indicator, slo.name) if name}
    found: dict[str, str] = {}
    for pair in pairs:
        name, equal, path = pair.partition("=")
        if not equal or not name or not path:
            raise Refused(f"--counts {pair}: write INDICATOR=TABLE, as answered=minutes.csv")
        if name not in known:
            raise Refused(f"--counts {name}: no indicator of that name{near(name, known)}")
        if name in found:
            raise Refused(f"--counts {name}: given twice")
        found[name] = path
    return found


def _span(arguments: Namespace, tables: Mapping[str, Table]) -> tuple[int, int]:
    """Return the span that is evaluated: by default all rows."""
    filled = [table.minute for table in tables.values() if len(table.minute)]
    first = min((int(one[0]) for one in filled), default=0)
    last = max((int(one[-1]) + 1 for one in filled), default=0)
    begin = first if arguments.first is None else moment(arguments.first)
    end = last if arguments.last is None else moment(arguments.last)
    if tables and not filled and (arguments.first is None or arguments.last is None):
        raise Refused("the tables have no rows; give --from and --to")
    if tables and end <= begin:
        raise Refused("--to is not after --from")
    return begin, end


def _bounded(tables: Mapping[str, Table], times: Sequence[int]) -> None:
    """Refuse what is too far apart: minutes are laid out one by one."""
    filled = [table.minute for table in tables.values() if len(table.minute)]
    every = [*times, *(int(one[edge]) for one in filled for edge in (0, -1))]
    if max(every) - min(every) > LONGEST:
        raise Refused("rows and times are more than twelve years apart; leave the older rows out")


def _judged(
    slo: Slo, objective: Objective, table: Table | None, span: tuple[int, int], at: Sequence[int]
) -> Judged | None:
    if table is None:
        return None
    try:
        return evaluate(slo, objective, counts(table, slo.metric, objective), span, at)
    except Refused as error:
        raise Refused(f"--counts {slo.indicator or slo.name}: {error}") from error
