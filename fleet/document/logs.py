"""The policies of a model's data: its feature logs, its labels, and its first reference."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from engine.duration import Duration
from engine.errors import Refused
from engine.policy import Policy
from fleet import names
from fleet.names import RawName
from retrain.registry import check_version


class Logs(Policy):
    """Where a model's feature logs come from and when a day of them is complete."""

    endpoint: RawName = Field(
        description="Name of the endpoint in the logs' folder layout, as Azure ML spells it."
    )
    deployments: dict[str, RawName] = Field(
        default_factory=dict,
        description="By version, the name of its deployment in logs and on the endpoint, if it "
        "differs: `{v1: Raw_Name}`.",
    )
    grace: Duration = Field(
        timedelta(hours=2),
        description="Wait for late rows after the end of a day; then the day is assessed.",
    )
    slow_ms: float = Field(1000.0, gt=0, description="Requests that take longer count as slow.")
    table: str | None = Field(
        None,
        description="Table of the Log Analytics workspace with the requests' rows; they are "
        "counted there, a day at a time. Left out: files of the data collector.",
    )
    outputs: str | None = Field(
        None, description="Table with the answers; they are read row by row and joined with labels."
    )
    rows: bool = Field(
        False,
        description="If yes, the requests of `table` are also read row by row, which retraining "
        "needs. For small data.",
    )
    traffic: bool = Field(
        False,
        description="If yes, errors and slow answers are counted from the workspace's "
        "AmlOnlineEndpointTrafficLog, an hour at a time, or where that is not kept, requests and "
        "errors from the platform's metrics; otherwise from files below traffic/.",
    )

    def version_of(self, deployment: str) -> str:
        """Return the version behind a raw name; names that are not mapped stay as they are."""
        return names.behind(deployment, self.deployments) or deployment

    def deployment_of(self, version: str) -> str:
        """Return the raw name of a version's deployment."""
        return self.deployments.get(version, version)

    @model_validator(mode="after")
    def _one_version_each(self) -> Self:
        for version in self.deployments:
            try:
                check_version(version)
            except Refused as error:
                raise ValueError(f"deployments: {error}") from None
        if (name := names.repeated(self.deployments.values())) is not None:
            raise ValueError(f"deployments: {name!r} is given for two versions; each needs its own")
        return self

    @model_validator(mode="after")
    def _rows_of_a_table(self) -> Self:
        if self.table is None and (self.outputs is not None or self.rows):
            raise ValueError("outputs and rows need a table; files are read by row in any case")
        return self


class Labels(Policy):
    """How labels arrive."""

    wait: Duration = Field(
        timedelta(days=7),
        description="Labels that arrive later than this after their day are not used.",
    )
    bad_loss: float = Field(
        0.64,
        gt=0,
        description="A squared loss at or above this is a large loss, which the judge's guard "
        "`large_loss` counts. Required for a regression, in squared units of its labels.",
    )
    segment: str | None = Field(
        None, description="Feature whose levels are the segments of the offline gate."
    )


class Reference(Policy):
    """The rows that a new model is compared with until its first promotion."""

    data: str = Field(
        description="A table of reference rows: the features, `day`, `time` and `label`."
    )
