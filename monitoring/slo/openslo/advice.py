"""What an SLO can never do as it is written: raise some of its alerts, fill some windows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction

from monitoring.slo.budget import span, standard
from monitoring.slo.definition import Condition, Objective, Slo
from monitoring.slo.openslo.alerts import Policy
from monitoring.slo.openslo.node import Node
from monitoring.slo.openslo.numbers import decimal
from monitoring.slo.openslo.windows import nominal

MINUTE = timedelta(minutes=1)


def advise(goals: Node, found: Slo, policies: tuple[Policy, ...]) -> None:
    """Tell what the policies can never see of the objectives, which are at `goals`."""
    length = nominal(found.window)
    for one in found.objectives:
        if one.slice_window is not None and one.slice_window > length:
            goals.wrong(
                f"{one.name}: a slice of {span(one.slice_window)} is longer than the window"
            )
        for policy in policies:
            for rule in policy.rules if not goals.problems.full else ():
                rule.compare(found.name, one)
                _compare(goals, one, rule.condition, length)
        if not policies:
            for line in unreachable(one.target, length):
                goals.warn(f"{one.name}: {line}")


def unreachable(target: Fraction, period: timedelta) -> Iterator[str]:
    """Yield a line for each of the built-in alerts that a target can never raise.

    A service that always fails burns at 1 / (1 - target), the highest possible rate: over 30 days
    and with a target of 93.05 % it is less than 14.4.
    """
    worst = 1 / (1 - target)
    for row in standard():
        needed = Fraction(str(row.budget)) * Fraction(period // MINUTE, row.long // MINUTE)
        if row.long < period and worst <= needed:
            yield (
                f"the {span(row.long)} alert never fires: with target {decimal(target)} the burn "
                f"rate is at most {float(worst):.4g}, and more than {float(needed):.3g} is needed; "
                f"a target above {100 * float(1 - 1 / needed):.4f} % makes it possible"
            )


def _compare(goals: Node, one: Objective, rule: Condition, length: timedelta) -> None:
    """Tell a lookback that is longer than the window, or shorter than a slice."""
    back = f"{one.name}: {rule.name} looks back {span(rule.lookback)}"
    if rule.lookback > length:
        goals.warn(f"{back}, to before the window of {span(length)}")
    if one.slice_window is not None and rule.lookback < one.slice_window:
        goals.warn(f"{back}, less than a slice of {span(one.slice_window)}")
