"""A window held against its class of days: which, in what words, and what follows for verdicts."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fleet.document.policies import Fleet
from fleet.model.results import Assessed
from fleet.model.tasks import Assess
from fleet.ports import World
from fleet.work.assess.assessing import assess_window
from fleet.work.refer import referencing
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import sketch
from monitoring.drift.verdict import Verdict

N = 400
# Four weeks up to Sunday, 3 March; in Germany none of these days is a holiday.
DAYS = [date(2024, 2, 5) + timedelta(days=back) for back in range(28)]
KNOWN = datetime(2024, 4, 15, tzinfo=UTC)
FRIDAY, SATURDAY, SUNDAY = "2024-03-08", "2024-03-09", "2024-03-10"
GOOD_FRIDAY = "2024-03-29"


class Weeks:
    """Weeks in which `x` and `kind` differ on weekends, and windows after them."""

    def __init__(self, world: World, watched: Any) -> None:
        self.world, self.watched = world, watched
        self.chance = np.random.default_rng(20240304)
        tables = [self.rows(day.weekday() > 4) for day in DAYS]
        self.ruler = Ruler.of(pa.concat_tables(tables))
        self.names = [world.blobs.put(sketch(one, self.ruler).to_bytes()) for one in tables]
        self.kept = world.blobs.put(self.ruler.to_bytes())

    def rows(self, weekend: bool, shift: float = 0.0) -> pa.Table:
        chances = [0.5, 0.3, 0.2] if weekend else [0.2, 0.3, 0.5]
        return pa.table(
            {
                "x": self.chance.normal(size=N) + (0.8 if weekend else 0.0) + shift,
                "y": self.chance.normal(size=N),
                "kind": self.chance.choice(["a", "b", "c"], N, p=chances),
            }
        )

    def held(self, day: str, table: pa.Table, kept: int = 28, **fields: Any) -> Assessed:
        """Assess one window; the reference holds the last `kept` days, if it says which."""
        said = [one.isoformat() for one in DAYS[-kept:]] if kept else []
        names = self.names[-kept:] if kept else self.names
        reference = referencing.put(self.world.blobs, self.kept, names, days=said)
        plain: dict[str, Any] = {
            "window": day, "of": "o", "sketches": (self.put(table),), "before": (), "flags": (),
            "events": (), "outputs": (), "reference": reference, "scores": "", "champion": "v1",
            "event": None, "expected": None, "known": KNOWN,
        }  # fmt: skip
        return assess_window(self.world, self.watched, Assess(**{**plain, **fields}))

    def put(self, table: pa.Table) -> str:
        return self.world.blobs.put(sketch(table, self.ruler).to_bytes())


@pytest.fixture
def weeks(world: World, resolve: Callable[..., Fleet]) -> Weeks:
    rule = "    serving: {champion: v1, baseline: v0}"
    fleet = resolve((rule, f"{rule}\n    drift: {{classes: true}}"))
    return Weeks(world, fleet.models["demand"])


def test_a_weekend_is_held_against_weekends(weeks: Weeks) -> None:
    found = weeks.held(SATURDAY, weeks.rows(True))
    assert (found.flagged, found.quality) == ((), ())
    assert found.against == "compared with 8 days of class weekend"
    report = json.loads(weeks.world.blobs.get(found.report))
    assert report["notes"] == [found.against]
    assert report["n_reference"] == 8 * N


def test_a_weekday_is_held_against_weekdays(weeks: Weeks) -> None:
    found = weeks.held(FRIDAY, weeks.rows(False))
    assert (found.flagged, found.quality) == ((), ())
    assert found.against == "compared with 20 days of class weekday"


def test_weekends_before_a_weekday_are_no_drift(weeks: Weeks) -> None:
    """What is merged with a window is held against what its own days are like."""
    before: dict[str, Any] = {
        "before": tuple(weeks.put(weeks.rows(weekend)) for weekend in (False, True)),
        "flags": (("x", "kind"),) * 2, "events": (None, None), "days": (FRIDAY, SATURDAY),
    }  # fmt: skip
    assert weeks.held(SUNDAY, weeks.rows(True), **before).stream == {}


def test_drift_on_weekends_is_drift(weeks: Weeks) -> None:
    before: dict[str, Any] = {
        "before": (weeks.put(weeks.rows(False)), weeks.put(weeks.rows(True, 0.8))),
        "flags": ((), ("x",)), "events": (None, None), "days": (FRIDAY, SATURDAY),
    }  # fmt: skip
    found = weeks.held(SUNDAY, weeks.rows(True, 0.8), **before)
    assert found.stream == {"x": Verdict.DRIFTED}


def test_a_holiday_is_held_against_weekends_where_holidays_are_few(weeks: Weeks) -> None:
    found = weeks.held(GOOD_FRIDAY, weeks.rows(True))
    assert found.flagged == ()
    assert found.against == (
        "compared with 8 days of class weekend: the reference has 0 of class holiday, and 8 are "
        "needed"
    )
    # Many a holiday is like a weekday: that it is says nothing of the feed.
    assert weeks.held(GOOD_FRIDAY, weeks.rows(False)).quality == ()


def test_too_short_a_reference_is_held_against_whole(weeks: Weeks) -> None:
    found = weeks.held(SATURDAY, weeks.rows(True), kept=21)
    assert found.against == (
        "compared with all 21 days: the reference has 6 of class weekend, and 8 are needed"
    )
    older = weeks.held(SATURDAY, weeks.rows(True), kept=0)
    assert older.against == (
        "compared with all rows of the reference: it does not record their days"
    )


def test_a_weekend_that_looks_like_a_weekday_is_a_ticket(weeks: Weeks) -> None:
    (trouble,) = weeks.held(SATURDAY, weeks.rows(False)).quality
    assert (trouble.kind, trouble.page, trouble.features) == ("stuck", False, ("x", "kind"))
    assert trouble.reason == (
        "2 of 2 features that always differ on days of class weekend look like a weekday on "
        "2024-03-09: x, kind; the feed may be stuck and repeat earlier rows"
    )


def test_an_effect_of_before_days_were_told_apart_is_held_against_all(weeks: Weeks) -> None:
    found = weeks.held(SATURDAY, weeks.rows(True), known=None)
    assert (found.against, found.quality) == ("", ())
    assert "notes" not in json.loads(weeks.world.blobs.get(found.report))


def test_days_are_not_told_apart_unless_asked(world: World, fleet: Fleet) -> None:
    weeks = Weeks(world, fleet.models["demand"])
    assert weeks.held(SATURDAY, weeks.rows(True)).against == ""
