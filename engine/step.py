"""The domain port: pure steps over a partition's state, and effects to pay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from engine.codec import Kinds

Line = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """The outcome of one step.

    Attributes
    ----------
    state : the partition's next state, a frozen dataclass.
    effects : what is owed now, in order; each is an `Effect`.
    wake_at : when to step again although no fact arrives, or None.
    lines : the journal's record of it, JSON objects.
    """

    state: Any
    effects: tuple[Any, ...] = ()
    wake_at: datetime | None = None
    lines: tuple[Line, ...] = ()


class Effect(Protocol):
    """Something owed to the world or to a worker: paid at least once, always under the same key."""

    @property
    def key(self) -> str:
        """The idempotency key, unique within its partition."""
        ...

    @property
    def lane(self) -> str:
        """Effects of one lane are paid strictly in order; an empty lane waits for nobody."""
        ...


@dataclass(frozen=True)
class Delivery:
    """A fact on its way to a partition; the id makes a second arrival harmless."""

    partition: str
    id: str
    fact: Any


class Domain(Protocol):
    """The rules of the partitions that a loop drives."""

    version: int
    facts: Kinds
    effects: Kinds

    def shape(self, partition: str) -> type[Any]:
        """Return the class of that partition's state."""
        ...

    def upgrade(self, partition: str, version: int, stored: dict[str, Any]) -> dict[str, Any]:
        """Return a state's JSON object in the present format, from one of an older version."""
        ...

    def initial(self, partition: str) -> Any:
        """Return the state of a partition that nothing has happened to yet."""
        ...

    def step(self, partition: str, state: Any, facts: Sequence[Any], now: datetime) -> Step:
        """Take the facts in, decide what follows. Pure: same arguments, same answer."""
        ...

    def perform(self, partition: str, effect: Any, now: datetime) -> tuple[Delivery, ...]:
        """Pay one effect and return its results as facts.

        Unavailable keeps it owed; Refused ends it and `refused` tells the partition.
        """
        ...

    def halted(self, partition: str, reason: str, now: datetime) -> tuple[Delivery, ...]:
        """Return the facts that tell the operators of a partition that was stopped."""
        ...

    def resumed(self, partition: str, halted_at: datetime, now: datetime) -> tuple[Delivery, ...]:
        """Return the facts that tell the same operators that the partition steps again."""
        ...

    def refused(self, effect: Any, reason: str) -> Any:
        """Return the fact that says an effect was refused for good."""
        ...

    def urgent(self, effect: Any) -> bool:
        """Whether an effect is paid before those of its partition that are not urgent."""
        ...

    def attempted(self, effect: Any, attempts: int, reason: str) -> Any | None:
        """Return the fact that says how one attempt at an effect ended; None where none is needed.

        Parameters
        ----------
        attempts : how often it was tried without success before.
        reason : why it is tried again later; empty where it was paid.
        """
        ...
