"""The types of events from outside: each becomes at most one delivery to one partition.

The fields of the types: Microsoft Learn, "Azure Blob Storage as an Event Grid source"; for those of
Azure Machine Learning see `fleet/workspace_events.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from engine.errors import Refused
from engine.step import Delivery
from engine.texts import joined
from fleet import envelope, logfiles, workspace_events
from fleet.commands import EVERY_MODEL
from fleet.document.policies import Fleet
from fleet.envelope import Event
from fleet.model import changes
from fleet.model.facts import Asked, LogGrew, Noted, Unrecognised
from fleet.model.records import Collection
from fleet.partitions import FLEET
from fleet.workspace_events import Foreign

SUBJECT = re.compile(r"/blobServices/default/containers/([^/]+)/blobs/(.+)")
# With a hierarchical namespace (or SFTP) a file is announced when it is created and when closed.
BEGINNINGS = ("createfile", "sftpcreate")


@dataclass(frozen=True)
class Hint:
    """A log file of a model is there, and its length is not known yet."""

    model: str
    path: str


@dataclass(frozen=True)
class Everywhere:
    """Something that concerns every model; `id` is that of each delivery."""

    id: str
    fact: Noted


#: A partition and its fact, or what else an event says.
News = workspace_events.News | Hint | Noted


def delivery(
    found: Event, fleet: Fleet, container: Callable[[], str] = str, workspace: str = ""
) -> Delivery | Everywhere | Hint | Foreign | None:
    """Return the partition and the fact of an event; None where it carries no news.

    Parameters
    ----------
    container : Callable[[], str]
        Tells the container of the logs of models that name none; empty for any.
    workspace : str
        The resource id of the workspace that the models are served from; empty for any.

    Raises
    ------
    Refused
        A field is absent, or an event for Driftwarden names a model that is not in fleet.yaml.
    Unavailable
        The container cannot be told now.
    """
    if found.type in workspace_events.RESOURCES:
        news: News = workspace_events.resource(found, fleet, workspace)
    else:
        news = _news(found, fleet, container)
    if isinstance(news, Noted):
        return Everywhere(joined(found.type, found.id, found.source.lower()), news)
    if not isinstance(news, tuple):
        return news
    partition, fact = news
    if isinstance(fact, LogGrew) and fact.collection is not Collection.labels:
        return Delivery(partition, logfiles.name_of(fact), fact)
    # CloudEvents 1.0, "id": unique within its source; the case of a resource's id does not count.
    name = joined(found.type, found.id, found.source.lower())
    if isinstance(fact, Unrecognised):
        # The sender chooses this type: it must not give the id of a delivery of our own.
        name = f"unrecognised:{name}"
    return Delivery(partition, name, fact)


def _news(found: Event, fleet: Fleet, container: Callable[[], str]) -> News:
    """Return the partition and the fact of an event by its type."""
    match found.type:
        case "Microsoft.Storage.BlobCreated":
            return _blob(found, fleet, container)
        case "Microsoft.MachineLearningServices.ModelRegistered":
            return workspace_events.registered(found, fleet)
        case "Microsoft.MachineLearningServices.ModelDeployed":
            return workspace_events.deployed(found, fleet)
        case (
            "Microsoft.MachineLearningServices.RunCompleted"
            | "Microsoft.MachineLearningServices.RunStatusChanged"
        ):
            return workspace_events.run(found, fleet)
        case "Microsoft.MachineLearningServices.DatasetDriftDetected":
            # The documented event names a monitor: it has to have the name of its model.
            key = "model" if "model" in found.fields else "datadriftname"
            name = workspace_events.watched(found.text(key), fleet)
            if name is None:
                return Foreign.MODEL
            return name, Asked("event", found.source, found.reason, found.id)
        case "Driftwarden.LabelsArrived":
            size = found.number("size")
            return _model(found, fleet), LogGrew(found.text("blob"), size, Collection.labels)
        case "Driftwarden.RetrainRequested":
            return _model(found, fleet), Asked("event", found.source, found.reason, found.id)
        case "Driftwarden.Changed":
            return _changed(found, fleet)
        case _:
            return FLEET, Unrecognised(found.type, found.source)


def _blob(found: Event, fleet: Fleet, container: Callable[[], str]) -> News:
    match = SUBJECT.fullmatch(found.subject)
    if match is None:
        raise Refused(f"event {found.id}: subject {found.subject!r} names no blob")
    for name, watched in fleet.models.items():
        logs = watched.policy.logs
        theirs = logs.container or container()
        if (theirs and match[1] != theirs) or logfiles.grown(logs, match[2], 0) is None:
            continue
        if not logs.events or str(found.fields.get("api")).lower() in BEGINNINGS:
            return None
        size = found.number("contentlength")
        fact = logfiles.grown(logs, match[2], size)
        # An append blob is announced once, when it is created.
        return Hint(name, match[2]) if not size or fact is None else (name, fact)
    return Foreign.FILE


def _changed(found: Event, fleet: Fleet) -> News:
    """Return a reported change, of one model or of all."""
    what = f"event {found.id}: data"
    kind, text, by = (_said(found, key) for key in ("kind", "text", "by"))
    at = envelope.moment(found.fields.get("at"), f"{what}.at") or found.at
    until = envelope.moment(found.fields.get("until"), f"{what}.until")
    fact = changes.change(kind, text, by or found.source, at, until, what)
    return fact if found.fields.get("model") == EVERY_MODEL else (_model(found, fleet), fact)


def _said(found: Event, key: str) -> str:
    """Return a field that holds a sender's text, which is bounded later; empty where absent."""
    value = found.fields.get(key)
    if not isinstance(value, str | None):
        told = f"data.{key} is {type(value).__name__}, text is expected"
        raise Refused(f"event {found.id}: {told}")
    return value or ""


def _model(found: Event, fleet: Fleet) -> str:
    said = found.text("model")
    name = workspace_events.watched(said, fleet)
    if name is None:
        raise Refused(f"event {found.id}: model {said!r} is not in fleet.yaml")
    return name
