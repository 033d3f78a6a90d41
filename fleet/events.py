"""Events normalised: whatever the sender's schema and spelling, one delivery to one partition.

The fields of the types: Microsoft Learn, "Azure Blob Storage as an Event Grid source" and "Azure
Machine Learning as an Event Grid source". The latter's samples write keys in PascalCase, the
service's specification in camelCase, so no key's case counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engine.errors import Refused
from engine.step import Delivery
from fleet import names
from fleet.document.policies import Fleet
from fleet.model.facts import Asked, Hinted, LogGrew, Noted, Registered, Unrecognised
from fleet.model.records import Collection
from fleet.partitions import FLEET
from retrain.registry import check_version

SUBJECT = re.compile(r"/blobServices/default/containers/([^/]+)/blobs/(.+)")
COLLECTED = re.compile(
    r"modelDataCollector/(?P<endpoint>[^/]+)/(?P<deployment>[^/]+)/"
    r"(?P<collection>model_inputs|model_outputs)/.+\.(?:jsonl|parquet)"
)
TRAFFIC = re.compile(r"traffic/(?P<endpoint>[^/]+)/.+\.jsonl")
# With a hierarchical namespace (or SFTP) a file is announced when it begins and when it is closed.
BEGINNINGS = ("createfile", "sftpcreate")
RUN_TAG = "driftwarden.run"
JOB_TAG = "driftwarden.job"
WAIVED_TAG = "driftwarden.shadow_waived_by"
REASON_TAG = "driftwarden.reason"
#: No name, path or reason is longer; a blob's name has 1,024 characters at most.
LONGEST = 2048
#: No file is larger: 4 PiB.
LARGEST = 1 << 52
_UNSOUND = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Event:
    """One event, from Event Grid's own schema or CloudEvents; `fields` have lower-case names."""

    id: str
    type: str
    source: str
    subject: str
    at: datetime | None
    fields: Mapping[str, Any]


def event(document: Any) -> Event:
    """Read an event of either schema; keys are taken whatever their case.

    Raises
    ------
    Refused
        Where it is no object, where id or type is absent, or anything is of the wrong kind.
    """
    if not isinstance(document, Mapping):
        raise Refused(f"event: {type(document).__name__} came, an object is expected")
    keys = _lowered(document)
    kind = keys.get("eventtype") or keys.get("type")
    name = keys.get("id")
    if not isinstance(name, str) or not name:
        raise Refused("event: 'id' is missing; every event carries one")
    name = _sound(name, "event: 'id'")
    if not isinstance(kind, str) or not kind:
        raise Refused(f"event {name}: 'eventType' (or CloudEvents 'type') is missing")
    fields = keys.get("data")
    if not isinstance(fields, Mapping | None):
        raise Refused(f"event {name}: 'data' is {type(fields).__name__}, an object is expected")
    return Event(
        name,
        _sound(kind, f"event {name}: the type"),
        _named(name, keys, "topic", "source"),
        _named(name, keys, "subject"),
        _moment(name, keys.get("eventtime") or keys.get("time")),
        _lowered(fields or {}),
    )


def delivery(found: Event, fleet: Fleet, container: str = "") -> Delivery | None:
    """Return where the event goes and as what; None where it says nothing that is not known.

    Parameters
    ----------
    container : str
        Where the logs are: files of other containers say nothing. Empty for any.

    Raises
    ------
    Refused
        Where a field is absent or names a model that nobody watches.
    """
    match found.type:
        case "Microsoft.Storage.BlobCreated":
            fact = _blob(found, fleet, container)
        case "Microsoft.MachineLearningServices.ModelRegistered":
            fact = _registered(found, fleet)
        case "Microsoft.MachineLearningServices.ModelDeployed":
            fact = _deployed(found, fleet)
        case (
            "Microsoft.MachineLearningServices.RunCompleted"
            | "Microsoft.MachineLearningServices.RunStatusChanged"
        ):
            fact = _run(found, fleet)
        case "Microsoft.MachineLearningServices.DatasetDriftDetected":
            # The documented event names its monitor, not a model: a monitor is named as its model.
            key = "model" if "model" in found.fields else "datadriftname"
            fact = _model(found, fleet, key), Asked("event", found.source, _why(found), found.id)
        case "Driftwarden.LabelsArrived":
            size = _number(found, "size")
            fact = _model(found, fleet), LogGrew(_text(found, "blob"), size, Collection.labels)
        case "Driftwarden.RetrainRequested":
            fact = _model(found, fleet), Asked("event", found.source, _why(found), found.id)
        case _:
            fact = FLEET, Unrecognised(found.type, found.source)
    if fact is None:
        return None
    # CloudEvents 1.0, "id": unique within its source; a resource's id is spelled in any case.
    return Delivery(fact[0], f"{found.type}:{found.id}:{found.source.lower()}", fact[1])


