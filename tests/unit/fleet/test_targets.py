"""A command that names nothing, or more than it means, is refused before it is taken in."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from engine.errors import Refused
from monitoring.alerts.muting import Matchers
from tests.unit.fleet.desk import NOW, Desk

LATER = NOW + timedelta(days=1)


@pytest.mark.parametrize("verb", ["retrain", "cancel", "freeze", "unfreeze", "reference", "report"])
@pytest.mark.parametrize("target", ["demand/x", "demand:drift-1", "demand-rollout-9", "demand/"])
def test_a_command_on_a_model_names_the_model_alone(desk: Desk, verb: str, target: str) -> None:
    days = ("2024-03-01", "2024-03-02") if verb == "reference" else ()
    with pytest.raises(Refused) as refused:
        desk.command(verb, target, until=LATER, days=days)
    assert str(refused.value) == f"{verb} {target}: write MODEL, of demand, fraud"
    assert desk.said("demand", "command") == []


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("demand:drift-1", "write MODEL or MODEL/FEATURE, of demand, fraud"),
        ("demand-rollout-1", "write MODEL or MODEL/FEATURE, of demand, fraud"),
        ("demand:x", "write MODEL or MODEL/FEATURE, of demand, fraud"),
        ("demand/", "demand has no such feature; known: "),
        ("demand/X", "demand has no such feature; known: "),
        ("demand/x/y", "demand has no such feature; known: "),
        ("demand/nope", "demand has no such feature; known: "),
    ],
)
def test_a_silence_that_would_mute_nothing_is_refused(desk: Desk, target: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        desk.command("silence", target, until=LATER)
    assert str(refused.value).startswith(f"silence {target}: {reason}")
    assert desk.said("oncall:shop", "command") == []


@pytest.mark.parametrize("target", ["demand", "demand/x", "demand/score", "fraud", "fraud/any"])
def test_a_silence_of_what_may_alert_is_taken_in(desk: Desk, target: str) -> None:
    """`fraud` has no reference yet: nothing is known of its features."""
    desk.command("silence", target, until=LATER)
    assert [line["target"] for line in desk.said("oncall:shop", "command")] == [target]


@pytest.mark.parametrize(
    ("target", "only", "reason"),
    [
        ("demand", {"kind": "drifting"}, "no kind 'drifting', did you mean 'drift'?; known are "),
        ("demand", {"segment": "country"}, "name a segment as COLUMN=LEVEL, not 'country'"),
        ("demand", {"segment": "=DE"}, "name a segment as COLUMN=LEVEL, not '=DE'"),
        ("demand", {"feature": "nope"}, "demand has no such feature; known: "),
        ("demand/x", {"feature": "x"}, "the target names a feature already; leave one of them"),
        ("--all", {}, "give a kind, a feature or a segment; this would mute every page"),
        ("all", {"kind": "drift"}, "no such model; known are demand, fraud"),
    ],
)
def test_a_silence_that_is_narrowed_to_nothing_is_refused(
    desk: Desk, target: str, only: dict[str, str], reason: str
) -> None:
    with pytest.raises(Refused) as refused:
        desk.command("silence", target, until=LATER, matchers=Matchers(**only))
    assert str(refused.value).startswith(f"silence {target}: {reason}")
    assert desk.said("oncall:shop", "command") == []


@pytest.mark.parametrize(
    ("target", "only"),
    [
        ("demand", {"kind": "drift"}),
        ("demand", {"segment": "country=DE"}),
        ("demand/x", {"kind": "drift", "segment": "country=DE"}),
        ("demand", {"feature": "x"}),
        ("--all", {"kind": "drift"}),
        ("--all", {"feature": "anything"}),
    ],
)
def test_a_silence_by_matchers_mutes_what_they_match(
    desk: Desk, target: str, only: dict[str, str]
) -> None:
    desk.command("silence", target, until=LATER, matchers=Matchers(**only))
    (said,) = desk.said("oncall:shop", "command")
    assert said.get("matching", "") == str(Matchers(**only))
    (silence,) = desk.service.loop.head("oncall:shop").state.silences
    assert silence.model == (None if target == "--all" else "demand")
    assert (silence.kind, silence.segment) == (only.get("kind"), only.get("segment"))
    assert silence.feature == only.get("feature", target.partition("/")[2] or None)


def test_only_a_silence_has_matchers(desk: Desk) -> None:
    with pytest.raises(Refused, match="freeze demand: kind=drift: only a silence is narrowed"):
        desk.command("freeze", "demand", until=LATER, matchers=Matchers(kind="drift"))


@pytest.mark.parametrize("field", ["", "ruler"])
def test_alerts_can_be_silenced_while_the_reference_cannot_be_read(desk: Desk, field: str) -> None:
    name = desk.service.loop.head("demand").state.windows.reference
    lost = json.loads(desk.world.blobs.get(name))[field] if field else name
    desk.world.blobs.delete(lost)
    desk.command("silence", "demand/any", until=LATER)
    assert [line["verb"] for line in desk.said("oncall:shop", "command")] == ["silence"]


@pytest.mark.parametrize("hours", [1, 12, 23, 24])
def test_a_freeze_that_ends_no_later_than_the_present_one_is_refused(
    desk: Desk, hours: int
) -> None:
    desk.command("freeze", "demand", "c1", until=LATER)
    desk.command("freeze", "demand", "c2", until=NOW + timedelta(hours=hours))
    (said,) = desk.said("demand", "refused")
    assert said["reason"] == (
        "demand is frozen until 2024-03-05T10:00Z by g.hopper already; "
        "unfreeze it first to end that sooner"
    )
    desk.command("freeze", "demand", "c3", until=LATER + timedelta(hours=hours))
    assert len(desk.service.loop.head("demand").state.freezes) == 2
