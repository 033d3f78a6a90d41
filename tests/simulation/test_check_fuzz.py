"""No damaged file makes `driftwarden check` fail: an answer or one line, and 1 only for drift."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.simulation import mutations

WORKERS = 2
SAMPLE = 160
FULL = 20_000
PROCESSES = 200
BATCH = 500
CALL = "import sys; from cli import main; sys.exit(main(['check', *sys.argv[1:]]))"


def swept(first: int, last: int) -> list[dict[str, object]]:
    """Check files in processes of their own; the file at which one ends is a fault, too."""
    found: list[dict[str, object]] = []
    while first < last:
        command = [sys.executable, "-m", "tests.simulation.mutations", str(first), str(last)]
        done = subprocess.run(command, capture_output=True, text=True)
        found += [json.loads(line) for line in done.stdout.splitlines()]
        first = int(str(found[-1]["number"])) + 1 if done.stdout else first
        if first < last:
            ended = f"the process ended with {done.returncode}: {done.stderr[-2_000:]}"
            name, damage, _ = mutations.damaged(first)
            found.append(
                {"number": first, "name": name, "damage": damage, "code": None, "fault": ended}
            )
            first += 1
    return found


def swept_all(number: int) -> list[dict[str, object]]:
    starts = range(0, number, BATCH)
    with ThreadPoolExecutor(WORKERS) as pool:
        parts = pool.map(lambda start: swept(start, min(start + BATCH, number)), starts)
        return [one for part in parts for one in part]


def hold(found: list[dict[str, object]], number: int) -> None:
    faults = [one for one in found if one["fault"]]
    print(Counter(str(one["code"]) for one in found), f"{len(faults)} faults")
    assert [one["number"] for one in found] == list(range(number))
    assert faults == []


def test_a_sample_of_damaged_files_is_answered() -> None:
    found = swept_all(SAMPLE)
    hold(found, SAMPLE)
    assert {one["code"] for one in found} >= {0, 2}


@pytest.mark.slow
def test_damaged_files_are_answered() -> None:
    hold(swept_all(FULL), FULL)


@pytest.mark.slow
def test_damaged_files_are_answered_by_whole_processes(tmp_path: Path) -> None:
    mutations.intact(tmp_path)

    def answered(number: int) -> tuple[int, str]:
        name, _, body = mutations.damaged(number)
        path = tmp_path / f"{number}-{name}"
        path.write_bytes(body)
        pair = (mutations.intact(tmp_path), path)
        paths = ["--reference", str(pair[number % 2]), "--current", str(pair[1 - number % 2])]
        command = [sys.executable, "-c", CALL, *paths, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        return number, mutations.fault(done.returncode, done.stdout, done.stderr)

    with ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(answered, range(FULL, FULL + PROCESSES)))
    assert [(number, told) for number, told in found if told] == []
