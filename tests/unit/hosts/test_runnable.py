"""A fleet is tried as run time will use it: the document, the host, trainings, settings, marks."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.errors import Refused
from hosts import open_host, read_config
from hosts.runnable import MOST_BYTES, document, runnable

NOW = datetime(2026, 5, 1, tzinfo=UTC)
FLEET = """\
version: 1
store: local:var
teams:
  oncall: {page: [pager]}
receivers:
  pager: {kind: terminal}
calendars:
  business: {ics: [events.ics]}
models:
  churn:
    team: oncall
    calendar: business
    logs: {endpoint: churn}
    reference: {data: "az://rows/churn"}
    serving: {champion: v1}
    training:
      command: [python, train.py, "{out}"]
"""
ICS = """\
BEGIN:VCALENDAR
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:20260501
SUMMARY:sale
END:VEVENT
END:VCALENDAR
"""
ELSEWHERE = (
    "fleet.yaml:14: models.churn.reference.data: az://rows/churn: not checked here, but when the "
    "fleet starts"
)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fleet with a calendar and a training script, in the present folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fleet.yaml").write_text(FLEET)
    (tmp_path / "events.ics").write_text(ICS)
    (tmp_path / "train.py").write_text("")
    return tmp_path / "fleet.yaml"


def changed(file: Path, before: str, after: str) -> list[str]:
    """The faults of the fleet after a change."""
    assert before in FLEET
    file.write_text(FLEET.replace(before, after))
    return [str(fault) for fault in runnable(file, NOW).faults]


def test_a_fleet_as_it_should_be_can_be_used(file: Path) -> None:
    found = runnable(file, NOW)
    assert found.faults == ()
    assert [str(note) for note in found.notes] == [ELSEWHERE]
    assert list(found.usable().fleet.models) == ["churn"]
    assert document(file, NOW).notes == ()


TRAINING = '[python, train.py, "{out}"]'


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ('[python, train.py, "{dta}", "{out}"]', "{dta} is none of {data}, {from}, {job}, {out}"),
        ("[python, train.py]", "{out} is missing: the folder that the command writes the version"),
        ("[]", "it is empty; give a program and its arguments"),
        ('[" ", "{out}"]', "it is empty; give a program and its arguments"),
        ('[pyhton9, train.py, "{out}"]', "pyhton9: no such program in PATH"),
        ('[./train.sh, "{out}"]', "./train.sh: no such program in PATH"),
        ('[python, trian.py, "{out}"]', "trian.py: no such file in the present folder, where the"),
        ('[python, -W, error, -u, x.py, "{out}"]', "x.py: no such file in the present folder"),
        ('[python, -m, nosuch.train, "{out}"]', "no module 'nosuch' in the present folder"),
        ('[python, -m, "", "{out}"]', "no module '' in the present folder"),
    ],
)
def test_a_training_that_cannot_run_is_a_fault(file: Path, command: str, said: str) -> None:
    (fault,) = changed(file, TRAINING, command)
    assert fault.startswith("fleet.yaml:17: models.churn.training.command: ")
    assert said in fault


@pytest.mark.parametrize(
    "command",
    [
        '[python, train.py, --data, "{data}", --out, "{out}", "{version}", "{from}", "{to}"]',
        '[python, -u, train.py, "{out}"]',
        '[python, -m, train, "{out}"]',
        '[python, -m, json.tool, "{out}"]',
        '[python, -c, "print()", "{job}", "{out}"]',
        '[sh, -c, "./train.sh {out}"]',
    ],
)
def test_a_training_is_taken_in_any_way_of_writing_it(file: Path, command: str) -> None:
    assert changed(file, TRAINING, command) == []


def test_a_script_beside_fleet_yaml_is_hinted_at(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    (fault,) = runnable(file, NOW).faults
    assert str(fault).endswith(f"where the command runs; it lies in {tmp_path}: run there")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("store: local:var", "store: gcp:x", ":2: store: 'gcp:x': known are local:FOLDER and azur"),
        ("kind: terminal", "kind: webhook, url: ftp://x", ":6: receivers.pager.url: give an http"),
        ("kind: terminal", "kind: webhook, url: pager", ":6: receivers.pager.url: give an http"),
        ("champion: v1", "champion: ../v1", ":15: models.churn.serving.champion: version '../v1'"),
        ("endpoint: churn}", "endpoint: churn, grace: 2x}", ":13: models.churn.logs.grace: '2x' i"),
        ("endpoint: churn}", "endpoint: churn, table: T}", ":13: models.churn.logs: tables need L"),
        ("champion: v1", "champion: v1, kind: batch", ":15: models.churn.serving.kind: batch end"),
        ("events.ics", "none.ics", ":8: calendars.business.ics: none.ics: cannot be read: No such"),
        ("events.ics", ".", ":8: calendars.business.ics: .: cannot be read: not a file"),
        ("events.ics", "/dev/zero", ":8: calendars.business.ics: /dev/zero: cannot be read: not a"),
        (
            "events.ics",
            '"a\\0b"',
            ":8: calendars.business.ics: a\0b: cannot be read: embedded",
        ),
        (
            "version: 1\n",
            "version: 1 # CHANGE: this\n",
            ":1: still marked CHANGE; edit the line",
        ),
        ("calendar: business", "calendar: business   # CHANGE", ":12: still marked CHANGE"),
    ],
)
def test_a_document_that_cannot_run_is_a_fault(
    file: Path, before: str, after: str, said: str
) -> None:
    (fault,) = changed(file, before, after)
    assert fault.startswith(f"fleet.yaml{said}")
    assert [str(one) for one in document(file, NOW).faults] == [fault]


@pytest.mark.parametrize(
    ("year", "expanded"),
    [(2023, False), (2024, True), (2025, True), (2027, True), (2028, True), (2029, False)],
)
def test_calendars_are_expanded_two_years_back_and_ahead(
    file: Path, tmp_path: Path, year: int, expanded: bool
) -> None:
    whole = f"DTSTART;VALUE=DATE:{year}0101\nDTEND;VALUE=DATE:{year}1231\nSUMMARY:long\n"
    events = "".join(f"BEGIN:VEVENT\nUID:{n}\n{whole}END:VEVENT\n" for n in range(70))
    (tmp_path / "events.ics").write_text(f"BEGIN:VCALENDAR\n{events}END:VCALENDAR\n")
    said = f"the events of {year} take up more than 20,000 days"
    assert [said in str(fault) for fault in document(file, NOW).faults] == [True] * expanded


def test_a_mark_is_a_fault_that_stops_no_fleet(file: Path) -> None:
    file.write_text(FLEET.replace("version: 1\n", "version: 1 # CHANGE: this\n"))
    assert list(read_config(file).fleet.models) == ["churn"]
    file.write_text(FLEET.replace("version: 1\n", "# Edit the lines marked CHANGE.\nversion: 1\n"))
    assert runnable(file, NOW).faults == ()


def test_what_a_fleet_refuses_is_what_validate_says(file: Path) -> None:
    bomb = ICS.replace("DTSTART", "RRULE:FREQ=SECONDLY\nDTSTART")
    (file.parent / "events.ics").write_text(bomb)
    file.write_text(FLEET.replace("store: local:var", "store: gcp:x"))
    said = [str(fault) for fault in runnable(file, NOW).faults]
    assert [line.split(": ")[0] for line in said] == ["fleet.yaml:2", "fleet.yaml:8"]
    with pytest.raises(Refused) as refused:
        open_host(file)
    assert str(refused.value).splitlines() == said


def test_the_faults_of_every_stage_are_told_at_once(file: Path) -> None:
    (file.parent / "events.ics").write_text(ICS.replace("20260501", "soon"))
    changes = (
        ("version: 1\n", "version: 1   # CHANGE\n"),
        ("store: local:var", "stor: local:var"),
        ("az://rows/churn", "churn.parquet"),
        ("train.py", "none.py"),
        ("logs: {endpoint: churn}", "logs: {endpoint: churn, traffic: true}"),
    )
    text = FLEET
    for before, after in changes:
        text = text.replace(before, after)
    file.write_text(f"{text}  fraud: {{team: x, logs: {{grace: -1h}}}}\n")
    assert [int(str(fault).split(":")[1]) for fault in runnable(file, NOW).faults] == [
        1, 2, 8, 13, 14, 17, 18, 18, 18, 18,
    ]  # fmt: skip


def test_a_setting_that_is_not_here_is_a_note(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAGER_URL", raising=False)
    changed_to = 'kind: webhook, url: "env:PAGER_URL"'
    assert changed(file, "kind: terminal", changed_to) == []
    note = "fleet.yaml:6: receivers.pager.url: the setting PAGER_URL is not there in this environ"
    assert str(runnable(file, NOW).notes[0]).startswith(note)
    monkeypatch.setitem(os.environ, "PAGER_URL", "https://pager.example")
    assert [str(one) for one in runnable(file, NOW).notes] == [ELSEWHERE]


def test_files_of_a_job_lie_beside_the_document(file: Path) -> None:
    text = FLEET.replace("local:var", "'azure:'").replace(f"command: {TRAINING}", "job: train.yml")
    text = text.replace("champion: v1", "champion: v1, deployment: green.yml, mirror: 60")
    file.write_text(text)
    assert [str(fault) for fault in runnable(file, NOW).faults] == [
        "fleet.yaml:15: models.churn.serving.deployment: green.yml: no such file beside fleet.yaml",
        "fleet.yaml:15: models.churn.serving.mirror: 50 at most in Azure",
        "fleet.yaml:17: models.churn.training.job: train.yml: no such file beside fleet.yaml",
    ]


def test_a_large_file_is_not_read(file: Path) -> None:
    with (file.parent / "events.ics").open("wb") as events:
        events.truncate(50 * 1024 * 1024)
    (fault,) = runnable(file, NOW).faults
    assert str(fault) == (
        "fleet.yaml:8: calendars.business.ics: events.ics:1: 50 MB; 16 MB at most"
    )
    with file.open("wb") as whole:
        whole.truncate(MOST_BYTES + 1)
    with pytest.raises(Refused, match=r"fleet\.yaml:1: 16 MB; 16 MB at most"):
        runnable(file, NOW)


def test_a_document_in_another_encoding_names_the_line(file: Path) -> None:
    file.write_bytes(FLEET.replace("business", "gesch\u00e4ft").encode("latin-1"))
    (fault,) = runnable(file, NOW).faults
    assert str(fault) == "fleet.yaml:8: not UTF-8 text; save the file as UTF-8"
