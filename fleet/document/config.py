"""fleet.yaml: the one document a user writes, read whole or refused with every line at fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, StringConstraints, ValidationError

from engine.errors import Refused
from engine.policy import Policy
from fleet.document.faults import faults, suggestion
from fleet.document.policies import Fleet, ModelPolicy, Watched
from fleet.document.receivers import Receiver
from fleet.document.text import Path, Problem, Text, merged, parse
from fleet.partitions import FLEET
from monitoring.alerts.grouping import Policy as TeamPolicy
from monitoring.calendars import Calendar, calendar
from monitoring.calendars import Policy as CalendarPolicy
from monitoring.slo import openslo
from monitoring.slo.objective import Objective
from retrain.registry import NAME

Name = Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$")]
Read = Callable[[str], str]


class Document(Policy):
    """The whole of fleet.yaml."""

    version: Literal[1] = Field(description="The format of this document.")
    store: str = Field(
        "local:var",
        description="Where state is kept: `local:FOLDER`, or `azure:CONNECTION` by the name of "
        "the app settings that lead to a storage account; `azure:` is AzureWebJobsStorage.",
    )
    teams: dict[Name, TeamPolicy] = Field(default_factory=dict, description="Who is told, by team.")
    calendars: dict[Name, CalendarPolicy] = Field(
        default_factory=dict, description="Business calendars by name."
    )
    receivers: dict[Name, Receiver] = Field(
        default_factory=dict, description="Where pages can go, by name."
    )
    defaults: dict[str, Any] = Field(
        default_factory=dict, description="What models have in common; laid under each of them."
    )
    models: dict[Name, ModelPolicy] = Field(description="The watched models by name.")


@dataclass(frozen=True)
class Config:
    """A document with everything that it refers to resolved."""

    document: Document
    fleet: Fleet


def load(content: str, file: str, read: Read) -> Config:
    """Read a document.

    Parameters
    ----------
    content, file : the text, and what to call it in messages.
    read : returns the text of a file that the document names, relative to it; Refused without it.

    Raises
    ------
    Refused
        With all problems, one line each.
    """
    found = problems(content, file, read)
    if isinstance(found, Config):
        return found
    raise Refused("\n".join(str(problem) for problem in found))


def problems(content: str, file: str, read: Read) -> Config | list[Problem]:
    """Return the document resolved, or everything that is wrong with it in line order."""
    text, found = parse(content, file)
    if found:
        return found
    if not isinstance(text.value, dict):
        what = "empty" if text.value is None else "not a mapping of keys to values"
        return [text.problem((), f"{what}; `driftwarden init --from DATA` writes a first one")]
    try:
        document = Document.model_validate(_with_defaults(text.value))
    except ValidationError as error:
        return _ordered(faults(text, Document, error))
    return _resolve(text, document, read)


def _with_defaults(value: dict[str, Any]) -> dict[str, Any]:
    defaults, models = value.get("defaults"), value.get("models")
    if not isinstance(defaults, dict) or not isinstance(models, dict):
        return value
    return {**value, "models": {name: merged(defaults, own) for name, own in models.items()}}


def _ordered(found: Iterable[Problem]) -> list[Problem]:
    return sorted(set(found), key=lambda problem: (problem.line, str(problem)))


def _resolve(text: Text, document: Document, read: Read) -> Config | list[Problem]:
    found: list[Problem] = []
    built = {
        name: _calendar(text, name, policy, read, found)
        for name, policy in document.calendars.items()
    }
    for name, team in document.teams.items():
        for field in ("page", "ticket"):
            for receiver in getattr(team, field):
                if receiver not in document.receivers:
                    hint = suggestion(receiver, document.receivers)
                    at: Path = ("teams", name, field)
                    found.append(text.problem(at, f"no receiver {receiver!r}{hint}"))
    models = {
        name: _watched(text, name, policy, document, built, read, found)
        for name, policy in document.models.items()
    }
    if FLEET in document.models:
        found.append(text.problem(("models", FLEET), "the name is the fleet's own; take another"))
    found += _shared_names(text, document)
    if found:
        return _ordered(found)
    return Config(document, Fleet(models, dict(document.teams)))


def _calendar(
    text: Text, name: str, policy: CalendarPolicy, read: Read, found: list[Problem]
) -> Calendar:
    try:
        return calendar(policy, [read(path) for path in policy.ics])
    except Refused as error:
        found.append(text.problem(("calendars", name, "ics"), str(error)))
        return calendar(CalendarPolicy(zone=policy.zone))


def _watched(
    text: Text,
    name: str,
    policy: ModelPolicy,
    document: Document,
    built: dict[str, Calendar],
    read: Read,
    found: list[Problem],
) -> Watched:
    if policy.team not in document.teams:
        hint = suggestion(policy.team, document.teams)
        found.append(text.problem(("models", name, "team"), f"no team {policy.team!r}{hint}"))
    if policy.calendar is not None and policy.calendar not in built:
        hint = suggestion(policy.calendar, built)
        path = ("models", name, "calendar")
        found.append(text.problem(path, f"no calendar {policy.calendar!r}{hint}"))
    objectives: list[Objective] = []
    for i, file in enumerate(policy.slo):
        try:
            objectives += openslo.parse(yaml.safe_load_all(read(file)), file)
        except (Refused, yaml.YAMLError) as error:
            said = " ".join(str(error).split())
            found.append(text.problem(("models", name, "slo", i), said))
    lived_by = built.get(policy.calendar or "") or calendar(CalendarPolicy())
    return Watched(name, policy, lived_by, tuple(objectives))


def _shared_names(text: Text, document: Document) -> list[Problem]:
    endpoints: dict[str, str] = {}
    registered: dict[str, str] = {}
    found = []
    for name, policy in document.models.items():
        other = endpoints.setdefault(policy.logs.endpoint.casefold(), name)
        if other != name:
            path = ("models", name, "logs", "endpoint")
            found.append(text.problem(path, f"{other!r} reads this endpoint's logs already"))
        other = registered.setdefault((policy.serving.model or name).casefold(), name)
        if other != name:
            path = ("models", name, "serving", "model")
            found.append(text.problem(path, f"{other!r} is registered under this name already"))
    return found
