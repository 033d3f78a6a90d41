"""One turn of a model's partition: what a step gathers before it is handed to the loop."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from engine import codec
from engine.step import Line, Step
from fleet.document.policies import Watched
from fleet.model.state import Model


@dataclass
class Turn:
    """The state as it changes within one step, what is owed, said, and when to wake.

    A step makes one, passes it on from rule to rule, and returns `step()`; nothing outlives it.
    """

    watched: Watched
    now: datetime
    model: Model
    effects: list[Any] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    wakes: list[datetime] = field(default_factory=list)

    def change(self, **fields: Any) -> None:
        """Set fields of the model's state."""
        self.model = replace(self.model, **fields)

    def owe(self, effect: Any) -> None:
        """Owe an effect."""
        self.effects.append(effect)

    def say(self, what: str, **fields: Any) -> None:
        """Write a line into the journal; dataclasses are written as their JSON."""
        self.lines.append({"what": what, **{name: _plain(value) for name, value in fields.items()}})

    def wake(self, at: datetime | None) -> None:
        """Ask to be looked at again, where that lies ahead."""
        if at is not None and at > self.now:
            self.wakes.append(at)

    def step(self) -> Step:
        """Return what the loop commits."""
        wake_at = min(self.wakes, default=None)
        return Step(self.model, tuple(self.effects), wake_at, tuple(self.lines))


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float) else codec.plain(value)
