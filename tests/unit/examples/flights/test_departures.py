"""Expected values are read off the published CSV files by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from examples.flights.columns import FEATURES, WEATHER


def row(history: pa.Table, identity: str) -> dict[str, Any]:
    found = history.filter(pc.equal(history["correlationid"], identity)).to_pylist()
    assert len(found) == 1
    return dict(found[0])


def test_every_departure_is_there_once(history: pa.Table) -> None:
    assert history.num_rows == 336_776
    assert pc.count_distinct(history["correlationid"]).as_py() == 336_776
    assert len(FEATURES) == 18
    assert len(pc.unique(history["destination"])) == 105


def test_late_and_never_arrived_shares(history: pa.Table) -> None:
    label = history["label"]
    assert label.null_count == 9_430
    assert label.null_count / len(label) == pytest.approx(0.028, abs=0.0005)
    assert pc.mean(label).as_py() == pytest.approx(0.237, abs=0.0005)


def test_first_departure_of_the_year(history: pa.Table) -> None:
    first = row(history, "20130101-EWR-UA1545-0")
    assert first["time"].isoformat() == "2013-01-01T10:15:00+00:00"
    assert first["label_time"].isoformat() == "2013-01-02T15:00:00+00:00"
    assert (first["carrier"], first["destination"], first["day_of_week"]) == ("UA", "IAH", "Tue")
    assert (first["scheduled_minute"], first["distance"]) == (315, 1400)
    assert (first["plane_age"], first["seats"]) == (14, 149)
    assert (first["hourly_departures"], first["dep_delay"], first["label"]) == (2, 2, 0)


def test_weather_is_that_of_the_hour_before(history: pa.Table) -> None:
    # Scheduled at 05:15, so in the hour 10:00 UTC; EWR at 09:00 UTC reads 39.92, 28.04, 62.21 ...
    first = row(history, "20130101-EWR-UA1545-0")
    seen = [first[name] for name in WEATHER]
    assert seen == [39.92, 28.04, 62.21, pytest.approx(12.65858), 0, 0, 1012.2, 10]


def test_three_hour_precipitation_and_a_missing_pressure(history: pa.Table) -> None:
    # 16:20 at LGA is in the hour 20:00 UTC; 19:00, 18:00 and 17:00 UTC saw 0.01, 0.06 and 0.01.
    wet = row(history, "20130701-LGA-AA1467-0")
    assert wet["precip"] == 0.01
    assert wet["precip3"] == pytest.approx(0.08)
    assert wet["pressure"] is None
    assert wet["plane_age"] is None
    assert wet["hourly_departures"] == 14


@pytest.mark.parametrize(
    ("identity", "minutes"),
    [
        ("20130101-EWR-UA1545-0", 3 * 60 + 4 + 60),  # 05:15 to 08:19 in Houston, one hour behind
        ("20130101-JFK-HA51-0", 6 * 60 + 30 + 300),  # Honolulu in winter: five hours behind
        ("20130101-EWR-US245-0", 3 * 60 + 44 + 120),  # Phoenix: two hours behind in winter
        ("20130805-JFK-DL245-0", 2 * 60 + 30 + 180),  # and three in summer
        ("20130701-JFK-B61503-0", 3 * 60 + 45),  # overnight to San Juan, level in summer
    ],
)
def test_scheduled_duration_counts_both_zones(
    history: pa.Table, identity: str, minutes: int
) -> None:
    assert row(history, identity)["scheduled_duration"] == minutes


def test_label_time_is_ten_in_the_morning_whatever_the_clock_did(history: pa.Table) -> None:
    instants = history["label_time"].cast(pa.string()).to_pylist()
    known = dict(zip(history["day"].to_pylist(), instants, strict=True))
    assert known["2013-03-09"].startswith("2013-03-10 14:00")
    assert known["2013-11-02"].startswith("2013-11-03 15:00")
    assert known["2013-12-31"].startswith("2014-01-01 15:00")


def test_new_years_eve_has_no_weather_at_all(history: pa.Table) -> None:
    last = history.filter(pc.equal(history["day"], "2013-12-31"))
    assert last.num_rows == 776
    assert all(last[name].null_count == 776 for name in WEATHER)
    assert last["scheduled_duration"].null_count == 0


def test_in_the_february_blizzard_more_than_half_the_labels_never_came(history: pa.Table) -> None:
    hit = history.filter(pc.is_in(history["day"], pa.array(["2013-02-08", "2013-02-09"])))
    assert hit["label"].null_count / hit.num_rows > 0.5


def test_rows_are_sorted_and_numbers_finite_or_null(history: pa.Table) -> None:
    asked = history["time"].to_numpy()
    assert (np.diff(asked) >= np.timedelta64(0)).all()
    assert pc.all(pc.is_finite(history["temp"])).as_py()
