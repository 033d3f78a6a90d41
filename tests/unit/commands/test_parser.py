"""Every command and every option explains itself in its help."""

from __future__ import annotations

import argparse

import pytest

from commands.parser import COMMANDS

METAVARS = {
    *("PATH", "FILE", "DAY", "TIME", "DURATION", "PORT", "N", "TEXT", "NAME"),
    *("MODEL", "ALERT", "ID", "KIND", "ROLLOUT", "FAULT", "FEATURE", "COLUMN", "A,B"),
    *("INDICATOR=TABLE", "RECEIVER", "COLUMN=LEVEL"),
}


def subparsers() -> dict[str, argparse.ArgumentParser]:
    commands = argparse.ArgumentParser(prog="driftwarden").add_subparsers()
    for add in COMMANDS:
        add(commands)
    return dict(commands.choices)


PARSERS = subparsers()


@pytest.mark.parametrize("name", PARSERS)
def test_a_command_describes_itself_in_a_sentence(name: str) -> None:
    told = PARSERS[name].description or ""
    assert told[:1].isupper()
    assert told.endswith(".")


@pytest.mark.parametrize("name", PARSERS)
def test_every_argument_has_a_help_and_a_name_in_capitals(name: str) -> None:
    for action in PARSERS[name]._actions:
        assert action.help, action.dest
        if action.nargs != 0:
            assert action.metavar in METAVARS, action.dest


def test_the_help_shows_defaults() -> None:
    assert "(default: 7071)" in PARSERS["serve"].format_help()
    assert "(default: 1 page/month)" in " ".join(PARSERS["backtest"].format_help().split())


def test_the_help_names_the_forms_of_a_time() -> None:
    told = " ".join(PARSERS["freeze"].format_help().split())
    assert "2026-01-31T18:00Z, a date (until its end, UTC), or 4h from now" in told


def test_resume_names_teams_and_the_fleet() -> None:
    told = " ".join(PARSERS["resume"].format_help().split())
    assert "`oncall:TEAM`" in told
    assert "`fleet`" in told


@pytest.mark.parametrize(
    ("words", "target", "every", "text", "kind"),
    [
        (["demand", "new prices"], "demand", False, "new prices", "note"),
        (["--all", "new prices"], None, True, "new prices", "note"),
        (["demand", "x", "--kind", "schema"], "demand", False, "x", "schema"),
        (["--kind", "incident", "--all", "x"], None, True, "x", "incident"),
        (["--at", "2024-03-05", "demand", "x", "--until", "4h"], "demand", False, "x", "note"),
    ],
)
def test_a_note_is_of_one_model_or_of_all(
    words: list[str], target: str | None, every: bool, text: str, kind: str
) -> None:
    found = PARSERS["note"].parse_args(words)
    assert (found.target, found.every, found.reason, found.kind) == (target, every, text, kind)
