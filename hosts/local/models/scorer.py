"""Score with a model version in its own process, isolated from this one."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
import pyarrow as pa

from engine.errors import Refused
from hosts import private
from hosts.local.models import worker
from hosts.local.models.processes import close_memory, memory_limit, plain_environment
from hosts.local.models.registry import read_model
from hosts.local.models.worker import FAILURE, LENGTH, LONGEST, SCORES

TIME_LIMIT = 30.0
LIVE_SCORERS = 4
#: Bytes of a score, and of the longest reason: 500 characters.
SCORE, REASON = 8, 2000
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class ModelFailed(Refused):
    """The model's code raised, crashed or did not answer: the availability guard counts these."""


class _EndedError(Exception):
    """The worker process has ended."""


class _TooLongError(Exception):
    """A frame announces more bytes than any answer has."""


class Scorer:
    """One model version, kept loaded in a worker process that starts with the first call.

    Parameters
    ----------
    folder: the version's folder, with its model.yaml.
    time_limit: seconds that one call may take, the start of the process included.
    """

    def __init__(self, folder: Path, time_limit: float = TIME_LIMIT) -> None:
        model = read_model(folder)
        self.label = f"{model.name} {model.version}"
        self.features = model.features
        self._folder = folder.resolve()
        self._entry = model.entry
        self._time_limit = time_limit
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def score(self, table: pa.Table) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return one score per row, NaN where the model gave none.

        A worker found dead is started again once. Raises ModelFailed with one line otherwise.
        """
        request = _encode(table)
        if len(request) > LONGEST:
            raise Refused(f"{self.label}: {len(request):,} bytes of rows at once, over {LONGEST:,}")
        with self._lock:
            try:
                answer = self._ask(request, len(table))
            except _EndedError:
                answer = self._ask_again(request, len(table))
        return self._scores(answer, len(table))

    @property
    def pid(self) -> int | None:
        """The worker's process id while there is one."""
        return self._process.pid if self._process else None

    def close(self) -> None:
        """Kill the worker process; a later call starts a new one."""
        with self._lock:
            self._kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _scores(self, answer: bytes, rows: int) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return the scores in a frame, which the model's code may have written itself."""
        kind, content = answer[:1], answer[1:]
        if kind == FAILURE:
            raise ModelFailed(f"{self.label}: {content.decode(errors='replace')}")
        if kind != SCORES or len(content) % SCORE:
            raise ModelFailed(f"{self.label}: an answer that is no frame, {len(answer)} bytes")
        if len(content) != rows * SCORE:
            raise ModelFailed(f"{self.label}: {len(content) // SCORE} scores for {rows} rows")
        return np.frombuffer(content, np.float64)

    def _kill(self, grace: float = 0.0) -> int:
        """Return how the process ended: its exit code, or minus the signal."""
        process, self._process = self._process, None
        if process is None:
            return 0
        with process:
            try:
                return process.wait(grace)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return process.wait()

    def _ask_again(self, request: bytes, rows: int) -> bytes:
        try:
            return self._ask(request, rows)
        except _EndedError as ended:
            raise ModelFailed(f"{self.label}: its worker {ended} twice in a row") from None

    def _ask(self, request: bytes, rows: int) -> bytes:
        deadline = time.monotonic() + self._time_limit
        if self._process is None:
            self._process = _start(self._folder, self._entry)
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            _send(process.stdin, request, deadline)
            return _receive(process.stdout, deadline, longest=1 + max(rows * SCORE, REASON))
        except _TooLongError as error:
            self._kill()
            told = f"an answer of {error} bytes for {rows} rows"
            raise ModelFailed(f"{self.label}: {told}") from None
        except TimeoutError:
            self._kill()
            raise ModelFailed(f"{self.label}: no answer within {self._time_limit:g} s") from None
        except (BrokenPipeError, EOFError):
            raise _EndedError(_ending(self._kill(grace=1.0))) from None
        except BaseException:
            # A partial answer may be left in the pipes: the next call must not read it.
            self._kill()
            raise


class Scorers:
    """The live scorers by folder, at most `limit`; the least recently used is closed."""

    def __init__(self, limit: int = LIVE_SCORERS, time_limit: float = TIME_LIMIT) -> None:
        self._limit = limit
        self._time_limit = time_limit
        self._live: OrderedDict[Path, Scorer] = OrderedDict()
        self._lock = threading.Lock()

    def scorer(self, folder: Path) -> Scorer:
        """Return the scorer of a version's folder; Refused where its model.yaml is invalid."""
        with self._lock:
            if folder not in self._live:
                self._live[folder] = Scorer(folder, self._time_limit)
            self._live.move_to_end(folder)
            while len(self._live) > self._limit:
                _, oldest = self._live.popitem(last=False)
                oldest.close()
            return self._live[folder]

    def close(self) -> None:
        """Kill every worker process."""
        with self._lock:
            while self._live:
                self._live.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _ending(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"exited with code {code}"


def _start(folder: Path, entry: str) -> subprocess.Popen[bytes]:
    close_memory()
    process = subprocess.Popen(
        # -P: modules beside worker.py must not shadow the user's of the same name.
        [sys.executable, "-P", worker.__file__, str(folder), entry, str(memory_limit())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        # Blocks are too small to benefit from threads, and several workers share the machine.
        env={**ONE_THREAD, **plain_environment()},
        start_new_session=True,
        umask=private.UMASK,
    )
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        os.set_blocking(pipe.fileno(), False)
    return process


def _await(pipe: IO[bytes], event: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(pipe, event)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise TimeoutError


def _send(pipe: IO[bytes], content: bytes, deadline: float) -> None:
    rest = memoryview(LENGTH.pack(len(content)) + content)
    while rest:
        _await(pipe, select.POLLOUT, deadline)
        rest = rest[os.write(pipe.fileno(), rest) :]


def _receive(pipe: IO[bytes], deadline: float, *, longest: int) -> bytes:
    (length,) = LENGTH.unpack(_take(pipe, LENGTH.size, deadline))
    if length > longest:
        raise _TooLongError(f"{length:,}")
    return _take(pipe, length, deadline)


def _take(pipe: IO[bytes], length: int, deadline: float) -> bytes:
    parts: list[bytes] = []
    while length:
        _await(pipe, select.POLLIN, deadline)
        part = os.read(pipe.fileno(), length)
        if not part:
            raise EOFError
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _encode(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content
