"""Input that is large, long or many: taken in by bounded steps, or left out and told.

After each of them a later good day is judged, and nothing is halted.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine import journal
from fleet.document.policies import Fleet
from fleet.ports import World
from tests.unit.fleet.desk import Desk
from tests.unit.fleet.shop import MONDAY, Shop, day_of, rows_of

pytestmark = pytest.mark.usefixtures("heavy")
KIB = 1024
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: The day on which the odd input arrives.
TODAY = 40


@pytest.fixture
def shop(resolve: Callable[..., Fleet], world: World) -> Shop:
    waits = ("labels: {wait: P3D,", "labels: {wait: P45D,")
    calm = resolve(waits, ("gate: {min_days", "drift: {fdr: 0.001}\n    gate: {min_days"))
    shop = Shop(calm, world)
    return shop.play(MONDAY + TODAY * DAY + timedelta(hours=6))


def good_day_follows(shop: Shop) -> None:
    """The day after is read and judged, and no partition is halted."""
    shop.day(TODAY + 1, rows_of(TODAY + 1))
    assert shop.said("assessed", window=day_of(TODAY + 1))[0]["rows"] == 120
    assert shop.service.health()["halted"] == []
    for partition in shop.store.partitions():
        journal.verify(shop.store, partition)


def traffic(at: Any, deployment: str = "v1", status: Any = 200, name: str = "r") -> str:
    line = {
        "time": at.isoformat(), "deployment": deployment, "correlationid": name,
        "status": status, "duration_ms": 5.0,
    }  # fmt: skip
    return json.dumps(line) + "\n"


def announce_traffic(shop: Shop, lines: list[str]) -> None:
    shop.announce("traffic/shop-demand/2024/04/13.jsonl", "".join(lines).encode())
    shop.play(MONDAY + TODAY * DAY + timedelta(hours=12))


def requests(shop: Shop) -> int:
    return sum(line["rows"] for line in shop.said("read") if line["blob"].startswith("traffic/"))


NOON = MONDAY + TODAY * DAY


def test_a_line_an_hour_over_thirty_days_is_one_fact(shop: Shop) -> None:
    announce_traffic(shop, [traffic(NOON - i * HOUR, name=f"r{i}") for i in range(30 * 24)])
    assert requests(shop) == 30 * 24
    good_day_follows(shop)


def test_counts_that_do_not_fit_into_one_fact_are_read_in_several_steps(shop: Shop) -> None:
    lines = [
        traffic(NOON - i * HOUR, f"d{j}", name=f"{i}-{j}")
        for i in range(14 * 24)
        for j in range(40)
    ]
    announce_traffic(shop, lines)
    ranges = [line for line in shop.said("read") if line["blob"].startswith("traffic/")]
    assert len(ranges) > 4
    assert sum(line["rows"] for line in ranges) == len(lines)
    assert sum(line.get("bad", 0) for line in ranges) == 0
    good_day_follows(shop)


def test_two_thousand_deployments_are_left_out_but_the_most_frequent(shop: Shop) -> None:
    own = [traffic(NOON, name=f"own{i}") for i in range(10)]
    announce_traffic(shop, own + [traffic(NOON, f"d{i}", name=f"r{i}") for i in range(2000)])
    (line,) = (line for line in shop.said("read") if line["blob"].startswith("traffic/"))
    assert line["bad"] == 2001 - 50
    assert line["reason"] == "more than 50 deployments in one range (2001)"
    assert shop.state.silence.heard.counts[-1] >= 10
    good_day_follows(shop)


LONG = "x" * 100 * KIB
ODD = {
    "a long status": traffic(NOON, status=LONG),
    "a long deployment": traffic(NOON, deployment=LONG),
    "a long correlation id": traffic(NOON, name=LONG),
    "a long line that is no JSON": LONG + "\n",
    "a field of a thousand brackets": '{"time": ' + "[" * 1000 + "\n",
    "half a surrogate pair": traffic(NOON, deployment="\ud83d"),
    "no text": "\x00\x01\n",
}


@pytest.mark.parametrize("line", ODD.values(), ids=ODD)
def test_one_odd_line_of_traffic_leaves_the_others(shop: Shop, line: str) -> None:
    announce_traffic(shop, [traffic(NOON, name="a"), line, traffic(NOON, name="b")])
    (read,) = (line for line in shop.said("read") if line["blob"].startswith("traffic/"))
    assert read["rows"] >= 2
    assert read["rows"] + read.get("bad", 0) == 3
    assert len(json.dumps(shop.said("read"))) < 4 * KIB
    assert len(json.dumps(shop.said("stranger"))) < 2 * KIB
    good_day_follows(shop)


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_labels_of_three_thousand_columns_are_refused_with_a_short_reason(
    shop: Shop, suffix: str
) -> None:
    names = [f"a_column_with_a_long_name_{i}" for i in range(3000)]
    if suffix == "parquet":
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({name: [1.0] * 5 for name in names}), sink)
        content = sink.getvalue().to_pybytes()
    else:
        content = (json.dumps(dict.fromkeys(names, 1.0)) + "\n").encode()
    path = f"labels/demand/wide.{suffix}"
    shop.world.logs[path] = content
    said = {"model": "demand", "blob": path, "size": len(content)}
    shop.service.ingest(
        {"id": path, "type": "Driftwarden.LabelsArrived", "source": "/t", "data": said}
    )
    shop.play(NOON + timedelta(hours=12))
    told = [line for what in ("refused", "read", "unread") for line in shop.said(what)]
    assert any(line.get("reason") for line in told)
    # The file is read again, later and later: each attempt writes one such line.
    assert max(len(json.dumps(line)) for line in told) < 4 * KIB
    good_day_follows(shop)


def test_rows_over_decades_are_counted_and_left_out_before_anything_is_kept(shop: Shop) -> None:
    before = len(list(shop.world.blobs.names()))
    lines = [
        {
            "specversion": "1.0", "id": str(i), "correlationid": str(i), "data": [{"x": 1.0}],
            "time": (NOON - timedelta(days=i // 3, hours=3)).isoformat(),
        }
        for i in range(20_000)
    ]  # fmt: skip
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
    shop.announce("modelDataCollector/shop-demand/v1/model_inputs/2024/04/13/12/l.jsonl", content)
    shop.play(NOON + timedelta(hours=12))
    decades, *days = shop.said("late")
    # Of the days that were still open, those of the reference are closed all the same.
    assert len(days) <= 46
    assert decades["window"] == day_of(TODAY - 6667)
    assert decades["rows"] >= 19_800
    assert decades["last"] < day_of(TODAY - 45)
    assert decades["rows"] + sum(line["rows"] for line in shop.said("read")) == len(lines)
    assert len(list(shop.world.blobs.names())) - before < 300
    good_day_follows(shop)


def test_sixty_events_with_long_reasons_are_all_taken_in(desk: Desk) -> None:
    for i in range(60):
        desk.service.ingest(
            {
                "id": f"e{i}", "type": "Driftwarden.RetrainRequested", "source": "/t",
                "data": {"model": "demand", "reason": f"{i} " + "r" * 1990},
            }
        )  # fmt: skip
    desk.settle()
    assert not desk.store.scan("demand", "in:", pending=True)
    assert desk.service.health()["halted"] == []


def test_forty_five_malformed_events_are_all_written_down(desk: Desk) -> None:
    for i in range(45):
        desk.service.ingest({"id": f"e{i}", "type": "x" * 2040 + str(i), "data": "é" * 60_000})
    desk.settle()
    assert len(desk.said("fleet", "parked")) == 45
    assert desk.service.health()["halted"] == []
