"""What reaches a terminal of the log."""

from __future__ import annotations

import logging

import pytest

from hosts.local.stderr_log import logged

HOSTILE = {
    "escape": ("\x1b[2J\x1b[1;1Hall is well", "\\x1b[2J\\x1b[1;1Hall is well"),
    "title": ("\x1b]0;root\x07", "\\x1b]0;root\\x07"),
    "one-byte introducer": ("\x9b31m", "\\x9b31m"),
    "line": ("a\nERROR b", "a\\nERROR b"),
    "return": ("a\rb", "a\\rb"),
    "unicode line": ("a\u2028b", "a\\u2028b"),
    "right to left": ("\u202egnp.exe", "\\u202egnp.exe"),
    "letters": ("Übung – 😀 100 %", "Übung – 😀 100 %"),
}


@pytest.mark.parametrize(("text", "shown"), HOSTILE.values(), ids=HOSTILE)
def test_a_record_is_a_line_and_steers_nothing(
    text: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with logged():
        logging.getLogger("driftwarden.host").warning("refused a delivery: %s", text)
    assert capsys.readouterr().err == f"refused a delivery: {shown}\n"


def test_a_traceback_keeps_its_lines_and_the_handler_goes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = logging.getLogger("driftwarden")
    with logged():
        try:
            raise ValueError("x")
        except ValueError:
            log.critical("stopped", exc_info=True)
        log.info("not told")
    lines = capsys.readouterr().err.splitlines()
    assert (lines[0], lines[-1]) == ("stopped", "ValueError: x")
    assert log.handlers == []
