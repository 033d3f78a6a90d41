"""What the parts of fleet.yaml refer to: teams, receivers, calendars, and files beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

import yaml

from engine.errors import Refused
from fleet.document.faults import suggestion
from fleet.document.policies import ModelPolicy, Watched
from fleet.document.text import Path, Problem, Text
from monitoring.alerts.group import Policy as TeamPolicy
from monitoring.calendars import Calendar, calendar
from monitoring.calendars import Policy as CalendarPolicy
from monitoring.slo import openslo
from monitoring.slo.objective import Objective

Read = Callable[[str], str]


@dataclass(frozen=True)
class Source:
    """The text of a document, and a function that returns the text of a file it names."""

    text: Text
    read: Read


@dataclass(frozen=True)
class Known:
    """What a model may refer to by name."""

    teams: Collection[str]
    calendars: Mapping[str, Calendar]


def unknown_receivers(
    text: Text, teams: Mapping[str, TeamPolicy], receivers: Collection[str]
) -> Iterator[Problem]:
    """Yield a problem for each receiver that a team names and the document does not define."""
    for name, team in teams.items():
        named = {"page": team.page, "ticket": team.ticket}
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
    found, wrong = {}, []
    for name, policy in policies.items():
        try:
            found[name] = calendar(policy, [source.read(path) for path in policy.ics])
        except Refused as error:
            wrong.append(source.text.problem(("calendars", name, "ics"), str(error)))
            found[name] = calendar(CalendarPolicy(zone=policy.zone))
    return found, wrong


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
    own = known.calendars.get(policy.calendar or "") or calendar(CalendarPolicy())
    return Watched(name, policy, own, objectives), [*found, *wrong]


def _objectives(
    source: Source, name: str, files: tuple[str, ...]
) -> tuple[tuple[Objective, ...], list[Problem]]:
    found: list[Objective] = []
    wrong: list[Problem] = []
    for place, file in enumerate(files):
        try:
            found += openslo.parse(yaml.safe_load_all(source.read(file)), file)
        except (Refused, yaml.YAMLError) as error:
            message = " ".join(str(error).split())
            wrong.append(source.text.problem(("models", name, "slo", place), message))
    return tuple(found), wrong


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
