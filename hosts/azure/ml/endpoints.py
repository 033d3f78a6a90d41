"""Where online endpoints are: their resource ids and regions, which never change."""

from __future__ import annotations

from hosts.azure.logs.platform import Resource
from hosts.azure.ml.arm_errors import translated
from hosts.azure.ml.workspace import Workspace


class Endpoints:
    """Finds online endpoints by name, each once."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._known: dict[str, Resource] = {}

    def resource(self, endpoint: str) -> Resource:
        """Return the resource of an endpoint; Refused where there is none of the name."""
        if endpoint not in self._known:
            with translated(f"endpoint {endpoint}", "onlineEndpoints/read"):
                found = self._workspace.client.online_endpoints.get(endpoint)
            region = "".join(str(found.location).lower().split())
            self._known[endpoint] = Resource(str(found.id), region)
        return self._known[endpoint]
