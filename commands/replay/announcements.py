"""The events that a replay sends to the app, as Event Grid would."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from commands.replay.scenario import VersionPlan
from engine.store import instant
from fleet.registrations import REASON_TAG, WAIVED_TAG

Json = dict[str, object]
CONTAINER = "/blobServices/default/containers/logs/blobs/"


@dataclass(frozen=True)
class Grown:
    """A file below the logs, and its size in bytes."""

    path: str
    size: int


def blob_created(file: Grown, at: datetime) -> Json:
    """Return the event of a log file that was written."""
    return {
        "id": f"{file.path}@{file.size}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "topic": "/replay",
        "subject": CONTAINER + file.path,
        "eventTime": instant(at),
        "dataVersion": "1",
        "data": {"api": "AppendFile", "contentLength": file.size, "blobType": "BlockBlob"},
    }


def labels_arrived(model: str, day: date, file: Grown, at: datetime) -> Json:
    """Return the event of a day's labels."""
    return {
        "specversion": "1.0",
        "id": f"labels-{day}",
        "source": "/replay",
        "type": "Driftwarden.LabelsArrived",
        "time": instant(at),
        "data": {"model": model, "blob": file.path, "size": file.size},
    }


def registered(model: str, plan: VersionPlan, at: datetime) -> Json:
    """Return the event of a version that somebody registered."""
    waiver = plan.waive_shadow
    tags = {WAIVED_TAG: waiver.by, REASON_TAG: waiver.reason} if waiver is not None else {}
    return {
        "id": f"registered-{plan.name}",
        "eventType": "Microsoft.MachineLearningServices.ModelRegistered",
        "topic": "/replay",
        "subject": f"models/{model}:{plan.name}",
        "eventTime": instant(at),
        "dataVersion": "1",
        "data": {"ModelName": model, "ModelVersion": plan.name, "ModelTags": tags},
    }
