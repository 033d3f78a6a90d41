"""Reports as Evidently draws them; without it, what to install."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pyarrow as pa
import pytest

from engine.errors import Refused
from hosts.reports import drawing, here, prepared
from hosts.reports.here import ReportsHere

#: Evidently and what it draws with warn of their own imports.
SPY = "</script><script>window.told=1</script>"


def table(n: int, shift: float = 0.0, **more: Any) -> pa.Table:
    chance = np.random.default_rng(n)
    return pa.table(
        {"x": chance.normal(shift, 1, n), "kind": chance.choice(["a", "b"], n).tolist(), **more}
    )


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[pa.Table, pa.Table | None]]:
    """What is drawn, in place of Evidently."""
    found: list[tuple[pa.Table, pa.Table | None]] = []

    def drawn(now: pa.Table, usual: pa.Table | None = None) -> str:
        found.append((now, usual))
        return "<html><body>drawn</body></html>"

    monkeypatch.setattr(here, "_check_installed", lambda: None)
    monkeypatch.setattr(drawing, "_drawn", drawn)
    return found


def html(now: pa.Table, usual: Sequence[pa.Table] = (), notes: Sequence[str] = ()) -> str:
    return ReportsHere().html("demand: today", notes, [now], usual).decode()


def test_without_evidently_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: Any, **more: Any) -> Any:
        if name == "evidently":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(Refused, match=r"^install driftwarden\[reports\]$"):
        html(table(10))


def test_a_bounded_sample_is_drawn_and_said(seen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "MOST_ROWS", 100)
    page = html(table(500), [table(300), table(400)], ["a note & more"])
    again = html(table(500), [table(300), table(400)])
    (now, usual), (same, _) = seen
    assert (now.num_rows, usual.num_rows) == (100, 100)
    assert now.equals(same)
    assert "<li>window: a random 100 rows of 500</li>" in page
    assert "<li>reference: a random 100 rows of 700</li>" in page
    assert "<li>a note &amp; more</li>" in page
    assert "they decide no alert" in page
    assert page.startswith("<html><body><header ")
    assert again.endswith("drawn</body></html>")


def test_only_what_has_values_on_both_sides_is_compared(seen: Any) -> None:
    empty = pa.nulls(10, pa.float64())
    now = table(10, y=[1.0] * 10, z=empty)
    page = html(now, [table(10, w=["v"] * 10, z=[1.0] * 10)])
    assert seen[0][0].column_names == ["x", "kind"]
    assert "not compared, without values of their kind: y, z, w" in page


def test_without_a_reference_the_window_is_drawn_alone(seen: Any) -> None:
    page = html(table(10))
    assert seen[0][1] is None
    assert "its reference has no rows" in page
    assert "window: all its 10 rows" in page


def test_what_leaves_nothing_to_draw(seen: Any) -> None:
    with pytest.raises(Refused, match="the window has no rows"):
        html(table(0))
    with pytest.raises(Refused, match="no feature has values on both sides"):
        html(table(5).select(["x"]), [table(5).select(["kind"])])
    assert seen == []


def test_ids_of_chance_are_numbered_and_our_own_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(here, "_check_installed", lambda: None)
    mine = uuid4()
    monkeypatch.setattr(
        drawing, "_drawn", lambda *sides: f"{uuid4()} {(one := uuid4()).hex} {one} {mine} {one.hex}"
    )
    table_of = table(4, who=[str(mine), None] * 2)
    page, again = html(table_of), html(table_of)
    assert page == again
    first, second, third, kept, fourth = page.rpartition("</header>")[2].split()
    assert (second, fourth, kept) == (f"{1:032x}", f"{1:032x}", str(mine))
    assert (first, third) == (str(UUID(int=0)), str(UUID(int=2)))


@pytest.mark.usefixtures("heavy")
def test_evidently_draws_a_page_that_asks_nobody_for_anything() -> None:
    pytest.importorskip("evidently")
    more: dict[str, Any] = {f"<b>{SPY}": [SPY, "c"] * 30}
    hostile = table(60, **more)
    more = {f"<b>{SPY}": [SPY, "c"] * 40}
    usual = [table(80, 0.5, **more)]
    page = html(hostile, usual)
    assert "window.told" in page
    assert SPY not in page
    assert "<b>" not in page.partition("<header ")[2].partition("</header>")[0]
    assert 'src="http' not in page
    assert "<h1>demand: today</h1>" in page
    assert page == html(hostile, usual)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 2, 30])
def test_evidently_draws_small_windows(rows: int) -> None:
    pytest.importorskip("evidently")
    same: dict[str, Any] = {"one": [1.0] * rows, "label": [None] * rows}
    assert "<header " in html(table(rows, **same), [table(50, one=[1.0] * 50)])
    assert "<header " in html(table(rows))


@pytest.mark.usefixtures("heavy")
def test_whatever_evidently_trips_over_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    evidently = pytest.importorskip("evidently")

    def fails(*parts: Any) -> Any:
        raise ZeroDivisionError("no")

    monkeypatch.setattr(evidently, "Report", fails)
    with pytest.raises(Refused, match="Evidently failed: ZeroDivisionError: no"):
        html(table(10), [table(10)])
