"""fleet.yaml read whole, or refused with every line at fault."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from engine.errors import Refused
from engine.policy import Policy
from fleet.document.config import Config, Document, load, problems
from fleet.document.receivers import FileReceiver

KINDS = (
    "'pagerduty', 'teams', 'slack', 'email', 'acs', 'azure-monitor', 'alertmanager', 'webhook', "
    "'terminal' or 'file'"
)
FLEET = """\
version: 1
store: local:var
receivers:
  terminal: {kind: terminal}
  duty: {kind: file, path: pages.jsonl}
teams:
  oncall:
    page: [terminal]
    ticket: [duty]
calendars:
  business: {zone: Europe/Berlin, countries: [DE], ics: [events.ics]}
defaults:
  drift:
    threshold: 0.2
  alerts: {resolve_after: PT2H}
models:
  churn:
    team: oncall
    calendar: business
    logs: {endpoint: churn}
    reference: {data: churn.parquet}
    serving: {champion: v1}
    slo: [slo.yaml]
    drift:
      floor: 0.05
  fraud:
    team: oncall
    logs: {endpoint: fraud}
    reference: {data: fraud.parquet}
    serving: {champion: v7, baseline: v6}
"""
SLO = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: answered}
spec:
  service: churn
  budgetingMethod: Occurrences
  timeWindow: [{duration: 28d, isRolling: true}]
  indicator:
    metadata: {name: answered}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: driftwarden, spec: {sli: availability}}}
        total: {metricSource: {type: driftwarden, spec: {sli: availability}}}
  objectives: [{target: 0.99}]
"""
ICS = "\r\n".join(
    (
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//driftwarden//tests//EN", "BEGIN:VEVENT",
        "UID:strike-1", "DTSTAMP:20130401T000000Z", "DTSTART;VALUE=DATE:20130421",
        "DTEND;VALUE=DATE:20130428", "SUMMARY:strike", "END:VEVENT", "END:VCALENDAR", "",
    )
)  # fmt: skip
FILES = {"events.ics": ICS, "slo.yaml": SLO}


def read(name: str) -> str:
    if name not in FILES:
        raise Refused(f"{name}: cannot be read: No such file or directory")
    return FILES[name]


def told(content: str) -> list[str]:
    found = problems(content, "fleet.yaml", read)
    assert isinstance(found, list)
    return [str(problem) for problem in found]


def edited(*changes: tuple[str, str]) -> str:
    text = FLEET
    for before, after in changes:
        assert text.count(before) >= 1, before
        text = text.replace(before, after, 1)
    return text


def test_a_whole_document_is_resolved() -> None:
    config = load(FLEET, "fleet.yaml", read)
    assert list(config.fleet.models) == ["churn", "fraud"]
    churn, fraud = config.fleet.models.values()
    assert churn.zone == "Europe/Berlin"
    assert [objective.name for objective in churn.objectives] == ["answered"]
    assert fraud.zone == "UTC"
    assert fraud.policy.serving.baseline == "v6"
    assert config.fleet.teams["oncall"].page == ("terminal",)
    assert config.document.receivers["duty"] == FileReceiver(kind="file", path="pages.jsonl")


def test_defaults_lie_under_every_model() -> None:
    churn, fraud = load(FLEET, "fleet.yaml", read).fleet.models.values()
    assert (churn.policy.drift.threshold, churn.policy.drift.floor) == (0.2, 0.05)
    assert (fraud.policy.drift.threshold, fraud.policy.drift.floor) == (0.2, 0.02)
    assert churn.policy.alerts.resolve_after == timedelta(hours=2)


