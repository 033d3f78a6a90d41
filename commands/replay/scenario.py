"""The scenario of a replay: requests, labels, and registrations of versions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import AwareDatetime, Field, ValidationError, field_validator, model_validator

from engine.codec import first_line
from engine.errors import Refused
from engine.policy import Policy

SCENARIO_FILE = "scenario.yaml"


class Span(Policy):
    """The days that a version learns from."""

    first: date = Field(alias="from", description="The first day.")
    last: date = Field(alias="to", description="The last day.")


class Waiver(Policy):
    """Who answers for leaving the shadow out, and why."""

    by: str = Field(description="The operator's name.")
    reason: str = Field(description="What they said.")


class VersionPlan(Policy):
    """A version that somebody trains outside the watcher."""

    name: str = Field(description="The version's name.")
    train: tuple[str, ...] = Field(description="The command; {out} and {version} are filled in.")
    register_at: AwareDatetime | None = Field(
        None, description="When it is registered; left out: before the replay begins."
    )
    waive_shadow: Waiver | None = Field(None, description="Set where the shadow is left out.")


class Timeline(Policy):
    """The replayed time and its rhythm."""

    first: date = Field(description="The first replayed day.")
    last: date = Field(description="The last replayed day.")
    block_hours: Literal[1, 2, 3, 4, 6, 8, 12, 24] = Field(
        6, description="Requests are scored and logged in blocks of so many hours."
    )
    requests: Path = Field(description="Folder with the requests, DAY.parquet each.")
    labels: Path = Field(description="Folder with the labels, DAY.parquet or DAY.jsonl each.")
    labels_at: time = Field(description="Local time of the next day at which labels are announced.")
    training_takes: timedelta = Field(description="How long a training runs, in replay time.")
    latency_ms: float = Field(description="How long a request takes, in replay time.")
    summary: Path = Field(description="Where the summary is written.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"the last day {self.last} is before the first, {self.first}")
        return self


class Scenario(Policy):
    """The scenario file."""

    version: Literal[1] = Field(description="The format of this file.")
    folder: Path = Field(
        Path(), description="Where commands run and paths start, relative to this file."
    )
    model: str = Field(description="The model that is replayed.")
    zone: str = Field(description="IANA zone of its days.")
    replay: Timeline = Field(description="The replayed time.")
    prepare: tuple[tuple[str, ...], ...] = Field((), description="Commands run beforehand.")
    versions: tuple[VersionPlan, ...] = Field(description="Versions trained outside.")

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            return ZoneInfo(zone).key
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{zone}: unknown zone") from error


@dataclass(frozen=True)
class Block:
    """Requests of [start, end) are scored at `end`."""

    start: datetime
    end: datetime
    day: date


@dataclass(frozen=True)
class LabelsOf:
    """The labels of a day are announced."""

    day: date


@dataclass(frozen=True)
class Registration:
    """A version is registered."""

    plan: VersionPlan


Happening = Block | LabelsOf | Registration


def read_scenario(path: Path) -> Scenario:
    """Read a scenario; Refused with one line where it is invalid."""
    try:
        return Scenario.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise Refused(f"{path}: cannot be read: {error.strerror}; a replay needs one") from error
    except yaml.YAMLError as error:
        raise Refused(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        raise Refused(f"{path}: {first_line(error)}") from error


def happenings(scenario: Scenario) -> list[tuple[datetime, Happening]]:
    """Return everything that happens outside, in order of time."""
    zone, replay = ZoneInfo(scenario.zone), scenario.replay
    found: list[tuple[datetime, Happening]] = []
    for day in _days(replay.first, replay.last):
        found += [(block.end, block) for block in _blocks(day, replay.block_hours, zone)]
        announced = datetime.combine(day + timedelta(days=1), replay.labels_at, zone)
        found.append((announced.astimezone(UTC), LabelsOf(day)))
    begin = datetime.combine(replay.first, time(), zone).astimezone(UTC)
    end = datetime.combine(replay.last + timedelta(days=1), time(), zone).astimezone(UTC)
    for plan in scenario.versions:
        if plan.register_at is not None and begin <= plan.register_at < end:
            found.append((plan.register_at.astimezone(UTC), Registration(plan)))
    return sorted(found, key=lambda pair: pair[0])


def _days(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += timedelta(days=1)


def _blocks(day: date, hours: int, zone: ZoneInfo) -> list[Block]:
    """Cut a local day by its wall clock: one block of a 23-hour day is shorter."""
    cuts = [datetime.combine(day, time(hour), zone).astimezone(UTC) for hour in range(0, 24, hours)]
    cuts.append(datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC))
    return [Block(start, end, day) for start, end in pairwise(cuts)]
