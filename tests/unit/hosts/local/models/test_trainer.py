from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.clock import SetClock
from engine.errors import Refused
from hosts.local.models.jobs import PLACEHOLDERS, command
from hosts.local.models.registry import ModelFolders
from hosts.local.models.trainer import LocalTrainer
from retrain.ports import JobPhase, JobStatus, TrainingJob

pytestmark = pytest.mark.usefixtures("outside")

NOW = datetime(2013, 7, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)
ROOT = Path(__file__).parents[5]
GOOD = """\
import pathlib, sys
out, version = pathlib.Path(sys.argv[1]), sys.argv[2]
(out / "model.yaml").write_text(
    f"name: flights\\nversion: {version}\\nfeatures: [a]\\nentry: scoring:score\\n"
    "training_window: {from: 2013-01-01, to: 2013-03-29}\\n"
)
(out / "weights").write_text(" ".join(sys.argv[3:]))
"""
SLOW_ONCE = """\
import os, pathlib, sys, time
tries = pathlib.Path(sys.argv[1]).parent / "tries"
with tries.open("a") as f:
    f.write(f"{os.getpid()}\\n")
if len(tries.read_text().split()) == 1:
    (pathlib.Path(sys.argv[1]) / "half").write_text("half")
    time.sleep(120)
"""
DAEMON = """\
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from engine.clock import SetClock
from hosts.local.models.registry import ModelFolders
from hosts.local.models.trainer import LocalTrainer
from retrain.ports import TrainingJob
root, spec, synchronous = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "synchronous"
clock = SetClock(datetime(2013, 7, 1, tzinfo=UTC))
trainer = LocalTrainer(root / "jobs", ModelFolders(root / "models"), clock, synchronous=synchronous)
trainer.submit(TrainingJob("run-1", "flights", spec, (), (), {}, timedelta(minutes=5)))
sys.stdin.read()
"""


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    """Write a training program; the result is the command line for it."""

    def write(source: str) -> str:
        (tmp_path / "train.py").write_text(source)
        return f"python {tmp_path / 'train.py'} {{out}} {{version}}"

    return write


def job(spec: str, **changes: Any) -> TrainingJob:
    plain: dict[str, Any] = {
        "id": "run-1",
        "model": "flights",
        "spec": spec,
        "days": ("2013-06-02", "2013-06-01", "2013-06-04"),
        "holdout_days": (),
        "inputs": {},
        "time_limit": timedelta(minutes=5),
    }
    return TrainingJob(**plain | changes)


@pytest.fixture
def models(tmp_path: Path) -> ModelFolders:
    return ModelFolders(tmp_path / "models")


@pytest.fixture
def trainer(tmp_path: Path, models: ModelFolders) -> LocalTrainer:
    return LocalTrainer(tmp_path / "jobs", models, SetClock(NOW), synchronous=True)


@pytest.fixture
def daemon(tmp_path: Path, models: ModelFolders) -> Iterator[LocalTrainer]:
    trainer = LocalTrainer(tmp_path / "jobs", models, SetClock(NOW))
    yield trainer
    trainer.close()


