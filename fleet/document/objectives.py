"""Files of OpenSLO documents, read together: those of a model, or of a dry run."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from fleet.document.text import Problem as Told
from fleet.document.text import Text, parse_all
from monitoring.slo.definition import Level, Problem
from monitoring.slo.openslo.documents import Reading, read


def objectives(files: Iterable[tuple[str, str]], services: Collection[str] = ()) -> Reading:
    """Return what files of a name and a content say; those that are no YAML are left out.

    `services` are known without a document of kind Service.
    """
    documents: list[Text] = []
    problems: list[Problem] = []
    order: dict[str, int] = {}
    for file, content in files:
        order.setdefault(file, len(order))
        found, wrong = parse_all(content, file)
        problems += [_problem(one) for one in wrong]
        if not wrong and all(one.value is None for one in found):
            told = "empty; OpenSLO documents are needed, or leave the file out"
            problems.append(Problem(file, 1, Level.ERROR, told))
        documents += found if not wrong else ()
    reading = read(documents, services)
    every = sorted((*problems, *reading.problems), key=lambda one: (order[one.file], one.line))
    return Reading(reading.slos, tuple(every))


def _problem(told: Told) -> Problem:
    where = ".".join(str(part) for part in told.path)
    text = f"{where}: {told.message}" if where else told.message
    return Problem(told.file, told.line, Level.ERROR, text)
