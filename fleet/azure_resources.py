"""The resources in Azure that models are watched on, by their ids in Resource Manager."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fleet import names
from fleet.document.policies import Fleet

_SUBSCRIPTION = re.compile(r"/subscriptions/[^/]+", re.IGNORECASE)
_WATCHED = re.compile(
    rf"(?P<workspace>{_SUBSCRIPTION.pattern}/resourcegroups/[^/]+"
    r"/providers/microsoft\.machinelearningservices/workspaces/(?P<name>[^/]+))"
    r"(?:/(?:online|batch)endpoints/(?P<endpoint>[^/]+)(?:/deployments/(?P<deployment>[^/]+))?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Resources:
    """The endpoints of a fleet, their deployments, and their workspace.

    `workspace` is the id of the workspace; where it is empty, an endpoint of any workspace is ours.
    The case of an id does not count ("Resource naming restrictions", Microsoft Learn).
    """

    fleet: Fleet
    workspace: str = ""

    def concerned(self, target: str) -> Iterator[tuple[str, str]]:
        """Yield the models that a resource serves, each with the resource in words."""
        part = _WATCHED.fullmatch(target.rstrip("/"))
        if part is None or not self._ours(part["workspace"]):
            return
        if part["endpoint"] is None:
            yield from ((model, f"workspace {part['name']}") for model in self.fleet.models)
            return
        words = f"endpoint {part['endpoint']}"
        if part["deployment"] is not None:
            words = f"deployment {part['deployment']} of {words}"
        for model, watched in self.fleet.models.items():
            if names.same(watched.policy.logs.endpoint, part["endpoint"]):
                yield model, words

    def subscribed(self, target: str) -> Iterator[tuple[str, str]]:
        """Yield every model where the target is the subscription of the workspace."""
        own = _SUBSCRIPTION.match(self.workspace)
        if _SUBSCRIPTION.fullmatch(target) and (own is None or names.same(target, own[0])):
            yield from ((model, "the subscription") for model in self.fleet.models)

    def _ours(self, workspace: str) -> bool:
        return not self.workspace or names.same(workspace, self.workspace)