def until(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return found


def ended(trainer: LocalTrainer) -> JobStatus:
    def look() -> JobStatus | None:
        status = trainer.poll("run-1", LATER)
        return None if status.phase is JobPhase.running else status

    status: JobStatus = until(look)
    return status


def first_try(tries: Path) -> int:
    """Wait for the command to begin; its process id."""
    until(lambda: tries.exists() and tries.read_text().endswith("\n"))
    return int(tries.read_text())


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_good_training_ends_in_the_registry(
    trainer: LocalTrainer, models: ModelFolders, script: Callable[[str], str]
) -> None:
    trainer.submit(job(script(GOOD), tags={"driftwarden.run": "run"}))
    assert models.versions("flights") == ()
    assert trainer.poll("run-1", LATER) == JobStatus(JobPhase.succeeded, "run-1")
    card = models.card("flights", "run-1")
    assert card.tags == {"driftwarden.run": "run"}
    assert card.training_to == "2013-03-29"
    assert trainer.poll("run-1", LATER) == JobStatus(JobPhase.succeeded, "run-1")


def test_placeholders_are_filled(
    trainer: LocalTrainer, models: ModelFolders, script: Callable[[str], str], tmp_path: Path
) -> None:
    spec = script(GOOD) + " {data} --from={from} {to} '{job} quoted'"
    trainer.submit(job(spec, inputs={"data": "var/rows of june"}))
    assert trainer.poll("run-1", LATER).phase is JobPhase.succeeded
    asked = tmp_path / "jobs" / "run-1" / "job.json"
    weights = (models.folder("flights", "run-1") / "weights").read_text()
    assert weights == f"var/rows of june --from=2013-06-01 2013-06-04 {asked} quoted"
    assert json.loads(asked.read_text())["days"] == ["2013-06-02", "2013-06-01", "2013-06-04"]


def test_every_placeholder_that_validation_knows_is_filled(tmp_path: Path) -> None:
    spec = " ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    words = command(job(spec, inputs={"data": "rows"}), tmp_path, tmp_path / "out")
    assert words == [
        "rows", "2013-06-01", str(tmp_path / "job.json"), str(tmp_path / "out"), "2013-06-04",
        "run-1",
    ]  # fmt: skip


def test_submitting_again_does_nothing(
    trainer: LocalTrainer, script: Callable[[str], str], tmp_path: Path
) -> None:
    spec = script(GOOD + "(out.parent / 'ran').open('a').write('x')\n")
    spec = spec.replace("python ", "python -W ignore ")
    for _ in range(3):
        trainer.submit(job(spec))
    trainer.poll("run-1", LATER)
    trainer.submit(job(spec))
    assert (tmp_path / "jobs" / "run-1" / "ran").read_text() == "x"


def test_a_replay_polls_as_running_until_the_declared_time_is_over(
    tmp_path: Path, models: ModelFolders, script: Callable[[str], str]
) -> None:
    clock = SetClock(NOW)
    trainer = LocalTrainer(
        tmp_path / "jobs",
        models,
        clock,
        synchronous=True,
        duration=lambda job: timedelta(minutes=45),
    )
    trainer.submit(job(script(GOOD)))
    clock.moment = LATER
    trainer.submit(job(script(GOOD)))
    just_before = NOW + timedelta(minutes=44, seconds=59)
    assert trainer.poll("run-1", just_before) == JobStatus(JobPhase.running)
    assert models.versions("flights") == ()
    done = trainer.poll("run-1", NOW + timedelta(minutes=45))
    assert done == JobStatus(JobPhase.succeeded, "run-1")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise SystemExit(1)", "exit code 1, and it printed nothing"),
        ("print('so far'); raise ValueError('no rows')", "exit code 1: ValueError: no rows"),
        ("import sys; print('chatter ' * 99999); sys.exit(3)", "exit code 3: .*chatter chatter"),
        ("pass", r"run-1/out-1/model\.yaml: not found, a model version needs one"),
        ("print('trained!')", r"run-1/out-1/model\.yaml: not found"),
        (GOOD.replace("features: [a]", "features: []"), r"run-1/out-1/model\.yaml: features: "),
        (GOOD.replace("{version}", "v9"), r"model\.yaml names flights v9, expected flights run-1"),
        (GOOD.replace("name: flights", "name: other"), r"model\.yaml names other run-1, expected"),
        (GOOD + "import shutil; shutil.rmtree(out)", r"run-1/out-1/model\.yaml: not found"),
    ],
)
def test_a_bad_training_failed_with_one_clear_reason(
    trainer: LocalTrainer,
    models: ModelFolders,
    script: Callable[[str], str],
    source: str,
    reason: str,
) -> None:
    trainer.submit(job(script(source)))
    status = trainer.poll("run-1", LATER)
    assert status.phase is JobPhase.failed
    assert re.match(reason, status.reason)
    assert status.version is None
    assert not status.infrastructure
    assert models.versions("flights") == ()
    assert "\n" not in status.reason
    assert len(status.reason) < 400


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("no-such-command {out}", "training command: no-such-command: No such file or directory"),
        ("python {dataset}", "training command: {dataset} is none of from, job, out, to, version"),
        ("python 'unclosed", "training command: No closing quotation"),
        ("  ", "training command: it is empty"),
    ],
)
def test_a_command_that_cannot_be_started_failed(
    trainer: LocalTrainer, spec: str, reason: str
) -> None:
    trainer.submit(job(spec))
    assert trainer.poll("run-1", LATER) == JobStatus(JobPhase.failed, reason=reason)


