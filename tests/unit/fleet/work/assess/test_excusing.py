"""A holiday of a segment's own country: it explains that segment's drift and no other's."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fleet.document.policies import Fleet
from fleet.model.results import Assessed
from fleet.model.tasks import Assess, BuildReference
from fleet.ports import World
from fleet.work.assess.assessing import assess_window
from fleet.work.refer.referencing import build, load_levels, load_ruler
from monitoring.calendars import Policy, calendar
from monitoring.drift.segments import sketch_all, to_bytes
from monitoring.drift.verdict import Verdict

DAYS, N = 20, 900
#: A holiday in the United States and nowhere else.
FOURTH, THIRD = "2024-07-04", "2024-07-03"
US, DE = "load in country=US", "load in country=DE"


class Stores:
    """A model with a segment for each country, of which the calendar knows one."""

    def __init__(self, world: World, fleet: Fleet) -> None:
        self.world, self.chance = world, np.random.default_rng(3)
        watched = fleet.models["demand"]
        drift = watched.policy.drift.model_copy(update={"segments": ("country",)})
        days = calendar(Policy(lead_days=0, lag_days=0, segments={"country=US": "US"}))
        policy = watched.policy.model_copy(update={"drift": drift})
        self.watched = replace(watched, policy=policy, calendar=days)
        names = np.repeat([f"2024-06-{day + 1:02}" for day in range(DAYS)], N)
        times = pa.array(names.astype("datetime64[us]"), pa.timestamp("us", "UTC"))
        table = self.rows(DAYS * N).append_column("day", pa.array(names))
        table = table.append_column("time", times).append_column(
            "label", pa.array([0.0] * DAYS * N)
        )
        world.tables["reference.parquet"] = table
        world.scoring.functions["v1"] = lambda found: [0.5] * len(found)  # type: ignore[attr-defined]
        made = build(world, self.watched, BuildReference("v1", "file", (), "", ""))
        self.reference = made.reference

    def rows(self, n: int, *moved: str) -> pa.Table:
        country = self.chance.choice(["DE", "FR", "US"], n, p=[0.1, 0.8, 0.1])
        load = self.chance.normal(size=n) + 1.2 * np.isin(country, moved)
        return pa.table({"country": country, "load": load})

    def sketch(self, *moved: str) -> str:
        blobs = self.world.blobs
        ruler = load_ruler(blobs, self.reference)
        levels = load_levels(blobs, self.reference, self.watched.policy.drift)
        return blobs.put(to_bytes(sketch_all(self.rows(N, *moved), ruler, levels)))

    def assess(self, days: tuple[str, ...], *moved: str) -> Assessed:
        """Assess the last of these days; those before it had moved alike."""
        *before, window = days
        flags = (tuple(f"load in country={name}" for name in moved),) * len(before)
        plain: dict[str, Any] = {
            "window": window, "of": "o", "sketches": (self.sketch(*moved),),
            "before": tuple(self.sketch(*moved) for _ in before), "flags": flags,
            "events": (None,) * len(before), "outputs": (), "reference": self.reference,
            "scores": "", "champion": "v1", "event": None, "expected": None, "days": tuple(before),
        }  # fmt: skip
        return assess_window(self.world, self.watched, Assess(**plain))


@pytest.fixture
def stores(world: World, fleet: Fleet) -> Stores:
    return Stores(world, fleet)


def test_it_explains_that_segments_drift(stores: Stores) -> None:
    assert stores.assess(("2024-07-02", THIRD), "US").stream == {US: Verdict.DRIFTED}
    found = stores.assess((THIRD, FOURTH), "US")
    assert found.stream == {}
    report = json.loads(stores.world.blobs.get(found.report))
    assert report["notes"] == [f"{US} lies in Independence Day"]
    assert report["stream"][US] == "drifted"


def test_it_explains_no_other_segments_drift(stores: Stores) -> None:
    found = stores.assess((THIRD, FOURTH), "US", "DE")
    assert found.stream == {DE: Verdict.DRIFTED}
    assert all(line.startswith(DE) for line in found.lines)


def test_what_lasts_without_the_holiday_is_not_explained_by_it(stores: Stores) -> None:
    assert stores.assess((FOURTH, "2024-07-05"), "US").stream == {}
    later = stores.assess((FOURTH, "2024-07-05", "2024-07-06"), "US")
    assert later.stream == {US: Verdict.DRIFTED}
