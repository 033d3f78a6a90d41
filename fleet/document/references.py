"""What the parts of fleet.yaml refer to: teams, receivers, calendars, and files beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from engine.errors import Refused
from fleet.document.faults import suggestion
from fleet.document.policies import ModelPolicy, Watched
from fleet.document.text import Path, Problem, Text, parse_all
from monitoring.alerts.group import Policy as TeamPolicy
from monitoring.calendars import Calendar, calendar
from monitoring.calendars import Policy as CalendarPolicy
from monitoring.slo import openslo
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
    """What a model may refer to by name; `read` has the calendars that could be read."""

    teams: Collection[str]
    calendars: Collection[str]
    read: Mapping[str, Calendar]


def unknown_receivers(
    text: Text, teams: Mapping[str, TeamPolicy], receivers: Collection[str]
) -> Iterator[Problem]:
    """Yield a problem for each receiver that a team names and the document does not define."""
    for name, team in teams.items():
        named = {"page": team.page, "ticket": team.ticket, "changes": team.changes}
        for field, wanted in named.items():
            for receiver in wanted:
                if receiver not in receivers:
                    hint = suggestion(receiver, receivers)
                    at: Path = ("teams", name, field)
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


def watched(
    source: Source, known: Known, name: str, policy: ModelPolicy
) -> tuple[Watched, list[Problem]]:
    """Return a model with its calendar and objectives, and what is wrong with its references."""
    text, found = source.text, []
    if policy.team not in known.teams:
        hint = suggestion(policy.team, known.teams)
        found.append(text.problem(("models", name, "team"), f"no team {policy.team!r}{hint}"))
    if policy.calendar is not None and policy.calendar not in known.calendars:
        hint = suggestion(policy.calendar, known.calendars)
        path = ("models", name, "calendar")
        found.append(text.problem(path, f"no calendar {policy.calendar!r}{hint}"))
    objectives, wrong = _objectives(source, name, policy.slo)
    own = known.read.get(policy.calendar or "") or calendar(CalendarPolicy())
    return Watched(name, policy, own, objectives), [*found, *wrong]


def _objectives(
    source: Source, name: str, files: tuple[str, ...]
) -> tuple[tuple[Objective, ...], list[Problem]]:
    found: list[Objective] = []
    wrong: list[Problem] = []
    places: dict[str, str] = {}
    for place, file in enumerate(files):
        path: Path = ("models", name, "slo", place)
        try:
            own = _objectives_of(source.read(file), file)
        except Refused as error:
            wrong += [source.text.problem(path, line) for line in str(error).splitlines()]
            continue
        for objective in own:
            if (other := places.setdefault(objective.name, file)) != file:
                told = f"{file}: {objective.name}: {other} has an objective of this name"
                wrong.append(source.text.problem(path, f"{told}; rename one"))
        found += own
    repeated = {file for file in files if files.count(file) > 1}
    wrong += [
        source.text.problem(("models", name, "slo"), f"{file}: named twice; name it once")
        for file in sorted(repeated)
    ]
    return tuple(found), wrong


def _objectives_of(content: str, file: str) -> tuple[Objective, ...]:
    documents, problems = parse_all(content, file)
    if problems:
        raise Refused("\n".join(str(problem) for problem in problems))
    if all(one.value is None for one in documents):
        raise Refused(f"{file}:1: empty; OpenSLO documents are needed, or leave the file out")
    return openslo.parse(
        [one.value for one in documents], file, [one.line(()) for one in documents]
    )


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
