"""Models, and the environments, code, computes and data stores that a job names.

Sources: azure-rest-api-specs machinelearningservices `mfe.json` (ModelVersions_*,
EnvironmentVersions_*, Computes_*, Datastores_*); "Manage models registry in Azure Machine Learning"
(Microsoft Learn): tags change freely, properties can be added but not altered, and a version's path
is fixed.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tests.doubles.azureml_arm import Document, absent, look, need, refuse, texts
from tests.doubles.loopback import Request, Response

if TYPE_CHECKING:
    from tests.doubles.azureml import AzureML

KEPT = ("modelUri", "modelType")
PAGE = 100
#: "Create datastores" (Microsoft Learn): the default one, in `azureml-blobstore-GUID`.
OWN_DATASTORE = "workspaceblobstore"
#: "Azure Blob datastore YAML schema": lower case letters, digits and underscores.
DATASTORE = re.compile(r"[a-z0-9_]{1,255}")


class Assets:
    """`models` by (name, version), in the order of their creation; `computes` by name."""

    def __init__(self, service: AzureML) -> None:
        self.service = service
        self.models: dict[tuple[str, str], Document] = {}
        self.environments: dict[tuple[str, str], Document] = {}
        self.computes: dict[str, Document] = {}
        self.datastores: dict[str, Document] = {}
        #: How many versions a list answers at once.
        self.page = PAGE
        versions = "/models/(?P<name>[^/]+)/versions"
        service.arm("GET", "/models/(?P<name>[^/]+)", self._container)
        service.arm("GET", versions, self._list)
        service.arm("GET", f"{versions}/(?P<version>[^/]+)", self._get)
        service.arm("PUT", f"{versions}/(?P<version>[^/]+)", self._put)
        environment = "/environments/(?P<name>[^/]+)/versions/(?P<version>[^/]+)"
        service.arm("GET", environment, self._get_environment)
        service.arm("PUT", environment, self._put_environment)
        component = "/components/(?P<name>[^/]+)/versions/(?P<version>[^/]+)"
        service.arm("PUT", component, self._put_component)
        service.arm("GET", "/computes/(?P<name>[^/]+)", self._compute)
        service.arm("GET", "/datastores/(?P<name>[^/]+)", self._get_datastore)
        service.arm("PUT", "/datastores/(?P<name>[^/]+)", self._put_datastore)

    def add_model(
        self,
        name: str,
        version: str,
        *,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        job: str | None = None,
        stage: str | None = None,
    ) -> Document:
        """Register a version as a training would."""
        body = {
            "properties": {
                "modelUri": f"azureml://jobs/{job or 'by-hand'}/outputs/artifacts/model",
                "modelType": "custom_model",
                "tags": dict(tags or {}),
                "properties": dict(properties or {}),
                **({"jobName": job} if job else {}),
                **({"stage": stage} if stage else {}),
            }
        }
        with self.service.lock:
            self.models[name, version] = self._document(name, version, body)
            return self.models[name, version]

    def add_compute(self, name: str) -> None:
        """Put a compute cluster there."""
        properties = {"computeType": "AmlCompute", "properties": {}, "computeLocation": "x"}
        body = {"location": "westeurope", "properties": properties}
        self.computes[name] = self.service.envelope(f"/computes/{name}", "computes", body)

    def _container(self, request: Request) -> Response:
        name = request.names["name"]
        found = [version for model, version in self.models if model == name]
        if not found:
            raise absent("Model container", name)
        body = {"properties": {"latestVersion": found[-1], "tags": {}, "properties": {}}}
        return Response(200, self.service.envelope(f"/models/{name}", "models", body))

    def _list(self, request: Request) -> Response:
        view = request.query.get("listViewType", "ActiveOnly")
        found = [
            document
            for (name, _), document in reversed(self.models.items())
            if name == request.names["name"]
            and (view == "All" or document["properties"]["isArchived"] is (view == "ArchivedOnly"))
        ]
        if stage := request.query.get("stage"):
            found = [one for one in found if one["properties"].get("stage") == stage]
        skip = int(request.query.get("$skip", "0"))
        size = min(int(request.query.get("$top", str(self.page))), self.page)
        body: Document = {"value": found[skip : skip + size]}
        if len(found) > skip + size and "$top" not in request.query:
            more = f"api-version={request.query['api-version']}&listViewType={view}"
            body["nextLink"] = f"{self.service.url}{request.path}?{more}&$skip={skip + size}"
        return Response(200, body)

    def _get(self, request: Request) -> Response:
        key = request.names["name"], request.names["version"]
        if key not in self.models:
            raise absent("Model", ":".join(key))
        return Response(200, self.models[key])

    def _put(self, request: Request) -> Response:
        key, body = (request.names["name"], request.names["version"]), request.json()
        need(body, "properties", "properties.modelUri")
        texts(body, "properties.tags", "properties.properties")
        before = self.models.get(key)
        after = self._document(*key, body)
        if before is None:
            self.models[key] = after
            return Response(201, after)
        after["systemData"]["createdAt"] = before["systemData"]["createdAt"]
        for field in KEPT:
            if look(after["properties"], field) != look(before["properties"], field):
                raise refuse("A different modelUri is already bound to this version.")
        was, now = before["properties"]["properties"], after["properties"]["properties"]
        if any(now.get(name) != value for name, value in was.items()):
            raise refuse("Asset properties are immutable: they can be added, not changed.")
        after["systemData"] = before["systemData"]
        self.models[key] = after
        answer = Response(200, copy.deepcopy(after))
        if self.service.on_model is not None:
            self.service.on_model(after)
        return answer

    def _document(self, name: str, version: str, body: Document) -> Document:
        path = f"/models/{name}/versions/{version}"
        document = self.service.envelope(path, "models/versions", copy.deepcopy(body))
        kept = document["properties"]
        kept.setdefault("isArchived", False)
        kept["flavors"] = kept.get("flavors") or {}
        for field in ("tags", "properties"):
            kept[field] = kept.get(field) or {}
        return document

    def _get_environment(self, request: Request) -> Response:
        key = request.names["name"], request.names["version"]
        if key not in self.environments:
            raise absent("Environment", ":".join(key))
        return Response(200, self.environments[key])

    def _put_environment(self, request: Request) -> Response:
        key, body = (request.names["name"], request.names["version"]), request.json()
        need(body, "properties")
        path = f"/environments/{key[0]}/versions/{key[1]}"
        document = self.service.envelope(path, "environments/versions", body)
        status = 200 if key in self.environments else 201
        self.environments[key] = document
        return Response(status, document)

    def _put_component(self, request: Request) -> Response:
        body = request.json()
        need(body, "properties", "properties.componentSpec", "properties.componentSpec.type")
        path = "/components/{name}/versions/{version}".format(**request.names)
        return Response(201, self.service.envelope(path, "components/versions", body))

    def own_datastore(self, account: str, container: str) -> None:
        """Keep the datastore that every workspace is made with, in a container of its account."""
        properties = {
            "datastoreType": "AzureBlob", "accountName": account, "containerName": container,
            "endpoint": "core.windows.net", "protocol": "https", "isDefault": True,
            "credentials": {"credentialsType": "None"}, "description": None, "tags": None,
            "serviceDataAccessAuthIdentity": "None",
        }  # fmt: skip
        path = f"/datastores/{OWN_DATASTORE}"
        body = {"properties": properties}
        self.datastores[OWN_DATASTORE] = self.service.envelope(path, "datastores", body)

    def _get_datastore(self, request: Request) -> Response:
        name = request.names["name"]
        if name not in self.datastores:
            raise absent("Datastore", name)
        return Response(200, self.datastores[name])

    def _put_datastore(self, request: Request) -> Response:
        name, body = request.names["name"], request.json()
        need(body, "properties", "properties.datastoreType", "properties.credentials")
        need(body["properties"]["credentials"], "credentialsType")
        if body["properties"]["datastoreType"] == "AzureBlob":
            need(body, "properties.accountName", "properties.containerName")
        if not DATASTORE.fullmatch(name):
            raise refuse(f"Datastore name {name} is not valid.")
        status = 200 if name in self.datastores else 201
        self.datastores[name] = self.service.envelope(f"/datastores/{name}", "datastores", body)
        return Response(status, self.datastores[name])

    def _compute(self, request: Request) -> Response:
        name = request.names["name"]
        if name not in self.computes:
            raise absent("Compute", name)
        return Response(200, self.computes[name])
