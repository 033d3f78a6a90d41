"""The deployments of an endpoint by the version that they hold; missing ones are made."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from engine.errors import Refused, Unavailable
from fleet.names import behind
from hosts.azure.ml.arm_errors import translated
from hosts.azure.ml.workspace import Workspace

VERSION = "driftwarden.version"
WAIT = timedelta(seconds=20)
AGAIN = timedelta(minutes=1)
LONGEST = 300
UNDER_WAY = frozenset({"creating", "updating", "scaling", "deleting"})
#: azure-ai-ml `_endpoint_helpers.py`: 3 to 32 letters, digits and hyphens, a letter first.
_PLAIN = re.compile(r"[a-z][a-z0-9-]{1,30}[a-z0-9]")
_MAPPED = re.compile(r".*-[0-9a-f]{10}")
_DIGEST = 10


def deployment_name(version: str) -> str:
    """Return the name of a new deployment for a version.

    A version that is a valid name is used as it is; others get a readable part and a digest. A
    version that looks like the latter gets a digest, too, so that names are unique.

    >>> deployment_name("flights-2013-06")
    'flights-2013-06'
    >>> deployment_name("7")
    'v7-7902699be4'
    """
    if _PLAIN.fullmatch(version) and not _MAPPED.fullmatch(version):
        return version
    digest = hashlib.sha256(version.encode()).hexdigest()[:_DIGEST]
    readable = re.sub(r"[^a-z0-9]+", "-", version.lower()).strip("-")
    if not readable[:1].isalpha():
        readable = f"v{readable}"
    return f"{readable[: 31 - _DIGEST].rstrip('-')}-{digest}"


@dataclass(frozen=True)
class Names:
    """A model's name in the registry, and by version the deployments that fleet.yaml names."""

    model: str
    deployments: Mapping[str, str] = field(default_factory=dict)

    def of(self, version: str) -> str:
        """Return the name of the deployment of a version."""
        return self.deployments.get(version) or deployment_name(version)


@dataclass(frozen=True)
class Kind:
    """How an MLClient reaches online or batch deployments, and how their YAML is loaded."""

    name: str
    load: str

    @property
    def resource(self) -> str:
        """The resource's name in the actions of a role."""
        return f"{self.name}Endpoints/deployments"

    def operations(self, client: Any) -> Any:
        """Return the client's operations on them."""
        return getattr(client, f"{self.name}_deployments")


ONLINE = Kind("online", "load_online_deployment")
BATCH = Kind("batch", "load_batch_deployment")


