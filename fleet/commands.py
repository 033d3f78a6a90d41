"""An operator's commands: their verbs, which partitions they concern, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import PurePosixPath

from engine.errors import Refused
from engine.texts import cut
from fleet.document.faults import suggestion
from fleet.document.policies import Fleet
from fleet.envelope import sound
from fleet.model import changes
from fleet.model.changes import LAST_YEAR
from fleet.model.facts import Asked
from fleet.partitions import FLEET, ONCALL
from monitoring.alerts.lifecycle import Kind
from monitoring.alerts.muting import Matchers

REFERENCE = "reference"
REPORT = "report"
NOTE = "note"
#: Verbs that may concern every model at once.
SHARED_VERBS = ("freeze", "unfreeze", NOTE)
MODEL_VERBS = (
    "retrain",
    "cancel",
    "freeze",
    "unfreeze",
    "approve",
    "rollback",
    REFERENCE,
    REPORT,
    NOTE,
)
TEAM_VERBS = ("ack", "silence", "unsilence")
RESUME = "resume"
EVERY_MODEL = "--all"

#: The longest reason, in characters.
LONGEST_REASON = 2000
#: The longest name of a verb, a target or a command: a model and an alert of its longest objective.
LONGEST_NAME = 500


class Outdated(Refused):
    """The journal has gone on since the record that a command expects to be the newest."""


@dataclass(frozen=True)
class Command:
    """An operator's command, from the command line or from POST /api/commands.

    A new reference is made from the table `data`, or from the days from `days[0]` to `days[1]`. A
    report shows the window `days[0]`, or the newest. A note says that something changed, in its
    reason: of what `kind`, when, and until when it lasts. `matchers` narrow a silence.
    """

    verb: str
    target: str
    by: str
    reason: str
    id: str
    until: datetime | None = None
    data: str = ""
    days: tuple[str, ...] = ()
    kind: str = ""
    at: datetime | None = None
    matchers: Matchers = field(default_factory=Matchers)

    @property
    def fact(self) -> Asked:
        """The fact that partitions receive."""
        return Asked(
            verb=self.verb,
            by=self.by,
            reason=self.reason,
            id=self.id,
            target=self.target,
            until=self.until,
            data=self.data,
            days=self.days,
            change=self.kind,
            at=self.at,
            matchers=self.matchers,
        )


def concerned(
    command: Command, fleet: Fleet, partitions: Callable[[], Collection[str]]
) -> tuple[str, ...]:
    """Return the partitions that a command is delivered to; `partitions` lists the store's.

    Raises
    ------
    Refused
        The verb or the target is unknown.
    """
    if command.verb in MODEL_VERBS:
        if command.target == EVERY_MODEL and command.verb in SHARED_VERBS:
            return tuple(fleet.models)
        return (_model_of(command, fleet),)
    everywhere = command.verb == "silence" and command.target == EVERY_MODEL
    of_no_model = command.verb == "ack" and _of_no_model(command.target)
    if command.verb == "unsilence" or everywhere or of_no_model:
        return tuple(ONCALL + team for team in fleet.teams)
    if command.verb in TEAM_VERBS:
        watched = fleet.models[_model_of(command, fleet)]
        return (ONCALL + watched.policy.team,)
    if command.verb == RESUME:
        # Partitions of teams and of the fleet can be resumed, too.
        return (command.target if command.target in partitions() else _model_of(command, fleet),)
    known = ", ".join(sorted((*MODEL_VERBS, *TEAM_VERBS, RESUME)))
    raise Refused(f"unknown verb {command.verb!r}; known are {known}")


def check(command: Command, now: datetime) -> None:
    """Refuse a command whose arguments are incomplete or contradict each other."""
    what = f"{command.verb} {command.target}"
    if command.verb == NOTE:
        changes.asked(replace(command.fact, at=command.at or now))
        return
    if command.kind or command.at is not None:
        raise Refused(f"{what}: kind and at belong to `note`; leave them out")
    if command.until is not None and command.until <= now:
        raise Refused(f"{what}: until {command.until:%Y-%m-%dT%H:%MZ} is in the past")
    if command.until is not None and command.until.year > LAST_YEAR:
        raise Refused(f"{what}: until the year {command.until.year}: give one up to {LAST_YEAR}")
    if command.verb == "freeze" and command.until is None:
        raise Refused(f"freeze {command.target}: 'until' is missing; a freeze needs an end")
    if command.matchers != Matchers() and command.verb != "silence":
        raise Refused(f"{what}: {command.matchers}: only a silence is narrowed by these")
    if command.verb == "silence":
        _check_silence(command)
    if command.verb == REFERENCE:
        _check_reference(command)
    if command.verb == REPORT and command.days:
        _check_window(command)


def check_texts(command: Command) -> None:
    """Refuse a command with a text that is too long or that no store keeps."""
    what = " ".join(cut(f"{command.verb} {command.target}", LONGEST_NAME).split())
    for name, text, longest in (
        ("verb", command.verb, LONGEST_NAME),
        ("target", command.target, LONGEST_NAME),
        ("id", command.id, LONGEST_NAME),
        ("reason", command.reason, LONGEST_REASON),
        ("by", command.by, LONGEST_REASON),
        ("data", command.data, LONGEST_REASON),
        ("kind", command.kind, LONGEST_NAME),
        *((name, text, LONGEST_NAME) for name, text in vars(command.matchers).items()),
        *(("a day", day, LONGEST_NAME) for day in command.days),
    ):
        if len(text) > longest:
            raise Refused(f"{what}: {name} has {len(text)} characters, {longest} at most")
        sound(text, f"{what}: {name}")


def _model_of(command: Command, fleet: Fleet) -> str:
    """Return the model that a target names: itself, `model:alert`, `model/feature`, a rollout."""
    name = command.target.replace("/", ":").partition(":")[0]
    if name in fleet.models:
        return name
    for model in fleet.models:
        if name.startswith(f"{model}-rollout-"):
            return model
    known = ", ".join(fleet.models) or "none"
    raise Refused(f"{command.verb} {command.target}: no such model; known are {known}")


def _of_no_model(alert: str) -> bool:
    """Whether an alert is about a team's partition or the fleet's: any team may have it."""
    return alert.startswith((ONCALL, f"{FLEET}:"))


def _check_silence(command: Command) -> None:
    """Refuse a silence of everything, or with a matcher that matches nothing."""
    what, matchers = f"silence {command.target}", command.matchers
    kinds = [str(kind) for kind in sorted(Kind)]
    if matchers.kind and matchers.kind not in kinds:
        hint = suggestion(matchers.kind, kinds)
        raise Refused(f"{what}: no kind {matchers.kind!r}{hint}; known are {', '.join(kinds)}")
    if matchers.segment and not all(matchers.segment.partition("=")):
        raise Refused(f"{what}: name a segment as COLUMN=LEVEL, not {matchers.segment!r}")
    if matchers.feature and "/" in command.target:
        raise Refused(f"{what}: the target names a feature already; leave one of them out")
    if command.target == EVERY_MODEL and matchers == Matchers():
        raise Refused(f"{what}: give a kind, a feature or a segment; this would mute every page")


def _check_window(command: Command) -> None:
    try:
        date.fromisoformat(command.days[0])
    except ValueError as error:
        raise Refused(f"report {command.target}: a window as 2026-01-31: {error}") from error


def _check_reference(command: Command) -> None:
    """Refuse a reference without a reason, or without exactly one source."""
    what = f"reference {command.target}"
    if not command.reason.strip():
        raise Refused(f"{what}: give a reason; the reference never changes without one")
    if bool(command.data) == bool(command.days):
        raise Refused(f"{what}: give a table, or a first and a last day")
    # The host looks again, with links followed.
    place = PurePosixPath(command.data.partition("://")[2] or command.data)
    if place.is_absolute() or any(part.startswith(".") for part in place.parts):
        told = "no absolute path, no '..', and nothing hidden"
        raise Refused(f"{what}: give a table below the folder of fleet.yaml: {told}")
    if command.days:
        try:
            first, last = map(date.fromisoformat, command.days)
        except ValueError as error:
            raise Refused(f"{what}: a first and a last day as 2026-01-31: {error}") from error
        if last < first:
            raise Refused(f"{what}: {last} is before {first}")
