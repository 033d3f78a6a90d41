"""The policies of a model's versions: how a new one is trained, and which of them answer."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from engine.policy import Policy
from fleet.names import RawName
from retrain.run import Policy as RunPolicy


class Training(Policy):
    """How a challenger is made: by a command on this machine, or by a job in Azure."""

    command: tuple[str, ...] | None = Field(
        None,
        description="The training command on one machine; {data}, {out} and {version} are filled "
        "in.",
    )
    job: str | None = Field(
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
    """Which versions answer, and what holds where somebody else moves their traffic."""

    champion: str = Field(description="The version that serves when monitoring begins.")
    model: RawName | None = Field(
        None,
        description="Name of the model in the registry of Azure ML and in its events; left out: "
        "as here.",
    )
    baseline: str | None = Field(
        None, description="A version that keeps scoring a copy of the traffic as a yardstick."
    )
    kind: Literal["online", "batch"] = Field(
        "online",
        description="What kind of endpoint serves in Azure; a batch endpoint can't split traffic.",
    )
    deployment: str | None = Field(
        None,
        description="File of an Azure ML deployment, beside fleet.yaml, that a new version is "
        "deployed from.",
    )
    mirror: int | None = Field(
        None,
        ge=1,
        le=100,
        description="Percent of the requests that a shadow sees; left out: as many as the host "
        "can, all of them on one machine and 50 in Azure.",
    )
    foreign: Literal["hold", "adopt", "revert"] = Field(
        "hold",
        description="What to do when somebody else changed the traffic: `hold` promotion, `adopt` "
        "their split, or `revert` to ours. An alert fires in any case.",
    )
    look_every: timedelta = Field(
        timedelta(hours=6),
        gt=timedelta(0),
        description="How often the live traffic is compared with what was set.",
    )
