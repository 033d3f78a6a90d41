"""The kinds of receiver that one machine has."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from fleet.document.config import Config
from fleet.document.receivers import FileReceiver, TerminalReceiver
from hosts.receivers.file import PageFile, open_file
from hosts.receivers.openers import EVERYWHERE
from hosts.receivers.paging import Openers, Surroundings
from hosts.receivers.terminal import open_terminal

TERMINAL_FILE = "terminal.jsonl"

OPENERS = Openers(
    "on one machine",
    {**EVERYWHERE, TerminalReceiver: open_terminal, FileReceiver: open_file},
)


def _open_unseen(_name: str, _policy: TerminalReceiver, around: Surroundings) -> PageFile:
    return PageFile(around.folder / TERMINAL_FILE)


#: The same where nobody watches the terminal: what would be printed goes into a file.
QUIET = replace(OPENERS, by_policy={**OPENERS.by_policy, TerminalReceiver: _open_unseen})


def surroundings(config: Config, beside: Path) -> Surroundings:
    """Return what openers find on one machine: the folder of the store, and the environment."""
    folder = beside / config.document.store.partition(":")[2]
    return Surroundings(folder, os.environ, config.document.base_url)
