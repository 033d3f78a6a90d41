"""How a CSV file is written, told by its first lines."""

from __future__ import annotations

import pyarrow as pa
import pytest

from engine.errors import Refused
from monitoring.intake.dialect import sniffed
from monitoring.intake.source import Source


def of(text: str) -> Source:
    return Source("it.csv", lambda: pa.BufferReader(text.encode()))


@pytest.mark.parametrize(
    ("text", "separator", "names"),
    [
        ("a,b\n1,2\n", ",", ("a", "b")),
        ("a;b\n1,5;2\n", ";", ("a", "b")),
        ("a\tb\n1,5\t2;3\n", "\t", ("a", "b")),
        ("a|b|c\n1|2|3,4\n", "|", ("a", "b", "c")),
        ('"a;x",b\n"1;2",2\n', ",", ("a;x", "b")),
        ("a\n1;2\n3\n", ",", ("a",)),
        ("a,b;c\n1;2\n", ";", ("a,b", "c")),
        (",x\n0,1\n", ",", ("Unnamed: 0", "x")),
    ],
)
def test_the_separator_gives_every_row_the_same_columns(
    text: str, separator: str, names: tuple[str, ...]
) -> None:
    found = sniffed(of(text))
    assert (found.separator, found.names) == (separator, names)


@pytest.mark.parametrize(
    ("text", "commas"),
    [
        ("a;b;c\n1,5;x;2\n2;y;3\n", {"a", "c"}),
        ("a;b\n1,5;2.5\n", {"a"}),
        ("a;b\n1.5;2.5\n", set()),
        ('a,b\n"1,234",x\n"12,500",y\n', set()),
        ('a,b\n"1,234",x\n"12,5",y\n', {"a"}),
        ("a;b\nx,5;y\n1,5;z\nw;w\n", set()),
        ("a;b\n;1,5\n;2,5\n", {"b"}),
    ],
)
def test_decimal_commas_are_told_from_thousands(text: str, commas: set[str]) -> None:
    assert sniffed(of(text)).commas == commas


@pytest.mark.parametrize(
    ("text", "empty"),
    [
        ("a,b,,\n1,2,,\n", {"Unnamed: 2", "Unnamed: 3"}),
        ("a,b\n1,2,\n3,4,\n", {"Unnamed: 2"}),
        ("a,,b\n1,,2\n", set()),
        ("a,b,\n1,2,3\n", set()),
    ],
)
def test_columns_at_the_end_without_name_and_value_are_empty(text: str, empty: set[str]) -> None:
    assert sniffed(of(text)).empty == empty


def test_lines_of_the_header_are_counted() -> None:
    assert sniffed(of("a,b\n1,2\n")).header == 1
    assert sniffed(of("\n\na,b\n1,2\n")).header == 3
    assert (sniffed(of("a,b")).filled, sniffed(of("a,b\n1,2")).filled) == (False, True)


@pytest.mark.parametrize("text", ["a,a\n1,2\n", "a,Unnamed: 0,\n", "x;x\n1;2\n"])
def test_names_that_repeat_are_refused(text: str) -> None:
    if text.startswith("a,U"):
        assert sniffed(of(text)).names == ("a", "Unnamed: 0", "Unnamed: 2")
        return
    with pytest.raises(Refused, match=r"it\.csv: two columns are called '[ax]'"):
        sniffed(of(text))


@pytest.mark.parametrize("line", ["sep=;\r\n", '"sep=;"\n', "SEP=;\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_excel_s_own_line_tells_the_separator(line: str, mark: str) -> None:
    found = sniffed(of(f"{mark}{line}a,b;c\n1,5;2\n"))
    assert (found.separator, found.names, found.header) == (";", ("a,b", "c"), 2)


def test_a_header_may_be_longer_than_the_sample() -> None:
    names = tuple(f"a column of a long name {number}" for number in range(10_000))
    found = sniffed(of(f"{';'.join(names)}\n{';'.join(['1,5'] * 10_000)}\n"))
    assert (found.separator, found.names, found.filled) == (";", names, True)


@pytest.mark.parametrize(
    ("text", "commas", "grouped"),
    [
        ("a;b\n1.234,50;x\n2.000,00;y\n", {"a"}, set()),
        ("a;b\n-1.234.567,5;1,5\n12,25;2\n", {"a", "b"}, set()),
        ('a,b\n"1,234.50",x\n99.00,y\n', set(), {"a"}),
        ('a,b\n"1,234,567",x\n"1,234",y\n7,z\n', set(), {"a"}),
        ('a,b\n"1,234",x\n"12,345",y\n', set(), set()),
        ("a;b\n1.234;x\n2.345;y\n", set(), set()),
        ('a,b\n"x,1",1\n"1,234.5",2\n"y,2",3\n', set(), set()),
    ],
)
def test_thousands_are_told_where_they_can_be_nothing_else(
    text: str, commas: set[str], grouped: set[str]
) -> None:
    found = sniffed(of(text))
    assert (found.commas, found.grouped) == (commas, grouped)
