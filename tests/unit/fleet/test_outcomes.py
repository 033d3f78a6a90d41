"""What came of a command: done, refused or waiting, by the journals of its partitions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from engine.errors import Broken
from engine.store import Row
from fleet.commands import Command
from fleet.domain import FleetDomain
from fleet.outcomes import Awaited, Result
from tests.unit.fleet.desk import NOW, Desk

LATER = NOW + timedelta(days=1)


def command(verb: str, target: str, **more: Any) -> Command:
    return Command(verb, target, "g.hopper", "because", "c9", **more)


def sent(desk: Desk, asked: Command) -> Awaited:
    """Deliver a command; nobody takes it in yet."""
    desk.service.command(asked)
    return desk.service.awaited(asked)


def test_a_command_waits_until_it_is_taken_in(desk: Desk) -> None:
    awaited = sent(desk, command("freeze", "demand", until=LATER))
    found = awaited.look()
    assert (found.outcome, found.seq) == (Result.WAITING, None)
    assert found.text == "freeze demand: waiting: it is not taken in yet"
    desk.settle()
    found = awaited.look()
    assert (found.outcome, found.text) == (Result.DONE, "freeze demand: done")
    assert found.seq == desk.service.loop.head("demand").seq


def test_a_command_of_all_models_waits_for_each(desk: Desk) -> None:
    awaited = sent(desk, command("freeze", "--all", until=LATER))
    desk.service.drain("demand")
    assert awaited.look().outcome is Result.WAITING
    desk.service.drain("fraud")
    assert awaited.look().outcome is Result.DONE


def test_what_one_team_refuses_is_done_where_another_has_it(desk: Desk) -> None:
    desk.command("freeze", "demand", "c1", until=LATER)
    awaited = sent(desk, command("unfreeze", "--all"))
    desk.settle()
    assert awaited.look().text == "unfreeze --all: done"
    again = Command("unfreeze", "--all", "g.hopper", "because", "c10")
    awaited = sent(desk, again)
    desk.settle()
    assert awaited.look().text == "unfreeze --all: refused: no freeze is in force"


def test_a_repeat_is_answered_by_the_record_of_the_first(desk: Desk) -> None:
    asked = command("freeze", "demand", until=LATER)
    desk.service.command(asked)
    desk.settle()
    first = desk.service.awaited(asked).look()
    desk.command("unfreeze", "demand", "c10")
    assert sent(desk, asked).look() == first


def test_a_halted_partition_says_why_it_waits(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*words: Any) -> None:
        raise TypeError("unsupported operand")

    awaited = sent(desk, command("freeze", "demand", until=LATER))
    with monkeypatch.context() as defect:
        defect.setattr(FleetDomain, "step", broken)
        with pytest.raises(Broken):
            desk.service.drain("demand")
    assert awaited.look().text.startswith(
        "freeze demand: waiting: demand is halted: TypeError: unsupported operand (fact command:c9"
    )


def test_waiting_reads_no_record_twice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    awaited = sent(desk, command("freeze", "demand", until=LATER))
    awaited.look()
    seen: list[int] = []
    scan = desk.store.scan

    def counted(partition: str, prefix: str, **more: Any) -> list[Row]:
        found = scan(partition, prefix, **more)
        seen.append(len(found) if prefix == "log:" else 0)
        return found

    monkeypatch.setattr(desk.store, "scan", counted)
    for _ in range(5):
        awaited.look()
    assert sum(seen) == 0
    assert seen


def test_a_silence_names_how_to_lift_it(desk: Desk) -> None:
    awaited = sent(desk, command("silence", "demand", until=LATER))
    desk.settle()
    assert awaited.look().text == ("silence demand: done: `driftwarden unsilence c9` lifts it")


def test_a_reference_that_is_asked_for_is_not_made_yet(desk: Desk) -> None:
    awaited = sent(desk, command("reference", "demand", data="no-such.parquet"))
    desk.settle()
    told = "it is being made; `driftwarden journal demand` says what came of it"
    assert awaited.look().text == f"reference demand: done: {told}"
    assert desk.said("demand", "refused")
