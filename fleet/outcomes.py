"""What came of an operator's command, as the journals of its partitions say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine import journal
from engine.loop import Loop
from engine.step import Line
from fleet.commands import Command

#: Records that are searched for a command's line, from the newest back.
SEARCHED = 500
#: Lines in the record of a command that say what it led to.
LED_TO = ("trigger", "run", "rollout", "champion", "traffic", "reference", "report")


class Result(StrEnum):
    """A command was done, was refused, or waits to be taken in."""

    DONE = "done"
    REFUSED = "refused"
    WAITING = "waiting"


@dataclass(frozen=True)
class Outcome:
    """The result of a command; `seq` is the journal record that says so."""

    id: str
    outcome: Result
    text: str
    seq: int | None = None


def outcome(loop: Loop, command: Command, partitions: Sequence[str]) -> Outcome:
    """Return what came of a command that was delivered to these partitions.

    It is refused where every partition refused it, and waits until each has answered.
    """
    answers = [_answer(loop, command, partition) for partition in partitions]
    what = f"{command.verb} {command.target}"
    waiting = [one for one in answers if one.outcome is Result.WAITING]
    done = [one for one in answers if one.outcome is Result.DONE]
    if waiting and not (done and command.verb == "unsilence"):
        return waiting[0]
    if done:
        led = "; ".join(one.text for one in done if one.text)
        if command.verb == "silence":
            led = f"`driftwarden unsilence {command.id}` lifts it"
        return Outcome(command.id, Result.DONE, f"{what}: done{led and f': {led}'}", done[0].seq)
    reasons = "; ".join(dict.fromkeys(one.text for one in answers))
    return Outcome(command.id, Result.REFUSED, f"{what}: refused: {reasons}", answers[0].seq)


def _answer(loop: Loop, command: Command, partition: str) -> Outcome:
    head = loop.head(partition)
    for record in journal.read(loop.store, partition, max(0, head.seq - SEARCHED)):
        for line in record.lines:
            if line.get("id") != command.id:
                continue
            if line["what"] == "refused":
                return Outcome(command.id, Result.REFUSED, str(line["reason"]), record.seq)
            if line["what"] == "command":
                told = "; ".join(_led_to(record.lines))
                return Outcome(command.id, Result.DONE, told, record.seq)
    why = f"{partition} is halted: {head.halted}" if head.halted else "it is not taken in yet"
    return Outcome(command.id, Result.WAITING, f"{command.verb} {command.target}: waiting: {why}")


def _led_to(lines: Iterable[Line]) -> Iterable[str]:
    for line in lines:
        if line["what"] in LED_TO:
            said = line.get("reason") or line.get("run") or line.get("note") or ""
            yield f"{line['what']} {said}".strip()
