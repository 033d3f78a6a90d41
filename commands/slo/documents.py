"""OpenSLO files of a dry run; the one place that knows how they are read."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from engine.errors import Refused
from fleet.document.text import parse_all
from monitoring.slo import definition, openslo
from monitoring.slo.definition import Level, Method, Metric, Op, Problem, Rolling, Slo, Source
from monitoring.slo.objective import Objective, Sli

Read = tuple[tuple[Slo, ...], tuple[Problem, ...]]


def read(files: Sequence[Path]) -> Read:
    """Return the SLOs of all files, and all that is wrong with them.

    Raises `Refused` for a file that cannot be read.
    """
    slos: list[Slo] = []
    problems: list[Problem] = []
    for file in files:
        found, wrong = _read(str(file), _content(file))
        slos += found
        problems += wrong
    return tuple(slos), tuple(problems)


def _content(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise Refused(f"{file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise Refused(f"{file}: not UTF-8 at byte {error.start}") from error


def _read(file: str, content: str) -> tuple[list[Slo], list[Problem]]:
    documents, wrong = parse_all(content, file)
    if wrong:
        return [], [Problem(file, one.line, Level.ERROR, one.message) for one in wrong]
    lines = [one.line(()) for one in documents]
    try:
        found = openslo.parse([one.value for one in documents], file, lines)
    except Refused as error:
        return [], [_problem(file, line) for line in str(error).splitlines()]
    return [_slo(one, f"{file}:1") for one in found], []


def _problem(file: str, told: str) -> Problem:
    """Take `file:line: text` apart."""
    rest = told.removeprefix(f"{file}:")
    line, _, text = rest.partition(":")
    if not line.strip().isdigit():
        return Problem(file, 1, Level.ERROR, rest.strip())
    return Problem(file, int(line), Level.ERROR, text.strip())


def _slo(one: Objective, where: str) -> Slo:
    source = Source("driftwarden", {"sli": one.sli.value})
    metric: Metric = definition.Threshold(source)
    if one.sli is Sli.AVAILABILITY:
        metric = definition.Ratio(source, bad=source)
    limit = None if one.threshold is None else Fraction(str(one.threshold.total_seconds()))
    objective = definition.Objective(
        one.name, Fraction(str(one.target)), None if limit is None else Op.LTE, limit
    )
    return Slo(
        one.name,
        one.service,
        metric,
        Rolling(one.window),
        Method.OCCURRENCES,
        (objective,),
        where=where,
        indicator=one.sli.value,
    )
