"""JSON objects line by line: bad lines with their number, several objects to a line."""

from __future__ import annotations

from monitoring.intake.objects import MARK, read_objects


def test_bad_lines_are_told_with_their_number() -> None:
    good, bad = read_objects(b'{"a":1}\n\nnope\n[1]\n{"b":2}\n')
    assert good == [(1, {"a": 1}), (5, {"b": 2})]
    assert [reason.split(":")[0] for reason in bad] == ["line 3", "line 4"]


def test_a_number_of_absurd_length_is_a_bad_line() -> None:
    _, bad = read_objects(b'{"a":' + b"9" * 5_000 + b"}\n" + b"[" * 100_000 + b"\n")
    assert len(bad) == 2


def test_objects_without_a_line_end_between_them_are_all_of_that_line() -> None:
    good, bad = read_objects(MARK + b'{"a":1}{"b":2} {"c":3}\n' + MARK + b'{"d":4}', before=7)
    assert good == [(8, {"a": 1}), (8, {"b": 2}), (8, {"c": 3}), (9, {"d": 4})]
    assert bad == []
