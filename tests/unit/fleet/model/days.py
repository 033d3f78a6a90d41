"""A day of `demand` as the tests tell it: its files, its assessment and its labels."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from fleet.model.effects import Tell
from fleet.model.facts import LogGrew
from fleet.model.records import Batch, Collection
from fleet.model.results import LabelsRead
from monitoring.alerts.lifecycle import Severity, Status
from monitoring.performance import Verdict as Health

DAY = "2024-03-04"
INPUTS, OUTPUTS, TRAFFIC, LABELS = (
    Collection.inputs, Collection.outputs, Collection.traffic, Collection.labels,
)  # fmt: skip
# Berlin's 4 March ends at 23:00 UTC; two hours later its late rows are in.
ENDS = datetime(2024, 3, 4, 23, tzinfo=UTC)
CLOSES = ENDS + timedelta(hours=2)
HOUR = timedelta(hours=1)


def assess(story: Any, day: str, **fields: Any) -> Any:
    """A day's inputs come, its window closes, and its assessment says what `fields` say."""
    story.batch(day)
    closes = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1, hours=1)
    story.tell(at=max(closes, story.now))
    return story.tell(story.assessed(day, **fields))


def degrade(story: Any, day: str = DAY, **fields: Any) -> Any:
    """A day's labels come and say that the model is degraded."""
    story.batch(day, Collection.outputs)
    story.tell(LogGrew(f"labels/{day}", 5, Collection.labels))
    ends = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(hours=23)
    story.tell(at=max(ends, story.now))
    reading = next(e for e in reversed(story.effects) if type(e).__name__ == "ReadLabels")
    story.tell(LabelsRead(reading.blob, 0, 5, 5, f"labels-{day}", {day: 100}, 0, reading.of))
    said = {"health": Health.DEGRADED, "reason": "calibration gap +0.2", **fields}
    return story.tell(story.joined(day, **said))


def tickets(story: Any) -> list[tuple[str, Status, Severity]]:
    """Every notification so far."""
    return [(e.notice.alert, e.notice.status, e.notice.severity) for e in story.ever(Tell)]


def condition(story: Any, key: str) -> Any:
    return story.state.alerting.signals.get(key)


def grew(size: int, blob: str = "a", kind: Collection = INPUTS, by: str = "v1") -> LogGrew:
    return LogGrew(blob, size, kind, by)


def rows(name: str, day: str = DAY) -> Batch:
    return Batch(day, 5, f"rows-{name}", f"sketch-{name}")


def matched(blob: str, *days: str, start: int = 0, end: int = 10, unknown: int = 0) -> LabelsRead:
    return LabelsRead(blob, start, end, end, f"labels-{blob}", dict.fromkeys(days, 5), unknown)
