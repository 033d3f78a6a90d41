"""`driftwarden check` run in this process, and its JSON read."""

from __future__ import annotations

import io
import json
from argparse import ArgumentParser
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from commands.check.check import run
from commands.check.options import add_arguments


def check(reference: Path, current: Path, *options: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr of the command, run in this process to save its start."""
    parser = ArgumentParser()
    add_arguments(parser)
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        arguments = ["--reference", str(reference), "--current", str(current), *options]
        code = run(parser.parse_args(arguments))
    return code, out.getvalue(), err.getvalue()


def report(reference: Path, current: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Exit code and the report, which must be strict JSON."""
    code, out, err = check(reference, current, "--json", *options)

    def refuse(name: Any) -> None:
        raise AssertionError(f"{name} is no JSON")

    assert out, err
    return code, json.loads(out, parse_constant=refuse)


def named(document: dict[str, Any], name: str, segment: str | None = None) -> dict[str, Any]:
    return next(
        one for one in document["features"] if (one["name"], one["segment"]) == (name, segment)
    )
