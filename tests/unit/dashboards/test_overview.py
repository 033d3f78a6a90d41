from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from dashboards import overview
from dashboards.story import story

AT = datetime(2013, 4, 2, tzinfo=UTC)


def state(
    name: str, verdict: str | None = "stable", firing: tuple[str, ...] = (), **more: Any
) -> dict[str, Any]:
    return {
        "name": name, "champion": "v1", "since": None, "verdict": verdict, "rollout": None,
        "run": None, "latest_window": "2013-04-01" if verdict else None,
        "firing": [{"id": f"x-{n}", "severity": word} for n, word in enumerate(firing)], **more,
    }  # fmt: skip


def test_what_needs_somebody_stands_on_top(
    records: Callable[..., Any], line: Callable[..., Any]
) -> None:
    states = [
        state("calm"),
        state("new", None),
        state("tickets", firing=("ticket", "ticket")),
        state("drifts", "drifted"),
        state("pages", firing=("ticket", "page")),
        state("moves", rollout={"challenger": "v2", "phase": "canary"}),
    ]
    joined = [(AT, line("assessed")), (AT, line("joined"))]
    journals = {s["name"]: records(joined if s["verdict"] else []) for s in states}
    found = overview.fleet(states, journals, [], dict.fromkeys(journals, 7))
    assert [row.name for row in found.models] == [
        "pages", "tickets", "new", "drifts", "calm", "moves",
    ]  # fmt: skip
    assert (found.paging, found.open, found.rollouts) == (1, 1, 1)
    assert found.models[0].alerts.word == "1 paging"
    assert found.models[1].alerts.word == "2 open"
    assert found.models[5].rollout == "v2: canary"
    assert found.models[2].spark is None


def test_only_firing_alerts_pages_first() -> None:
    alerts = [
        {"id": "a", "firing": True, "severity": "ticket", "at": "2013-04-01"},
        {"id": "b", "firing": False, "severity": "page", "at": "2013-04-01"},
        {"id": "c", "firing": True, "severity": "page", "at": "2013-04-02"},
    ]
    found = overview.fleet([], {}, alerts, {})
    assert [alert["id"] for alert in found.alerts] == ["c", "a"]


def test_the_spark_holds_four_weeks(
    records: Callable[..., Any], year: list[tuple[datetime | dict[Any, Any], ...]]
) -> None:
    spark = overview.spark(story(records(year)).days, 7)
    assert (spark.days, len(spark.drift), len(spark.health)) == (28, 28, 28)
    assert spark.drift[0][0] == 0
    assert spark.drift[-1][0] == 27
    assert spark.label.startswith("Last 28 windows: ")


def test_the_spark_of_a_regression_shows_its_errors(
    records: Callable[..., Any], year: list[tuple[datetime | dict[Any, Any], ...]]
) -> None:
    days = story(records(year)).days
    brier = overview.spark(days, 7)
    errors = [
        replace(day, served={"mae": day.served["brier"]}, baseline={"mae": day.baseline["brier"]})
        if day.served
        else day
        for day in days
    ]
    mae = overview.spark(errors, 7)
    assert (brier.loss, mae.loss) == ("Brier score", "Mean absolute error")
    assert mae.served == brier.served != ""
    assert mae.frozen == brier.frozen != ""