def test_a_command_that_hangs_is_killed_with_its_children(
    trainer: LocalTrainer, script: Callable[[str], str], tmp_path: Path
) -> None:
    child = tmp_path / "child"
    source = (
        "import subprocess, sys, time\n"
        "process = subprocess.Popen(['sleep', '300'])\n"
        f"open({str(child)!r}, 'w').write(str(process.pid))\n"
        "time.sleep(300)\n"
    )
    began = time.monotonic()
    trainer.submit(job(script(source), time_limit=timedelta(seconds=1)))
    assert time.monotonic() - began < 10
    status = trainer.poll("run-1", LATER)
    assert status == JobStatus(JobPhase.failed, reason="its time limit of 0:00:01 passed")
    until(lambda: not alive(int(child.read_text())))


def test_the_command_sees_no_secret_and_reads_no_terminal(
    trainer: LocalTrainer, script: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "hush")
    source = "import os, sys; sys.exit(f'{sys.stdin.read()!r} {sorted(os.environ)}')"
    trainer.submit(job(script(source)))
    reason = trainer.poll("run-1", LATER).reason
    assert "exit code 1: '' [" in reason
    assert "PATH" in reason
    assert "SECRET" not in reason


def test_a_job_that_was_never_submitted_is_unknown(trainer: LocalTrainer, tmp_path: Path) -> None:
    assert trainer.poll("run-1", NOW).phase is JobPhase.unknown
    trainer.cancel("run-1")
    assert not (tmp_path / "jobs").exists()


@pytest.mark.parametrize("job_id", ["../run", "", "a/b", "x" * 64])
def test_an_id_that_names_no_version_is_refused(trainer: LocalTrainer, job_id: str) -> None:
    with pytest.raises(Refused):
        trainer.submit(job("true", id=job_id))


def test_a_daemon_goes_on_while_the_command_runs(
    daemon: LocalTrainer, models: ModelFolders, script: Callable[[str], str]
) -> None:
    began = time.monotonic()
    daemon.submit(job(script("import time; time.sleep(1)\n" + GOOD)))
    assert daemon.poll("run-1", LATER) == JobStatus(JobPhase.running)
    assert time.monotonic() - began < 0.9
    assert ended(daemon) == JobStatus(JobPhase.succeeded, "run-1")
    assert models.versions("flights") == ("run-1",)


def test_cancel_kills_the_command(
    daemon: LocalTrainer, script: Callable[[str], str], tmp_path: Path
) -> None:
    daemon.submit(job(script(SLOW_ONCE)))
    tries = tmp_path / "jobs" / "run-1" / "tries"
    pid = first_try(tries)
    daemon.cancel("run-1")
    until(lambda: not alive(pid))
    assert daemon.poll("run-1", LATER) == JobStatus(JobPhase.cancelled)
    daemon.cancel("run-1")
    daemon.submit(job(script(SLOW_ONCE)))
    assert daemon.poll("run-1", LATER).phase is JobPhase.cancelled


