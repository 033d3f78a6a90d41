"""A value of a document with its place: what is asked of it, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from monitoring.near import near
from monitoring.slo.definition import Level, Problem
from monitoring.slo.openslo.problems import Fault, Problems
from monitoring.slo.openslo.values import shown, word

T = TypeVar("T")
Path = tuple[str | int, ...]
#: The longest name, and the longest description, which OpenSLO limits.
LONGEST, LONGEST_DESCRIPTION = 100, 1050
#: Names are compared with at most so many known ones for a suggestion.
MOST_COMPARED = 100
#: The most objectives and policies of an SLO, and conditions and targets of a policy.
MOST = 50


class Document(Protocol):
    """One document of a file, as it was read from YAML."""

    @property
    def file(self) -> str:
        """The name of its file in messages."""
        ...

    @property
    def value(self) -> object:
        """Its plain value."""
        ...

    def line(self, path: Path) -> int:
        """Return the line of a path, or of what is around it."""
        ...

    def numeral(self, path: Path) -> str | None:
        """Return a number with a fraction or an exponent as the text has it."""
        ...


@dataclass(frozen=True)
class Node:
    """A value of `document` at `path`, in the object called `name` whose path is `root`."""

    document: Document
    path: Path
    value: object
    name: str
    root: int
    problems: Problems

    @property
    def line(self) -> int:
        """Its line in the file."""
        return self.document.line(self.path)

    @property
    def place(self) -> str:
        """Its place in the object: `spec.objectives[0].target`."""
        parts = self.path[self.root :]
        told = "".join(f"[{p}]" if isinstance(p, int) else f".{word(p)}" for p in parts)
        return told.removeprefix(".")

    def problem(self, level: Level, text: str) -> Problem:
        """Return a problem of this value."""
        at = ": ".join(part for part in (self.name, self.place, text) if part)
        return Problem(self.document.file, self.line, level, at)

    def fault(self, text: str) -> Fault:
        """Return what stops the reading of this value."""
        return Fault(self.problem(Level.ERROR, text))

    def wrong(self, text: str) -> None:
        """Tell an error, and go on reading."""
        self.problems.add(self.problem(Level.ERROR, text))

    def warn(self, text: str) -> None:
        """Tell what is allowed and may not be meant."""
        self.problems.add(self.problem(Level.WARNING, text))

    def called(self, name: str) -> Node:
        """Return this value as an object of a name."""
        return replace(self, name=name, root=len(self.path))

    def tried(self, read: Callable[[Node], T]) -> T | None:
        """Return what `read` makes of this value, or None where it is at fault."""
        return self.problems.tried(lambda: read(self))

    def has(self, key: str) -> bool:
        """Tell whether a field is there."""
        return isinstance(self.value, Mapping) and key in self.value

    def get(self, key: str) -> Node | None:
        """Return a field, or None where it is missing; an empty one is at fault."""
        if not self.has(key):
            return None
        found = self.at(key)
        if found.value is None:
            raise found.fault("is empty; write a value, or leave the field out")
        return found

    def filled(self, key: str) -> Node | None:
        """Return a field, or None where it is missing or empty."""
        found = self.at(key)
        return found if found.value is not None else None

    def field(self, key: str) -> Node:
        """Return a field that has to be there."""
        found = self.get(key)
        if found is None:
            raise self.fault(f"{key} is missing")
        return found

    def at(self, key: str) -> Node:
        """Return a field of a mapping, whatever it is."""
        value = self.value.get(key) if isinstance(self.value, Mapping) else None
        return replace(self, path=(*self.path, key), value=value)

    def mapping(self) -> Mapping[str, object]:
        """Return a mapping."""
        if not isinstance(self.value, Mapping):
            raise self.fault(f"{shown(self.value)} is not a mapping")
        return self.value

    def fields(self, known: Collection[str]) -> Node:
        """Return this mapping; a field that is not known is an error."""
        for key in self.mapping():
            if key not in known:
                self.at(key).wrong(f"unknown field{near(word(key), known)}")
        return self

    def items(self, most: int | None = None) -> list[Node]:
        """Return the entries of a list of at least one, and of at most so many."""
        if not isinstance(self.value, list) or not self.value:
            raise self.fault(f"{shown(self.value)} is not a list with at least one entry")
        if most is not None and len(self.value) > most:
            raise self.fault(f"{len(self.value):,} entries; {most} at most")
        return [replace(self, path=(*self.path, i), value=v) for i, v in enumerate(self.value)]

    def text(self, longest: int = LONGEST) -> str:
        """Return a printable text of limited length."""
        if not isinstance(self.value, str):
            raise self.fault(f"{shown(self.value)} is not a string")
        if not self.value.strip() or len(self.value) > longest or not self.value.isprintable():
            raise self.fault(f"{shown(self.value)}: write 1 to {longest} printable characters")
        return self.value

    def flag(self) -> bool:
        """Return a truth value."""
        if not isinstance(self.value, bool):
            raise self.fault(f"{shown(self.value)} is neither true nor false")
        return self.value

    def choice(self, known: Iterable[str]) -> str:
        """Return one of the known words."""
        words = [str(one) for one in known]
        if self.value not in words:
            told = f"{word(self.value)}: one of {', '.join(words)}{near(word(self.value), words)}"
            raise self.fault(told)
        return str(self.value)

    def known(self, names: Collection[str], what: str) -> str:
        """Return a name that is one of `names`."""
        name = self.text()
        if name not in names:
            hint = near(name, names) if len(names) <= MOST_COMPARED else ""
            raise self.fault(f"no {what} {name}{hint}")
        return name


def description(spec: Node) -> str:
    """Return the description of an object, which may have several lines."""
    node = spec.filled("description")
    if node is None:
        return ""
    if not isinstance(node.value, str):
        raise node.fault(f"{shown(node.value)} is not a string")
    if len(node.value) > LONGEST_DESCRIPTION:
        told = f"{len(node.value):,} characters; OpenSLO allows {LONGEST_DESCRIPTION:,}"
        raise node.fault(told)
    return node.value
