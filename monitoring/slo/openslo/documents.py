"""The way in: documents of any number of files, read together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from monitoring.slo.definition import Level, Problem, Slo
from monitoring.slo.openslo.alerts import condition, policy, target
from monitoring.slo.openslo.kinds import Kind, Shelf, header
from monitoring.slo.openslo.metrics import data_source, indicator
from monitoring.slo.openslo.node import Document, Node
from monitoring.slo.openslo.problems import Problems, TooMany
from monitoring.slo.openslo.slos import Parts, service, slo


@dataclass(frozen=True)
class Reading:
    """The SLOs that are without fault, and every problem in the order of files and lines."""

    slos: tuple[Slo, ...]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that refuse a document."""
        return tuple(one for one in self.problems if one.level is Level.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems of documents that are read."""
        return tuple(one for one in self.problems if one.level is Level.WARNING)


def read(documents: Iterable[Document], services: Collection[str] = ()) -> Reading:
    """Read the documents of all files that belong together; empty ones are left out.

    References lead to any of them, and names are unique by kind among all of them.
    `services` are known without a document of kind Service.
    """
    problems = Problems()
    files: dict[str, int] = {}
    found: list[Slo] = []
    try:
        found += _slos(_nodes(documents, problems, files), services)
    except TooMany:
        found.clear()
    told = sorted(problems.told, key=lambda one: (files.get(one.file, 0), one.line))
    return Reading(tuple(found), tuple(told))


def _nodes(
    documents: Iterable[Document], problems: Problems, files: dict[str, int]
) -> Iterator[Node]:
    """Yield every object; a document may be a list of them."""
    counts: dict[str, int] = {}
    for document in documents:
        files.setdefault(document.file, len(files))
        number = counts[document.file] = counts.get(document.file, 0) + 1
        if document.value is None:
            continue
        node = Node(document, (), document.value, f"document {number}", 0, problems)
        if isinstance(document.value, list) and document.value:
            for i, entry in enumerate(node.items()):
                yield entry.called(f"document {number}, entry {i + 1}")
        else:
            yield node


def _slos(nodes: Iterable[Node], known: Collection[str]) -> list[Slo]:
    sources, targets = Shelf(Kind.DATA_SOURCE, data_source), Shelf(Kind.TARGET, target)
    conditions, services = Shelf(Kind.ALERT_CONDITION, condition), Shelf(Kind.SERVICE, service)
    indicators = Shelf(Kind.SLI, partial(indicator, sources=sources))
    policies = Shelf(Kind.ALERT_POLICY, partial(policy, conditions=conditions, targets=targets))
    parts = Parts(services, indicators, policies, known)
    slos = Shelf(Kind.SLO, partial(slo, parts=parts))
    shelves = (sources, targets, conditions, services, indicators, policies, slos)
    for node in nodes:
        one = node.tried(header)
        name = node.at("metadata").at("name").value
        for shelf in shelves:
            if one is None and isinstance(name, str):
                shelf.lost.add(name)
            elif one is not None and one.kind is shelf.kind:
                shelf.put(one)
    for shelf in shelves:
        # Also what nothing refers to is checked.
        shelf.each()
    return slos.each()
