"""Streams of a command: replaced ones are left alone, and numbers of options are read."""

from __future__ import annotations

import argparse
import io
import sys
from contextlib import redirect_stderr, redirect_stdout

import pytest

import cli
from commands.options import bounded
from commands.output import guarded, legible, tell
from monitoring.intake.limits import GIB, MIB


def test_a_stream_that_was_replaced_is_left_alone() -> None:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        with guarded():
            assert (sys.stdout, sys.stderr) == (out, err)
            print("told")
        assert (sys.stdout, sys.stderr) == (out, err)
    assert out.getvalue() == "told\n"


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), ("20000", 20_000), ("64M", 64 * MIB), ("2G", 2 * GIB), ("3K", 3 << 10)],
)
def test_a_bound_is_a_number_with_a_unit(text: str, number: int) -> None:
    assert bounded(text, 4 * GIB) == number


@pytest.mark.parametrize("text", ["", "0", "-1", "5G", "4097M", "1.5G", "1T", "M", "9" * 30, "1 G"])
def test_another_bound_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no number from 1 to 4,294,967,296"):
        bounded(text, 4 * GIB)


@pytest.mark.parametrize(
    "words",
    [
        ("check", "--reference", "", "--current", "a"),
        ("check", "--reference", "a", "--current", ""),
        ("check", "--reference", "a", "--current", "b", "--max-line", "2G"),
        ("init", "--from", ""),
        ("backtest", "--data", ""),
    ],
)
def test_an_empty_path_and_an_unreadable_bound_are_refused(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(words))
    assert ended.value.code == 2
    assert "an empty path" in (err := capsys.readouterr().err) or "is no number" in err


@pytest.mark.parametrize("mark", ["\x1b", "\x07", "\x9b", "\r", "\u202e", "\u2028", "\x7f"])
def test_a_line_on_standard_error_steers_no_terminal(
    mark: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(f"a.csv:1: {mark}[2J\nb.csv:2: y")
    escaped = mark.encode("unicode_escape").decode()
    assert capsys.readouterr().err == f"a.csv:1: {escaped}[2J\nb.csv:2: y\n"


def test_every_text_of_a_document_is_legible() -> None:
    found = {"a\n": ["\x1b", ("x", 1, None, 2.5, True)], "b": {"c": "d\r\n e\x7f"}}
    assert legible(found) == {"a": ["\\x1b", ["x", 1, None, 2.5, True]], "b": {"c": "d e\\x7f"}}
