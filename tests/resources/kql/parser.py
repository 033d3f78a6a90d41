"""Microsoft's own KQL parser (npm, @kusto/language-service-next), asked over a pipe.

It is found below build/node, or below the folder that DRIFTWARDEN_NODE names.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = Path("@kusto/language-service-next/package.json")


@dataclass(frozen=True)
class Parsed:
    """What the parser says of one query."""

    diagnostics: list[str]
    #: The result's columns as "name:type".
    columns: list[str]
    #: The kinds of all elements of the tree, in order.
    shape: str
    #: The values of all string literals, in order.
    literals: list[str]


class Parser:
    """One running parser, knowing the columns of `tables` by name."""

    def __init__(
        self, process: subprocess.Popen[str], tables: Mapping[str, Mapping[str, str]]
    ) -> None:
        self._process = process
        self._tables = {name: _schema(columns) for name, columns in tables.items()}

    def parse(self, query: str) -> Parsed:
        """Parse and bind one query."""
        asked: dict[str, Any] = {"tables": self._tables, "query": query}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return Parsed(**json.loads(self._process.stdout.readline()))


def _schema(columns: Mapping[str, str]) -> str:
    # In brackets: some names are words of the language.
    return "(" + ", ".join(f"['{name}']: {kind}" for name, kind in columns.items()) + ")"


def modules() -> Path | None:
    """Return the folder of node modules that has the parser, where there is one."""
    homes = [ROOT / "build/node", Path(os.environ.get("DRIFTWARDEN_NODE") or ROOT / "build/node")]
    found = (home / "node_modules" for home in homes)
    return next((folder for folder in found if (folder / PACKAGE).exists()), None)


@contextmanager
def running(tables: Mapping[str, Mapping[str, str]]) -> Iterator[Parser]:
    """Start the parser; skip where it is not installed, and fail there if this is CI."""
    folder, node = modules(), shutil.which("node")
    if folder is None or node is None:
        line = "no KQL parser: npm install --prefix build/node @kusto/language-service-next"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(line)
    script = Path(__file__).with_name("parse.js")
    with subprocess.Popen(
        [node, str(script), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, encoding="utf-8",
    ) as process:  # fmt: skip
        try:
            yield Parser(process, tables)
        finally:
            if process.stdin is not None:
                process.stdin.close()
