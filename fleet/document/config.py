"""fleet.yaml: the user's document, read as a whole or refused with every faulty line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError

from engine.errors import Refused
from engine.policy import Policy
from fleet.document.faults import faults
from fleet.document.policies import Fleet, ModelPolicy
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
from fleet.document.text import Problem, merged, parse
from fleet.partitions import FLEET
from monitoring.alerts.group import Policy as TeamPolicy
from monitoring.calendars import Policy as CalendarPolicy
from retrain.registry import NAME

Name = Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$")]


class Document(Policy):
    """The whole of fleet.yaml."""

    version: Literal[1] = Field(description="The format of this document.")
    store: str = Field(
        "local:var",
        description="Where state is kept: `local:FOLDER`, or `azure:CONNECTION`, where CONNECTION "
        "is the prefix of the app settings of a storage account; `azure:` uses "
        "AzureWebJobsStorage.",
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
    defaults: dict[str, Any] = Field(
        default_factory=dict, description="Defaults of every model, merged under its own values."
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
    """Return the resolved document, or every problem in it in the order of lines."""
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
    return _resolved(Source(text, read), document)


def _with_defaults(value: dict[str, object]) -> dict[str, object]:
    defaults, models = value.get("defaults"), value.get("models")
    if not isinstance(defaults, dict) or not isinstance(models, dict):
        return value
    return {**value, "models": {name: merged(defaults, own) for name, own in models.items()}}


def _ordered(found: Iterable[Problem]) -> list[Problem]:
    return sorted(set(found), key=lambda problem: (problem.line, str(problem)))


def _resolved(source: Source, document: Document) -> Config | list[Problem]:
    text = source.text
    found = list(unknown_receivers(text, document.teams, document.receivers))
    calendars, unread = read_calendars(source, document.calendars)
    found += unread
    known = Known(document.teams, calendars)
    models = {}
    for name, policy in document.models.items():
        models[name], wrong = watched(source, known, name, policy)
        found += wrong
    if FLEET in document.models:
        found.append(
            text.problem(("models", FLEET), "the name is reserved for the fleet; choose another")
        )
    found += shared_names(text, document.models)
    return _ordered(found) if found else Config(document, Fleet(models, dict(document.teams)))
