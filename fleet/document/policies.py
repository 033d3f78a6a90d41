"""The rules of one model, composed of the modules' own policies."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from hashlib import sha256
from typing import Self

from pydantic import Field, model_validator

from engine import codec
from engine.policy import LongText, Policy, ShortText
from fleet.document.faults import suggestion
from fleet.document.logs import Labels, Logs, Reference
from fleet.document.serving import Serving, Training
from monitoring.alerts.azure import Policy as AzureAlertPolicy
from monitoring.alerts.duty import Duty
from monitoring.alerts.group import Policy as TeamPolicy
from monitoring.alerts.lifecycle import Policy as AlertPolicy
from monitoring.calendars import Calendar
from monitoring.capacity import Policy as CapacityPolicy
from monitoring.drift.verdict import Policy as DriftPolicy
from monitoring.metrics import Task
from monitoring.performance import Policy as PerformancePolicy
from monitoring.quality import Policy as QualityPolicy
from monitoring.slo.objective import Objective
from monitoring.traffic import Policy as TrafficPolicy
from retrain.dataset import Policy as DatasetPolicy
from retrain.gate import Policy as GatePolicy
from retrain.rollout.judge import Policy as JudgePolicy
from retrain.rollout.stages import Policy as RolloutPolicy
from retrain.rollout.stages import Rules
from retrain.trigger import Policy as TriggerPolicy

#: The guards of a rollout that something is counted for.
GUARDS = ("errors", "latency", "large_loss")
#: Windows and files stay open this long after the last labels are due.
CLOSED_AFTER = timedelta(days=2)


class ModelPolicy(Policy):
    """All settings of one model."""

    team: ShortText = Field(description="Team that receives the alerts; one of `teams`.")
    calendar: ShortText | None = Field(
        None, description="Calendar of this model; one of `calendars`."
    )
    logs: Logs
    labels: Labels = Field(Labels(), description="How labels arrive.")
    reference: Reference
    training: Training | None = Field(None, description="Left out: the model is never retrained.")
    serving: Serving
    drift: DriftPolicy = Field(DriftPolicy(), description="Drift verdicts.")
    performance: PerformancePolicy = Field(PerformancePolicy(), description="Labelled performance.")
    quality: QualityPolicy = Field(QualityPolicy(), description="Data quality.")
    traffic: TrafficPolicy = Field(
        TrafficPolicy(), description="Requests by hour: alerts on an endpoint without requests."
    )
    capacity: CapacityPolicy = Field(
        CapacityPolicy(),
        description="Room of the deployments, by the platform's metrics; needs logs.traffic.",
    )
    slo: tuple[LongText, ...] = Field((), description="Files of OpenSLO v1 documents.")
    trigger: TriggerPolicy = Field(TriggerPolicy(), description="What starts a retraining.")
    dataset: DatasetPolicy = Field(DatasetPolicy(), description="The days that a retraining uses.")
    gate: GatePolicy = Field(GatePolicy(), description="The offline gate.")
    judge: JudgePolicy = Field(JudgePolicy(), description="The canary judge.")
    rollout: RolloutPolicy = Field(RolloutPolicy(), description="The rollout of a challenger.")
    alerts: AlertPolicy = Field(AlertPolicy(), description="When a condition becomes an alert.")
    azure_alerts: AzureAlertPolicy = Field(
        AzureAlertPolicy(), description="Alerts of Azure Monitor on the model's resources."
    )

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
                f"performance.segments would reveal the levels of {told[0]}, a redacted feature"
            )
        return self

    @model_validator(mode="after")
    def _counted_guards(self) -> Self:
        for name in self.judge.guards:
            if name not in GUARDS:
                raise ValueError(f"judge.guards: no guard {name!r}{suggestion(name, GUARDS)}")
        return self


@dataclass(frozen=True)
class Watched:
    """One model with its policy, calendar and objectives."""

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
        """How long after its end a window still accepts rows and labels."""
        return max(self.policy.labels.wait, self.policy.performance.wait) + CLOSED_AFTER

    @property
    def rules(self) -> Rules:
        """The policies of a rollout."""
        return Rules(self.policy.rollout, self.policy.judge, self.policy.gate)

    @cached_property
    def hash(self) -> str:
        """The hash of the resolved policy; a change is written to the journal."""
        return sha256(codec.to_json(self.policy.model_dump(mode="json"))).hexdigest()[:16]


@dataclass(frozen=True)
class Fleet:
    """All watched models and the teams that are told about them.

    `duties` are the teams with the calendars, rotations and receivers that they name.
    """

    models: dict[str, Watched]
    teams: dict[str, TeamPolicy] = field(default_factory=dict)
    duties: dict[str, Duty] = field(default_factory=dict)

    def duty(self, team: str) -> Duty:
        """Return a team's policy with what it refers to."""
        return self.duties.get(team) or Duty(self.teams[team])