def test_the_hash_follows_the_resolved_policy_only() -> None:
    first = load(FLEET, "fleet.yaml", read).fleet.models
    spelled = edited(("      floor: 0.05", "      floor: 0.05\n      threshold: 0.2"))
    again = load(spelled, "fleet.yaml", read).fleet.models
    assert again["churn"].hash == first["churn"].hash
    other = load(edited(("threshold: 0.2", "threshold: 0.3")), "fleet.yaml", read).fleet.models
    assert other["churn"].hash != first["churn"].hash


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            "version: 1\n",
            "version: 2\n",
            ["fleet.yaml:1: version: input should be 1"],
        ),
        ("version: 1\n", "", ["fleet.yaml:1: version: is missing"]),
        (
            "store: local:var\n",
            "stor: local:var\n",
            ["fleet.yaml:2: stor: unknown field, did you mean 'store'?"],
        ),
        (
            "      floor: 0.05",
            "      flor: 0.05",
            ["fleet.yaml:25: models.churn.drift.flor: unknown field, did you mean 'floor'?"],
        ),
        (
            "    slo: [slo.yaml]",
            "    rollout:\n      steps: [{weigth: 10, hold: P1D}]",
            [
                "fleet.yaml:24: models.churn.rollout.steps.0.weight: is missing",
                "fleet.yaml:24: models.churn.rollout.steps.0.weigth: unknown field, "
                "did you mean 'weight'?",
            ],
        ),
        (
            "    slo: [slo.yaml]",
            "    rollout: {shadow: P7D,\n      weigths: [10]}",
            [
                "fleet.yaml:24: models.churn.rollout.weigths: unknown field; known are "
                "approval, approval_wait, bake, label_wait, shadow, steps",
            ],
        ),
        (
            "    threshold: 0.2",
            "    threshold: much",
            [
                "fleet.yaml:14: defaults.drift.threshold: input should be a valid number, unable "
                "to parse string as a number",
            ],
        ),
        (
            "    threshold: 0.2",
            "    treshold: 0.2",
            ["fleet.yaml:14: defaults.drift.treshold: unknown field, did you mean 'threshold'?"],
        ),
        (
            "    logs: {endpoint: churn}",
            "    logs: churn",
            [
                "fleet.yaml:20: models.churn.logs: input should be a valid dictionary or instance "
                "of Logs",
            ],
        ),
        (
            "    team: oncall\n    calendar",
            "    team: onkall\n    calendar",
            ["fleet.yaml:18: models.churn.team: no team 'onkall', did you mean 'oncall'?"],
        ),
        (
            "    calendar: business",
            "    calendar: holidays",
            ["fleet.yaml:19: models.churn.calendar: no calendar 'holidays'; known are business"],
        ),
        (
            "    page: [terminal]",
            "    page: [terminl]",
            ["fleet.yaml:8: teams.oncall.page: no receiver 'terminl', did you mean 'terminal'?"],
        ),
        (
            "    ticket: [duty]",
            "    ticket: [zzz]",
            ["fleet.yaml:9: teams.oncall.ticket: no receiver 'zzz'; known are duty, terminal"],
        ),
        (
            "{kind: file, path: pages.jsonl}",
            "{kind: file}",
            ["fleet.yaml:5: receivers.duty: kind file needs a path"],
        ),
        (
            "{kind: file, path: pages.jsonl}",
            "{kind: webhook}",
            ["fleet.yaml:5: receivers.duty: kind webhook needs a url"],
        ),
        (
            "{kind: terminal}",
            "{kind: pigeon}",
            [f"fleet.yaml:4: receivers.terminal.kind: input should be {KINDS}"],
        ),
        (
            "logs: {endpoint: fraud}",
            "logs: {endpoint: churn}",
            [
                "fleet.yaml:28: models.fraud.logs.endpoint: 'churn' reads this endpoint's logs "
                "already",
            ],
        ),
        (
            "ics: [events.ics]",
            "ics: [none.ics]",
            [
                "fleet.yaml:11: calendars.business.ics: none.ics: cannot be read: No such file or "
                "directory",
            ],
        ),
        (
            "    slo: [slo.yaml]",
            "    slo: [none.yaml]",
            [
                "fleet.yaml:23: models.churn.slo.0: none.yaml: cannot be read: No such file or "
                "directory",
            ],
        ),
        (
            "zone: Europe/Berlin",
            "zone: Europe/Berln",
            [
                "fleet.yaml:11: calendars.business.zone: Europe/Berln: unknown zone, did you mean "
                "Europe/Berlin?",
            ],
        ),
        (
            "countries: [DE]",
            "countries: [XX]",
            ["fleet.yaml:11: calendars.business.countries: XX: no holidays known for XX"],
        ),
        (
            "  churn:\n",
            "  Churn_1:\n",
            ["fleet.yaml:17: models.Churn_1: use a-z, 0-9 and '-', at most 63 characters"],
        ),
        (
            "  churn:\n",
            "  fleet:\n",
            ["fleet.yaml:17: models.fleet: the name is reserved for the fleet; choose another"],
        ),
        (
            "    serving: {champion: v1}\n",
            "",
            ["fleet.yaml:17: models.churn.serving: is missing"],
        ),
        (
            "  alerts: {resolve_after: PT2H}",
            "  alerts: {resolve_after: soon}",
            [
                "fleet.yaml:15: defaults.alerts.resolve_after: 'soon' is not a duration; write "
                "30s, 5m, 2h, 1d, 1w, or ISO 8601 as PT2H",
            ],
        ),
        (
            "version: 1\n",
            "version: 1\nversion: 1\n",
            ["fleet.yaml:2: version: duplicate key; first on line 1"],
        ),
    ],
)  # fmt: skip
def test_each_fault_is_told_where_it_stands(before: str, after: str, expected: list[str]) -> None:
    assert told(edited((before, after))) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "fleet.yaml:1: empty; `driftwarden init --from DATA` writes a first one"),
        ("# a comment\n", "fleet.yaml:1: empty; `driftwarden init --from DATA` writes a first one"),
    ],
)
def test_an_empty_document_says_how_to_begin(content: str, expected: str) -> None:
    assert told(content) == [expected]


