"""Alert policies, their conditions, and whom they tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from monitoring.slo.definition import AlertPolicy, Condition, Objective, Op
from monitoring.slo.openslo.annotations import GUARD, MULTIWINDOW, asked
from monitoring.slo.openslo.durations import delay, rolling
from monitoring.slo.openslo.kinds import Object, Shelf
from monitoring.slo.openslo.metadata import Metadata
from monitoring.slo.openslo.node import MOST, Node, description
from monitoring.slo.openslo.numbers import decimal, exact
from monitoring.slo.openslo.problems import Fault
from monitoring.slo.openslo.values import shown

SWITCHES = ("alertWhenNoData", "alertWhenResolved", "alertWhenBreaching")
#: The short window of a pair is this part of the long one, as in the SRE workbook.
SHORT = 12
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Rule:
    """A condition, and the place of its threshold."""

    condition: Condition
    threshold: Node

    def compare(self, slo: str, objective: Objective) -> None:
        """Tell a threshold that no burn rate of an objective can reach."""
        worst = 1 / (1 - objective.target)
        limit, op = self.condition.threshold, self.condition.op
        if not ((op is Op.GT and limit >= worst) or (op is Op.GTE and limit > worst)):
            return
        self.threshold.warn(
            f"never fires for SLO {slo}: with target {decimal(100 * objective.target)} % of "
            f"{objective.name} the burn rate is at most {decimal(worst)}"
        )


@dataclass(frozen=True)
class Policy:
    """An alert policy with its rules, of which it fires when all do."""

    alert: AlertPolicy
    rules: tuple[Rule, ...]


def target(one: Object) -> str:
    """Return whom a notification target names."""
    spec = one.spec(("target", "description"))
    description(spec)
    return spec.field("target").text()


def condition(one: Object) -> Rule:
    """Return one condition of a policy."""
    spec = one.spec(("description", "severity", "condition"))
    description(spec)
    severity = spec.field("severity").text()
    node = spec.field("condition")
    node.fields(("kind", "op", "threshold", "lookbackWindow", "alertAfter"))
    if (kind := node.get("kind")) is not None:
        kind.choice(("burnrate",))
    op = Op(node.field("op").choice(Op))
    limit, after = _threshold(node.field("threshold")), node.get("alertAfter")
    _meant(node.field("op"), op, limit)
    found = Condition(
        one.metadata.name,
        severity,
        op,
        limit,
        rolling(node.field("lookbackWindow")),
        delay(after) if after is not None else timedelta(0),
    )
    return Rule(found, node.field("threshold"))


def policy(one: Object, conditions: Shelf[Rule], targets: Shelf[str]) -> Policy:
    """Return an alert policy; OpenSLO allows it one condition, several are read as AND."""
    spec = one.spec(("description", *SWITCHES, "conditions", "notificationTargets"))
    described = spec.tried(description)
    rules = spec.tried(lambda node: _rules(node, one.metadata, conditions))
    told = spec.tried(lambda node: _targets(node, targets))
    switches = spec.tried(lambda node: tuple(_switch(node, field) for field in SWITCHES))
    if described is None or rules is None or told is None or switches is None:
        raise Fault(None)
    alert = AlertPolicy(
        one.metadata.name,
        tuple(dict.fromkeys(rule.condition for rule in rules)),
        no_data=switches[0] is True,
        resolved=switches[1] is True,
        breaching=switches[2] is not False,
        guarded=asked(one.metadata.annotations, GUARD),
        targets=tuple(dict.fromkeys(told)),
    )
    if not (alert.no_data or alert.resolved or alert.breaching):
        spec.warn("notifies of nothing: all of alertWhenNoData, Resolved and Breaching are false")
    return Policy(alert, rules)


def _rules(spec: Node, named: Metadata, conditions: Shelf[Rule]) -> tuple[Rule, ...]:
    node = spec.field("conditions")
    entries = node.items(MOST)
    if len(entries) > 1:
        told = f"{len(entries)} conditions, where OpenSLO v1 allows one"
        node.warn(f"{told}; the policy fires when all hold")
    found = [entry.tried(lambda one: _rule(one, conditions)) for entry in entries]
    rules = [rule for rule in found if rule is not None]
    if asked(named.annotations, MULTIWINDOW):
        rules += [_short(rule, node) for rule in rules]
    return tuple(rules)


def _targets(spec: Node, targets: Shelf[str]) -> list[str]:
    entries = spec.field("notificationTargets").items(MOST)
    found = [entry.tried(lambda one: targets.of(one, "targetRef")) for entry in entries]
    return [target for target in found if target is not None]


def _switch(spec: Node, field: str) -> bool | None:
    node = spec.get(field)
    return node.flag() if node is not None else None


def _rule(entry: Node, conditions: Shelf[Rule]) -> Rule:
    if (operator := entry.get("operator")) is not None and entry.has("conditionRef"):
        # An older form of OpenSLO joined conditions by an operator.
        operator.choice(("and",))
        entry.fields(("operator", "conditionRef"))
        return conditions.referenced(entry.field("conditionRef"))
    return conditions.of(entry, "conditionRef")


def _short(rule: Rule, node: Node) -> Rule:
    """Return the short window of a pair, which ends an alert soon after the burning."""
    long = rule.condition
    lookback = long.lookback / SHORT
    if lookback % MINUTE:
        told = f"{MULTIWINDOW} asks for a second window of a {SHORT}th of {long.lookback}"
        raise node.fault(f"{told}, which has no whole number of minutes")
    found = Condition(
        f"{long.name}-short", long.severity, long.op, long.threshold, lookback, long.after
    )
    return Rule(found, rule.threshold)


def _threshold(node: Node) -> Fraction:
    value = exact(node)
    if value < 0:
        raise node.fault(f"{shown(node.value)} is below 0, which no burn rate is")
    return value


def _meant(node: Node, op: Op, limit: Fraction) -> None:
    """Tell a comparison that a healthy service fulfils."""
    if op in (Op.LTE, Op.LT):
        node.warn(
            f"{op} fires while the burn rate is {'below' if op is Op.LT else 'at most'} "
            f"{decimal(limit)}, also of a healthy service; an alert on fast burning is gt"
        )
    elif op is Op.GTE and not limit:
        node.warn("gte 0 always fires")