def test_cancelling_what_ended_changes_nothing(
    trainer: LocalTrainer, script: Callable[[str], str]
) -> None:
    trainer.submit(job(script(GOOD)))
    trainer.poll("run-1", LATER)
    trainer.cancel("run-1")
    assert trainer.poll("run-1", LATER).phase is JobPhase.succeeded


def test_a_command_killed_from_outside_is_a_failure_of_the_machine(
    daemon: LocalTrainer, script: Callable[[str], str], tmp_path: Path
) -> None:
    daemon.submit(job(script(SLOW_ONCE)))
    tries = tmp_path / "jobs" / "run-1" / "tries"
    pid = first_try(tries)
    os.kill(pid, signal.SIGKILL)
    status = ended(daemon)
    assert status.phase is JobPhase.failed
    assert status.infrastructure
    assert status.reason == "killed by signal 9, not by this trainer"


@pytest.mark.parametrize("way", ["synchronous", "watched"])
@pytest.mark.parametrize("by", ["poll", "submit"])
def test_a_job_whose_daemon_was_killed_is_made_again_cleanly(
    daemon: LocalTrainer,
    models: ModelFolders,
    script: Callable[[str], str],
    tmp_path: Path,
    way: str,
    by: str,
) -> None:
    spec = script(SLOW_ONCE + GOOD)
    killed = subprocess.Popen(
        [sys.executable, "-c", DAEMON, str(tmp_path), spec, way], cwd=ROOT, stdin=subprocess.PIPE
    )
    tries = tmp_path / "jobs" / "run-1" / "tries"
    orphan = int(until(lambda: (tmp_path / "jobs/run-1/out-1/half").exists() and tries.read_text()))
    while_alive = daemon.poll("run-1", LATER)
    assert while_alive.phase is JobPhase.running
    assert len(tries.read_text().split()) == 1
    with killed:
        killed.kill()
    assert alive(orphan)
    if by == "submit":
        daemon.submit(job(spec))
    assert ended(daemon) == JobStatus(JobPhase.succeeded, "run-1")
    assert not alive(orphan)
    assert len(tries.read_text().split()) == 2
    assert not (models.folder("flights", "run-1") / "half").exists()


def test_a_job_that_takes_the_daemon_down_every_time_is_given_up(
    daemon: LocalTrainer, script: Callable[[str], str], tmp_path: Path
) -> None:
    daemon_source = DAEMON.replace("sys.stdin.read()", "import os; os._exit(9)")
    spec = script("import time; time.sleep(120)")
    for _ in range(3):
        command = [sys.executable, "-c", daemon_source, str(tmp_path), spec, "watched"]
        subprocess.run(command, cwd=ROOT, check=False)
    status = ended(daemon)
    assert status.phase is JobPhase.failed
    assert status.infrastructure
    assert status.reason == "started 3 times; the daemon stopped each time before the job ended"


def test_closing_leaves_the_job_to_the_next_one(
    models: ModelFolders, script: Callable[[str], str], tmp_path: Path
) -> None:
    first = LocalTrainer(tmp_path / "jobs", models, SetClock(NOW))
    first.submit(job(script(SLOW_ONCE + GOOD)))
    tries = tmp_path / "jobs" / "run-1" / "tries"
    pid = first_try(tries)
    first.close()
    assert not alive(pid)
    second = LocalTrainer(tmp_path / "jobs", models, SetClock(LATER))
    assert ended(second) == JobStatus(JobPhase.succeeded, "run-1")
    second.close()


def test_a_kill_between_registering_and_saying_so_is_harmless(
    trainer: LocalTrainer, models: ModelFolders, script: Callable[[str], str], tmp_path: Path
) -> None:
    trainer.submit(job(script(GOOD), tags={"run": "1"}))
    status = tmp_path / "jobs" / "run-1" / "status.json"
    trained = status.read_text()
    trainer.poll("run-1", LATER)
    status.write_text(trained)
    assert trainer.poll("run-1", LATER) == JobStatus(JobPhase.succeeded, "run-1")
    assert models.versions("flights") == ("run-1",)
