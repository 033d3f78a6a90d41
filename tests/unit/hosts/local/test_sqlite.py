"""Other processes may open and close the file at any time and take nothing from this one."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.store import Insert
from hosts import private
from hosts.local.functions.queues import Queues
from hosts.local.position import position
from hosts.local.readonly import ReadOnlyStore
from hosts.local.sqlite import SqliteStore

NOW = datetime(2024, 3, 4, tzinfo=UTC)
#: What any command of an operator does to the store, in a process of its own.
ANOTHER = """
import sqlite3, sys
file = sqlite3.connect(sys.argv[1])
file.execute("select count(*) from rows").fetchall()
file.close()
"""


def the_queues(path: Path) -> None:
    Queues(path).put("due", "{}", NOW)


def queues_that_close(path: Path) -> None:
    Queues(path).close()


def a_second_store(path: Path) -> None:
    SqliteStore(path)


def a_second_store_that_closes(path: Path) -> None:
    store = SqliteStore(path)
    position(store)
    store.close()


def another_thread(path: Path) -> None:
    thread = threading.Thread(target=a_second_store, args=(path,))
    thread.start()
    thread.join()


def a_look(path: Path) -> None:
    store = ReadOnlyStore(path)
    assert store.faults() == []
    store.close()


def a_file_that_is_there(path: Path) -> None:
    private.make_file(path)


def rights(path: Path) -> None:
    private.close_to_others(path.parent)


BESIDE = (
    the_queues,
    queues_that_close,
    a_second_store,
    a_second_store_that_closes,
    another_thread,
    a_look,
    a_file_that_is_there,
    rights,
)


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize("beside", BESIDE, ids=lambda one: one.__name__)
def test_another_process_leaves_the_log_of_an_open_store(
    tmp_path: Path, beside: Callable[[Path], None]
) -> None:
    path = tmp_path / "driftwarden.sqlite"
    store = SqliteStore(path)
    store.commit("demand", [Insert("a", {"x": 1})])
    beside(path)
    subprocess.run([sys.executable, "-c", ANOTHER, str(path)], check=True)
    assert path.with_name(f"{path.name}-wal").exists()
    store.commit("demand", [Insert("b", {"x": 2})])
    store.close()
    with closing(sqlite3.connect(path)) as file:
        assert [key for (key,) in file.execute("select key from rows")] == ["a", "b"]