class Deployments:
    """The deployments of each model's endpoint.

    Parameters
    ----------
    endpoint_of : the endpoint of a model.
    template_of : the deployment YAML of a model (instance, environment, data collector); None where
        versions are deployed by others.
    names_of : the names in fleet.yaml of a model's deployments, and its name in the registry.
    wait : how long to wait for a new deployment before Unavailable is raised.
    """

    def __init__(
        self,
        workspace: Workspace,
        endpoint_of: Callable[[str], str],
        template_of: Callable[[str], Path | None] = lambda _: None,
        names_of: Callable[[str], Names] = Names,
        *,
        kind: Kind = ONLINE,
        wait: timedelta = WAIT,
    ) -> None:
        self._workspace = workspace
        self._endpoint_of = endpoint_of
        self._template_of = template_of
        self._names_of = names_of
        self._kind = kind
        self._wait = wait

    def versions(self, model: str) -> dict[str, tuple[str, str]]:
        """Return the version, and the provisioning state, by the deployment that holds it."""
        names = self._names_of(model)
        return {
            found.name.lower(): (version_of(found, names), state_of(found))
            for found in self._all(model)
        }

    def there(self, model: str, version: str) -> str:
        """Return the deployment of a version whatever its state; a missing one is made.

        Raises
        ------
        Unavailable
            The deployment is being made; the next call continues.
        Refused
            There is none, and no template to make it from.
        """
        found = self._find(model, version)
        if found is not None and state_of(found) != "creating":
            return str(found.name).lower()
        return self.ready(model, version)

    def ready(self, model: str, version: str, gone: Container[str] = ()) -> str:
        """Return the deployment of a version; a missing one is made without traffic.

        A deployment named in `gone` existed once: it is not made again, because somebody deleted
        it.

        Raises
        ------
        Unavailable
            The deployment is being made; the next call continues.
        Refused
            It failed, was deleted, or there is no template for it.
        """
        found = self._find(model, version)
        if found is None:
            self._make(model, version, gone)
            found = self._find(model, version)
        name = (self._names_of(model).of(version) if found is None else str(found.name)).lower()
        where = f"{model} {version}: deployment {name} on {self._endpoint_of(model)}"
        state = state_of(found) or "creating"
        if state in UNDER_WAY:
            raise Unavailable(f"{where} is {state}", AGAIN)
        if state != "succeeded":
            raise Refused(f"{where} is {state}: see its logs, fix the cause and delete it")
        return name

    def _all(self, model: str) -> list[Any]:
        endpoint = self._endpoint_of(model)
        with translated(f"{model}: deployments of {endpoint}", f"{self._kind.resource}/read"):
            client = self._workspace.client
            return list(self._kind.operations(client).list(endpoint_name=endpoint))

    def _find(self, model: str, version: str) -> Any | None:
        names = self._names_of(model)
        holding = [found for found in self._all(model) if version_of(found, names) == version]
        ours = [found for found in holding if found.name.lower() == names.of(version).lower()]
        return next(iter(ours or holding), None)

    def _make(self, model: str, version: str, gone: Container[str]) -> None:
        names, endpoint = self._names_of(model), self._endpoint_of(model)
        name = names.of(version)
        where = f"{model} {version}: deployment {name} on {endpoint}"
        if name.lower() in gone:
            raise Refused(f"{where} was deleted by somebody else: deploy the version again")
        template = self._template_of(model)
        if template is None:
            raise Refused(f"{where} is not there, and no deployment YAML says how to make it")
        deployment = self._load(template, name, endpoint, f"azureml:{names.model}:{version}")
        deployment.tags = {**(deployment.tags or {}), VERSION: version}
        with translated(where, f"{self._kind.resource}/write"):
            operations = self._kind.operations(self._workspace.client)
            poller = operations.begin_create_or_update(deployment)
            # An operation still in progress is found by its state.
            poller.wait(self._wait.total_seconds())

    def _load(self, template: Path, name: str, endpoint: str, model: str) -> Any:
        import azure.ai.ml
        from azure.core.exceptions import AzureError
        from marshmallow import ValidationError

        overrides = [{"name": name}, {"endpoint_name": endpoint}, {"model": model}]
        try:
            return getattr(azure.ai.ml, self._kind.load)(template, params_override=overrides)
        except (AzureError, ValidationError, OSError) as error:
            said = " ".join(str(error).split())[:LONGEST]
            raise Refused(
                f"{template.name}: not a valid {self._kind.name} deployment: {said}"
            ) from error


def state_of(resource: Any) -> str:
    """Return an endpoint's or a deployment's provisioning state in lower case, empty for none."""
    state = getattr(resource, "provisioning_state", None) or ""
    return str(getattr(state, "value", state)).lower()


def version_of(deployment: Any, names: Names) -> str:
    """Return which version a deployment holds.

    In this order: fleet.yaml, our tag, its model's id, its own name.
    """
    mapped = behind(str(deployment.name), names.deployments)
    if mapped is not None:
        return mapped
    tagged = (deployment.tags or {}).get(VERSION)
    if tagged:
        return str(tagged)
    asset = re.fullmatch(
        rf"(?:azureml:|.*/models/){re.escape(names.model)}(?:/versions/|:)(?P<version>[^/:]+)",
        str(deployment.model or ""),
    )
    return asset["version"] if asset else str(deployment.name)