@pytest.mark.parametrize("content", ["- a\n- b\n", "only text\n", "42\n"])
def test_a_document_that_is_no_mapping_says_so(content: str) -> None:
    (line,) = told(content)
    assert line.startswith("fleet.yaml:1: not a mapping")


def test_an_empty_section_is_told_as_a_fault_not_a_crash() -> None:
    (line,) = told("version: 1\nmodels:\n")
    assert line == "fleet.yaml:2: models: input should be a valid dictionary"
    found = told("version: 1\ndefaults:\nmodels:\n  a:\n")
    assert "fleet.yaml:2: defaults: input should be a valid dictionary" in found


def test_everything_is_told_at_once_in_the_order_of_lines() -> None:
    content = edited(
        ("    threshold: 0.2", "    treshold: 0.2"),
        ("store: local:var", "stor: local:var"),
        ("    team: oncall\n    calendar", "    teem: oncall\n    calendar"),
        ("{kind: terminal}", "{kind: 3}"),
    )
    found = told(content)
    lines = [int(line.split(":")[1]) for line in found]
    assert lines == sorted(lines)
    assert found == [
        "fleet.yaml:2: stor: unknown field, did you mean 'store'?",
        f"fleet.yaml:4: receivers.terminal.kind: input should be {KINDS}",
        "fleet.yaml:14: defaults.drift.treshold: unknown field, did you mean 'threshold'?",
        "fleet.yaml:17: models.churn.team: is missing",
        "fleet.yaml:18: models.churn.teem: unknown field, did you mean 'team'?",
    ]


def test_unresolved_names_are_told_together_too() -> None:
    content = edited(
        ("    page: [terminal]", "    page: [nobody]"),
        ("    calendar: business", "    calendar: nowhere"),
        ("logs: {endpoint: fraud}", "logs: {endpoint: churn}"),
        ("    slo: [slo.yaml]", "    slo: [slo.yaml, none.yaml]"),
    )
    assert [int(line.split(":")[1]) for line in told(content)] == [8, 19, 23, 28]


def test_a_fault_that_defaults_give_to_every_model_is_told_once() -> None:
    assert len(told(edited(("    threshold: 0.2", "    threshold: -1")))) == 1


def test_a_wrong_slo_file_is_told_at_its_own_entry() -> None:
    FILES["broken.yaml"] = "kind: [\n"
    try:
        several = "    slo:\n      - slo.yaml\n      - broken.yaml"
        (line,) = told(edited(("    slo: [slo.yaml]", several)))
    finally:
        del FILES["broken.yaml"]
    assert line.startswith("fleet.yaml:25: models.churn.slo.1: ")
    assert "\n" not in line


