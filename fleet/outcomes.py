"""What came of an operator's command, as the journals of its partitions say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine import journal
from engine.journal import Record
from engine.loop import Loop
from engine.step import Line
from fleet.commands import REFERENCE, Command
from fleet.model.lines import operations
from fleet.model.lines.line import read_line

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


class Awaited:
    """Looks for what came of a delivered command; every journal record is read once."""

    def __init__(self, loop: Loop, command: Command, partitions: Sequence[str]) -> None:
        self._loop, self._command = loop, command
        self._answers: dict[str, Outcome] = {}
        # A repeated command was answered some records ago.
        self._read_to = {name: loop.head(name).seq - SEARCHED for name in partitions}

    def look(self) -> Outcome:
        """Return the outcome as it is known now.

        It is refused where every partition refused it, and waits until each has answered.
        """
        for partition in self._read_to.keys() - self._answers.keys():
            self._read(partition)
        command, answers = self._command, list(self._answers.values())
        done = [one for one in answers if one.outcome is Result.DONE]
        one_suffices = bool(done) and command.verb in ("unsilence", "ack")
        if len(answers) < len(self._read_to) and not one_suffices:
            return self._outcome(Result.WAITING, self._why_not())
        if done:
            led = "; ".join(one.text for one in done if one.text)
            if command.verb == "silence":
                led = f"`driftwarden unsilence {command.id}` lifts it"
            if command.verb == REFERENCE and not led:
                led = (
                    f"it is being made; `driftwarden journal {command.target}` says what came of it"
                )
            return self._outcome(Result.DONE, led, done[0].seq)
        reasons = "; ".join(dict.fromkeys(one.text for one in answers))
        return self._outcome(Result.REFUSED, reasons, answers[0].seq)

    def _read(self, partition: str) -> None:
        store, after = self._loop.store, max(0, self._read_to[partition])
        for record in journal.read(store, partition, after):
            self._read_to[partition] = record.seq
            found = _answer(record, self._command.id)
            if found is not None:
                self._answers[partition] = found

    def _why_not(self) -> str:
        """Name a partition that is halted, which takes nothing in until it is resumed."""
        for partition in sorted(self._read_to.keys() - self._answers.keys()):
            halted = self._loop.head(partition).halted
            if halted:
                return f"{partition} is halted: {halted}"
        return "it is not taken in yet"

    def _outcome(self, result: Result, text: str, seq: int | None = None) -> Outcome:
        command = self._command
        told = f"{command.verb} {command.target}: {result}"
        return Outcome(command.id, result, f"{told}: {text}" if text else told, seq)


def _answer(record: Record, command: str) -> Outcome | None:
    """Return what a record says of a command; None where it does not name it."""
    for line in map(read_line, record.lines):
        match line:
            case operations.Refused(id=name, reason=reason) if name == command:
                return Outcome(command, Result.REFUSED, reason, record.seq)
            case operations.Command(id=name) if name == command:
                told = "; ".join(_led_to(record.lines))
                return Outcome(command, Result.DONE, told, record.seq)
    return None


def _led_to(lines: Iterable[Line]) -> Iterator[str]:
    for line in lines:
        if line["what"] in LED_TO:
            said = line.get("reason") or line.get("run") or line.get("note") or ""
            yield f"{line['what']} {said}".strip()
