from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from hosts.local.models import worker
from hosts.local.models.worker import LENGTH

pytestmark = pytest.mark.usefixtures("outside")

MEMORY = str(1 << 30)
Start = Callable[[str], subprocess.Popen[bytes]]


def write(folder: Path, source: str) -> None:
    (folder / "scoring.py").write_text(source)


@pytest.fixture
def start(tmp_path: Path) -> Start:
    def run(source: str) -> subprocess.Popen[bytes]:
        write(tmp_path, source)
        return subprocess.Popen(
            [sys.executable, "-P", worker.__file__, str(tmp_path), "scoring:score", MEMORY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    return run


def frame(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content = sink.getvalue().to_pybytes()
    return LENGTH.pack(len(content)) + content


def frames(answer: bytes) -> list[bytes]:
    found = []
    while answer:
        (length,) = LENGTH.unpack(answer[:8])
        found.append(answer[8 : 8 + length])
        answer = answer[8 + length :]
    return found


def test_each_table_is_answered_by_one_frame_and_a_closed_pipe_ends_it(start: Start) -> None:
    source = "def score(rows, folder):\n    print('noise')\n    return rows['a'].to_pylist()\n"
    requests = frame(pa.table({"a": [0.5, 0.25]})) + frame(pa.table({"a": ["x"]}))
    with start(source) as process:
        answer, _ = process.communicate(requests + frame(pa.table({"a": [1]})), timeout=30)
    assert process.returncode == 0
    good, bad, again = frames(answer)
    assert good == b"+" + np.array([0.5, 0.25]).tobytes()
    assert bad == b"-ValueError: could not convert string to float: 'x'"
    assert again == b"+" + np.array([1.0]).tobytes()


def test_a_parent_that_dies_takes_a_hung_worker_with_it(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    write(
        tmp_path,
        "import os, pathlib, time\n"
        f"pathlib.Path({str(pid)!r}).write_text(str(os.getpid()))\n"
        "time.sleep(60)\n",
    )
    parent = (
        "import os, subprocess, sys, time\n"
        f"command = [sys.executable, {worker.__file__!r}, {str(tmp_path)!r}, 'scoring:score', "
        f"'{MEMORY}']\n"
        "worker = subprocess.Popen(command, stdin=subprocess.PIPE)\n"
        "worker.stdin.write(bytes.fromhex(sys.argv[1]))\n"
        "worker.stdin.flush()\n"
        "time.sleep(60)\n"
    )
    request = frame(pa.table({"a": [1.0]})).hex()
    with subprocess.Popen([sys.executable, "-c", parent, request]) as process:
        deadline = time.monotonic() + 20
        while not (pid.exists() and pid.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        pid_of_worker = int(pid.read_text())
        os.kill(pid_of_worker, 0)
        process.kill()
    while Path(f"/proc/{pid_of_worker}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_frame_that_no_table_has_ends_it_before_it_is_read(start: Start) -> None:
    with start("def score(rows, folder):\n    return [1.0]\n") as process:
        answer, _ = process.communicate(LENGTH.pack(2**62) + b"x" * 100, timeout=30)
    assert (answer, process.returncode) == (b"", 1)


def test_its_memory_is_limited_and_it_writes_no_core(start: Start) -> None:
    source = (
        "import resource\n"
        "def score(rows, folder):\n"
        "    which = (resource.RLIMIT_DATA, resource.RLIMIT_CORE)\n"
        "    limits = [resource.getrlimit(one) for one in which]\n"
        "    return [float(value) for pair in limits for value in pair]\n"
    )
    with start(source) as process:
        answer, _ = process.communicate(frame(pa.table({"a": [0.5]})), timeout=30)
    found = np.frombuffer(frames(answer)[0], np.float64, offset=1)
    assert found.tolist() == [2.0**30, 2.0**30, 0.0, 0.0]
