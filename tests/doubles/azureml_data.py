"""Data assets, as a deployment's data collector registers its folders.

Sources: azure-rest-api-specs machinelearningservices `mfe.json` (DataVersions_CreateOrUpdate:
dataType and dataUri are required); "Create data assets" (Microsoft Learn): what a version points to
is immutable; `_register_collection_data_assets` of azure-ai-ml 1.35, which goes on with the version
that is there where it is told that it "already exists".
"""

from __future__ import annotations

from tests.doubles.azureml import AzureML
from tests.doubles.azureml_arm import Document, absent, look, need, refuse, texts
from tests.doubles.loopback import Request, Response

TYPES = ("uri_file", "uri_folder", "mltable")


class DataAssets:
    """`assets` by (name, version)."""

    def __init__(self, service: AzureML) -> None:
        self.service = service
        self.assets: dict[tuple[str, str], Document] = {}
        version = "/data/(?P<name>[^/]+)/versions/(?P<version>[^/]+)"
        service.arm("GET", version, self._get)
        service.arm("PUT", version, self._put)

    def _get(self, request: Request) -> Response:
        key = request.names["name"], request.names["version"]
        if key not in self.assets:
            raise absent("Data version", ":".join(key))
        return Response(200, self.assets[key])

    def _put(self, request: Request) -> Response:
        key, body = (request.names["name"], request.names["version"]), request.json()
        need(body, "properties", "properties.dataType", "properties.dataUri")
        texts(body, "properties.tags", "properties.properties")
        if look(body, "properties.dataType") not in TYPES:
            raise refuse(f"dataType must be one of {', '.join(TYPES)}.")
        before = self.assets.get(key)
        uri = look(body, "properties.dataUri")
        if before is not None and look(before, "properties.dataUri") != uri:
            raise refuse(f"A data version {':'.join(key)} already exists.", 409, "Conflict")
        path = f"/data/{key[0]}/versions/{key[1]}"
        self.assets[key] = self.service.envelope(path, "data/versions", body)
        return Response(200 if before else 201, self.assets[key])
