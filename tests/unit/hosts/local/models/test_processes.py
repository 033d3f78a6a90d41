from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hosts.local.models import processes
from hosts.local.models.jobs import create
from hosts.local.models.processes import kill_group, mark_of, memory_limit, plain_environment, runs
from retrain.ports import TrainingJob

pytestmark = pytest.mark.usefixtures("outside")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        yield process
        process.kill()


def test_a_running_process_has_a_mark(sleeper: subprocess.Popen[bytes]) -> None:
    assert mark_of(sleeper.pid).startswith(f"{sleeper.pid}:")
    assert runs(mark_of(sleeper.pid))
    assert runs(mark_of(os.getpid()))


def test_another_process_under_the_same_number_is_not_the_marked_one(
    sleeper: subprocess.Popen[bytes],
) -> None:
    assert not runs(f"{sleeper.pid}:1")
    kill_group(f"{sleeper.pid}:1")
    assert sleeper.poll() is None


def test_a_process_that_ended_has_no_mark_even_as_a_zombie(
    sleeper: subprocess.Popen[bytes],
) -> None:
    mark = mark_of(sleeper.pid)
    kill_group(mark)
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert mark_of(sleeper.pid) == ""
    assert not runs(mark)
    assert sleeper.wait() == -9
    assert mark_of(sleeper.pid) == ""
    kill_group(mark)


def test_no_mark_is_no_process() -> None:
    assert not runs("")
    kill_group("")


def test_a_name_with_blanks_and_parentheses_does_not_confuse() -> None:
    script = (
        "import ctypes, sys\n"
        "ctypes.CDLL(None).prctl(15, b') S 1 (', 0, 0, 0)\n"
        "print('renamed', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        first = mark_of(process.pid)
        assert first == mark_of(process.pid)
        assert int(first.partition(":")[2]) > 1
        process.kill()


def test_the_environment_for_user_code_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_CLIENT_SECRET", "DRIFTWARDEN_KEY", "MY_PATH", "AzureWebJobsStorage"):
        monkeypatch.setenv(name, "hush")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    plain = plain_environment()
    assert "hush" not in plain.values()
    assert plain["LC_ALL"] == "C.UTF-8"
    assert plain["OMP_NUM_THREADS"] == "2"
    assert plain["PATH"] == os.environ["PATH"]


STARTERS = {
    "a scorer": "from hosts.local.models import scorer; scorer._start(Path(sys.argv[1]), 'a:b')",
    "a training": "from hosts.local.models import attempts; attempts.launch(Path(sys.argv[1]), 1)",
}


@pytest.mark.parametrize("start", STARTERS.values(), ids=STARTERS)
def test_the_memory_of_who_starts_user_code_is_closed_to_it(tmp_path: Path, start: str) -> None:
    job = TrainingJob("v2", "m", "true", (), (), {}, timedelta(minutes=1))
    create(tmp_path, job, datetime(2026, 1, 1, tzinfo=UTC))
    script = f"import ctypes, sys; from pathlib import Path; {start}\n"
    script += "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    told = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    # PR_GET_DUMPABLE: 0 makes root the owner of the files in /proc/PID.
    assert told.stdout == "0\n"


@pytest.mark.parametrize(
    ("said", "half"), [("1073741824\n", 1 << 29), ("max\n", None), ("", None), (None, None)]
)
def test_a_process_may_take_half_of_the_memory_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None, half: int | None
) -> None:
    if said is not None:
        (tmp_path / "memory.max").write_text(said)
    monkeypatch.setattr(processes, "CONTAINER", tmp_path / "memory.max")
    known = Path("/proc/meminfo").read_text().split()
    machine = int(known[known.index("MemTotal:") + 1]) * 1024 // 2
    assert memory_limit() == pytest.approx(machine if half is None else half, rel=0.01)
