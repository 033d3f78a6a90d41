"""Lines about running a partition: its policy, commands, refusals, and news from around it."""

from __future__ import annotations

from dataclasses import dataclass, field

from fleet.model.lines.omitted import OMITTED


@dataclass(frozen=True)
class Policy:
    """The policy of this hash holds from here on."""

    hash: str


@dataclass(frozen=True)
class Dormant:
    """fleet.yaml does not name the model any more."""

    reason: str


@dataclass(frozen=True)
class Command:
    """An operator's command that was done, under its `id`.

    `halted` is the reason of the halt that `resume` lifted, `matching` what a silence is narrowed
    to.
    """

    verb: str
    by: str
    reason: str
    target: str
    halted: str = field(default="", metadata=OMITTED)
    id: str = field(default="", metadata=OMITTED)
    matching: str = field(default="", metadata=OMITTED)


@dataclass(frozen=True)
class Refused:
    """A fact, a command or an effect was refused for good; `id` is None where it has none."""

    reason: str
    id: str | None = field(default=None, metadata=OMITTED)


@dataclass(frozen=True)
class Parked:
    """An event or a fact was not acted on."""

    id: str
    reason: str


@dataclass(frozen=True)
class Noticed:
    """Something happened to the host itself."""

    id: str
    reason: str


@dataclass(frozen=True)
class Documented:
    """The fleet.yaml of this version holds; a changed one that is faulty does not."""

    version: str
    fault: str = field(default="", metadata=OMITTED)


@dataclass(frozen=True)
class Noted:
    """An event around the model that may explain what follows; `at` and `until` are instants.

    A reported change has a `kind`, and says `by` whom.
    """

    type: str
    subject: str
    at: str | None
    kind: str = field(default="", metadata=OMITTED)
    by: str = field(default="", metadata=OMITTED)
    until: str = field(default="", metadata=OMITTED)


@dataclass(frozen=True)
class Unknown:
    """An event of a type that is not known."""

    type: str
    source: str
