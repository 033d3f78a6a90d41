"""What the parts of fleet.yaml refer to: teams, receivers, calendars, and files beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from engine.errors import Refused
from fleet.document.faults import suggestion
from fleet.document.objectives import objectives
from fleet.document.policies import ModelPolicy, Watched
from fleet.document.text import Path, Problem, Text
from monitoring.alerts.group import Policy as TeamPolicy
from monitoring.alerts.rotation import ROTATION
from monitoring.calendars import Calendar, calendar
from monitoring.calendars import Policy as CalendarPolicy
from monitoring.slo.judged import judged
from monitoring.slo.objective import Objective

Read = Callable[[str], str]


@dataclass(frozen=True)
class Source:
    """A document to resolve.

    text : the document.
    read : returns the text of a file that it names.
    years : the years that the events of its calendars are expanded over.
    """

    text: Text
    read: Read
    years: tuple[int, ...]


@dataclass(frozen=True)
class Known:
    """What a model or a team may refer to; `read` has the calendars that could be read."""

    teams: Collection[str]
    calendars: Collection[str]
    read: Mapping[str, Calendar]
    receivers: Collection[str] = ()


def unknown_receivers(
    text: Text, teams: Mapping[str, TeamPolicy], receivers: Collection[str]
) -> Iterator[Problem]:
    """Yield a problem for each receiver that a team names and the document does not define."""
    for name, team in teams.items():
        named: dict[Path, tuple[str, ...]] = {
            ("page",): team.page,
            ("ticket",): team.ticket,
            ("changes",): team.changes,
        }
        if team.digest is not None:
            named["digest", "receiver"] = (team.digest.receiver,)
        for field, wanted in named.items():
            for receiver in wanted:
                if receiver not in receivers and receiver != ROTATION:
                    hint = suggestion(receiver, receivers)
                    at: Path = ("teams", name, *field)
                    yield text.problem(at, f"no receiver {receiver!r}{hint}")


def read_calendars(
    source: Source, policies: Mapping[str, CalendarPolicy]
) -> tuple[dict[str, Calendar], list[Problem]]:
    """Return every calendar, with those whose files cannot be read left without events."""
    found: dict[str, Calendar] = {}
    wrong: list[Problem] = []
    for name, policy in policies.items():
        found[name], lines = _calendar(source, policy)
        wrong += [source.text.problem(("calendars", name, "ics"), line) for line in lines]
    return found, wrong


def _calendar(source: Source, policy: CalendarPolicy) -> tuple[Calendar, list[str]]:
    """Return a calendar of the files that are valid, and a line for each fault of the others."""
    valid: dict[str, str] = {}
    wrong: list[str] = []
    for file in policy.ics:
        try:
            content = source.read(file)
            alone = policy.model_copy(update={"ics": (file,)})
            calendar(alone, [content]).check(source.years)
            valid[file] = content
        except Refused as error:
            wrong += str(error).splitlines()
    if len(set(policy.ics)) < len(policy.ics):
        wrong.append("a file is named twice; name it once")
    kept = policy.model_copy(update={"ics": tuple(valid)})
    return calendar(kept, list(valid.values())), wrong


@dataclass(frozen=True)
class Resolved:
    """A model with its calendar and objectives.

    problems : what is wrong with its references.
    notes : what is allowed, and may not be meant.
    """

    model: Watched
    problems: list[Problem]
    notes: list[Problem]


def watched(source: Source, known: Known, name: str, policy: ModelPolicy) -> Resolved:
    """Return a model with everything that it refers to."""
    text, found = source.text, []
    if policy.team not in known.teams:
        hint = suggestion(policy.team, known.teams)
        found.append(text.problem(("models", name, "team"), f"no team {policy.team!r}{hint}"))
    if policy.calendar is not None and policy.calendar not in known.calendars:
        hint = suggestion(policy.calendar, known.calendars)
        path = ("models", name, "calendar")
        found.append(text.problem(path, f"no calendar {policy.calendar!r}{hint}"))
    own = known.read.get(policy.calendar or "") or calendar(CalendarPolicy())
    judges, wrong, notes = _objectives(source, name, policy.slo)
    return Resolved(Watched(name, policy, own, judges), [*found, *wrong], notes)


def _objectives(
    source: Source, name: str, files: tuple[str, ...]
) -> tuple[tuple[Objective, ...], list[Problem], list[Problem]]:
    """Return the objectives of a model's files, what is wrong with these, and notes."""
    contents: dict[str, str] = {}
    wrong: list[Problem] = []
    paths: dict[str, Path] = {}
    for place, file in enumerate(files):
        if file in paths:
            told = f"{file}: named twice; name it once"
            wrong.append(source.text.problem(("models", name, "slo"), told))
            continue
        paths[file] = ("models", name, "slo", place)
        try:
            contents[file] = source.read(file)
        except Refused as error:
            lines = str(error).splitlines()
            wrong += [source.text.problem(paths[file], line) for line in lines]
    reading = objectives(contents.items(), services=(name,))
    wrong += [source.text.problem(paths[one.file], str(one)) for one in reading.errors]
    notes = [source.text.problem(paths[one.file], str(one)) for one in reading.warnings]
    found: list[Objective] = []
    for slo in reading.slos:
        try:
            found += judged(slo)
        except Refused as error:
            file = slo.where.rpartition(":")[0]
            wrong.append(source.text.problem(paths[file], str(error)))
    return tuple(found), wrong, notes


def shared_names(text: Text, models: Mapping[str, ModelPolicy]) -> Iterator[Problem]:
    """Yield a problem for each endpoint or registered name that two models have in common."""
    endpoints: dict[str, str] = {}
    registered: dict[str, str] = {}
    for name, policy in models.items():
        other = endpoints.setdefault(policy.logs.endpoint.casefold(), name)
        if other != name:
            path: Path = ("models", name, "logs", "endpoint")
            yield text.problem(path, f"{other!r} reads this endpoint's logs already")
        other = registered.setdefault((policy.serving.model or name).casefold(), name)
        if other != name:
            path = ("models", name, "serving", "model")
            yield text.problem(path, f"{other!r} is registered under this name already")
