"""fleet.yaml: the user's document, read as a whole or refused with every faulty line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError

from engine.errors import Refused
from engine.policy import Policy, ShortText
from fleet.document.addresses import Site
from fleet.document.faults import faults
from fleet.document.policies import Fleet, ModelPolicy, Watched
from fleet.document.receivers import Receiver
from fleet.document.references import (
    Known,
    Read,
    Source,
    read_calendars,
    shared_names,
    unknown_receivers,
    watched,
)
from fleet.document.reports import Reports
from fleet.document.sections import SECTIONS, STORE, Sections, sections
from fleet.document.teams import delegates, duty
from fleet.document.text import Problem, Text, merged, parse
from fleet.partitions import FLEET
from monitoring.alerts.duty import Duty
from monitoring.alerts.group import Policy as TeamPolicy
from monitoring.calendars import Policy as CalendarPolicy
from retrain.registry import NAME

Name = Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$")]


class Document(Policy):
    """The whole of fleet.yaml."""

    version: Literal[1] = Field(description="The format of this document.")
    store: ShortText = Field(
        STORE,
        description="Where state is kept: `local:FOLDER`, or `azure:CONNECTION`, where CONNECTION "
        "is the prefix of the app settings of a storage account; `azure:` uses "
        "AzureWebJobsStorage.",
    )
    base_url: Site = Field(
        "",
        description="Where people reach the app, as `https://ops.example.com`: it makes the links "
        "in messages absolute, and pages carry links that acknowledge and silence.",
    )
    teams: dict[Name, TeamPolicy] = Field(
        default_factory=dict, description="Receivers of alerts, by team."
    )
    calendars: dict[Name, CalendarPolicy] = Field(
        default_factory=dict, description="Business calendars by name."
    )
    receivers: dict[Name, Receiver] = Field(
        default_factory=dict, description="Receivers of pages and tickets, by name."
    )
    reports: Reports = Field(Reports(), description="What draws the reports of windows.")
    defaults: dict[str, Any] = Field(
        default_factory=dict, description="Defaults of every model, merged under its own values."
    )
    models: dict[Name, ModelPolicy] = Field(description="The watched models by name.")


@dataclass(frozen=True)
class Config:
    """A document with everything that it refers to resolved."""

    document: Document
    fleet: Fleet


@dataclass(frozen=True)
class Reading:
    """What was read of a document.

    config : the whole, None where anything is wrong.
    problems : everything that is wrong, in the order of lines.
    store : where state is kept, None where the document does not say so in a valid way.
    receivers, models, duties : those that are valid each for itself.
    notes : what is allowed, and may not be meant.
    """

    text: Text
    config: Config | None
    problems: list[Problem]
    store: str | None
    receivers: Mapping[str, Receiver]
    models: Mapping[str, Watched]
    notes: Sequence[Problem] = ()
    duties: Mapping[str, Duty] = field(default_factory=dict)


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


def problems(
    content: str, file: str, read: Read, years: Sequence[int] = ()
) -> Config | list[Problem]:
    """Return the resolved document, or every problem in it in the order of lines.

    The events of its calendars are also expanded over `years`.
    """
    found = reading(content, file, read, years)
    return found.config or found.problems


def reading(content: str, file: str, read: Read, years: Sequence[int]) -> Reading:
    """Return what can be read of a document, with every problem, also of the files it names."""
    text, found = parse(content, file)
    if found:
        return Reading(text, None, found, None, {}, {})
    if not isinstance(text.value, dict):
        what = "empty" if text.value is None else "not a mapping of keys to values"
        told = f"{what}; `driftwarden init --from DATA` writes a first one"
        return Reading(text, None, [text.problem((), told)], None, {}, {})
    value = _with_defaults(text.value)
    document = None
    try:
        document = Document.model_validate(value)
    except ValidationError as error:
        found = list(faults(text, Document, error))
    valid = sections(value) if document is None else _whole(document)
    return _resolved(Source(text, read, tuple(years)), document, valid, found)


def _with_defaults(value: dict[str, object]) -> dict[str, object]:
    defaults, models = value.get("defaults"), value.get("models")
    if not isinstance(defaults, dict) or not isinstance(models, dict):
        return value
    return {**value, "models": {name: merged(defaults, own) for name, own in models.items()}}


def _whole(document: Document) -> Sections:
    named = {name: frozenset(getattr(document, name)) for name in SECTIONS}
    return Sections(
        document.store,
        document.teams,
        document.calendars,
        document.receivers,
        document.models,
        named,
    )


def _ordered(found: Iterable[Problem]) -> list[Problem]:
    return sorted(set(found), key=lambda problem: (problem.line, str(problem)))


def _resolved(
    source: Source, document: Document | None, valid: Sections, found: list[Problem]
) -> Reading:
    """Resolve the valid entries; `found` has the problems that are known."""
    text = source.text
    found += unknown_receivers(text, valid.teams, valid.names("receivers"))
    calendars, unread = read_calendars(source, valid.calendars)
    found += unread
    # An entry that is there but faulty is no unknown name.
    named = (valid.names("teams"), valid.names("calendars"), calendars, valid.names("receivers"))
    known, delegating = Known(*named), delegates(valid.receivers)
    duties, models = {}, {}
    notes: list[Problem] = []
    for name, team in valid.teams.items():
        duties[name], wrong = duty(source, known, name, team, delegating)
        found += wrong
    for name, policy in valid.models.items():
        resolved = watched(source, known, name, policy)
        models[name] = resolved.model
        found += resolved.problems
        notes += resolved.notes
    if FLEET in valid.names("models"):
        found.append(
            text.problem(("models", FLEET), "the name is reserved for the fleet; choose another")
        )
    found += shared_names(text, valid.models)
    config = None
    if document is not None and not found:
        config = Config(document, Fleet(models, dict(document.teams), duties))
    ordered = _ordered(found)
    return Reading(text, config, ordered, valid.store, valid.receivers, models, notes, duties)
