"""What is wrong with the documents, gathered while they are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from monitoring.slo.definition import Level, Problem

T = TypeVar("T")
#: Reading stops after so many errors: a file of nothing else is not read for minutes.
MOST_ERRORS = 100
#: Warnings beyond these are not told.
MOST_WARNINGS = 1000


class Fault(Exception):
    """Stops the reading of one value; `problem` is None where it is told elsewhere."""

    def __init__(self, problem: Problem | None) -> None:
        super().__init__(str(problem))
        self.problem = problem


class TooMany(Exception):
    """Stops the reading of all documents."""


@dataclass
class Problems:
    """The problems so far, each once."""

    told: dict[Problem, None] = field(default_factory=dict)
    errors: int = 0
    warnings: int = 0

    @property
    def full(self) -> bool:
        """Whether no more warnings are told."""
        return self.warnings > MOST_WARNINGS

    def add(self, problem: Problem) -> None:
        """Keep a problem; `TooMany` after the last error that is told."""
        if problem in self.told:
            return
        if problem.level is Level.WARNING:
            self._warn(problem)
            return
        self.told[problem] = None
        self.errors += 1
        if self.errors >= MOST_ERRORS:
            told = f"more than {MOST_ERRORS - 1} errors; the rest is not read"
            self.told[replace(problem, text=told)] = None
            raise TooMany

    def _warn(self, problem: Problem) -> None:
        self.warnings += 1
        if self.warnings > MOST_WARNINGS + 1:
            return
        if self.warnings > MOST_WARNINGS:
            problem = replace(
                problem, text=f"more than {MOST_WARNINGS:,} warnings; no more are told"
            )
        self.told[problem] = None

    def tried(self, read: Callable[[], T]) -> T | None:
        """Return what `read` returns, or None where that is at fault, which is kept."""
        try:
            return read()
        except Fault as fault:
            if fault.problem is not None:
                self.add(fault.problem)
            return None

    def whole(self, read: Callable[[], T]) -> T | None:
        """Return what `read` returns, or None where anything in it is at fault."""
        before = self.errors
        found = self.tried(read)
        return found if self.errors == before else None
