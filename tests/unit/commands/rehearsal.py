"""A replay of the tiny fleet in this process, and what it leaves."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

import function_app
from commands.app import App
from commands.replay.rehearse import Options, Told, replay
from engine import journal
from hosts import keys
from hosts.local.host import STORE_FILE
from hosts.local.sqlite import SqliteStore

KEY = "the key of all replays of the tiny fleet"
LAST = date(2024, 3, 3)
Lines = dict[str, list[tuple[int, str, str]]]


@dataclass(frozen=True)
class Replayed:
    """A replay of three days. Its folder is shared by all tests: to be copied, never opened."""

    folder: Path
    told: Told
    shown: str
    journals: Lines


def rehearse(folder: Path, last: date = LAST, first: date | None = None) -> tuple[Told, str]:
    """Replay in this process; what was told, and what the terminal showed.

    The training command runs where the process stands, so that is the fleet's folder. All replays
    have one key, so that equal journals have equal links.
    """
    shown = io.StringIO()
    chosen = Options(folder / "fleet.yaml", first=first, last=last)
    console = Console(file=shown, width=200)
    try:
        with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch:
            patch.setenv(keys.SETTING, KEY)
            told = replay(App(function_app.app, function_app.use), chosen, console)
        return told, shown.getvalue()
    finally:
        function_app._given.clear()


def journals(folder: Path) -> Lines:
    """Every journal of a store: what it says, and the hashes that chain it."""
    store = SqliteStore(folder / "var" / STORE_FILE)
    found = {
        name: [(r.seq, r.hash, json.dumps(r.lines)) for r in journal.read(store, name)]
        for name in store.partitions()
    }
    for name in store.partitions():
        journal.verify(store, name, keys.parse(KEY, "test"))
    store.close()
    return found
