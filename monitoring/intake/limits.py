"""Bounds on what is read of one file of rows, each with the name under which it is lifted."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import Refused

if TYPE_CHECKING:
    import pyarrow as pa

MIB, GIB = 1 << 20, 1 << 30
#: A packed file may always unpack to this many times its size.
FOLD = 100
#: Bytes at the end of a block in which its last one that is not blank is looked for.
TAIL = 4096


@dataclass(frozen=True)
class Limits:
    """The most bytes of a line, columns of a file, and bytes that a packed file unpacks to.

    `unpacked` binds only beyond `FOLD` times the packed size: a file of equal rows packs well, too.
    """

    line: int = 16 * MIB
    columns: int = 10_000
    unpacked: int = GIB


LIMITS = Limits()


def refuse_columns(name: str, columns: Iterable[str], limits: Limits) -> None:
    """Raise `Refused` where a file has too many columns."""
    found = len(set(columns))
    if found > limits.columns:
        most = f"{limits.columns:,} (limit max-columns)"
        raise Refused(f"{name}: {found:,} columns, and the most is {most}")


def refuse_expansion(name: str, packed: int, unpacked: int, limits: Limits) -> None:
    """Raise `Refused` where the content of a packed file is far larger than the file."""
    if unpacked > max(limits.unpacked, FOLD * packed):
        most = f"{spelled(limits.unpacked)} (limit max-bytes)"
        raise Refused(
            f"{name}: unpacks to more than {FOLD} times its size, and to more than {most}"
        )


def long_line(name: str, number: int, limits: Limits) -> Refused:
    """Return the error for a line that is too long."""
    most = f"{spelled(limits.line)} (limit max-line)"
    return Refused(f"{name}: line {number:,} is longer than {most}")


def spelled(size: int) -> str:
    """Write a number of bytes.

    >>> spelled(16 * MIB), spelled(1500)
    ('16 MiB', '1,500 bytes')
    """
    for unit, bytes_ in (("GiB", GIB), ("MiB", MIB)):
        if size >= bytes_ and size % bytes_ == 0:
            return f"{size // bytes_:,} {unit}"
    return f"{size:,} bytes"


class Bounded(io.RawIOBase):
    """A stream of text that raises `Refused` where a line or the whole is too long.

    packed: the file's size where it is packed, else 0; ends: the bytes that end a line. `last` is
    the last byte that was read and is not blank.
    """

    def __init__(
        self, stream: pa.NativeFile, name: str, packed: int, limits: Limits, ends: bytes
    ) -> None:
        self._stream = stream
        self._name = name
        self._packed = packed
        self._limits = limits
        self._ends = ends
        self.last = b""
        self._read = 0
        self._lines = 0
        self._line = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        chunk: bytes = self._stream.read(size)
        self._read += len(chunk)
        if self._packed:
            refuse_expansion(self._name, self._packed, self._read, self._limits)
        self._measure(chunk)
        self.last = chunk[-TAIL:].rstrip()[-1:] or self.last
        return chunk

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()

    def _measure(self, chunk: bytes) -> None:
        last = max(chunk.rfind(end) for end in self._ends)
        if last < 0:
            self._line += len(chunk)
            self._judge(self._line, 0)
            return
        first = min(place for end in self._ends if (place := chunk.find(end)) >= 0)
        self._judge(self._line + first, 0)
        if last - first > self._limits.line:
            for number, line in enumerate(chunk[first:last].splitlines()):
                self._judge(len(line), number)
        self._line = len(chunk) - last - 1
        self._lines += chunk.count(b"\n")
        self._judge(self._line, 0)

    def _judge(self, length: int, after: int) -> None:
        if length > self._limits.line:
            raise long_line(self._name, self._lines + after + 1, self._limits)
