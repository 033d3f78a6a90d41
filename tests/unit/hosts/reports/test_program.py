"""The program of a job draws what is drawn in this process, and needs little to do so."""

from __future__ import annotations

import ast
import io
import runpy
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from hosts.reports import drawing
from hosts.reports.here import ReportsHere
from hosts.reports.prepared import Prepared, prepare
from hosts.reports.program import packed, program

#: What a job may import besides the standard library; its environment has nothing else for it.
ITS_OWN = {"engine", "evidently", "pyarrow"}


def table(n: int = 40, shift: float = 0.0, **more: list[Any]) -> pa.Table:
    chance = np.random.default_rng(n)
    return pa.table({"x": chance.normal(shift, 1, n), "kind": ["a", "b"] * (n // 2), **more})


EMPTY = table().slice(0, 0)
#: Windows and references as a report may meet them.
SIDES: dict[str, tuple[pa.Table, pa.Table]] = {
    "both": (table(), table(60, 0.5)),
    "no reference": (table(), EMPTY),
    "missing values": (table(y=[None, 1.0] * 20), table(y=[1.0, None] * 20)),
    "texts of any script": (table(k=["日本", "<b>"] * 20), table(k=["é", "\u202e"] * 20)),
    "a name of any script": (
        table().rename_columns(["<é\n>", "k"]),
        table(60).rename_columns(["<é\n>", "k"]),
    ),
    "a column of one side": (table(z=[1.0] * 40), table()),
    "many batches": (pa.concat_tables([table(), table(20)]), pa.concat_tables([table(20)] * 5)),
}


class Dataset:
    @staticmethod
    def from_pandas(frame: Any, definition: Any) -> str:
        return f"{definition} {frame.to_json()}"


class Report:
    def __init__(self, presets: Sequence[str]) -> None:
        self.presets = presets

    def run(self, *sides: str) -> Report:
        self.sides = sides
        return self

    def get_html_str(self, as_iframe: bool) -> str:
        return f"<html><body>{self.presets} {self.sides}</body></html>"


@pytest.fixture
def evidently(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show the rows that Evidently is given, in place of Evidently."""
    pytest.importorskip("pandas")
    found, presets = ModuleType("evidently"), ModuleType("evidently.presets")
    found.Dataset, found.Report = Dataset, Report  # type: ignore[attr-defined]
    found.DataDefinition = lambda **named: str(named)  # type: ignore[attr-defined]
    for name in ("DataDriftPreset", "DataSummaryPreset"):
        setattr(presets, name, lambda name=name: name)
    monkeypatch.setitem(sys.modules, "evidently", found)
    monkeypatch.setitem(sys.modules, "evidently.presets", presets)


def put(folder: Path, report: Prepared) -> list[str]:
    """Write the files of a job; return its command line behind `python`."""
    window, reference = packed(report)
    files = {"program": program(), "window": window, "reference": reference}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [*(str(folder / name) for name in files), str(folder / "page.html")]


@pytest.mark.usefixtures("evidently", "heavy")
@pytest.mark.parametrize("sides", SIDES.values(), ids=SIDES)
def test_a_job_draws_the_same_page(
    sides: tuple[pa.Table, pa.Table], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, usual = sides
    title, notes = 'demand: 2024-03-04 ("drift-1" <é>)', ["a note & more", "日本"]
    here = ReportsHere().html(title, notes, [now], [usual])
    line = put(tmp_path, prepare(title, notes, [now], [usual]))
    monkeypatch.setattr(sys, "argv", line)
    runpy.run_path(line[0], run_name="__main__")
    assert (tmp_path / "page.html").read_bytes() == here
    assert b"note &amp; more" in here


@pytest.mark.usefixtures("heavy")
def test_a_job_that_cannot_draw_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pandas")
    evidently = pytest.importorskip("evidently")

    def fails(*parts: Any) -> Any:
        raise ZeroDivisionError("no")

    monkeypatch.setattr(evidently, "Report", fails)
    line = put(tmp_path, prepare("demand", [], [table()], [table()]))
    monkeypatch.setattr(sys, "argv", line)
    with pytest.raises(SystemExit, match="Evidently failed: ZeroDivisionError: no"):
        runpy.run_path(line[0], run_name="__main__")
    assert not (tmp_path / "page.html").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("outside")
def test_a_process_of_its_own_draws_the_same_page(tmp_path: Path) -> None:
    pytest.importorskip("evidently")
    now, usual = SIDES["both"]
    here = ReportsHere().html("demand", [], [now], [usual])
    line = put(tmp_path, prepare("demand", [], [now], [usual]))
    subprocess.run([sys.executable, "-I", *line], check=True, cwd=tmp_path)
    assert (tmp_path / "page.html").read_bytes() == here


def test_the_program_is_one_module_and_the_errors() -> None:
    archive = zipfile.ZipFile(io.BytesIO(program()))
    assert archive.namelist() == ["__main__.py", "engine/__init__.py", "engine/errors.py"]
    found = set()
    for name in archive.namelist():
        for node in ast.walk(ast.parse(archive.read(name))):
            if isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
            elif isinstance(node, ast.Import):
                found |= {one.name.partition(".")[0] for one in node.names}
    assert found - sys.stdlib_module_names == ITS_OWN


def test_the_same_report_makes_the_same_files() -> None:
    """Their names are hashes: a second submission of one report writes nothing new."""
    report = prepare("demand", ["note"], [table()], [table()])
    assert (packed(report), program()) == (packed(report), program())
    other = prepare("demand", ["another note"], [table()], [table()])
    assert packed(other)[0] != packed(report)[0]


def test_the_page_says_that_it_decides_nothing() -> None:
    assert "decide no alert" in drawing.CAUTION
