"""Jobs and what the run history tells of them.

Sources: azure-rest-api-specs machinelearningservices `mfe.json` (Jobs_*: a job is created by PUT,
and of an existing one only tags, display name and archive flag change) and `runHistory.json`
(Runs_GetDetails with its `error`); `azure/ai/ml/operations/_job_operations.py`.
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING

from tests.doubles.azureml_arm import (
    Document,
    Operation,
    absent,
    listing,
    look,
    need,
    refuse,
    texts,
)
from tests.doubles.azureml_assets import OWN_DATASTORE
from tests.doubles.loopback import Request, Response

if TYPE_CHECKING:
    from tests.doubles.azureml import AzureML

#: "Command job YAML schema": letters, digits, dashes and underscores, at most 255.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}")
#: An output's address, in its short form or under the workspace's own.
DATASTORE = re.compile(r"azureml://(?:.*/)?datastores/([^/]+)/")
OVER = {"Completed", "Failed", "Canceled"}
CHANGEABLE = {"tags", "description", "isArchived", "services", "status", "properties"}


class Jobs:
    """`documents` by name; `errors` of the run history by name."""

    def __init__(self, service: AzureML) -> None:
        self.service = service
        self.documents: dict[str, Document] = {}
        self.errors: dict[str, Document] = {}
        self.cancelling: dict[str, Operation] = {}
        one = "/jobs/(?P<name>[^/]+)"
        service.arm("GET", "/jobs", lambda _: listing(list(self.documents.values())))
        service.arm("GET", one, self._get)
        service.arm("PUT", one, self._put)
        service.arm("POST", f"{one}/cancel", self._cancel)
        service.history_route("GET", "/runs/(?P<name>[^/]+)/details", self._details)

    def set(self, name: str, status: str, error: Document | None = None) -> None:
        """Say where a job stands, where `job_status` isn't hooked."""
        with self.service.lock:
            self.documents[name]["properties"]["status"] = status
            if error is not None:
                self.errors[name] = error

    def _known(self, request: Request) -> Document:
        name = request.names["name"]
        if name not in self.documents:
            raise absent("Job", name)
        document = self.documents[name]
        # Time passes for whoever looks at the job instead of at the cancelling.
        if name in self.cancelling:
            self.cancelling[name].looked()
        elif self.service.job_status is not None and self._status(document) not in OVER:
            said = dict(self.service.job_status(name))
            if (error := said.pop("error", None)) is not None:
                self.errors[name] = error
            document["properties"].update(said)
        return document

    @staticmethod
    def _status(document: Document) -> str:
        return str(document["properties"]["status"])

    def _get(self, request: Request) -> Response:
        return Response(200, self._known(request))

    def _put(self, request: Request) -> Response:
        name, body = request.names["name"], request.json()
        self._check(name, body, request)
        before = self.documents.get(name)
        if before is not None:
            _same(name, before["properties"], body["properties"])
            before["properties"]["tags"] = dict(body["properties"].get("tags") or {})
            return Response(200, before)
        document = self.service.envelope(f"/jobs/{name}", "jobs", copy.deepcopy(body))
        document["properties"]["status"] = "NotStarted"
        document["properties"].setdefault("experimentName", "Default")
        self.documents[name] = document
        if self.service.on_job is not None:
            self.service.on_job(document)
        return Response(201, document)

    def _check(self, name: str, body: Document, request: Request) -> None:
        need(body, "properties", "properties.jobType")
        texts(body, "properties.tags", "properties.properties")
        if NAME.fullmatch(name) is None:
            raise refuse(f"Job name {name} is not valid.")
        properties = body["properties"]
        kind = properties["jobType"]
        if kind == "Command":
            need(body, "properties.command", "properties.environmentId")
        elif kind == "Pipeline":
            need(body, "properties.jobs")
            # A pipeline runs as the caller: `_set_headers_with_user_aml_token` of azure-ai-ml.
            if not request.headers.get("x-azureml-token"):
                raise refuse("The x-azureml-token header is required for a pipeline.")
        else:
            raise refuse(f"jobType {kind} is not supported here.")
        for field, given in (properties.get("inputs") or {}).items():
            need(given, "jobInputType")
            need(given, "value" if given["jobInputType"] == "literal" else "uri")
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", field):
                raise refuse(f"Input name {field} is not valid.")
        for given in (properties.get("outputs") or {}).values():
            # "Access data in a job" (Microsoft Learn): an output's path lies in a datastore.
            known = {*self.service.assets.datastores, OWN_DATASTORE}
            place = DATASTORE.match(given.get("uri") or "azureml://datastores/workspaceblobstore/")
            if place is None or place[1] not in known:
                raise refuse(f"The output path {given['uri']} lies in no datastore.")

    def _cancel(self, request: Request) -> Response:
        document = self._known(request)
        name = request.names["name"]
        if self._status(document) in OVER:
            # Cancelling what is over changes nothing.
            return Response(200)
        document["properties"]["status"] = "CancelRequested"

        def finish() -> None:
            self.documents[name]["properties"]["status"] = "Canceled"

        operation = self.cancelling[name] = self.service.begin(finish)
        return self.service.accepted(202, operation, None)

    def _details(self, request: Request) -> Response:
        document = self._known(request)
        name = request.names["name"]
        body: Document = {"runId": name, "status": self._status(document)}
        if name in self.errors:
            body["error"] = {"error": self.errors[name]}
        return Response(200, body)


def _same(name: str, before: Document, after: Document) -> None:
    """Refuse a job that differs from the one of its name in more than what may change."""
    for field in set(after) - CHANGEABLE:
        if look(after, field) not in (None, look(before, field)):
            raise refuse(
                f"A job with the name {name} already exists. Please specify a different name: "
                f"{field} can't be changed."
            )
