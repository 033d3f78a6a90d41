"""The kind SLO: everything that is promised of one service's metric."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from monitoring.slo.definition import Method, Slo
from monitoring.slo.openslo.advice import advise
from monitoring.slo.openslo.alerts import Policy
from monitoring.slo.openslo.goals import composite, objectives
from monitoring.slo.openslo.kinds import Kind, Object, Shelf, inline
from monitoring.slo.openslo.metrics import Indicator
from monitoring.slo.openslo.node import MOST, Node, description
from monitoring.slo.openslo.problems import Fault
from monitoring.slo.openslo.values import word
from monitoring.slo.openslo.windows import window

FIELDS = (
    "description",
    "service",
    "indicator",
    "indicatorRef",
    "timeWindow",
    "budgetingMethod",
    "objectives",
    "alertPolicies",
)


@dataclass(frozen=True)
class Parts:
    """What an SLO may refer to; `known` are services that need no document."""

    services: Shelf[str]
    indicators: Shelf[Indicator]
    policies: Shelf[Policy]
    known: Collection[str]


def slo(one: Object, parts: Parts) -> Slo:
    """Return an SLO; every part that is at fault is told."""
    spec = one.spec(FIELDS)
    metric = spec.tried(lambda node: _indicator(node, one.metadata.name, parts))
    method = spec.tried(_method)
    period = spec.tried(window)
    service = spec.tried(lambda node: _service(node, parts))
    described = spec.tried(description)
    policies = spec.tried(lambda node: _policies(node, parts.policies))
    goals = spec.tried(lambda node: node.field("objectives"))
    if metric is None or method is None or goals is None:
        raise Fault(None)
    found = goals.tried(lambda node: objectives(node, one.metadata.name, metric.metric, method))
    if found is None or period is None or service is None or policies is None:
        raise Fault(None)
    result = Slo(
        name=one.metadata.name,
        service=service,
        metric=metric.metric,
        window=period,
        method=method,
        objectives=found,
        policies=tuple(policy.alert for policy in policies),
        display=one.metadata.display,
        description=described or "",
        labels=one.metadata.labels,
        annotations=one.metadata.annotations,
        where=one.where,
        indicator=metric.name,
    )
    advise(goals, result, policies)
    return result


def service(one: Object) -> str:
    """Return the description of a service."""
    return description(one.spec(("description",))) if one.node.filled("spec") else ""


def _indicator(spec: Node, name: str, parts: Parts) -> Indicator:
    goals = spec.get("objectives")
    own = list(composite(goals.items())) if goals is not None else []
    holder = spec
    if own:
        if goals is None or len(goals.items()) > 1:
            told = f"a composite of {len(own)} indicators is not computed"
            raise own[0].fault(f"{told}; write an SLO for each indicator")
        if spec.has("indicator") or spec.has("indicatorRef"):
            raise own[0].fault("the SLO has an indicator already; give it in one place")
        (holder,) = own
    if holder.has("indicator") == holder.has("indicatorRef"):
        raise holder.fault("give either indicator or indicatorRef")
    if holder.has("indicatorRef"):
        return parts.indicators.referenced(holder.field("indicatorRef"))
    return parts.indicators.reader(inline(holder.field("indicator"), Kind.SLI, fallback=name))


def _method(spec: Node) -> Method:
    node = spec.get("budgetingMethod")
    if node is None:
        spec.warn(f"budgetingMethod is missing; {Method.OCCURRENCES} is used")
        return Method.OCCURRENCES
    return Method(node.choice(Method))


def _service(spec: Node, parts: Parts) -> str:
    node = spec.field("service")
    name = node.text()
    if name not in parts.services.objects and name not in parts.known:
        node.warn(f"no Service {word(name)} among these documents")
    return name


def _policies(spec: Node, policies: Shelf[Policy]) -> tuple[Policy, ...]:
    node = spec.filled("alertPolicies")
    if node is None or node.value == []:
        return ()
    entries = node.items(MOST)
    found = [entry.tried(lambda one: _policy(one, policies)) for entry in entries]
    names: set[str] = set()
    for entry, policy in zip(entries, found, strict=True):
        if policy is not None and policy.alert.name in names:
            entry.wrong(f"{policy.alert.name}: two policies of one name")
        names |= {policy.alert.name} if policy is not None else set()
    return tuple(policy for policy in found if policy is not None)


def _policy(entry: Node, policies: Shelf[Policy]) -> Policy:
    if isinstance(entry.value, str):
        entry.warn(f"an older form; write alertPolicyRef: {word(entry.value)}")
        return policies.referenced(entry)
    return policies.of(entry, "alertPolicyRef")
