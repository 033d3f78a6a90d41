"""Online endpoints and their deployments.

Sources: azure-rest-api-specs machinelearningservices `mfe.json` (OnlineEndpoints_*,
OnlineDeployments_*); "Perform safe rollout of new deployments for real-time inference" and "Managed
online endpoints" (Microsoft Learn): percentages are whole numbers that sum to 0 or 100, at most one
deployment is mirrored to, with at most 50 percent; a deployment has to be without traffic before it
is deleted.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

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
from tests.doubles.loopback import Request, Response

if TYPE_CHECKING:
    from tests.doubles.azureml import AzureML

#: "Managed online endpoints: endpoint and deployment names" (Microsoft Learn, quotas page).
NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,30}[A-Za-z0-9]")
PATCHABLE = {"tags", "identity"}
PATCHABLE_DEPLOYMENT = {"tags", "sku"}
MODES = ("amltoken", "key", "aadtoken")
MIRROR_LIMIT = 50
#: Azure/azure-sdk-for-net, issue 36961: also just after the operation before it succeeded.
UPDATING = "The request cannot be processed because it is in Updating provisioning state."


class Online:
    """`endpoints` by name and `deployments` by (endpoint, name), as the service would answer.

    The first `stale` reads of an endpoint after a write show its split as it was before, and with
    `stale_tags` its tags, too (Azure/azure-dev, pull request 3881). `lingering` are the statuses
    with which the next writes are refused although the operation before them is over.
    """

    def __init__(self, service: AzureML) -> None:
        self.service = service
        self.endpoints: dict[str, Document] = {}
        self.deployments: dict[tuple[str, str], Document] = {}
        self.pending: dict[tuple[str, ...], Operation] = {}
        self.stale, self.stale_tags = 0, False
        self.older: dict[str, tuple[int, Document]] = {}
        self.lingering: list[int] = []
        one = "/onlineEndpoints/(?P<endpoint>[^/]+)"
        service.arm("GET", "/onlineEndpoints", self._list)
        service.arm("GET", one, self._get)
        service.arm("PUT", one, self._put)
        service.arm("PATCH", one, self._patch)
        service.arm("DELETE", one, self._delete)
        service.arm("POST", f"{one}/listKeys", self._keys)
        service.arm("POST", f"{one}/token", self._token)
        service.arm("GET", f"{one}/deployments", self._list_deployments)
        two = f"{one}/deployments/(?P<deployment>[^/]+)"
        service.arm("GET", two, self._get_deployment)
        service.arm("PUT", two, self._put_deployment)
        service.arm("PATCH", two, self._patch_deployment)
        service.arm("DELETE", two, self._delete_deployment)

    # What the world does, for tests: no request goes with it.

    def add(self, endpoint: str, *deployments: str, model: str = "m") -> None:
        """Put an endpoint with deployments there; the version of `model` is the deployment's."""
        body: Document = {
            "location": "westeurope", "kind": "Managed", "tags": {},
            "properties": {"authMode": "Key", "traffic": {}, "mirrorTraffic": {}, "properties": {}},
        }  # fmt: skip
        self.endpoints[endpoint] = self._endpoint_document(endpoint, body, None)
        for version in deployments:
            self.add_deployment(endpoint, version, f"{model}:{version}")

    def add_deployment(self, endpoint: str, name: str, model: str) -> None:
        """Put a deployment there; `model` is `name:version`."""
        asset, _, version = model.partition(":")
        where = f"{self.service.scope}/models/{asset}/versions/{version}"
        body: Document = {
            "location": "westeurope", "tags": {},
            "sku": {"name": "Default", "capacity": 1},
            "properties": {
                "endpointComputeType": "Managed", "model": where,
                "scaleSettings": {"scaleType": "Default"},
            },
        }  # fmt: skip
        self.deployments[endpoint, name] = self._deployment_document(endpoint, name, body, None)

    def split(self, endpoint: str, traffic: dict[str, int], mirror: dict[str, int]) -> None:
        """Change the split as somebody else would (portal, CLI)."""
        with self.service.lock:
            document = self.endpoints[endpoint]
            document["properties"] |= {"traffic": dict(traffic), "mirrorTraffic": dict(mirror)}
            self._told(endpoint, document)

    # Endpoints

    def _list(self, _: Request) -> Response:
        return listing(list(self.endpoints.values()))

    def _get(self, request: Request) -> Response:
        name = request.names["endpoint"]
        self._looked((name,))
        return Response(200, self._seen(name, self._known(name)))

    def _seen(self, name: str, document: Document) -> Document:
        left, older = self.older.get(name, (0, document))
        if not left:
            return document
        self.older[name] = (left - 1, older)
        split = {key: older["properties"][key] for key in ("traffic", "mirrorTraffic")}
        tags = older["tags"] if self.stale_tags else document["tags"]
        return document | {"tags": tags, "properties": document["properties"] | split}

    def _put(self, request: Request) -> Response:
        name, body = request.names["endpoint"], request.json()
        before = self.endpoints.get(name)
        self._check_endpoint(name, body)
        self._free((name,))
        after = self._endpoint_document(name, body, before)

        def finish() -> None:
            if before is not None:
                self.older[name] = (self.stale, before)
            self.endpoints[name] = after
            if before is None or _traffic(before) != _traffic(after):
                self._told(name, after)

        state = "Creating" if before is None else "Updating"
        shown = before or self._endpoint_document(name, _without_traffic(body), None)
        return self._began((name,), self.endpoints, name, shown, state, finish)

    def _check_endpoint(self, name: str, body: Document) -> None:
        need(body, "location", "properties", "properties.authMode")
        texts(body, "tags", "properties.properties")
        if NAME.fullmatch(name) is None:
            raise refuse(f"Endpoint name {name} is not valid: 3 to 32 letters, digits, dashes.")
        if str(look(body, "properties.authMode")).lower() not in MODES:
            raise refuse(f"authMode must be one of {', '.join(MODES)}.")
        traffic, mirror = _traffic({"properties": body["properties"]})
        for split in (traffic, mirror):
            if any(type(v) is not int or not 0 <= v <= 100 for v in split.values()):
                raise refuse("Traffic values must be integers between 0 and 100.")
            for deployment in split:
                if (name, deployment) not in self.deployments:
                    raise refuse(f"Deployment {deployment} in traffic does not exist.")
        if sum(traffic.values()) not in (0, 100):
            raise refuse("Traffic values must sum to 0 or 100.")
        mirrored = [v for v in mirror.values() if v]
        if len(mirrored) > 1 or any(v > MIRROR_LIMIT for v in mirrored):
            raise refuse("Traffic can be mirrored to one deployment, at most 50 percent of it.")
        if any(traffic.get(d) for d, v in mirror.items() if v):
            raise refuse("A deployment cannot have live and mirrored traffic at once.")

    def _patch(self, request: Request) -> Response:
        name, body = request.names["endpoint"], request.json()
        document = self._known(name)
        # PartialMinimalTrackedResourceWithIdentity has nothing else.
        if not isinstance(body, dict) or (set(body) - PATCHABLE):
            raise refuse("An online endpoint's PATCH knows tags and identity only.")
        texts(body, "tags")
        self._free((name,))
        document.update(copy.deepcopy(body))
        return Response(200, document)

    def _delete(self, request: Request) -> Response:
        name = request.names["endpoint"]
        if name not in self.endpoints:
            return Response(204)
        self._free((name,))

        def finish() -> None:
            self.endpoints.pop(name, None)
            for key in [key for key in self.deployments if key[0] == name]:
                del self.deployments[key]

        self.endpoints[name]["properties"]["provisioningState"] = "Deleting"
        return self._accept((name,), 202, finish, None)

    def _keys(self, request: Request) -> Response:
        self._known(request.names["endpoint"])
        return Response(200, {"primaryKey": "loopback-primary", "secondaryKey": "loopback-second"})

    def _token(self, request: Request) -> Response:
        self._known(request.names["endpoint"])
        expires = int(self.service.now().timestamp()) + 3600
        body = {"accessToken": "loopback", "expiryTimeUtc": expires, "tokenType": "Bearer"}
        return Response(200, body | {"refreshAfterTimeUtc": expires - 600})

    # Deployments

    def _list_deployments(self, request: Request) -> Response:
        self._known(request.names["endpoint"])
        of = request.names["endpoint"]
        return listing([d for (name, _), d in sorted(self.deployments.items()) if name == of])

    def _get_deployment(self, request: Request) -> Response:
        key = request.names["endpoint"], request.names["deployment"]
        self._looked(key)
        return Response(200, self._known_deployment(key))

    def _put_deployment(self, request: Request) -> Response:
        key, body = (request.names["endpoint"], request.names["deployment"]), request.json()
        self._known(key[0])
        need(body, "location", "properties", "properties.endpointComputeType")
        need(body, "properties.model", "sku", "sku.name")
        texts(body, "tags", "properties.properties", "properties.environmentVariables")
        if NAME.fullmatch(key[1]) is None:
            raise refuse(f"Deployment name {key[1]} is not valid: 3 to 32 letters, digits, dashes.")
        self._free(key)
        before = self.deployments.get(key)
        after = self._deployment_document(*key, body, before)

        def finish() -> None:
            self.deployments[key] = after

        state = "Creating" if before is None else "Updating"
        return self._began(key, self.deployments, key, before or after, state, finish)

    def _patch_deployment(self, request: Request) -> Response:
        key, body = (request.names["endpoint"], request.names["deployment"]), request.json()
        document = self._known_deployment(key)
        # PartialMinimalTrackedResourceWithSku has nothing else.
        if not isinstance(body, dict) or (set(body) - PATCHABLE_DEPLOYMENT):
            raise refuse("An online deployment's PATCH knows tags and sku only.")
        document.update(copy.deepcopy(body))
        return Response(200, document)

    def _delete_deployment(self, request: Request) -> Response:
        key = request.names["endpoint"], request.names["deployment"]
        if key not in self.deployments:
            return Response(204)
        if any(split.get(key[1]) for split in _traffic(self._known(key[0]))):
            raise refuse(f"Deployment {key[1]} has traffic: set it to 0 before deleting it.")
        self._free(key)
        return self._accept(key, 202, lambda: _drop(self.deployments, key), None)

    # What both share

    def _known(self, name: str) -> Document:
        if name not in self.endpoints:
            raise absent("Online endpoint", name)
        return self.endpoints[name]

    def _known_deployment(self, key: tuple[str, str]) -> Document:
        self._known(key[0])
        if key not in self.deployments:
            raise absent("Online deployment", key[1])
        return self.deployments[key]

    def _looked(self, key: tuple[str, ...]) -> None:
        """Time passes for whoever looks at the resource instead of its operation."""
        if key in self.pending:
            self.pending[key].looked()

    def _free(self, key: tuple[str, ...]) -> None:
        if self.lingering:
            raise refuse(UPDATING, self.lingering.pop(0), "BadRequest")
        under_way = self.pending.get(key)
        if under_way is not None and under_way.status == "InProgress":
            raise refuse(
                f"Another operation on {'/'.join(key)} is in progress.", 409, "Conflict"
            )  # fmt: skip

    def _began(
        self,
        key: tuple[str, ...],
        shelf: dict[Any, Document],
        place: Any,
        shown: Document,
        state: str,
        finish: Callable[[], None],
    ) -> Response:
        document = copy.deepcopy(shown)
        document["properties"]["provisioningState"] = state
        shelf[place] = document
        return self._accept(key, 201, finish, document)

    def _accept(
        self,
        key: tuple[str, ...],
        status: int,
        finish: Callable[[], None],
        body: Document | None,
    ) -> Response:
        operation = self.service.begin(finish)
        self.pending[key] = operation
        return self.service.accepted(status, operation, body)

    def _told(self, name: str, document: Document) -> None:
        if self.service.on_traffic is not None:
            self.service.on_traffic(name, *_traffic(document))

    def _endpoint_document(self, name: str, body: Document, before: Document | None) -> Document:
        document = self._document(f"/onlineEndpoints/{name}", "onlineEndpoints", body, before)
        # Returned as null for ever: keys are only ever set here.
        document["properties"].pop("keys", None)
        document["properties"] |= {
            "scoringUri": f"{self.service.url}/endpoints/{name}/score",
            "swaggerUri": f"{self.service.url}/endpoints/{name}/swagger.json",
        }
        for split in ("traffic", "mirrorTraffic"):
            document["properties"][split] = dict(document["properties"].get(split) or {})
        return document

    def _deployment_document(
        self, endpoint: str, name: str, body: Document, before: Document | None
    ) -> Document:
        path = f"/onlineEndpoints/{endpoint}/deployments/{name}"
        document = self._document(path, "onlineEndpoints/deployments", body, before)
        # mfe.json, examples of OnlineDeployments_Get: always there, and azure-ai-ml counts on it.
        properties = document["properties"]
        properties["scaleSettings"] = properties.get("scaleSettings") or {"scaleType": "Default"}
        return document

    def _document(self, path: str, kind: str, body: Document, before: Document | None) -> Document:
        document = self.service.envelope(path, kind, copy.deepcopy(body))
        if before is not None:
            document["systemData"] = before["systemData"]
        document.setdefault("tags", {})
        document["properties"]["provisioningState"] = "Succeeded"
        return document


def _traffic(document: Document) -> tuple[dict[str, int], dict[str, int]]:
    found = document["properties"]
    return dict(found.get("traffic") or {}), dict(found.get("mirrorTraffic") or {})


def _without_traffic(body: Document) -> Document:
    return body | {"properties": body["properties"] | {"traffic": {}, "mirrorTraffic": {}}}


def _drop(shelf: dict[tuple[str, str], Document], key: tuple[str, str]) -> None:
    shelf.pop(key, None)
