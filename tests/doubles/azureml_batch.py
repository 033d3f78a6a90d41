"""Batch endpoints: which deployment answers is the endpoint's default.

Source: azure-rest-api-specs machinelearningservices `mfe.json` (BatchEndpoints_*,
BatchDeployments_*).
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from tests.doubles.azureml_arm import Document, absent, listing, look, need, refuse, texts
from tests.doubles.loopback import Request, Response

if TYPE_CHECKING:
    from tests.doubles.azureml import AzureML


class Batch:
    """`endpoints` by name and `deployments` by (endpoint, name)."""

    def __init__(self, service: AzureML) -> None:
        self.service = service
        self.endpoints: dict[str, Document] = {}
        self.deployments: dict[tuple[str, str], Document] = {}
        one = "/batchEndpoints/(?P<endpoint>[^/]+)"
        service.arm("GET", "/batchEndpoints", lambda _: listing(list(self.endpoints.values())))
        service.arm("GET", one, lambda request: Response(200, self._known(request)))
        service.arm("PUT", one, self._put)
        service.arm("GET", f"{one}/deployments", self._list_deployments)
        service.arm("GET", f"{one}/deployments/(?P<deployment>[^/]+)", self._get_deployment)

    def add(self, endpoint: str, *deployments: str, default: str | None = None) -> None:
        """Put an endpoint with deployments there."""
        properties: Document = {"authMode": "AADToken"}
        if default is not None:
            properties["defaults"] = {"deploymentName": default}
        body: Document = {"location": "westeurope", "tags": {}, "properties": properties}
        self.endpoints[endpoint] = self._document(f"/batchEndpoints/{endpoint}", "", body)
        for name in deployments:
            path = f"/batchEndpoints/{endpoint}/deployments/{name}"
            made: Document = {"location": "westeurope", "properties": {"compute": "cpu"}}
            self.deployments[endpoint, name] = self._document(path, "/deployments", made)

    def _put(self, request: Request) -> Response:
        name, body = request.names["endpoint"], request.json()
        need(body, "location", "properties", "properties.authMode")
        texts(body, "tags", "properties.properties")
        if str(look(body, "properties.authMode")).lower() != "aadtoken":
            raise refuse("A batch endpoint's authMode must be AADToken.")
        default = look(body, "properties.defaults.deploymentName")
        if default and (name, default) not in self.deployments:
            raise refuse(f"Default deployment {default} does not exist.")
        after = self._document(f"/batchEndpoints/{name}", "", body)

        def finish() -> None:
            self.endpoints[name] = after

        shown = copy.deepcopy(self.endpoints.get(name, after))
        shown["properties"]["provisioningState"] = "Updating"
        self.endpoints.setdefault(name, shown)
        return self.service.accepted(201, self.service.begin(finish), shown)

    def _list_deployments(self, request: Request) -> Response:
        self._known(request)
        of = request.names["endpoint"]
        return listing([d for (name, _), d in sorted(self.deployments.items()) if name == of])

    def _get_deployment(self, request: Request) -> Response:
        self._known(request)
        key = request.names["endpoint"], request.names["deployment"]
        if key not in self.deployments:
            raise absent("Batch deployment", key[1])
        return Response(200, self.deployments[key])

    def _known(self, request: Request) -> Document:
        name = request.names["endpoint"]
        if name not in self.endpoints:
            raise absent("Batch endpoint", name)
        return self.endpoints[name]

    def _document(self, path: str, kind: str, body: Document) -> Document:
        document = self.service.envelope(path, f"batchEndpoints{kind}", copy.deepcopy(body))
        document["properties"]["provisioningState"] = "Succeeded"
        document["properties"]["scoringUri"] = f"{self.service.url}/batch/{document['name']}/jobs"
        return document
