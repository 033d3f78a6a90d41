"""The layout of log files: whose a file is, and which folders can still grow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fleet.document.logs import LOOK_BACK, Logs
from fleet.logfiles import days, grown, hours, name_of
from fleet.model.facts import LogGrew
from fleet.model.records import Collection

MDC = "modelDataCollector"
LOGS = Logs(endpoint="Shop_Demand", deployments={"v1": "Blue-1"})


@pytest.mark.parametrize(
    ("path", "collection", "version"),
    [
        (f"{MDC}/Shop_Demand/Blue-1/model_inputs/2026/03/04/10/a.jsonl", Collection.inputs, "v1"),
        (f"{MDC}/shop_demand/blue-1/model_outputs/2026/03/04/a.jsonl", Collection.outputs, "v1"),
        (f"{MDC}/shop_demand/v9/model_inputs/2026/03/04/10/59/a.jsonl", Collection.inputs, "v9"),
        (f"{MDC}/shop_demand/7/model_inputs/2026/a.parquet", Collection.inputs, "7"),
        ("traffic/SHOP_DEMAND/2026/03/04/10/a.jsonl", Collection.traffic, ""),
    ],
)  # fmt: skip
def test_a_file_of_the_model(path: str, collection: Collection, version: str) -> None:
    assert grown(LOGS, path, 5) == LogGrew(path, 5, collection, version)


@pytest.mark.parametrize(
    "path",
    [
        f"{MDC}/shop_demand2/v1/model_inputs/2026/03/04/10/a.jsonl",
        f"{MDC}2/shop_demand/v1/model_inputs/2026/03/04/10/a.jsonl",
        f"x/{MDC}/shop_demand/v1/model_inputs/2026/03/04/10/a.jsonl",
        f"{MDC}/shop_demand/v1/Model_Inputs/2026/03/04/10/a.jsonl",
        f"{MDC}/shop_demand/v1/response/2026/03/04/10/a.jsonl",
        f"{MDC}/shop_demand/v1/model_inputs/2026/03/04/10/a.jsonl.tmp",
        f"{MDC}/shop_demand/v1/model_inputs/2026/03/04/10",
        "traffic/shop_demand",
        "traffic.jsonl",
        "",
    ],
)
def test_a_file_of_nobody_that_is_known(path: str) -> None:
    assert grown(LOGS, path, 5) is None


def test_a_growth_is_named_by_file_and_size() -> None:
    path = "traffic/shop_demand/a.jsonl"
    first, again, more = (grown(LOGS, path, size) for size in (5, 5, 6))
    assert first is not None
    assert again is not None
    assert more is not None
    assert name_of(first) == name_of(again) != name_of(more)


@pytest.mark.parametrize(
    ("open_for", "folders"),
    [
        (timedelta(), ["2024/02/28", "2024/02/29"]),
        (timedelta(hours=30), ["2024/02/27", "2024/02/28", "2024/02/29"]),
        (timedelta(days=400), [f"2024/02/{day}" for day in range(22, 30)]),
    ],
)
def test_the_days_that_may_still_be_taken_in(open_for: timedelta, folders: list[str]) -> None:
    assert list(days(datetime(2024, 2, 29, 1, tzinfo=UTC), open_for)) == folders
    assert len(folders) <= LOOK_BACK.days + 1


@pytest.mark.parametrize(
    ("hour", "growing"),
    [
        (0, {"2024/02/29": {23}, "2024/03/01": {0}}),
        (1, {"2024/03/01": {0, 1}}),
        (23, {"2024/03/01": {22, 23}}),
    ],
)
def test_the_hours_that_can_grow(hour: int, growing: dict[str, set[int]]) -> None:
    assert hours(datetime(2024, 3, 1, hour, 59, tzinfo=UTC)) == growing
