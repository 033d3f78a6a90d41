"""Objects of OpenSLO: their kinds, their headers, and how one refers to another."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from monitoring.slo.openslo.metadata import Metadata, metadata
from monitoring.slo.openslo.node import Node
from monitoring.slo.openslo.problems import Fault
from monitoring.slo.openslo.values import word

T = TypeVar("T")
VERSION = "openslo/v1"
#: What the other versions of OpenSLO do differently.
OLDER = (
    "an older format, with timeWindows of count and unit, ratioMetrics inside objectives and no "
    "alerts; only openslo/v1 is read, which has timeWindow, indicator and alertPolicies"
)
DRAFT = (
    "a draft that drops the durations M, Q and Y and renames indicator to sli and metricSourceRef "
    "to dataSourceRef; only openslo/v1 is read"
)


class Kind(StrEnum):
    """The kinds of objects."""

    SLO = "SLO"
    SLI = "SLI"
    SERVICE = "Service"
    DATA_SOURCE = "DataSource"
    ALERT_POLICY = "AlertPolicy"
    ALERT_CONDITION = "AlertCondition"
    TARGET = "AlertNotificationTarget"


@dataclass(frozen=True)
class Object:
    """One object, a document of its own or inline in another."""

    node: Node
    kind: Kind
    metadata: Metadata
    faulty: bool = False

    @property
    def where(self) -> str:
        """Its file and line."""
        return f"{self.node.document.file}:{self.node.line}"

    def spec(self, known: Collection[str]) -> Node:
        """Return its specification, whose fields are known."""
        return self.node.field("spec").fields(known)


def header(node: Node) -> Object:
    """Return the object that a document is, also one of whose header only the name is valid."""
    before = node.problems.errors
    node.mapping()
    _version(node)
    kind = Kind(node.field("kind").choice(Kind))
    name = node.field("metadata").at("name").value
    called = node.called(f"{kind} {word(name)}") if isinstance(name, str) else node
    called.fields(("apiVersion", "kind", "metadata", "spec"))
    found = metadata(called.field("metadata"), kind)
    return Object(called, kind, found, node.problems.errors > before)


def inline(node: Node, kind: Kind, fallback: str = "") -> Object:
    """Return an object inside another; `fallback` names one that has no metadata."""
    node.fields(("apiVersion", "kind", "metadata", "spec"))
    if (stated := node.get("kind")) is not None:
        stated.choice((kind,))
    if node.has("apiVersion"):
        _version(node)
    if fallback and not node.has("metadata"):
        return Object(node, kind, Metadata(fallback))
    return Object(node, kind, metadata(node.field("metadata"), kind))


def _version(node: Node) -> None:
    if not node.has("apiVersion"):
        raise node.fault(f"apiVersion is missing; an OpenSLO document has apiVersion: {VERSION}")
    version = node.field("apiVersion")
    text = word(version.value)
    if version.value == VERSION:
        return
    if "v1alpha" in text and text.startswith("openslo"):
        raise version.fault(f"{text} is {OLDER}")
    if "v2alpha" in text and text.startswith("openslo"):
        raise version.fault(f"{text} is {DRAFT}")
    raise version.fault(f"{text}: only {VERSION} is read")


@dataclass
class Shelf(Generic[T]):
    """The objects of one kind by name, each read once, when it is first asked for.

    `lost` has the names of documents that are at fault so far that their kind is not known, and
    `twice` the objects whose name is taken.
    """

    kind: Kind
    reader: Callable[[Object], T]
    objects: dict[str, Object] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    twice: list[Object] = field(default_factory=list)
    done: dict[str, T | None] = field(default_factory=dict)

    def put(self, one: Object) -> None:
        """Take an object; two of one name are an error."""
        name = one.metadata.name
        other = self.objects.setdefault(name, one)
        if other is not one:
            at = one.node.field("metadata").at("name")
            at.wrong(f"{other.where} has {a(self.kind)} of this name already; rename one")
            self.twice.append(one)

    def referenced(self, node: Node) -> T:
        """Return the object that a field names."""
        name = node.value
        if isinstance(name, str) and (name in self.done or name in self.lost):
            return _told(self.done.get(name))
        return _told(self._read(node.known(self.objects, str(self.kind))))

    def of(self, node: Node, reference: str) -> T:
        """Return the object that is inline, or that the field `reference` names."""
        if node.has(reference):
            return self.referenced(node.fields((reference,)).field(reference))
        if not node.has("spec"):
            raise node.fault(f"write {reference}, or {a(self.kind)} with metadata and spec")
        return self.reader(inline(node, self.kind))

    def each(self) -> list[T]:
        """Return every object that is not at fault."""
        while self.twice:
            self._checked(self.twice.pop())
        found = [self.done[n] if n in self.done else self._read(n) for n in self.objects]
        return [one for one in found if one is not None]

    def _read(self, name: str) -> T | None:
        self.done[name] = found = self._checked(self.objects[name])
        return found

    def _checked(self, one: Object) -> T | None:
        found = one.node.problems.whole(lambda: self.reader(one))
        return None if one.faulty else found


def _told(found: T | None) -> T:
    if found is None:
        # What is wrong with it is told where it is defined.
        raise Fault(None)
    return found


def a(kind: Kind) -> str:
    """Return a kind with its article.

    >>> a(Kind.SLO), a(Kind.SERVICE), a(Kind.ALERT_POLICY)
    ('an SLO', 'a Service', 'an AlertPolicy')
    """
    return f"{'an' if kind[0] in 'SA' and kind is not Kind.SERVICE else 'a'} {kind}"