def test_the_faults_of_one_part_do_not_hide_those_of_another() -> None:
    content = edited(
        ("store: local:var", "stor: local:var"),
        ("ics: [events.ics]", "ics: [events.ics, none.ics, bad.ics]"),
        ("    threshold: 0.2", "    threshold: 0.2\n    persistence: {flagged: 4, of: 3}"),
        ("    calendar: business", "    calendar: nowhere"),
        ("    slo: [slo.yaml]", "    slo: [slo.yaml, bad.yaml]"),
        ("  fraud:\n    team: oncall", "  fraud:\n    drift: {persistence: {of: 5}}\n    team: x"),
        ("      floor: 0.05", "      persistence: {of: 9}"),
        ("page: [terminal]", "page: [pager]"),
    )
    bad = ICS.replace("20130421", "20130431").replace("DTEND", "RRULE:FREQ=SECONDLY\r\nDTEND")
    files = {**FILES, "bad.ics": bad, "bad.yaml": SLO.replace("0.99", "99").replace("28d", "1d")}

    def read_more(name: str) -> str:
        return files[name] if name in files else read(name)

    found = problems(content, "fleet.yaml", read_more)
    assert isinstance(found, list)
    assert [str(problem).partition("; ")[0] for problem in found] == [
        "fleet.yaml:2: stor: unknown field, did you mean 'store'?",
        "fleet.yaml:8: teams.oncall.page: no receiver 'pager'",
        "fleet.yaml:11: calendars.business.ics: bad.ics:7: strike: DTSTART: Wrong date format "
        "20130431",
        "fleet.yaml:11: calendars.business.ics: none.ics: cannot be read: No such file or "
        "directory",
        "fleet.yaml:20: models.churn.calendar: no calendar 'nowhere'",
        "fleet.yaml:24: models.churn.slo.1: bad.yaml:1: SLO answered: spec.timeWindow[0].duration: "
        "'1d' must be 3 to 30 days, written as 30d or 4w",
        "fleet.yaml:29: models.fraud.team: no team 'x'",
    ]


def test_a_faulty_entry_is_no_unknown_name() -> None:
    content = edited(
        ("zone: Europe/Berlin", "zone: Mars"),
        ("    ticket: [duty]", "    tickets: [duty]"),
        ("{kind: terminal}", "{kind: pigeon}"),
    )
    assert [int(line.split(":")[1]) for line in told(content)] == [4, 9, 11]


PAIR = SLO + "---\n" + SLO.replace("name: answered}\nspec", "name: other}\nspec")


@pytest.mark.parametrize(
    ("files", "content", "said"),
    [
        ("slo.yaml, b.yaml", SLO, ".1: b.yaml: answered: slo.yaml has an objective of this name"),
        ("slo.yaml, b.yaml", PAIR, ".1: b.yaml: answered: slo.yaml has an objective of this"),
        ("b.yaml, slo.yaml", PAIR, ".1: slo.yaml: answered: b.yaml has an objective of this"),
        ("slo.yaml, slo.yaml", SLO, ": slo.yaml: named twice; name it once"),
        ("b.yaml", SLO + "---\n" + SLO, ".0: b.yaml: answered: two objectives of one name"),
        ("b.yaml", "", ".0: b.yaml:1: empty; OpenSLO documents are needed, or leave the file"),
        ("b.yaml", "# nothing\n---\n", ".0: b.yaml:1: empty; OpenSLO documents are needed"),
        ("b.yaml", "- a\n", ".0: b.yaml:1: document 1: ['a'] is not a mapping"),
        ("b.yaml", "42\n", ".0: b.yaml:1: document 1: 42 is not a mapping"),
        ("b.yaml", "2026-01-01\n", ".0: b.yaml:1: document 1: datetime.date(2026, 1, 1) is not"),
        ("b.yaml", SLO.replace("target:", "target: 1, target:"), ".0: b.yaml:15: spec.objectives"),
        ("b.yaml", SLO + "---\n" + "[" * 9999, ".0: b.yaml:17: not YAML: nested more than 32"),
        ("b.yaml", SLO.replace("0.99", ".nan"), ".0: b.yaml:1: SLO answered: objectives[0].target"),
        ("b.yaml", SLO.replace("0.99", "\udcff"), ".0: b.yaml:15: not UTF-8 text"),
    ],
)  # fmt: skip
def test_a_wrong_file_of_objectives_is_told_with_its_own_line(
    files: str, content: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FILES, "b.yaml", content)
    (line,) = told(edited(("slo: [slo.yaml]", f"slo: [{files}]")))
    assert line.startswith(f"fleet.yaml:23: models.churn.slo{said}")


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("drift: {persistence: {flagged: 4, of: 3}}", "flagged 4 of 3 windows is never reached"),
        ("drift: {persistence: {flagged: 4}}", "flagged 4 of 3 windows is never reached; write 1"),
        ("performance: {rolling_days: 2}", "min_days 3 is never reached in rolling_days 2"),
        ("traffic: {weeks: 3, min_weeks: 4}", "min_weeks 4 is never reached in weeks 3"),
        ("dataset: {days: 10}", "min_days 14 is never reached in days 10"),
        ("judge: {psi_low: 3, psi_high: 2}", "psi_low 3 is not below psi_high 2"),
        ("judge: {guards: [error]}", "judge.guards: no guard 'error', did you mean 'errors'?"),
        ("trigger: {every: 0s}", "a duration of more than 0 is needed; write 30s"),
        ("rollout: {shadow: PT0S}", "a duration of more than 0 is needed; write 30s"),
        ("trigger: {max_age: -1d}", "a duration cannot be negative"),
    ],
)
def test_a_limit_that_can_never_be_reached_is_refused(section: str, said: str) -> None:
    content = edited(("    slo: [slo.yaml]\n    drift:\n      floor: 0.05", f"    {section}"))
    (line,) = told(content)
    assert said in line
    assert line.startswith(("fleet.yaml:23: models.churn.", "fleet.yaml:17: models.churn: "))


