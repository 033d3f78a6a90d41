"""Objectives as Sloth and Pyrra have them, written in OpenSLO: what is read, and what is told."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest

from fleet.document.objectives import objectives
from monitoring.slo.definition import Ratio, Raw, Rolling, Source

SLO = """\
apiVersion: openslo/v1
kind: Service
metadata: {{name: web}}
spec: {{}}
---
apiVersion: openslo/v1
kind: SLO
metadata: {{name: web-slo, labels: {{owner: team, tier: "2"}}}}
spec:
  service: web
  indicator:
    metadata: {{name: web-sli}}
    spec:
      ratioMetric: {{{metric}}}
  timeWindow: [{{duration: {window}, isRolling: true}}]
  budgetingMethod: Occurrences
  objectives: [{{targetPercent: {target}}}]
"""
QUERY = 'sum(rate(requests_total{code=~"(5..|429)"}[{{.window}}]))'
SOURCE = f"{{metricSource: {{type: Prometheus, spec: {{query: '{QUERY}'}}}}}}"
BAD = f"bad: {SOURCE}, total: {SOURCE}"
GOOD = f"counter: true, good: {SOURCE}, total: {SOURCE}"
RAW = f"rawType: failure, raw: {SOURCE}"
MUTE = "the 1 h alert never fires"


@pytest.mark.parametrize(
    ("metric", "window", "target", "notes"),
    [
        (BAD, "30d", "99.9", []),  # Sloth: an error query and a total query
        (BAD, "28d", "99.99", []),
        (RAW, "30d", "99.9", []),  # Sloth: an error ratio query
        (RAW, "30d", "95", []),
        (BAD, "2w", "99.99", []),  # Pyrra: a ratio of errors
        (GOOD, "4w", "90", [MUTE]),  # Pyrra: a latency of two buckets
        (GOOD, "2w", "99", []),
        (GOOD, "7d", "70", [MUTE]),
    ],
)
def test_an_objective_of_another_tool_is_read(
    metric: str, window: str, target: str, notes: list[str]
) -> None:
    text = SLO.format(metric=metric, window=window, target=target)
    found = objectives([("slo.yaml", text)])
    assert [note in problem.text for note, problem in zip(notes, found.problems, strict=True)] == [
        True for _ in notes
    ]
    (slo,) = found.slos
    source = Source("Prometheus", {"query": QUERY})
    assert (
        slo.metric
        == {
            BAD: Ratio(source, bad=source),
            GOOD: Ratio(source, good=source, counter=True),
            RAW: Raw(source, failure=True),
        }[metric]
    )
    assert isinstance(slo.window, Rolling)
    assert slo.window.length % timedelta(days=1) == timedelta(0)
    assert slo.objectives[0].target == Fraction(target) / 100
    assert slo.labels == {"owner": ("team",), "tier": ("2",)}


SILENT = """\
  alertPolicies:
    - kind: AlertPolicy
      metadata: {name: none}
      spec:
        alertWhenBreaching: false
        conditions:
          - kind: AlertCondition
            metadata: {name: never}
            spec: {severity: none, condition: {op: gt, threshold: 1, lookbackWindow: 1h}}
        notificationTargets: [{metadata: {name: a}, spec: {target: a}}]
"""


def test_an_objective_without_alerts_has_a_policy_that_tells_nothing() -> None:
    text = SLO.format(metric=BAD, window="30d", target="99.99") + SILENT
    found = objectives([("slo.yaml", text)])
    (problem,) = found.problems
    assert "notifies of nothing" in problem.text
    (policy,) = found.slos[0].policies
    assert (policy.breaching, policy.resolved, policy.no_data) == (False, False, False)
