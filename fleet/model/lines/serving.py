"""Lines about serving: rollouts, the champion, and the split of the live traffic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fleet.model.lines.omitted import OMITTED


@dataclass(frozen=True)
class Rollout:
    """A rollout entered a phase, or a stage of it; `guards` are verdicts by guard."""

    id: str
    challenger: str
    champion: str
    phase: str
    stage: int
    reason: str
    waived_by: str | None
    guards: Mapping[str, str]


@dataclass(frozen=True)
class Champion:
    """Another version became champion without a rollout."""

    version: str
    before: str
    reason: str


@dataclass(frozen=True)
class Traffic:
    """The split was set: percent by version, the versions in shadow, and what is not in order."""

    weights: Mapping[str, int]
    shadow: tuple[str, ...]
    unready: str = field(default="", metadata=OMITTED)


@dataclass(frozen=True)
class Foreign:
    """The split is not the one that was set.

    `shadow` and `policy` belong to a split that was found so, `reason` to one that was met, and
    overwritten, while another was set.
    """

    weights: Mapping[str, int]
    wanted: Mapping[str, int]
    shadow: tuple[str, ...] | None = field(default=None, metadata=OMITTED)
    policy: str = field(default="", metadata=OMITTED)
    reason: str = field(default="", metadata=OMITTED)


@dataclass(frozen=True)
class Mirror:
    """The split holds, but the versions in shadow are others than `wanted`."""

    shadow: tuple[str, ...]
    wanted: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Restored:
    """The split that was set holds again."""

    weights: Mapping[str, int]
