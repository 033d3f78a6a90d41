"""The rules of one model, composed of the modules' own policies."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from hashlib import sha256
from typing import Literal, Self

from pydantic import Field, model_validator

from engine import codec
from engine.errors import Refused
from engine.policy import Policy
from fleet import names
from fleet.names import RawName
from monitoring.alerts import grouping
from monitoring.alerts.lifecycle import Policy as AlertPolicy
from monitoring.calendars import Calendar
from monitoring.drift.verdict import Policy as DriftPolicy
from monitoring.metrics import Task
from monitoring.performance import Policy as PerformancePolicy
from monitoring.quality import Policy as QualityPolicy
from monitoring.slo.objective import Objective
from monitoring.traffic import Policy as TrafficPolicy
from retrain.dataset import Policy as DatasetPolicy
from retrain.gate import Policy as GatePolicy
from retrain.registry import check_version
from retrain.rollout.judge import Policy as JudgePolicy
from retrain.rollout.stages import Policy as RolloutPolicy
from retrain.rollout.stages import Rules
from retrain.run import Policy as RunPolicy
from retrain.trigger import Policy as TriggerPolicy

#: Windows and files stay open for so long after nothing more is expected of them.
CLOSED_AFTER = timedelta(days=2)


class Logs(Policy):
    """Where a model's feature logs come from and when a day of them is complete."""

    endpoint: RawName = Field(
        description="Name of the endpoint in the logs' folder layout, as Azure ML spells it."
    )
    deployments: dict[str, RawName] = Field(
        default_factory=dict,
        description="By version, the name of its deployment in logs and on the endpoint, where "
        "that is another: `{v1: Raw_Name}`.",
    )
    grace: timedelta = Field(
        timedelta(hours=2), description="How long after the end of a day its late rows are awaited."
    )
    slow_ms: float = Field(1000.0, gt=0, description="Requests above this count as slow.")
    table: str | None = Field(
        None,
        description="Table of the Log Analytics workspace that keeps the requests' rows: they are "
        "counted there, a day at a time. Left out: files of the data collector.",
    )
    outputs: str | None = Field(
        None, description="Table with the answers, read row by row: what labels are joined with."
    )
    rows: bool = Field(
        False,
        description="Whether the requests are read row by row too, not only counted: what "
        "retraining learns from. For small data.",
    )
    traffic: bool = Field(
        False,
        description="Whether errors and slow answers are counted from the workspace's "
        "AmlOnlineEndpointTrafficLog, an hour at a time. Left out: files below traffic/.",
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
            raise ValueError(f"deployments: {name!r} stands for two versions; each has its own")
        return self

    @model_validator(mode="after")
    def _rows_of_a_table(self) -> Self:
        if self.table is None and (self.outputs is not None or self.rows):
            raise ValueError("outputs and rows need a table; files are read by row in any case")
        return self


class Labels(Policy):
    """How labels arrive."""

    wait: timedelta = Field(
        timedelta(days=7), description="How long after a day its labels still count."
    )
    bad_loss: float = Field(
        0.64,
        gt=0,
        description="A squared loss at or above this is a large loss, the judge's label guard. Of "
        "a regression it has to be given, in squared units of its labels.",
    )
    segment: str | None = Field(
        None, description="The feature whose levels are the segments of the offline gate."
    )


class Reference(Policy):
    """What a new model is compared with until its first promotion."""

    data: str = Field(
        description="A table of reference rows: the features, `day`, `time` and `label`."
    )


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
        """What the host's trainer is told to run."""
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
        description="What follows when somebody else changed the traffic: promotion waits, their "
        "split is taken over, or ours is set again. An alert follows in any case.",
    )
    look_every: timedelta = Field(
        timedelta(hours=6),
        gt=timedelta(0),
        description="How often the live traffic is held against what was set.",
    )


class ModelPolicy(Policy):
    """All rules of one model, as they stand under `models` in fleet.yaml."""

    team: str = Field(description="The team that is told; one of `teams`.")
    calendar: str | None = Field(None, description="The calendar it lives by; one of `calendars`.")
    logs: Logs
    labels: Labels = Field(Labels(), description="How labels arrive.")
    reference: Reference
    training: Training | None = Field(None, description="Left out: the model is never retrained.")
    serving: Serving
    drift: DriftPolicy = Field(DriftPolicy(), description="Drift verdicts.")
    performance: PerformancePolicy = Field(PerformancePolicy(), description="Labelled performance.")
    quality: QualityPolicy = Field(QualityPolicy(), description="Data quality.")
    traffic: TrafficPolicy = Field(
        TrafficPolicy(), description="Requests by hour: an endpoint that falls silent."
    )
    slo: tuple[str, ...] = Field((), description="Files of OpenSLO v1 documents.")
    trigger: TriggerPolicy = Field(TriggerPolicy(), description="What starts a retraining.")
    dataset: DatasetPolicy = Field(
        DatasetPolicy(), description="Which days a retraining learns from."
    )
    gate: GatePolicy = Field(GatePolicy(), description="The offline gate.")
    judge: JudgePolicy = Field(JudgePolicy(), description="The canary judge.")
    rollout: RolloutPolicy = Field(RolloutPolicy(), description="The way to production.")
    alerts: AlertPolicy = Field(AlertPolicy(), description="When a condition becomes an alert.")

    @model_validator(mode="after")
    def _segments_of_rows(self) -> Self:
        if self.drift.segments and self.logs.table is not None and not self.logs.rows:
            raise ValueError(
                "drift.segments need rows, and logs.table is only counted: set logs.rows, "
                "or leave drift.segments out"
            )
        return self

    @model_validator(mode="after")
    def _judged_performance(self) -> Self:
        if (
            self.performance.task is Task.REGRESSION
            and "bad_loss" not in self.labels.model_fields_set
        ):
            raise ValueError("a regression needs labels.bad_loss, in squared units of its labels")
        hidden = [name for name, own in self.drift.features.items() if own.redact]
        if told := [name for name in self.performance.segments if name in hidden]:
            raise ValueError(
                f"performance.segments would tell the levels of {told[0]}, a redacted feature"
            )
        return self


@dataclass(frozen=True)
class Watched:
    """One model with everything its rules refer to resolved."""

    name: str
    policy: ModelPolicy
    calendar: Calendar
    objectives: tuple[Objective, ...] = ()

    @property
    def registered_as(self) -> str:
        """The model's name in the registry."""
        return self.policy.serving.model or self.name

    @property
    def zone(self) -> str:
        """The IANA zone whose midnights divide the model's days."""
        return self.calendar.policy.zone

    @property
    def open_for(self) -> timedelta:
        """How long after its end a window still takes rows and labels."""
        return max(self.policy.labels.wait, self.policy.performance.wait) + CLOSED_AFTER

    @property
    def rules(self) -> Rules:
        """What a rollout obeys."""
        return Rules(self.policy.rollout, self.policy.judge, self.policy.gate)

    @cached_property
    def hash(self) -> str:
        """Hash of the resolved policy; journalled when it changes."""
        return sha256(codec.to_json(self.policy.model_dump(mode="json"))).hexdigest()[:16]


@dataclass(frozen=True)
class Fleet:
    """All watched models and the teams that are told about them."""

    models: dict[str, Watched]
    teams: dict[str, grouping.Policy] = field(default_factory=dict)
