"""No damaged payload fails, changes a model, or loses what is whole beside it.

The quick tests take a sample of the numbers; `pytest -m slow -s` takes more than a million.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.simulation.payloads import DAMAGED, KINDS, tried

WORKERS = 2
SAMPLE = {"events": 1_500, "lines": 24, "documents": 60}
#: Numbers of a kind in a full run, and in one process of it.
FULL = {"events": 900_000, "lines": 5_000, "documents": 20_000}
STRETCH = {"events": 50_000, "lines": 500, "documents": 1_000}

kinds = pytest.mark.parametrize("kind", KINDS)


def swept(kind: str, first: int, last: int) -> dict[str, Any]:
    """Decode a stretch in a process of its own; one that ends early is a fault, too."""
    command = [sys.executable, "-m", "tests.simulation.payloads", kind, str(first), str(last)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        told = f"{kind} {first} to {last} ended with {done.returncode}: {done.stderr[-2_000:]}"
        return {"outcomes": {}, "faults": [told]}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@kinds
def test_a_sample_of_damaged_payloads_is_taken_or_refused(kind: str) -> None:
    found = tried(kind, 0, SAMPLE[kind])
    assert found["faults"] == []
    assert sum(found["outcomes"].values()) == SAMPLE[kind]
    assert found["outcomes"]["refused"] > SAMPLE[kind] // 2


@pytest.mark.slow
@kinds
def test_damaged_payloads_are_taken_or_refused(kind: str) -> None:
    began = time.monotonic()
    starts = range(0, FULL[kind], STRETCH[kind])
    with ThreadPoolExecutor(WORKERS) as pool:
        parts = list(pool.map(lambda start: swept(kind, start, start + STRETCH[kind]), starts))
    faults = [fault for part in parts for fault in part["faults"]]
    done = sum(sum(part["outcomes"].values()) for part in parts)
    print(f"\n{kind}: {done * DAMAGED[kind]} payloads, {time.monotonic() - began:.0f} s")
    assert faults == []
    assert done == FULL[kind]


def test_a_full_run_has_a_million_payloads() -> None:
    assert sum(FULL[kind] * DAMAGED[kind] for kind in KINDS) >= 1_000_000
