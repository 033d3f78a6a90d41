"""Ports wrapped so that every call across one is counted, and a chosen one is where a worker dies.

A wrapper offers the public methods of its Protocol and nothing else, so a call that the sweep does
not know of cannot pass it by.
"""

from __future__ import annotations

import functools
import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from types import ModuleType
from typing import Any, Protocol

import engine.blobs
import engine.store
import fleet.ports
import retrain.ports

PORT_MODULES: tuple[ModuleType, ...] = (engine.blobs, engine.store, fleet.ports, retrain.ports)


class Crash(BaseException):
    """The worker's process is gone; no `except` of the product may catch this."""


class When(StrEnum):
    """On which side of a call the worker dies."""

    before = "before"
    after = "after"


@dataclass
class Boundary:
    """Counts calls in order; `dies_at` gives the numbers of those where the worker dies."""

    dies_at: dict[int, When] = field(default_factory=dict)
    crossed: list[str] = field(default_factory=list)
    before_commit: Callable[[str], None] = lambda partition: None
    deaths: int = 0

    def cross(self, name: str, call: Callable[[], Any], arguments: tuple[Any, ...] = ()) -> Any:
        """Make one call, unless the worker dies before it, or before it hears the answer."""
        number = len(self.crossed)
        self.crossed.append(name)
        when = self.dies_at.get(number)
        if when is When.before:
            self._die(name)
        if name == "Store.commit":
            self.before_commit(arguments[0])
        try:
            return call()
        finally:
            if when is When.after:
                self._die(name)

    def _die(self, name: str) -> None:
        self.deaths += 1
        raise Crash(name)

    @property
    def counts(self) -> Counter[str]:
        """How often each method was called."""
        return Counter(self.crossed)


def protocols() -> Iterator[type[Any]]:
    """Yield every port there is: the Protocols of the modules that define ports."""
    for module in PORT_MODULES:
        for _, found in sorted(inspect.getmembers(module, inspect.isclass)):
            if found.__module__ == module.__name__ and Protocol in found.__bases__:
                yield found


def methods(protocol: type[Any]) -> list[str]:
    """Return the names of a port's public methods."""
    found = inspect.getmembers(protocol, inspect.isfunction)
    return [name for name, _ in found if not name.startswith("_")]


class Wrapped:
    """One port behind a boundary."""

    def __init__(self, protocol: type[Any], port: Any, boundary: Boundary) -> None:
        for name in methods(protocol):
            call = getattr(port, name)
            label = f"{protocol.__name__}.{name}"
            setattr(self, name, functools.partial(_cross, boundary, label, call))


def _cross(
    boundary: Boundary, label: str, call: Callable[..., Any], *arguments: Any, **named: Any
) -> Any:
    return boundary.cross(label, functools.partial(call, *arguments, **named), arguments)
