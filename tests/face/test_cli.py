"""The `driftwarden` command as people and scripts run it: a process, its output, its exit code."""

from __future__ import annotations

import getpass
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.store import Replace
from hosts.local.sqlite import SqliteStore

CASES = Path(__file__).parent.parent / "resources" / "cases"

COMMAND = Path(sys.executable).with_name("driftwarden")


class Done:
    """What one run left."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def refused(self) -> str:
        """The one line of a refusal: no traceback, nothing on stdout."""
        assert (self.code, self.out) == (2, ""), (self.code, self.out, self.err)
        (line,) = self.err.splitlines()
        return line


FORKS = """
import json, os, sys, traceback
import cli, function_app, hosts.local.opening, commands.operate, commands.showing
import commands.init
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if not child:
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["settings"])
        for number, name in ((0, os.devnull), (1, asked["out"]), (2, asked["err"])):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC), number)
        try:
            code = cli.main(asked["words"])
        except SystemExit as end:
            code = end.code
        except BaseException:
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


class Shell:
    """Runs each command in a process of its own, forked from one that has imported everything."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._process = subprocess.Popen(
            [sys.executable, "-c", FORKS],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, folder: Path, *words: str | Path, **settings: str) -> Done:
        out, err = self._scratch / "out", self._scratch / "err"
        asked = {
            "folder": str(folder),
            "words": [str(word) for word in words],
            "settings": {**SETTINGS, **settings},
            "out": str(out),
            "err": str(err),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return Done(code, out.read_text(), err.read_text())

    def close(self) -> None:
        self._process.communicate(timeout=20)


SETTINGS = {
    **{name: value for name, value in os.environ.items() if name != "DRIFTWARDEN_FLEET"},
    "COLUMNS": "200",
    "NO_COLOR": "1",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    shell = Shell(tmp_path_factory.mktemp("shell"))
    yield shell
    shell.close()


def installed(folder: Path, *words: str) -> Done:
    """Run the command as it was installed."""
    done = subprocess.run(
        [COMMAND, *words], cwd=folder, env=SETTINGS, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def fleet(run: Shell, prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet that has begun: its reference is made."""
    folder = tmp_path_factory.mktemp("cli") / "fleet"
    shutil.copytree(prepared, folder)
    words = ("freeze", "demand", "--until", "1h", "--by", "k.johnson", "--reason", "begin")
    done = run(folder, *words)
    assert (done.code, done.err) == (0, "")
    return folder


def lines(run: Shell, folder: Path, model: str = "demand") -> list[dict[str, Any]]:
    found = run(folder, "journal", model, "--json").json
    return [line for record in found for line in record["lines"]]


def test_validate_says_nothing_is_wrong(run: Shell, fleet: Path) -> None:
    done = run(fleet, "validate", "fleet.yaml")
    assert (done.code, done.out, done.err) == (0, "fleet.yaml: valid, 1 model\n", "")


