"""YAML as nodes, in bounded time and memory: a file has a size, a depth and a number of values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

MOST_CHARACTERS = 1024 * 1024
MOST_VALUES = 50_000
DEEPEST = 32

#: Bytes that are no UTF-8 are read as these, so that their line can be told.
UNREADABLE = re.compile("[\ud800-\udfff]")


class NotYaml(Exception):
    """Content that is not YAML, or too much of it; `line` counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


def composed(content: str) -> Iterator[yaml.Node | None]:
    """Yield the root node of every document; None for an empty one.

    Raises
    ------
    NotYaml
        The content is no YAML, not UTF-8, too large or nested too deeply.
    """
    _check(content)
    try:
        loader = _Bounded(content.removeprefix("\ufeff"))
        while loader.check_node():
            yield loader.get_node()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise NotYaml(line, f"not YAML: {error.problem or 'cannot be read'}") from error
    except yaml.reader.ReaderError as error:
        line = content.count("\n", 0, error.position) + 1
        told = f"the character #x{error.character:04x} is not allowed"
        raise NotYaml(line, f"not YAML: {told}") from error
    except yaml.YAMLError as error:
        raise NotYaml(1, f"not YAML: {' '.join(str(error).split())}") from error


def _check(content: str) -> None:
    if len(content) > MOST_CHARACTERS:
        told = f"{len(content) / MOST_CHARACTERS:.1f} MB; {MOST_CHARACTERS >> 20} MB at most"
        raise NotYaml(1, told)
    if (found := UNREADABLE.search(content)) is not None:
        line = content.count("\n", 0, found.start()) + 1
        raise NotYaml(line, "not UTF-8 text; save the file as UTF-8")


class _Bounded(yaml.SafeLoader):
    """A loader that stops at nodes that are nested too deeply, before it reads what follows."""

    def __init__(self, content: str) -> None:
        super().__init__(content)
        self._depth = 0
        self._values = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose one node; see `yaml.composer.Composer`."""
        self._depth += 1
        self._values += 1
        if self._depth > DEEPEST:
            self._stop(f"nested more than {DEEPEST} levels deep")
        if self._values > MOST_VALUES:
            self._stop(f"more than {MOST_VALUES:,} keys and values")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _stop(self, reason: str) -> None:
        here: Any = self.peek_event()  # type: ignore[no-untyped-call]
        raise yaml.composer.ComposerError(None, None, reason, here.start_mark)
