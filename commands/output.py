"""Standard output and standard error of a command, so that a failure of either is no exit code."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, TypeVar, cast

from engine.texts import visible

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STDOUT, STDERR = 1, 2
Told = TypeVar("Told")


class Lost(Exception):
    """Standard output cannot be written, e.g. on a full disk."""


def tell(text: object) -> None:
    """Print lines on standard error; they may quote names from files and events."""
    print("\n".join(map(visible, str(text).split("\n"))), file=sys.stderr)


def legible(found: Told) -> Told:
    """Return a document for people: each text is one line, and none steers the terminal."""
    return cast(Told, _legible(found))


def _legible(found: object) -> object:
    match found:
        case str():
            return visible(" ".join(found.split()))
        case dict():
            return {_legible(name): _legible(value) for name, value in found.items()}
        case list() | tuple():
            return [_legible(value) for value in found]
    return found


@contextmanager
def guarded() -> Iterator[None]:
    """Write through to the process's streams until the end, and say where that fails.

    A reader that closes the pipe has read enough: the rest is discarded, and the command goes on to
    its exit code. Other failures of standard output raise `Lost`, those of standard error are
    ignored. Characters that the locale cannot encode are escaped. Streams that a caller of `main`
    has replaced are left alone.
    """
    before = sys.stdout, sys.stderr
    if sys.stderr is None:
        # print() writes to standard output when its file is None.
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - open until the process ends
    sys.stdout = _through(sys.stdout, STDOUT)
    sys.stderr = _through(sys.stderr, STDERR)
    try:
        yield
    finally:
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def _through(stream: TextIO, descriptor: int) -> TextIO:
    if type(stream) is not io.TextIOWrapper or stream.fileno() != descriptor:
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Raw(descriptor, "w", closefd=False)),
        stream.encoding,
        "backslashreplace",
        line_buffering=stream.line_buffering,
    )


class _Raw(io.FileIO):
    """A descriptor that leads to nowhere once a write has failed."""

    def write(self, content: ReadableBuffer, /) -> int:
        try:
            return super().write(content) or 0
        except OSError as error:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            if self.fileno() == STDOUT and error.errno != errno.EPIPE:
                raise Lost(f"standard output cannot be written: {error.strerror}") from error
            return len(memoryview(content).cast("B"))
