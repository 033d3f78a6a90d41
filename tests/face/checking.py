"""`driftwarden check` run in this process, and its JSON read."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from cli import main


def check(reference: Path, current: Path, *options: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr of the command, run in this process to save its start."""
    out, err = io.StringIO(), io.StringIO()
    words = ["check", "--reference", str(reference), "--current", str(current), *options]
    with redirect_stdout(out), redirect_stderr(err):
        code = main(words)
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
