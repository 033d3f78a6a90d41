"""The policies of a model's versions: how a new one is trained, and which of them answer."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from engine.duration import Duration
from engine.errors import Refused
from engine.policy import LongText, Policy, ShortText
from fleet.names import RawName
from retrain.registry import check_version
from retrain.run import Policy as RunPolicy


class Training(Policy):
    """How a challenger is made: by a command on this machine, or by a job in Azure."""

    command: tuple[LongText, ...] | None = Field(
        None,
        description="The training command on one machine; {data}, {out} and {version} are filled "
        "in.",
    )
    job: LongText | None = Field(
        None,
        description="File of a command or pipeline job of Azure ML, beside fleet.yaml; its inputs "
        "`data` and `version` are filled in.",
    )
    run: RunPolicy = Field(RunPolicy(), description="Limits of a run.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.command is None) == (self.job is None):
            raise ValueError("give a command (one machine) or a job (Azure), one of the two")
        return self

    @property
    def spec(self) -> str:
        """The command or the job file, as the host's trainer takes it."""
        return shlex.join(self.command) if self.command is not None else str(self.job)


class Serving(Policy):
    """The deployed versions, and the action when traffic is changed outside Driftwarden."""

    champion: ShortText = Field(
        description="The version that answers the live traffic when monitoring begins."
    )
    model: RawName | None = Field(
        None,
        description="Name of the model in the registry of Azure ML and in its events; left out: "
        "the same as in fleet.yaml.",
    )
    baseline: ShortText | None = Field(
        None,
        description="A version that scores a copy of the traffic at all times, for comparison.",
    )
    kind: Literal["online", "batch"] = Field(
        "online",
        description="Kind of the endpoint in Azure; a batch endpoint can't split traffic.",
    )
    deployment: LongText | None = Field(
        None,
        description="File of an Azure ML deployment, beside fleet.yaml; a new version is deployed "
        "from it.",
    )
    mirror: int | None = Field(
        None,
        ge=1,
        le=100,
        description="Percent of the requests that a shadow scores; left out: the host's maximum, "
        "100 on one machine and 50 in Azure.",
    )
    foreign: Literal["hold", "adopt", "revert"] = Field(
        "hold",
        description="Action when traffic is changed outside Driftwarden: `hold` promotion, `adopt` "
        "the new split, or `revert` to Driftwarden's. An alert fires in any case.",
    )
    look_every: Duration = Field(
        timedelta(hours=6),
        gt=timedelta(0),
        description="How often the live traffic is compared with the split that was set.",
    )

    @field_validator("champion", "baseline")
    @classmethod
    def _a_version(cls, version: str | None) -> str | None:
        try:
            return None if version is None else check_version(version)
        except Refused as error:
            raise ValueError(str(error)) from None
