from __future__ import annotations

from datetime import date

import pytest

from dashboards.charts import Axis
from dashboards.days import Day
from dashboards.lines import performance, rolling, score_drift

AXIS = Axis(date(2013, 4, 1), 28, "UTC")


def on(day: int, labelled: int, brier: float | None, score_psi: float | None = None) -> Day:
    served = {} if brier is None else {"brier": brier}
    return Day(
        date(2013, 4, day), labelled=labelled, served=served, health="healthy",
        score_psi=score_psi, expected=labelled,
    )  # fmt: skip


def test_days_weigh_by_their_labels_and_leave_after_the_width() -> None:
    days = [on(1, 100, 0.1), on(2, 300, 0.2), on(5, 100, 0.4), on(6, 0, None)]
    found = rolling(days, lambda day: day.served, "brier", 3)
    assert found == {
        "2013-04-01": pytest.approx(0.1),
        "2013-04-02": pytest.approx((10 + 60) / 400),
        "2013-04-05": pytest.approx(0.4),
        "2013-04-06": pytest.approx(0.4),
    }


def test_no_labels_no_value() -> None:
    assert rolling([on(1, 0, None)], lambda day: day.served, "brier", 7) == {"2013-04-01": None}


def test_only_lines_that_have_values_are_drawn() -> None:
    chart = performance([on(1, 10, 0.1), on(2, 10, 0.3)], AXIS, "brier", 7)
    assert [(curve.name, curve.latest) for curve in chart.curves] == [
        ("served", pytest.approx(0.2))
    ]
    assert chart.label == "Brier score over 7 days: newest values served 0.2000"
    assert chart.columns[0].title == "2013-04-01: served 0.1000, 10 of 10 labels, healthy"
    assert chart.awaited == ""


def test_what_has_to_come_is_said() -> None:
    day = Day(date(2013, 4, 1), rows=3, verdict="stable")
    assert performance([day], AXIS, "auc", 7).awaited.startswith("Waiting for labels")
    assert score_drift([day], AXIS, 0.25).awaited.startswith(
        "Waiting for a window with enough scores"
    )


def test_the_limit_is_drawn_where_it_lies() -> None:
    chart = score_drift([on(1, 1, 0.1, 0.01), on(2, 1, 0.1, 1 / 1.2)], AXIS, 0.1)
    assert chart.rule == 50
    assert chart.curves[0].path.startswith("M.5 100h.01L1.5 ")


def test_a_regression_is_drawn_by_its_own_metrics() -> None:
    day = Day(date(2013, 4, 1), labelled=10, served={"mae": 12.5, "r2": 0.4}, health="healthy")
    chart = performance([day], AXIS, "mae", 7)
    assert chart.title == "Mean absolute error"
    assert chart.curves[0].latest == pytest.approx(12.5)
    assert "higher is better" in performance([day], AXIS, "r2", 7).note
