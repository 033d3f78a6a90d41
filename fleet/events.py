"""Events normalised: whatever the sender's schema and spelling, one delivery to one partition."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import Refused
from engine.step import Delivery
from fleet.facts import Asked, Collection, LogGrew, Registered, Unrecognised
from fleet.policies import Fleet
from retrain.registry import check_version

DESK = "fleet"
SUBJECT = re.compile(r"/blobServices/default/containers/([^/]+)/blobs/(.+)")
COLLECTED = re.compile(
    r"modelDataCollector/(?P<endpoint>[^/]+)/(?P<deployment>[^/]+)/"
    r"(?P<collection>model_inputs|model_outputs)/.+\.(?:jsonl|parquet)"
)
TRAFFIC = re.compile(r"traffic/(?P<endpoint>[^/]+)/.+\.jsonl")
RUN_TAG = "driftwarden.run"
WAIVED_TAG = "driftwarden.shadow_waived_by"
REASON_TAG = "driftwarden.reason"


@dataclass(frozen=True)
class Event:
    """One event, from Event Grid's own schema or CloudEvents."""

    id: str
    type: str
    source: str
    subject: str
    fields: Mapping[str, Any]


def event(document: Mapping[str, Any]) -> Event:
    """Read an event of either schema; keys are taken whatever their case.

    Raises
    ------
    Refused
        Where id, type or data is absent or of the wrong kind.
    """
    keys = {str(key).lower(): value for key, value in document.items()}
    kind = keys.get("eventtype") or keys.get("type")
    name = keys.get("id")
    if not isinstance(name, str) or not name:
        raise Refused("event: 'id' is missing; every event carries one")
    if not isinstance(kind, str) or not kind:
        raise Refused(f"event {name}: 'eventType' (or CloudEvents 'type') is missing")
    fields = keys.get("data") or {}
    if not isinstance(fields, Mapping):
        raise Refused(f"event {name}: 'data' is {type(fields).__name__}, an object is expected")
    source = str(keys.get("topic") or keys.get("source") or "")
    lowered = {str(key).lower(): value for key, value in fields.items()}
    return Event(name, kind, source, str(keys.get("subject") or ""), lowered)


def delivery(found: Event, fleet: Fleet) -> Delivery | None:
    """Return where the event goes and as what; None where it says nothing that is not known.

    Raises
    ------
    Refused
        Where a field is absent or names a model that nobody watches.
    """
    match found.type:
        case "Microsoft.Storage.BlobCreated":
            fact = _blob(found, fleet)
        case "Microsoft.MachineLearningServices.ModelRegistered":
            fact = _registered(found, fleet)
        case "Driftwarden.LabelsArrived":
            size = _number(found, "size")
            fact = _model(found, fleet), LogGrew(_text(found, "blob"), size, Collection.labels)
        case (
            "Driftwarden.RetrainRequested"
            | "Microsoft.MachineLearningServices.DatasetDriftDetected"
        ):
            why = str(found.fields.get("reason") or found.type)
            fact = _model(found, fleet), Asked("event", found.source, why, found.id)
        case _:
            fact = DESK, Unrecognised(found.type, found.source)
    return None if fact is None else Delivery(fact[0], f"{found.type}:{found.id}", fact[1])


def _blob(found: Event, fleet: Fleet) -> tuple[str, Any] | None:
    match = SUBJECT.fullmatch(found.subject)
    if match is None:
        raise Refused(f"event {found.id}: subject {found.subject!r} names no blob")
    path, size = match[2], _number(found, "contentlength")
    if size == 0:
        return None
    collected, traffic = COLLECTED.fullmatch(path), TRAFFIC.fullmatch(path)
    if collected is not None:
        kind = Collection(collected["collection"])
        grew = LogGrew(path, size, kind, collected["deployment"])
        return _by_endpoint(found, collected["endpoint"], fleet), grew
    if traffic is not None:
        grew = LogGrew(path, size, Collection.traffic)
        return _by_endpoint(found, traffic["endpoint"], fleet), grew
    return None


def _by_endpoint(found: Event, endpoint: str, fleet: Fleet) -> str:
    for name, watched in fleet.models.items():
        if watched.policy.logs.endpoint == endpoint:
            return name
    raise Refused(f"event {found.id}: no model in fleet.yaml has logs.endpoint {endpoint!r}")


def _registered(found: Event, fleet: Fleet) -> tuple[str, Any] | None:
    tags = found.fields.get("modeltags") or {}
    if not isinstance(tags, Mapping):
        raise Refused(f"event {found.id}: 'modelTags' is not an object")
    if tags.get(RUN_TAG):
        return None  # our own run says so itself
    name = _text(found, "modelname")
    if name not in fleet.models:
        raise Refused(f"event {found.id}: model {name!r} is not in fleet.yaml")
    version = check_version(_text(found, "modelversion"))
    waived = tags.get(WAIVED_TAG)
    return name, Registered(
        version, "registered", str(waived) if waived else None, str(tags.get(REASON_TAG) or "")
    )


def _model(found: Event, fleet: Fleet) -> str:
    name = _text(found, "model")
    if name not in fleet.models:
        raise Refused(f"event {found.id}: model {name!r} is not in fleet.yaml")
    return name


def _text(found: Event, key: str) -> str:
    value = found.fields.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value:
        raise Refused(f"event {found.id}: data.{key} is missing")
    return value


def _number(found: Event, key: str) -> int:
    value = found.fields.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Refused(f"event {found.id}: data.{key} is {value!r}, a byte count is expected")
    return value
