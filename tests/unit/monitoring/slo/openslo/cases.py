"""A text with every kind of object, and what is read of it after an edit."""

from __future__ import annotations

from fleet.document.objectives import objectives
from monitoring.slo.definition import Slo
from monitoring.slo.openslo.documents import Reading

TEXT = """\
apiVersion: openslo/v1
kind: DataSource
metadata: {name: prom}
spec: {type: Prometheus, connectionDetails: {url: "http://prometheus"}}
---
apiVersion: openslo/v1
kind: Service
metadata:
  name: shop
  displayName: Web shop
  labels: {team: [web, search], tier: one}
spec: {description: sells}
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: answered}
spec:
  description: answers without an error
  ratioMetric:
    counter: true
    good:
      metricSource: {metricSourceRef: prom, spec: {query: good}}
    total:
      metricSource: {metricSourceRef: prom, type: Prometheus, spec: {query: all}}
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: queue}
spec:
  thresholdMetric:
    metricSource: {type: Prometheus, spec: {query: length}}
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: fast}
spec:
  severity: page
  condition:
    kind: burnrate
    op: gt
    threshold: 14.4
    lookbackWindow: 1h
    alertAfter: 2m
---
apiVersion: openslo/v1
kind: AlertNotificationTarget
metadata: {name: duty}
spec: {target: pager, description: the person on duty}
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata:
  name: burning
  annotations: {driftwarden.io/guard: "true"}
spec:
  alertWhenBreaching: true
  alertWhenResolved: true
  alertWhenNoData: false
  conditions:
    - conditionRef: fast
  notificationTargets:
    - targetRef: duty
---
apiVersion: openslo/v1
kind: SLO
metadata:
  name: shop-answers
  displayName: Answers
  labels: {tier: one}
  annotations: {driftwarden.io/runbook: "https://wiki/shop"}
spec:
  description: promised to customers
  service: shop
  indicatorRef: answered
  timeWindow:
    - duration: 28d
      isRolling: true
  budgetingMethod: Occurrences
  objectives:
    - target: 0.999
  alertPolicies:
    - alertPolicyRef: burning
"""
SLICED = (
    ("Occurrences", "Timeslices"),
    ("- target: 0.999", "- {target: 0.999, timeSliceTarget: 0.95, timeSliceWindow: 5m}"),
)
LIMITED = (
    ("indicatorRef: answered", "indicatorRef: queue"),
    ("- target: 0.999", "- {target: 0.9995, op: lt, value: 100.5}"),
)
CALENDAR = (
    "      isRolling: true\n",
    "      calendar: {startTime: 2026-01-31 12:30:00, timeZone: Asia/Kathmandu}\n",
)


def edited(*changes: tuple[str, str], text: str = TEXT) -> str:
    """Return the text with the first of each text replaced."""
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after, 1)
    return text


def reading(*changes: tuple[str, str], text: str = TEXT) -> Reading:
    """Read the edited text as one file."""
    return objectives([("slo.yaml", edited(*changes, text=text))])


def one(*changes: tuple[str, str], text: str = TEXT) -> Slo:
    """Return the only SLO of the edited text, which has no error."""
    found = reading(*changes, text=text)
    assert found.errors == ()
    (slo,) = found.slos
    return slo


def told(found: Reading) -> list[str]:
    """Return all problems as text, with their level."""
    return [f"{problem.level}: {problem}" for problem in found.problems]


def line_of(text: str, marker: str) -> int:
    """Return the first line that has a text."""
    return next(n for n, line in enumerate(text.splitlines(), 1) if marker in line)
