"""Exit codes of the command as a process: streams that fail, signals, and files left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

CALL = [sys.executable, "-c", "import sys; from cli import main; sys.exit(main())"]
FULL = "/dev/full"


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("sides")
    for name, shift in (("reference", 0), ("current", 300)):
        rows = "".join(f"{(number * 37) % 500 + shift}.5,{number % 3}x\n" for number in range(500))
        (folder / f"{name}.csv").write_text(f"amount,plan\n{rows}")
    return folder / "reference.csv", folder / "current.csv"


def check(sides: Sequence[Path], *options: str) -> list[str]:
    reference, current = map(str, sides)
    return [*CALL, "check", "--reference", reference, "--current", current, *options]


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_full_disk_is_no_verdict(sides: tuple[Path, Path], options: tuple[str, ...]) -> None:
    with open(FULL, "w") as out:
        done = subprocess.run(check(sides, *options), stdout=out, stderr=subprocess.PIPE)
    told = b"driftwarden check: standard output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (2, told)


@pytest.mark.parametrize(
    "words", [("--help",), ("check", "--help"), ("validate", "--document-only", "FLEET")]
)
def test_a_full_disk_is_told_by_every_command(words: tuple[str, ...]) -> None:
    example = Path(__file__).parents[2] / "fleet.example.yaml"
    asked = [str(example) if word == "FLEET" else word for word in words]
    with open(FULL, "w") as out:
        done = subprocess.run([*CALL, *asked], stdout=out, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(b": No space left on device")
    assert b"Traceback" not in done.stderr


def test_a_closed_output_is_told(sides: tuple[Path, Path]) -> None:
    done = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *check(sides)], stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert done.stderr.startswith(b"driftwarden: standard output is closed")


@pytest.mark.parametrize("errors", ["2>&-", "2>/dev/full"])
def test_errors_that_cannot_be_told_change_nothing(sides: tuple[Path, Path], errors: str) -> None:
    shell = ["sh", "-c", f'"$@" {errors}', "sh"]
    done = subprocess.run([*shell, *check(sides, "--json")], stdout=subprocess.PIPE)
    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (1, "drifted")
    missing = check((sides[0], sides[1].with_name("nowhere")), "--json")
    done = subprocess.run([*shell, *missing], stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (2, b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_leaves_no_copy_of_the_rows(
    sides: tuple[Path, Path], tmp_path: Path, number: signal.Signals
) -> None:
    program = (
        "import sys, time; import commands.check.check as check; from cli import main\n"
        # Another thread may take the signal: a wait without an end would not notice it.
        "def wait(*_):\n"
        "    print('copied', file=sys.stderr, flush=True)\n"
        "    while True: time.sleep(0.05)\n"
        "check.compare = wait\n"
        "sys.exit(main())"
    )
    command = [sys.executable, "-c", program, *check(sides)[3:]]
    settings = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=settings) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"copied\n"
        (scratch,) = tmp_path.iterdir()
        assert (scratch.stat().st_mode & 0o777, len(list(scratch.iterdir()))) == (0o700, 2)
        process.send_signal(number)
        assert process.wait(60) == (130 if number is signal.SIGINT else 128 + number)
    assert list(tmp_path.iterdir()) == []
