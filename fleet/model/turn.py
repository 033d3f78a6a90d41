"""One turn of a model's partition: the changed state, effects and lines of one step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic, TypeVar

from engine.step import Step
from fleet.document.policies import Watched
from fleet.model.effects import Effect
from fleet.model.lines.line import Line, write_line
from fleet.model.signals.catalogue import signal_of
from fleet.model.slices.alerting import Alerting
from fleet.model.slices.logs import Logs
from fleet.model.slices.promotion import Promotion
from fleet.model.slices.service import Objectives, Silence
from fleet.model.slices.traffic import Traffic
from fleet.model.slices.training import Training
from fleet.model.slices.windows import Windows
from fleet.model.state import Model
from monitoring.alerts.lifecycle import Alert, Condition, Notify
from monitoring.finding import Finding

S = TypeVar("S")


class Slice(Generic[S]):
    """A slice of a turn's model: read from it, and replaced in it as a whole."""

    def __init__(self, read: Callable[[Model], S], write: Callable[[Model, S], Model]) -> None:
        self._read = read
        self._write = write

    def __get__(self, turn: Turn, owner: type[Turn]) -> S:
        return self._read(turn.model)

    def __set__(self, turn: Turn, value: S) -> None:
        turn.model = self._write(turn.model, value)


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

    logs = Slice[Logs](lambda m: m.logs, lambda m, s: replace(m, logs=s))
    windows = Slice[Windows](lambda m: m.windows, lambda m, s: replace(m, windows=s))
    objectives = Slice[Objectives](lambda m: m.objectives, lambda m, s: replace(m, objectives=s))
    silence = Slice[Silence](lambda m: m.silence, lambda m, s: replace(m, silence=s))
    alerting = Slice[Alerting](lambda m: m.alerting, lambda m, s: replace(m, alerting=s))
    training = Slice[Training](lambda m: m.training, lambda m, s: replace(m, training=s))
    promotion = Slice[Promotion](lambda m: m.promotion, lambda m, s: replace(m, promotion=s))
    traffic = Slice[Traffic](lambda m: m.traffic, lambda m, s: replace(m, traffic=s))

    def signal(self, found: Finding, event: str | None = None) -> None:
        """Note what a signal says now, and the announced event that may explain it."""
        row = signal_of(found.key)
        if row.rare and not found.active and found.key not in self.alerting.signals:
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
        self._note(found.key, condition)

    def settle(self, key: str) -> None:
        """End what a signal says, where it says anything; its reason stays."""
        said = self.alerting.signals.get(key)
        if said is not None and said.active:
            self._note(key, replace(said, active=False))

    def _note(self, key: str, said: Condition) -> None:
        self.alerting = replace(self.alerting, signals={**self.alerting.signals, key: said})

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