def _blob(found: Event, fleet: Fleet, container: str) -> tuple[str, Any] | None:
    match = SUBJECT.fullmatch(found.subject)
    if match is None:
        raise Refused(f"event {found.id}: subject {found.subject!r} names no blob")
    if container and match[1] != container:
        return None
    if str(found.fields.get("api")).lower() in BEGINNINGS:
        return None
    path, size = match[2], _number(found, "contentlength")
    if size == 0:
        return None
    collected, traffic = COLLECTED.fullmatch(path), TRAFFIC.fullmatch(path)
    if collected is not None:
        kind = Collection(collected["collection"])
        name = _by_endpoint(found, collected["endpoint"], fleet)
        version = fleet.models[name].policy.logs.version_of(collected["deployment"])
        return name, LogGrew(path, size, kind, version)
    if traffic is not None:
        grew = LogGrew(path, size, Collection.traffic)
        return _by_endpoint(found, traffic["endpoint"], fleet), grew
    return None


def _by_endpoint(found: Event, endpoint: str, fleet: Fleet) -> str:
    name = _behind(endpoint, fleet)
    if name is None:
        raise Refused(f"event {found.id}: no model in fleet.yaml has logs.endpoint {endpoint!r}")
    return name


def _behind(endpoint: str, fleet: Fleet) -> str | None:
    endpoints = {name: one.policy.logs.endpoint for name, one in fleet.models.items()}
    return names.behind(endpoint, endpoints)


def _watched(model: str, fleet: Fleet) -> str | None:
    """Return the name in fleet.yaml of a model that an event names so, or as the registry does."""
    if model in fleet.models:
        return model
    return names.behind(model, {name: one.registered_as for name, one in fleet.models.items()})


def _registered(found: Event, fleet: Fleet) -> tuple[str, Any] | None:
    tags, properties = _tags(found, "modelTags"), _tags(found, "modelProperties")
    if tags.get(RUN_TAG) or tags.get(JOB_TAG):
        return None  # our own run says so itself
    name = _model(found, fleet, "modelname")
    version = check_version(_text(found, "modelversion"))
    if any(_trains(name, str(said)) for said in (version, *properties.values())):
        return None  # the same, from a job that left the tags out
    waived, why = (_sound(str(tags.get(key) or ""), key) for key in (WAIVED_TAG, REASON_TAG))
    return name, Registered(version, "registered", waived or None, why)


def _deployed(found: Event, fleet: Fleet) -> tuple[str, Any] | None:
    """The event goes to the model behind the endpoint, or else to one that was deployed there."""
    service = _text(found, "servicename")
    versions = str(found.fields.get("modelids") or "").split(",")
    said = (_watched(version.partition(":")[0].strip(), fleet) for version in versions)
    name = next((name for name in (_behind(service, fleet), *said) if name is not None), None)
    noted = Noted(found.type, found.subject or service, found.at)
    return None if name is None else (name, noted)


def _run(found: Event, fleet: Fleet) -> tuple[str, Any] | None:
    """Other people's runs say nothing here: a workspace announces them all."""
    said = [str(_tags(found, key).get(RUN_TAG)) for key in ("runTags", "runProperties")]
    for name in (*said, _text(found, "runid")):
        for model in fleet.models:
            if _trains(model, name):
                return model, Hinted(name)
    return None


def _trains(model: str, name: str) -> bool:
    """Whether a run, or one of its attempts, of this name is one of ours for the model."""
    return re.fullmatch(rf"{re.escape(model)}-run-[0-9]+(?:-[0-9]+)?", name) is not None


def _tags(found: Event, key: str) -> dict[str, Any]:
    tags = found.fields.get(key.lower())
    if not isinstance(tags, Mapping | None):
        raise Refused(f"event {found.id}: {key!r} is not an object")
    return _lowered(tags or {})


def _model(found: Event, fleet: Fleet, key: str = "model") -> str:
    said = _text(found, key)
    name = _watched(said, fleet)
    if name is None:
        raise Refused(f"event {found.id}: model {said!r} is not in fleet.yaml")
    return name


def _why(found: Event) -> str:
    why = found.fields.get("reason") or found.type
    if not isinstance(why, str):
        raise Refused(f"event {found.id}: data.reason is {type(why).__name__}, text is expected")
    return _sound(why, f"event {found.id}: data.reason")


def _text(found: Event, key: str) -> str:
    value = found.fields.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST:
        value = str(value)
    if not isinstance(value, str) or not value:
        raise Refused(f"event {found.id}: data.{key} is missing")
    return _sound(value, f"event {found.id}: data.{key}")


def _number(found: Event, key: str) -> int:
    value = found.fields.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < LARGEST:
        raise Refused(f"event {found.id}: data.{key} is {value!r}, a byte count is expected")
    return value


def _lowered(document: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key).lower(): value for key, value in document.items()}


def _named(name: str, keys: Mapping[str, Any], *found: str) -> str:
    value = next((keys[key] for key in found if keys.get(key) is not None), "")
    if not isinstance(value, str):
        raise Refused(f"event {name}: '{found[0]}' is {type(value).__name__}, text is expected")
    return _sound(value, f"event {name}: '{found[0]}'")


def _moment(name: str, value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise Refused(f"event {name}: the time {value!r} is no ISO 8601 instant") from None


def _sound(text: str, what: str) -> str:
    """Return text that every store takes: not endless, no control characters, no half pairs."""
    if len(text) > LONGEST:
        raise Refused(f"{what} has {len(text)} characters, {LONGEST} at most")
    if _UNSOUND.search(text):
        raise Refused(f"{what} has control characters or half a surrogate pair")
    return text