def test_validate_names_all_problems_one_a_line(run: Shell, tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text(
        "version: 2\nstor: x\nmodels:\n  a:\n    team: t\n    logs: {endpoint: a}\n"
        "    reference: {data: a.parquet}\n    serving: {champion: v1}\n    drift: {floor: x}\n"
    )
    done = run(tmp_path, "validate", "fleet.yaml")
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines() == [
        "fleet.yaml:1: version: input should be 1",
        "fleet.yaml:2: stor: unknown field, did you mean 'store'?",
        "fleet.yaml:9: models.a.drift.floor: input should be a valid number, unable to parse "
        "string as a number",
    ]


def test_validate_of_no_file(run: Shell, tmp_path: Path) -> None:
    line = run(tmp_path, "validate", "none.yaml").refused()
    assert line == "none.yaml: cannot be read: No such file or directory"


def test_the_installed_command(fleet: Path) -> None:
    done = installed(fleet, "validate", "fleet.yaml")
    assert (done.code, done.out, done.err) == (0, "fleet.yaml: valid, 1 model\n", "")
    assert installed(fleet, "journal", "nobody").refused() == (
        "driftwarden journal: no model 'nobody'; known are demand"
    )


def test_status(run: Shell, fleet: Path) -> None:
    (model,) = run(fleet, "status", "--json").json
    assert set(model) == {
        "name", "champion", "since", "weights", "dormant", "latest_window", "verdict", "firing",
        "run", "rollout", "halted",
    }  # fmt: skip
    assert (model["name"], model["champion"], model["weights"]) == (
        "demand",
        "first",
        {"first": 100},
    )
    shown = run(fleet, "status")
    assert (shown.code, shown.err) == (0, "")
    assert "demand" in shown.out
    assert "first" in shown.out


def test_the_fleet_file_is_an_option_a_setting_or_here(
    run: Shell, fleet: Path, tmp_path: Path
) -> None:
    assert run(tmp_path, "status", "--fleet", fleet / "fleet.yaml").code == 0
    assert run(tmp_path, "status", DRIFTWARDEN_FLEET=str(fleet / "fleet.yaml")).code == 0
    assert "fleet.yaml" in run(tmp_path, "status").refused()


def test_alerts(run: Shell, fleet: Path) -> None:
    done = run(fleet, "alerts", "--json")
    assert (done.code, done.json) == (0, [])
    assert run(fleet, "alerts").out == "no alert has fired\n"


def test_journal_and_since(run: Shell, fleet: Path) -> None:
    records = run(fleet, "journal", "demand", "--json").json
    assert set(records[0]) == {"seq", "at", "lines", "hash"}
    assert records[0]["lines"][0]["what"] == "policy"
    assert run(fleet, "journal", "demand", "--json", "--since", "2199-01-01T00:00Z").json == []
    shown = run(fleet, "journal", "demand")
    assert (shown.code, shown.err) == (0, "")
    assert "reference" in shown.out


def test_verify_counts_every_journal(run: Shell, fleet: Path) -> None:
    found = run(fleet, "verify", "--json").json
    assert found["verified"] is True
    assert found["records"]["demand"] == len(run(fleet, "journal", "demand", "--json").json)
    assert run(fleet, "verify").out.startswith("every journal verified; records: demand ")


def test_who_asked_and_why_are_journalled(run: Shell, fleet: Path) -> None:
    done = run(fleet, "freeze", "demand", "--until", "2h", "--by", "e.noether", "--reason",
               "a launch", "--json")  # fmt: skip
    assert set(done.json) == {"id", "outcome", "text", "seq"}
    assert done.json["outcome"] == "done"
    assert done.json["text"].startswith("freeze demand: done")
    told = run(fleet, "journal", "demand", "--json").json
    (record,) = (record for record in told if record["seq"] == done.json["seq"])
    assert done.json["id"] in [line.get("id") for line in record["lines"]]
    run(fleet, "unfreeze", "--all", "--reason", "the launch is over")
    told = [line for line in lines(run, fleet) if line["what"] == "command"]
    frozen, lifted = told[-2:]
    assert (frozen["verb"], frozen["by"], frozen["reason"]) == ("freeze", "e.noether", "a launch")
    assert (lifted["verb"], lifted["by"]) == ("unfreeze", getpass.getuser())
    assert (lifted["target"], lifted["reason"]) == ("--all", "the launch is over")


@pytest.mark.parametrize(
    "words",
    [
        ("silence", "demand", "--feature", "x", "--for", "20m"),
        ("silence", "demand", "--for", "30m"),
        ("freeze", "--all", "--until", "2199-12-31"),
        ("unfreeze", "demand"),
        ("retrain", "demand"),
        ("reference", "demand", "--from", "2024-02-01", "--to", "2024-02-20", "--reason", "r"),
    ],
)
def test_a_command_that_applies_is_done(run: Shell, fleet: Path, words: Sequence[str]) -> None:
    done = run(fleet, *words, "--by", "g.hopper")
    assert (done.code, done.err) == (0, "")
    assert ": done" in done.out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("rollback", "demand"), "rollback demand: refused: demand never had a rollout"),
        (("approve", "demand-rollout-9"), "demand-rollout-9: refused: demand never had a rollout"),
        (("unfreeze", "demand"), "refused: no freeze is in force"),
        (("ack", "demand:drift-77"), "refused: demand:drift-77: no such alert (team shop)"),
        (("unsilence", "c0ffee"), "refused: c0ffee: no such silence for team shop"),
        (
            ("reference", "demand", "--from", "2001-01-01", "--to", "2001-01-09", "--reason", "r"),
            "reference demand: refused: no day from 2001-01-01 to 2001-01-09 has counts",
        ),
    ],
)
def test_a_command_that_does_not_apply_is_refused(
    run: Shell, fleet: Path, words: Sequence[str], reason: str
) -> None:
    run(fleet, "unfreeze", "--all")
    done = run(fleet, *words, "--by", "g.hopper")
    assert done.code == 2
    assert reason in done.out
    sent = run(fleet, *words, "--by", "g.hopper", "--no-wait")
    assert sent.code == 0
    assert re.fullmatch(r"[0-9a-f]{12}\n", sent.out)


