"""One turn of a model's partition: the changed state, effects and lines of one step."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from engine.step import Step
from fleet.document.policies import Watched
from fleet.model.effects import Effect
from fleet.model.lines.line import Line, write_line
from fleet.model.signals.catalogue import signal_of
from fleet.model.state import Model
from monitoring.alerts.lifecycle import Alert, Condition, Notify
from monitoring.finding import Finding


@dataclass
class Turn:
    """The state as it changes within one step, what is owed, said, and when to wake.

    A step makes one, passes it from part to part, and returns `step()`; nothing outlives it.
    `notices` are what alerts told in this turn, each with the alert as it was before.
    """

    watched: Watched
    now: datetime
    model: Model
    effects: list[Effect] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    wakes: list[datetime] = field(default_factory=list)
    notices: list[tuple[Notify, Alert | None]] = field(default_factory=list)

    def signal(self, found: Finding, event: str | None = None) -> None:
        """Note what a signal says now, and the announced event that may explain it."""
        row = signal_of(found.key)
        if row.rare and not found.active and found.key not in self.model.signals:
            return
        condition = Condition(
            self.watched.name,
            found.key,
            row.kind,
            found.active,
            found.reason,
            found.severity,
            event if row.explained else None,
            found.features,
            found.lines,
        )
        self.model = replace(self.model, signals={**self.model.signals, found.key: condition})

    def settle(self, key: str) -> None:
        """End what a signal says, where it says anything; its reason stays."""
        said = self.model.signals.get(key)
        if said is not None and said.active:
            over = replace(said, active=False)
            self.model = replace(self.model, signals={**self.model.signals, key: over})

    def count(self, what: str, number: int = 1) -> None:
        """Move a counter of the model on."""
        known = self.model.counts
        self.model = replace(self.model, counts={**known, what: known.get(what, 0) + number})

    def owe(self, effect: Effect) -> None:
        """Owe an effect."""
        self.effects.append(effect)

    def say(self, line: Line) -> None:
        """Write a line into the journal."""
        self.lines.append(line)

    def wake(self, at: datetime | None) -> None:
        """Ask for a step at that time, where it lies ahead."""
        if at is not None and at > self.now:
            self.wakes.append(at)

    def step(self) -> Step:
        """Return what the loop commits."""
        wake_at = min(self.wakes, default=None)
        lines = tuple(write_line(line) for line in self.lines)
        return Step(self.model, tuple(self.effects), wake_at, lines)
