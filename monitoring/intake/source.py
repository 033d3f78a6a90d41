"""A text file that can be opened several times, in any Unicode encoding, within bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from engine.errors import Refused
from monitoring.intake.limits import LIMITS, Bounded, Limits

MARKS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
#: Exceptions on reading a damaged file.
BROKEN = (pa.ArrowException, OSError, EOFError, ValueError, MemoryError, OverflowError)


@dataclass(frozen=True)
class Source:
    """A file that can be opened several times; `name` is its name in messages.

    packed: its size where it is packed, else 0.
    """

    name: str
    open: Callable[[], pa.NativeFile]
    packed: int = 0
    limits: Limits = LIMITS

    def text(self, ends: bytes = b"\n") -> pa.NativeFile:
        """Open as UTF-8; UTF-16 and UTF-32 are detected by their byte order mark.

        Reading raises `Refused` beyond the limits; a line ends at one of the bytes `ends`.
        """
        return pa.PythonFile(self.bounded(ends), mode="r")

    def bounded(self, ends: bytes) -> Bounded:
        """Open likewise, as a stream of Python."""
        return Bounded(self._decoded(), self.name, self.packed, self.limits, ends)

    def _decoded(self) -> pa.NativeFile:
        with self.open() as stream:
            start = stream.read(512)
        for mark, encoding in MARKS.items():
            if start.startswith(mark):
                return pa.transcoding_input_stream(self.open(), encoding, "utf-8")
        if start.startswith(b"PK\x03\x04"):
            raise Refused(f"{self.name}: a zip or Excel file; save the sheet as CSV")
        if b"\0" in start:
            raise Refused(f"{self.name}: not text; UTF-16 needs a byte order mark")
        return self.open()


def first_line(error: BaseException) -> str:
    """Shorten a library's error to one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
