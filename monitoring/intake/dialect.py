"""The dialect of a CSV file: its separator, its names, and the columns with decimal commas."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import Refused
from monitoring.intake.limits import refuse_columns
from monitoring.intake.source import Source

SEPARATORS = (",", ";", "\t", "|")
#: Bytes that are inspected; more where the header alone is longer.
SAMPLE = 64 * 1024
#: The bytes that end a line of a CSV file.
ENDS = b"\n\r"
END = re.compile(rb"[\n\r]")
MARK = b"\xef\xbb\xbf"
#: Excel's first line that names the separator.
TOLD = re.compile(r"\"?sep=([,;\t|])\"?\r?\n?", re.IGNORECASE)
COMMA = re.compile(r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+),[0-9]+(?:[eE][+-]?[0-9]+)?")
#: `1,234.5` and `1,234,567` can only have commas between thousands.
GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:(?:,[0-9]{3})+\.[0-9]+|(?:,[0-9]{3}){2,})")
THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+")
WHOLE = re.compile(r"[+-]?[0-9]+")
POINT = re.compile(r"[+-]?[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Dialect:
    """The dialect of one file.

    A column without a name is named as in pandas, `Unnamed: 0`. `empty` are columns at the end
    without a name and without values in the sample. `commas` are columns whose decimal mark is a
    comma, `grouped` those with commas between thousands. `header` is the number of lines up to the
    header's end, blank ones included; `filled` is whether any row follows.
    """

    separator: str
    names: tuple[str, ...]
    empty: frozenset[str] = frozenset()
    commas: frozenset[str] = frozenset()
    grouped: frozenset[str] = frozenset()
    header: int = 1
    filled: bool = True


def sniffed(source: Source) -> Dialect:
    """Detect a file's dialect from its first lines. Repeated names are `Refused`."""
    content, more = _start(source)
    try:
        text = content.removeprefix(MARK).decode("utf-8", "surrogateescape")
        told = TOLD.match(text)
        text = text[told.end() :] if told else text
        separator, found = _separated(text, more, (told[1],) if told else SEPARATORS)
        rows = [row for row in found if row]
        header = [name.encode("utf-8", "surrogateescape").decode() for name in rows[0]]
    except UnicodeDecodeError as error:
        raise Refused(f"{source.name}: the header is not text in UTF-8") from error
    except IndexError as error:
        raise Refused(f"{source.name}: no header line") from error
    width = max(map(len, rows))
    if width > len(header) and not any(any(row[len(header) :]) for row in rows):
        header += [""] * (width - len(header))
    names = [name or f"Unnamed: {index}" for index, name in enumerate(header)]
    refuse_columns(source.name, names, source.limits)
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise Refused(f"{source.name}: two columns are called {repeated[0]!r}")
    return Dialect(
        separator,
        tuple(names),
        _empty(header, names, rows),
        _commas(names, rows),
        _grouped(names, rows),
        found.index(rows[0]) + 1 + bool(told),
        more or len(rows) > 1,
    )


def _start(source: Source) -> tuple[bytes, bool]:
    """Read the first lines; the flag is whether more follows."""
    with source.text(ENDS) as stream:
        content = stream.read(SAMPLE)
        while len(content) <= source.limits.line and not END.search(content.rstrip(ENDS)):
            piece = stream.read(len(content))
            if not piece:
                break
            content += piece
        return content, bool(stream.read(1))


def _separated(text: str, more: bool, separators: Sequence[str]) -> tuple[str, list[list[str]]]:
    """Choose the separator with the most columns and the same number of them in every row."""
    best: tuple[tuple[bool, int], str, list[list[str]]] | None = None
    for separator in separators:
        try:
            found = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
        except csv.Error:  # the whole of a long header would be one cell
            continue
        found = found[:-1] if more else found
        rows = [row for row in found if row]
        if not rows:
            continue
        width = len(rows[0])
        alike = width > 1 and all(len(row) == width or _padded(row, width) for row in rows)
        rank = (alike, width if alike or separator == "," else 0)
        if best is None or rank > best[0]:
            best = rank, separator, found
    if best is None:
        raise IndexError
    return best[1], best[2]


def _padded(row: Sequence[str], width: int) -> bool:
    return len(row) > width and not any(row[width:])


def _empty(header: Sequence[str], names: Sequence[str], rows: list[list[str]]) -> frozenset[str]:
    """Columns at the end that have neither a name nor a value."""
    found = []
    for index in range(len(header) - 1, 0, -1):
        if header[index] or any(row[index] for row in rows[1:] if len(row) > index):
            break
        found.append(names[index])
    return frozenset(found)


def _commas(names: Sequence[str], rows: list[list[str]]) -> frozenset[str]:
    """Columns of numbers with a decimal comma.

    `1,234` may be more than a thousand, so a column of nothing else has no decimal comma. In a file
    with decimal commas and without decimal points, whole numbers count, too: later rows may have
    commas.
    """
    sure, whole, points = set(), set(), False
    for index, name in enumerate(names):
        cells = _filled(rows, index)
        with_comma = [cell for cell in cells if COMMA.fullmatch(cell)]
        without = sum(WHOLE.fullmatch(cell) is not None for cell in cells)
        points |= any(POINT.fullmatch(cell) for cell in cells)
        if with_comma and 2 * (len(with_comma) + without) > len(cells):
            if not all(THOUSANDS.fullmatch(cell) for cell in with_comma):
                sure.add(name)
        elif cells and without == len(cells):
            whole.add(name)
    return frozenset(sure | whole) if sure and not points else frozenset(sure)


def _grouped(names: Sequence[str], rows: list[list[str]]) -> frozenset[str]:
    """Columns of numbers with commas between thousands."""
    found = set()
    for index, name in enumerate(names):
        cells = _filled(rows, index)
        numbers = sum(
            any(form.fullmatch(cell) for form in (GROUPED, THOUSANDS, WHOLE, POINT))
            for cell in cells
        )
        if 2 * numbers > len(cells) and any(GROUPED.fullmatch(cell) for cell in cells):
            found.add(name)
    return frozenset(found)


def _filled(rows: list[list[str]], index: int) -> list[str]:
    """The cells of a column, without empty ones."""
    cells = (row[index].strip() for row in rows[1:] if len(row) > index)
    return [cell for cell in cells if cell]
