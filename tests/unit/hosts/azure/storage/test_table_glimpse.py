"""Reading ahead: what one request brought serves the reads that follow, and nothing later."""

from __future__ import annotations

import pytest

from engine.store import Row
from hosts.azure.storage import table_glimpse
from hosts.azure.storage.table_glimpse import MOST, Glimpse


class Table:
    """Rows of one partition, and how often they were asked for."""

    def __init__(self, *keys: str) -> None:
        self.rows = [Row(key, {"pending": True}) for key in sorted(keys)]
        self.asked = 0

    def read(self, partition: str, most: int) -> list[Row]:
        self.asked += 1
        return self.rows[:most]


def keys(rows: list[Row] | None) -> list[str] | None:
    return None if rows is None else [row.key for row in rows]


def test_one_request_serves_three_reads() -> None:
    table = Table("head", "in:1", "in:2", "out:1")
    glimpse = Glimpse(table.read)
    assert "head" in keys(glimpse.take("p"))
    assert keys(glimpse.pending("p", "in:", 40)) == ["in:1", "in:2"]
    assert keys(glimpse.pending("p", "out:", 40)) == ["out:1"]
    assert table.asked == 1


def test_nothing_pending_is_known_too() -> None:
    glimpse = Glimpse(Table("head").read)
    glimpse.take("p")
    assert keys(glimpse.pending("p", "in:", 40)) == []


def test_a_prefix_is_given_once_and_of_no_other_partition() -> None:
    glimpse = Glimpse(Table("head", "in:1").read)
    glimpse.take("p")
    assert glimpse.pending("q", "in:", 40) is None
    assert keys(glimpse.pending("p", "in:", 40)) == ["in:1"]
    assert glimpse.pending("p", "in:", 40) is None


def test_after_a_commit_or_a_while_it_is_out_of_date(monkeypatch: pytest.MonkeyPatch) -> None:
    glimpse = Glimpse(Table("head", "in:1").read)
    glimpse.take("p")
    glimpse.forget()
    assert glimpse.pending("p", "in:", 40) is None
    glimpse.take("p")
    monkeypatch.setattr(table_glimpse, "LASTS", -1.0)
    glimpse.take("p")
    assert glimpse.pending("p", "in:", 40) is None


def test_of_a_long_queue_only_what_is_surely_whole_is_given() -> None:
    waiting = [f"in:{number:04}" for number in range(MOST + 50)]
    glimpse = Glimpse(Table("head", *waiting, "out:1").read)
    glimpse.take("p")
    # The first forty are there; what is owed lies beyond what was read.
    assert keys(glimpse.pending("p", "in:", 40)) == waiting[:40]
    assert glimpse.pending("p", "out:", 40) is None
    glimpse.take("p")
    assert glimpse.pending("p", "in:", MOST + 10) is None


def test_a_queue_that_ends_before_what_was_read_is_whole() -> None:
    owed = [f"out:{number:04}" for number in range(MOST + 50)]
    glimpse = Glimpse(Table("head", "in:1", *owed).read)
    glimpse.take("p")
    assert keys(glimpse.pending("p", "in:", 40)) == ["in:1"]
    assert glimpse.pending("p", "out:", MOST + 10) is None
