"""Traffic of batch endpoints: the default deployment gets every job."""

from __future__ import annotations

from typing import Any

from engine.errors import Refused
from hosts.azure.ml.serving import AzureServing
from hosts.azure.ml.split import Record, Split
from retrain.ports import Traffic

WHOLE = 100


class AzureBatchServing(AzureServing):
    """Implements `retrain.ports.Serving` on batch endpoints by switching the default deployment.

    Source: `defaults.deploymentName` of BatchEndpointProperties ("gets 100 % traffic"), REST
    reference of Azure Machine Learning. Takes `Deployments(kind=BATCH)`.
    """

    resource = "batchEndpoints"

    def _wanted(self, model: str, traffic: Traffic, record: Record | None) -> Split:
        """Return the split by deployments; Refused where a default deployment cannot make it."""
        live = {version: share for version, share in traffic.weights.items() if share}
        if traffic.shadow or set(live.values()) != {WHOLE}:
            raise Refused(
                f"{model}: a batch endpoint gives all jobs to its default deployment: "
                f"it can neither split {live} nor mirror"
            )
        return super()._wanted(model, traffic, record)

    def _operations(self) -> Any:
        return self._workspace.client.batch_endpoints

    def _split(self, endpoint: Any) -> Split:
        default = getattr(endpoint.defaults, "deployment_name", None)
        return Split.of({default: WHOLE} if default else {}, {})

    def _put(self, endpoint: Any, split: Split) -> None:
        endpoint.defaults = {"deployment_name": next(iter(split.weights))}