def test_a_backtest_tells_draws_and_patches(run: Shell, tiny: Path) -> None:
    """Of a fleet that has served nothing yet: the older half of its reference is the yardstick."""
    table = "data/reference.parquet"
    words = ("backtest", "--data", table, "--html", "page.html")
    before = (tiny / "fleet.yaml").read_text()
    told = run(tiny, *words, "--json")
    assert (told.code, told.err) == (0, "")
    assert (told.json["model"], told.json["windows"]) == ("demand", 15)
    assert [one["rule"] for one in told.json["rules"]][-1] == "ks p < 0.05"
    assert "<svg" in (tiny / "page.html").read_text()
    again = run(
        tiny.parent, "backtest", f"{tiny.name}/fleet.yaml", "--data", tiny / table, "--json"
    )
    assert again.json == told.json
    shown = run(tiny, *words, "demand", "--budget", "1 page/day", "--months", "3")
    assert shown.code == 0
    assert "alerts with the current thresholds: " in shown.out
    assert "psi > 0.25" in shown.out
    assert (tiny / "fleet.yaml").read_text() == before
    written = run(tiny, *words, "--budget", "1 page/day", "--write", "--json")
    assert run(tiny, "validate", "fleet.yaml").code == 0
    assert bool(written.json["patch"]) == ((tiny / "fleet.yaml").read_text() != before)


def test_a_backtest_sees_lowest_values_that_turn_to_a_sentinel(run: Shell, tmp_path: Path) -> None:
    case = tmp_path / "case"
    shutil.copytree(CASES / "lowest-value-turns-sentinel", case)
    told = run(case, "backtest", "fleet.yaml", "--data", "past.parquet", "--json").json
    drifted = {one["name"]: one["drifted"] for one in told["features"]}
    assert {"flag", "discount"} <= {name for name, days in drifted.items() if days > 10}
    assert told["alerts"]["now"]["pages"] > 0


#: Rules so strict that calm days fire, so that there is something to propose.
LOUD = "{floor: 0, fdr: 0.99, threshold: 0.001, persistence: {flagged: 1, of: 1}}"


def test_a_backtest_without_a_patch_still_tells(run: Shell, tiny: Path) -> None:
    text = (tiny / "fleet.yaml").read_text()
    shared = text.replace("    labels: {wait", "    drift: *drift\n    labels: {wait", 1)
    (tiny / "fleet.yaml").write_text(
        shared.replace("models:\n", f"defaults: {{drift: &drift {LOUD}}}\nmodels:\n", 1)
    )
    words = ("backtest", "--data", "data/reference.parquet", "--budget", "9 pages/day")
    told = run(tiny, *words, "--json")
    assert told.code == 0, told.err
    assert told.json["patch"] == ""
    assert told.json["features"][0]["proposed"] is not None
    assert "models.demand.drift is an alias; change it by hand" in told.json["notes"][-1]
    assert "is an alias" in run(tiny, *words, "--write").refused()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--budget", "few"), "budget 'few': write it as '1 page/month' or '2 pages/week'"),
        (("--months", "0"), "--months 0: must be greater than 0"),
        (("nobody",), "nobody? known are demand"),
        (("a.yml",), "a.yml: cannot be read: No such file or directory"),
        (("one", "two"), "backtest plays one model at a time; these are one, two"),
        (("--data", "nowhere.parquet"), "nowhere.parquet: no such file or folder"),
    ],
)
def test_what_cannot_be_played(run: Shell, fleet: Path, words: Sequence[str], why: str) -> None:
    assert why in run(fleet, "backtest", *words).refused()


def test_a_reference_needs_a_reason_and_one_source(run: Shell, fleet: Path) -> None:
    line = run(fleet, "reference", "demand", "--data", "data/reference.parquet").refused()
    assert "give a reason; the reference never changes without one" in line
    line = run(fleet, "reference", "demand", "--reason", "r").refused()
    assert "give a table, or a first and a last day" in line


