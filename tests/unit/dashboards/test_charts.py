from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from dashboards.charts import Axis, Scale, curve


def test_days_and_instants_have_one_place() -> None:
    axis = Axis.over([date(2013, 4, 1), date(2013, 5, 30)], "America/New_York")
    assert (axis.first, axis.days) == (date(2013, 4, 1), 60)
    assert axis.place(date(2013, 4, 3)) == 2
    # Noon in New York is 16:00 UTC in summer.
    assert axis.place(datetime(2013, 4, 3, 16, tzinfo=UTC)) == pytest.approx(2.5)
    assert axis.place(datetime(2013, 4, 3, 3, tzinfo=UTC)) == pytest.approx(1 + 23 / 24)
    assert axis.place(date(2013, 3, 1)) == 0
    assert axis.place(date(2014, 3, 1)) == 60
    assert axis.share(15) == 25


def test_few_days_leave_room_and_many_show_the_newest() -> None:
    assert Axis.over([date(2013, 4, 1)], "UTC").days == 28
    long = Axis.over([date(2010, 1, 1), date(2013, 1, 1)], "UTC")
    assert (long.days, long.holds(date(2013, 1, 1)), long.holds(date(2010, 1, 1))) == (
        400, True, False,
    )  # fmt: skip


def test_months_are_labelled_or_weeks_where_there_are_few_days() -> None:
    year = Axis.over([date(2013, 11, 15), date(2014, 3, 20)], "UTC")
    assert [tick.text for tick in year.ticks()] == ["Dec 2013", "Jan 2014", "Feb", "Mar"]
    month = Axis.over([date(2013, 4, 1)], "UTC")
    assert [tick.text for tick in month.ticks()] == ["1 Apr", "8 Apr", "15 Apr", "22 Apr"]


def test_values_and_their_round_labels() -> None:
    scale = Scale(0.0, 1.0)
    assert (scale.place(0.0), scale.place(0.25), scale.place(1.0)) == (100, 75, 0)
    assert [tick.text for tick in scale.ticks()] == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    assert [tick.text for tick in Scale(0.161, 0.199).ticks()] == ["0.17", "0.18", "0.19"]


def test_logarithms_have_a_floor() -> None:
    scale = Scale(0.01, 1.0, log=True)
    assert (scale.place(0.1), scale.place(0.0), scale.place(-3.0)) == (50, 100, 100)
    assert [tick.text for tick in scale.ticks()] == ["0.1", "1"]


@pytest.mark.parametrize("values", [[], [0.2], [0.0, 0.0], [0.18, 0.18], [-1.0, 5.0]])
@pytest.mark.parametrize("log", [False, True])
def test_any_values_have_a_scale(values: list[float], log: bool) -> None:
    scale = Scale.over(values, log=log)
    assert all(0 <= scale.place(value) <= 100 for value in values)
    assert len(scale.ticks()) <= 6


def test_a_missing_value_breaks_the_line() -> None:
    scale = Scale(0.0, 1.0)
    points = [(0.5, 1.0), (1.5, 0.5), (2.5, None), (3.5, 0.0)]
    assert curve(points, scale) == "M.5 0h.01L1.5 50M3.5 100h.01"
    assert curve([], scale) == ""
