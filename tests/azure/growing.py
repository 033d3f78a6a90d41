"""Stages whose logs grow as the data collector's do: append blobs, between the timer's ticks.

Files, models and runs of another team lie beside, and are told of by the same subscription.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from fleet.document.logs import Logs
from hosts.azure.storage.app_queues import EVENTS_QUEUE
from tests.azure.stage import AzureStage

THEIRS = "modelDataCollector/their-endpoint/blue/model_inputs"


class Growing(AzureStage):
    """Nothing tells of files: the timer finds them. `grown` counts the growths that were read."""

    grown = 0

    def serve(self, model: str, rows: pa.Table, start: datetime) -> list[tuple[str, int]]:
        """See `Stage`; each file is appended to twice, and read with the next tick each time."""
        at = self._clock.now()
        files = {
            self._placed(path, start, at): content
            for path, content in self.behind.answer(model, rows, start).items()
        }
        theirs = f"{THEIRS}/{at:%Y/%m/%d/%H}/{start:%H%M%S}.jsonl"
        container = self.behind.logs_in(self._logs.container or "")
        for path in (*files, theirs):
            container.get_blob_client(path).create_append_blob()
        self.told([*files, theirs])
        for half in (0, 1):
            for path, content in files.items():
                if part := _half(content, half):
                    container.get_blob_client(path).append_block(part)
            container.get_blob_client(theirs).append_block(b"{}\n")
            self.tick(at)
            while self.work(at):
                pass
            self._check(model, files, half)
        return []

    def told(self, created: Sequence[str]) -> None:
        """Tell of files that were created."""

    def keep_labels(self, path: str, content: bytes) -> None:
        """See `Stage`: labels are where the model's logs are."""
        container = self.behind.logs_in(self._logs.container or "")
        container.upload_blob(path, content, overwrite=True)

    @property
    def _logs(self) -> Logs:
        return self.host.config.fleet.models[self.behind.scenario.model].policy.logs

    def _placed(self, path: str, start: datetime, at: datetime) -> str:
        """The path of a file as if it were written now: a replay writes a block at its end."""
        path = path.replace(f"{start:/%Y/%m/%d/%H/}", f"{at:/%Y/%m/%d/%H/}")
        return path.replace("modelDataCollector", self._logs.path, 1)

    def _check(self, model: str, files: dict[str, bytes], half: int) -> None:
        """What was appended was read with the tick after it."""
        state = self.host.service.loop.head(model).state
        for path, content in files.items():
            cursor = state.logs.blobs.get(path)
            size = len(_half(content, 0)) + (len(_half(content, 1)) if half else 0)
            # The inputs of a shadow are copies, and left alone.
            if cursor is not None or "model_inputs" not in path:
                assert cursor is not None, path
                assert cursor.read == size, path
                self.grown += 1


class Announced(Growing):
    """Event Grid tells of each file once, of length 0, and of what others do."""

    def told(self, created: Sequence[str]) -> None:
        """See `Growing`."""
        self.announce(self._events(created))

    def _events(self, created: Sequence[str]) -> list[dict[str, Any]]:
        ml = "Microsoft.MachineLearningServices"
        at = self._clock.now().isoformat()
        blob = {"api": "PutBlob", "contentLength": 0, "blobType": "AppendBlob"}
        subject = "/blobServices/default/containers/logs/blobs/"
        told = [("Microsoft.Storage.BlobCreated", f"{subject}{path}", blob) for path in created]
        told += [
            (f"{ml}.ModelRegistered", "m", {"ModelName": "churn", "ModelVersion": 3}),
            (f"{ml}.RunCompleted", "r", {"experimentId": "e", "runId": "their-run"}),
            (f"{ml}.RunStatusChanged", "r", {"runId": "their-run", "runStatus": "Failed"}),
            (f"{ml}.DatasetDriftDetected", "d", {"DataDriftName": "their-monitor"}),
            (f"{ml}.ModelDeployed", "s", {"ServiceName": "theirs", "ModelIds": "churn:3"}),
        ]
        return [
            {
                "id": f"{at}-{number}", "eventType": kind, "topic": "/subscriptions/s",
                "subject": about, "eventTime": at, "dataVersion": "1", "data": data,
            }
            for number, (kind, about, data) in enumerate(told)
        ]  # fmt: skip


class Queued(Announced):
    """The same, through the storage queue, as Base64."""

    def told(self, created: Sequence[str]) -> None:
        """See `Growing`."""
        at = self._clock.now()
        for event in self._events(created):
            body = base64.b64encode(json.dumps(event).encode())
            self._taken.put(EVENTS_QUEUE, body.decode(), at)
        while self.dispatcher.pump_queue(EVENTS_QUEUE, at):
            pass


def _half(content: bytes, half: int) -> bytes:
    """The first or the second half of the lines of a file."""
    lines = content.splitlines(keepends=True)
    middle = (len(lines) + 1) // 2
    return b"".join(lines[:middle] if not half else lines[middle:])