def test_a_reference_is_replaced_and_told(run: Shell, tiny: Path) -> None:
    words = ("--by", "g.hopper", "--reason", "a new supplier")
    run(tiny, "freeze", "demand", "--until", "1h", "--reason", "begin")
    run(tiny, "reference", "demand", "--from", "2024-02-10", "--to", "2024-02-25", *words)
    # A table is found from where the command is typed.
    other = tiny / "elsewhere"
    other.mkdir()
    shutil.move(tiny / "data" / "reference.parquet", other / "new.parquet")
    named = ("--data", "new.parquet", "--fleet", tiny / "fleet.yaml")
    run(other, "reference", "demand", *named, *words)
    first, days, table = (one for one in lines(run, tiny) if one["what"] == "reference")
    assert (days["before"], days["days"], days["first"]) == (first["reference"], 16, "2024-02-10")
    assert (days["by"], days["reason"]) == ("g.hopper", "a new supplier")
    assert (table["before"], table["days"]) == (days["reference"], 29)


def test_a_model_that_is_not_halted_cannot_be_resumed(run: Shell, fleet: Path) -> None:
    done = run(fleet, "resume", "demand", "--by", "g.hopper", "--reason", "mended")
    assert (done.code, done.err) == (2, "driftwarden resume: demand is not halted\n")


def test_a_silence_shows_and_is_lifted_by_its_id(run: Shell, fleet: Path) -> None:
    made = run(fleet, "silence", "demand", "--for", "1h", "--by", "a.turing", "--json").json
    assert made["outcome"] == "done"
    assert made["text"].endswith(f"`driftwarden unsilence {made['id']}` lifts it")
    lifted = run(fleet, "unsilence", made["id"], "--by", "a.turing", "--json").json
    assert lifted["outcome"] == "done"
    told = lines(run, fleet, "oncall:shop")
    commands = [line for line in told if line["what"] == "command" and line["by"] == "a.turing"]
    assert [line["verb"] for line in commands] == ["silence", "unsilence"]
    refused = {line.get("id") for line in told if line["what"] == "refused"}
    assert not refused & {made["id"], lifted["id"]}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("status", "--fleet", "none.yaml"), "status: none.yaml: cannot be read: No such file or "
         "directory"),
        (("journal", "nobody"), "journal: no model 'nobody'; known are demand"),
        (("journal", "demand", "--since", "once"), "journal: since 'once' is not an ISO 8601 "
         "instant, e.g. 2026-01-31T00:00Z"),
        (("retrain", "nobody"), "retrain: retrain nobody: no such model; known are demand"),
        (("silence", "demand", "--for", "long"), "silence: 'long' is not a time; write "
         "2026-01-31T18:00Z, a date, or 4h"),
        (("freeze", "demand", "--until", "2026-13-01"), "freeze: '2026-13-01' is not a time; write "
         "2026-01-31T18:00Z, a date, or 4h"),
        (("freeze", "demand", "--until", "2199-01-01T00:00"), "freeze: '2199-01-01T00:00' has no "
         "zone; add Z for UTC"),
        (("freeze", "--until", "4h"), "freeze: name one model, or --all"),
        (("freeze", "demand", "--all", "--until", "4h"), "freeze: name one model, or --all"),
        (("unfreeze",), "unfreeze: name one model, or --all"),
        (("ack", "nothing-1"), "ack: ack nothing-1: no such model; known are demand"),
        (("init", "--from", "none.csv"), "init: fleet.yaml: exists; remove it or name another file "
         "with --out"),
        (("init", "--from", "none.csv", "--out", "new.yaml"), "init: none.csv: no such file or "
         "folder"),
    ],
)  # fmt: skip
def test_a_refusal_is_one_line(
    run: Shell, fleet: Path, words: Sequence[str], expected: str
) -> None:
    assert run(fleet, *words).refused() == f"driftwarden {expected}"


def test_an_unknown_command_is_refused_by_the_parser(run: Shell, fleet: Path) -> None:
    done = run(fleet, "dance")
    assert done.code == 2
    assert "Traceback" not in done.err
    assert run(fleet, "--help").code == 0
    assert run(fleet, "silence", "demand").code == 2


def test_an_unknown_silence_is_journalled_as_refused(run: Shell, fleet: Path) -> None:
    assert run(fleet, "unsilence", "none-such").code == 2
    line = [line for line in lines(run, fleet, "oncall:shop") if line["what"] == "refused"][-1]
    assert "none-such: no such silence" in line["reason"]