def test_load_refuses_with_all_problems_a_line_each() -> None:
    content = edited(("store:", "stor:"), ("    threshold: 0.2", "    treshold: 0.2"))
    with pytest.raises(Refused) as refused:
        load(content, "fleet.yaml", read)
    assert str(refused.value).splitlines() == told(content)


def test_an_event_of_the_calendar_explains_only_after_it_was_announced() -> None:
    lived_by = load(FLEET, "fleet.yaml", read).fleet.models["churn"].calendar
    known = datetime(2013, 4, 21, tzinfo=UTC)
    event = lived_by.explains(date(2013, 4, 23), known)
    assert event is not None
    assert event.name == "strike"
    assert lived_by.explains(date(2013, 4, 23), datetime(2013, 3, 1, tzinfo=UTC)) is None


def test_the_flights_example_has_no_problems() -> None:
    folder = Path(__file__).parents[4] / "examples" / "flights"
    content = (folder / "fleet.yaml").read_text()
    found = problems(content, "fleet.yaml", lambda name: (folder / name).read_text())
    assert isinstance(found, Config)


@pytest.mark.parametrize("rows", [False, True])
def test_segments_need_rows_that_are_read(rows: bool) -> None:
    table = "    logs: {endpoint: churn, table: Features_CL" + (", rows: true}" if rows else "}")
    content = edited(
        ("    logs: {endpoint: churn}", table),
        ("      floor: 0.05", "      floor: 0.05\n      segments: [carrier]"),
    )
    if rows:
        churn = load(content, "fleet.yaml", read).fleet.models["churn"]
        assert churn.policy.drift.segments == ("carrier",)
        return
    assert told(content) == [
        "fleet.yaml:17: models.churn: drift.segments need rows, and logs.table is only counted: "
        "set logs.rows, or leave drift.segments out"
    ]


def test_a_regression_says_what_a_large_loss_is() -> None:
    task = ("      floor: 0.05", "      floor: 0.05\n    performance: {task: regression}")
    assert told(edited(task)) == [
        "fleet.yaml:17: models.churn: a regression needs labels.bad_loss, in squared units of its "
        "labels"
    ]


def test_segments_of_performance_never_tell_redacted_levels() -> None:
    hidden = (
        "      floor: 0.05",
        "      floor: 0.05\n      features: {card: {redact: true}}\n"
        "    performance: {segments: [card]}",
    )
    assert told(edited(hidden)) == [
        "fleet.yaml:17: models.churn: performance.segments would reveal the levels of card, a "
        "redacted feature"
    ]


def policies(shape: object, seen: dict[type[Policy], None]) -> dict[type[Policy], None]:
    """Every policy that a document is composed of."""
    if isinstance(shape, type) and issubclass(shape, Policy) and shape not in seen:
        seen[shape] = None
        for field in shape.model_fields.values():
            policies(field.annotation, seen)
    for part in get_args(shape):
        policies(part, seen)
    return seen


DURATIONS = [
    (policy, name)
    for policy in policies(Document, {})
    for name, field in policy.model_fields.items()
    if "timedelta" in str(field.annotation)
]


def test_every_duration_of_the_document_is_written_and_bounded_alike() -> None:
    assert len(DURATIONS) >= 22
    for policy, name in DURATIONS:
        check = partial(policy.__pydantic_validator__.validate_assignment, policy.model_construct())
        check(name, "5m")
        for wrong in ("-1h", "P99999999D", "soon", 7200):
            with pytest.raises(ValidationError) as refused:
                check(name, wrong)
            (error,) = refused.value.errors()
            assert error["type"] in ("value_error", "greater_than"), (policy, name, wrong)
