from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from dashboards.journal import Journal
from fleet.model.lines import logs, windows

AT = datetime(2013, 4, 1, tzinfo=UTC)
LATER = datetime(2013, 4, 2, tzinfo=UTC)


def test_lines_are_found_by_kind_in_their_order(
    records: Callable[..., Any], line: Callable[..., Any]
) -> None:
    journal = Journal.read(
        records(
            [
                (AT, line("report", of="drift-1")),
                (AT, line("traffic")),
                (LATER, line("report", of="drift-2")),
            ]
        )
    )
    assert [(at, said.of) for at, said in journal.of(windows.Report)] == [
        (AT, "drift-1"),
        (LATER, "drift-2"),
    ]
    assert journal.of(logs.Late) == []
    assert journal.counts == {"report": 2, "traffic": 1}


def test_lines_that_are_not_known_are_only_counted(records: Callable[..., Any]) -> None:
    journal = Journal.read(
        records([(AT, {"what": "late", "window": "2013-04-01"}), (AT, {"what": "new"})])
    )
    assert journal.of(logs.Late) == []
    assert journal.counts == {"late": 1, "new": 1}
