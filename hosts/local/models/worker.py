"""The worker process of one model version: `python -P worker.py FOLDER MODULE:FUNCTION BYTES`.

BYTES is the memory that it may take: what is beyond fails in the model's code, not the machine.
It imports nothing of this project, so that it starts fast and finds the version's modules first. It
reads Arrow tables and answers with scores over pipes. A frame is its length (8 bytes,
little-endian) and its content: an Arrow IPC stream one way; the other way `+` and the scores as
float64, or `-` and one line that says what the model's code raised.
"""

from __future__ import annotations

import importlib
import os
import resource
import struct
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa

LENGTH = struct.Struct("<Q")
#: The longest frame of a table: a million rows of a hundred features take 800 MB.
LONGEST = 1 << 30
SCORES = b"+"
FAILURE = b"-"

Entry = Callable[[pa.Table, Path], Sequence[float]]


def _load(name: str) -> Entry:
    module, _, function = name.partition(":")
    entry: Entry = getattr(importlib.import_module(module), function)
    return entry


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]


def _answer(entry: Entry, folder: Path, request: bytes) -> bytes:
    table = pa.ipc.open_stream(request).read_all()
    scores = np.asarray(entry(table, folder), np.float64)
    if scores.ndim != 1:
        raise ValueError(f"the entry returned {scores.ndim} dimensions of scores, expected 1")
    return SCORES + scores.tobytes()


def _follow_parent() -> None:
    """End with the parent, even while the model's code does not return."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _own_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Redirect the output of the model's code to standard error, off the pipes."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return requests, answers


def serve(folder: Path, name: str) -> None:
    """Answer requests until the pipe closes; the entry is loaded with the first."""
    sys.path[:0] = [str(folder), os.getcwd()]
    requests, answers = _own_pipes()
    _follow_parent()
    entry: Entry | None = None
    while header := requests.read(LENGTH.size):
        (length,) = LENGTH.unpack(header)
        if length > LONGEST:
            sys.exit(f"a frame of {length} bytes, over {LONGEST}")
        request = requests.read(length)
        try:
            entry = entry or _load(name)
            answer = _answer(entry, folder, request)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, it is the answer
            answer = FAILURE + _one_line(error).encode()
        answers.write(LENGTH.pack(len(answer)) + answer)
        answers.flush()


def limit(memory: int) -> None:
    """Limit the memory of this process, and let it write no core file of its rows."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    limit(int(sys.argv[3]))
    serve(Path(sys.argv[1]), sys.argv[2])
