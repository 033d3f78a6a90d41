"""The types of events from outside: each becomes at most one delivery to one partition.

The fields of the types: Microsoft Learn, "Azure Blob Storage as an Event Grid source" and "Azure
Machine Learning as an Event Grid source".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from engine.errors import Refused
from engine.step import Delivery
from engine.texts import cut, joined
from fleet import logfiles, names
from fleet.document.policies import Fleet
from fleet.envelope import Event, sound
from fleet.model.facts import Asked, Fact, Hinted, LogGrew, Noted, Registered, Unrecognised
from fleet.model.records import Collection
from fleet.partitions import FLEET
from retrain.registry import check_version

SUBJECT = re.compile(r"/blobServices/default/containers/([^/]+)/blobs/(.+)")
# With a hierarchical namespace (or SFTP) a file is announced when it is created and when closed.
BEGINNINGS = ("createfile", "sftpcreate")
TRAINING = re.compile(r"(.+)-run-[0-9]+(?:-[0-9]+)?")
RUN_TAG = "driftwarden.run"
JOB_TAG = "driftwarden.job"
WAIVED_TAG = "driftwarden.shadow_waived_by"
REASON_TAG = "driftwarden.reason"
# "Monitor the performance of models deployed to production" (Microsoft Learn): the tag of a run of
# Azure Machine Learning's model monitor says `{monitor}_{signal} has failed due to …`.
BREACHED_TAG = "azureml_modelmonitor_threshold_breached"
LONGEST_BREACH = 500


class Foreign(StrEnum):
    """What an event is about that is not in fleet.yaml: it belongs to others, and is no fault."""

    FILE = "file"
    MODEL = "model"
    DEPLOYMENT = "deployment"
    RUN = "run"


@dataclass(frozen=True)
class Hint:
    """A log file of a model is there, and its length is not known yet."""

    model: str
    path: str


#: A partition and its fact, or what else an event says.
News = tuple[str, Fact] | Hint | Foreign | None


def delivery(
    found: Event, fleet: Fleet, container: Callable[[], str] = str
) -> Delivery | Hint | Foreign | None:
    """Return the partition and the fact of an event; None where it carries no news.

    Parameters
    ----------
    container : Callable[[], str]
        Tells the container of the logs of models that name none; empty for any.

    Raises
    ------
    Refused
        A field is absent, or an event for Driftwarden names a model that is not in fleet.yaml.
    Unavailable
        The container cannot be told now.
    """
    news = _news(found, fleet, container)
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
            return _registered(found, fleet)
        case "Microsoft.MachineLearningServices.ModelDeployed":
            return _deployed(found, fleet)
        case (
            "Microsoft.MachineLearningServices.RunCompleted"
            | "Microsoft.MachineLearningServices.RunStatusChanged"
        ):
            return _run(found, fleet)
        case "Microsoft.MachineLearningServices.DatasetDriftDetected":
            # The documented event names a monitor: it has to have the name of its model.
            key = "model" if "model" in found.fields else "datadriftname"
            name = _watched(found.text(key), fleet)
            if name is None:
                return Foreign.MODEL
            return name, Asked("event", found.source, found.reason, found.id)
        case "Driftwarden.LabelsArrived":
            size = found.number("size")
            return _model(found, fleet), LogGrew(found.text("blob"), size, Collection.labels)
        case "Driftwarden.RetrainRequested":
            return _model(found, fleet), Asked("event", found.source, found.reason, found.id)
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


def _behind(endpoint: str, fleet: Fleet) -> str | None:
    endpoints = {name: one.policy.logs.endpoint for name, one in fleet.models.items()}
    return names.behind(endpoint, endpoints)


def _watched(model: str, fleet: Fleet) -> str | None:
    """Return the name in fleet.yaml for a name from there or from the registry."""
    if model in fleet.models:
        return model
    return names.behind(model, {name: one.registered_as for name, one in fleet.models.items()})


def _registered(found: Event, fleet: Fleet) -> News:
    tags, properties = found.tags("modelTags"), found.tags("modelProperties")
    if tags.get(RUN_TAG) or tags.get(JOB_TAG):
        return None  # the run reports its version itself
    name = _watched(found.text("modelname"), fleet)
    if name is None:
        return Foreign.MODEL
    version = check_version(found.text("modelversion"))
    if any(_trained(str(said)) == name for said in (version, *properties.values())):
        return None  # the same for a job without the tags
    waived, why = (sound(str(tags.get(key) or ""), key) for key in (WAIVED_TAG, REASON_TAG))
    return name, Registered(version, "registered", waived or None, why)


def _deployed(found: Event, fleet: Fleet) -> News:
    """Deliver to the model of the endpoint, or else to one of the deployed models."""
    service = found.text("servicename")
    listed = found.fields.get("modelids") or ""
    versions = listed if isinstance(listed, list) else str(listed).split(",")
    said = (_watched(str(version).partition(":")[0].strip(), fleet) for version in versions)
    name = next((name for name in (_behind(service, fleet), *said) if name is not None), None)
    noted = Noted(found.type, found.subject or service, found.at)
    return Foreign.DEPLOYMENT if name is None else (name, noted)


def _run(found: Event, fleet: Fleet) -> News:
    """Deliver only runs of a watched model: a workspace announces every run."""
    said = [str(found.tags(key).get(RUN_TAG)) for key in ("runTags", "runProperties")]
    for name in (*said, found.text("runid")):
        if (model := _trained(name)) in fleet.models:
            return model, Hinted(name)
    return _breached(found, fleet)


def _breached(found: Event, fleet: Fleet) -> News:
    """Ask for a retraining where a model monitor (v2) named after a watched model tells a breach.

    The monitor has the name of the model, in fleet.yaml or in the registry, or of its endpoint.
    """
    said = " ".join(str(found.tags("runTags").get(BREACHED_TAG) or "").split())
    if not said:
        return Foreign.RUN
    monitors = {
        alias.lower(): name
        for name, one in fleet.models.items()
        for alias in (one.policy.logs.endpoint, one.registered_as, name)
    }
    fitting = [alias for alias in monitors if said.lower().startswith(f"{alias}_")]
    if not fitting:
        return Foreign.RUN
    why = sound(cut(said, LONGEST_BREACH), f"event {found.id}: data.runTags.{BREACHED_TAG}")
    return monitors[max(fitting, key=len)], Asked("event", found.source, why, found.id)


def _trained(name: str) -> str:
    """Return the model that a training, or one of its attempts, has this name for; or nothing."""
    match = TRAINING.fullmatch(name)
    return match[1] if match is not None else ""


def _model(found: Event, fleet: Fleet) -> str:
    said = found.text("model")
    name = _watched(said, fleet)
    if name is None:
        raise Refused(f"event {found.id}: model {said!r} is not in fleet.yaml")
    return name