def test_a_fleet_file_with_problems_is_refused_by_every_command(run: Shell, tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text("version: 1\nmodels: 3\n")
    for command in ("status", "alerts", "verify", "replay"):
        done = run(tmp_path, command)
        assert (done.code, done.out) == (2, ""), command
        assert "Traceback" not in done.err


def test_a_store_of_an_unknown_scheme_is_refused(
    run: Shell, prepared: Path, tmp_path: Path
) -> None:
    text = (prepared / "fleet.yaml").read_text().replace("store: local:var", "store: s3:bucket")
    (tmp_path / "fleet.yaml").write_text(text)
    line = run(tmp_path, "status").refused()
    assert line == (
        "driftwarden status: fleet.yaml:3: store: 's3:bucket': known are local:FOLDER and "
        "azure:CONNECTION"
    )


def test_a_store_that_is_no_database_is_told_in_one_line(run: Shell, tiny: Path) -> None:
    (tiny / "var" / "driftwarden.sqlite").write_bytes(b"this is no database, and never was" * 100)
    done = run(tiny, "status")
    assert (done.code, done.out) in ((1, ""), (2, ""))
    (line,) = done.err.splitlines()
    assert "driftwarden.sqlite" in line


def test_a_store_that_cannot_be_made_is_told_in_one_line(run: Shell, tiny: Path) -> None:
    text = (tiny / "fleet.yaml").read_text()
    (tiny / "taken").write_text("a file where a folder is needed")
    (tiny / "fleet.yaml").write_text(text.replace("store: local:var", "store: local:taken"))
    done = run(tiny, "status")
    assert (done.code, done.out) in ((1, ""), (2, ""))
    (line,) = done.err.splitlines()
    assert "taken" in line


def test_a_version_that_is_not_there_leaves_the_fleet_readable(run: Shell, tiny: Path) -> None:
    text = (tiny / "fleet.yaml").read_text()
    (tiny / "fleet.yaml").write_text(text.replace("champion: first", "champion: missing"))
    assert run(tiny, "freeze", "demand", "--until", "1h").code == 0
    refused = [line for line in lines(run, tiny) if line["what"] == "refused"]
    assert any("missing: not in the registry" in line["reason"] for line in refused)


def test_a_journal_that_was_altered_is_found(run: Shell, tiny: Path) -> None:
    run(tiny, "freeze", "demand", "--until", "1h")
    before = run(tiny, "verify", "--json").json["records"]["demand"]
    assert before > 1
    store = SqliteStore(tiny / "var" / "driftwarden.sqlite")
    row = store.scan("demand", "log:")[0]
    store.commit("demand", [Replace(row.key, {**row.props, "body": b"[]"}, row.etag)])
    store.close()
    done = run(tiny, "verify")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "driftwarden verify: demand: journal record 1 does not follow from the one before it\n"
    )


def test_output_into_a_closed_pipe_is_no_error(run: Shell, fleet: Path) -> None:
    process = subprocess.Popen(
        [COMMAND, "journal", "demand", "--json"],
        cwd=fleet, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    told = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 0
    assert b"Traceback" not in told


def test_serve_says_where_and_stops_when_asked(run: Shell, tiny: Path) -> None:
    process = subprocess.Popen(
        [COMMAND, "serve", "--port", "0"],
        cwd=tiny, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "DRIFTWARDEN_KEY": "a-key", "COLUMNS": "200"},
    )  # fmt: skip
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        assert line.startswith("dashboard   http://127.0.0.1:")
        url = line.split()[1]
        with urllib.request.urlopen(f"{url}healthz", timeout=20) as answer:
            assert json.loads(answer.read())["status"] == "ok"
        end = time.monotonic() + 30
        while b"first" not in urllib.request.urlopen(url, timeout=20).read():
            assert time.monotonic() < end
            time.sleep(0.2)
    finally:
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in told


def test_a_report_that_cannot_be_drawn_says_why(run: Shell, fleet: Path) -> None:
    none = run(fleet, "report", "demand").refused()
    assert none == "driftwarden report: no report: there is no window yet"
    named = run(fleet, "report", "demand", "--window", "2001-01-01").refused()
    assert named.endswith("no report: window '2001-01-01' is not known")
    assert "a window as 2026-01-31" in run(fleet, "report", "demand", "--window", "x").refused()
    assert "no such model" in run(fleet, "report", "nobody").refused()
    assert list(fleet.glob("report-*.html")) == []
