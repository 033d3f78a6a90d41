from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from dashboards.lately import lately

AT = datetime(2013, 4, 1, tzinfo=UTC)


def test_the_newest_stand_first_without_the_reading_of_logs(
    records: Callable[..., Any], line: Callable[..., Any]
) -> None:
    told = [(AT, line("command"))] + [(AT, {"what": "read", "rows": n}) for n in range(100)]
    told += [(AT, line("alert"))]
    found = lately(records(told))
    assert [(entry.seq, entry.what) for entry in found] == [(102, "alert"), (1, "command")]


def test_fifty_at_most(records: Callable[..., Any], line: Callable[..., Any]) -> None:
    assert len(lately(records([(AT, line("command"))] * 80))) == 50


def test_a_line_reads_as_words(records: Callable[..., Any], line: Callable[..., Any]) -> None:
    said = line(
        "assessed", psi={"a": 0.1}, stream={"a": "drifted"}, score_psi=0.123456, quality=["no a"]
    )
    (entry,) = lately(records([(AT, said)]))
    assert entry.words == (
        "window: 2013-04-01 · verdict: stable · rows: 900 · score_psi: 0.1235 · quality: no a"
    )


def test_a_long_line_is_cut(records: Callable[..., Any]) -> None:
    (entry,) = lately(records([(AT, {"what": "parked", "reason": "x" * 1000})]))
    assert len(entry.words) == 240
    assert entry.words.endswith("…")
