"""A part of a model's step: which facts it takes, and what it derives from the state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from fleet.model.facts import Adopted, Fact
from fleet.model.turn import Turn

#: What the parts of a step take: stored facts, and `Adopted`, which one part tells another.
Taken = Fact | Adopted
F = TypeVar("F", bound=Taken)


class Taker(Protocol):
    """Hands facts of one kind to a handler and passes the others on."""

    @property
    def kind(self) -> type[object]:
        """The kind of fact."""
        ...

    def __call__(self, turn: Turn, fact: Taken) -> Taken | None:
        """Return the fact for the parts that come after, or None where it is stopped."""
        ...


def take(kind: type[F], handler: Callable[[Turn, F], Taken | None]) -> Taker:
    """Return the taker of one kind of fact.

    The handler returns the fact, changed or not, for the parts that come after its own, or None
    where they are not to see it.
    """
    taker: _Take[F] = _Take(kind, handler)
    return taker


@dataclass(frozen=True)
class _Take(Generic[F]):
    kind: type[F]
    handler: Callable[[Turn, F], Taken | None]

    def __call__(self, turn: Turn, fact: Taken) -> Taken | None:
        return self.handler(turn, fact) if isinstance(fact, self.kind) else fact


@dataclass(frozen=True)
class Part:
    """One subject of the step.

    `takes` are handlers of facts. `follow` derives what is due from the state; it runs once a step
    for a model that has a champion, and owes nothing new when it runs again.
    """

    name: str
    takes: tuple[Taker, ...] = ()
    follow: Callable[[Turn], None] | None = None
