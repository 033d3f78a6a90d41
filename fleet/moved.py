"""Models and receivers that fleet.yaml moved while a team has alerts of them."""

from __future__ import annotations

from collections.abc import Iterator

from engine.head import Head
from engine.loop import Loop
from engine.step import Delivery
from fleet.document.policies import Fleet
from fleet.model.facts import Configured
from fleet.partitions import FLEET, ONCALL
from monitoring.alerts.routing import OnCall


def elsewhere(fleet: Fleet, team: str, model: str) -> str:
    """Return why a model is not the team's; empty where it is, or where it is a partition."""
    if model == FLEET or model.startswith(ONCALL):
        return ""
    if model not in fleet.models:
        return f"model {model} is no longer in fleet.yaml"
    own = fleet.models[model].policy.team
    return "" if own == team else f"model {model} is of team {own} now"


def teams(loop: Loop, fleet: Fleet) -> Iterator[Delivery]:
    """Yield what makes teams look again whose models or receivers may have moved."""
    for team in fleet.teams:
        head = loop.head(ONCALL + team)
        state: OnCall = head.state
        firing = [entry.notice.model for entry in state.alerts.values() if entry.firing]
        paged = any(group.paged is not None for group in state.groups.values())
        if paged or any(elsewhere(fleet, team, model) for model in firing):
            again = Configured("", "fleet.yaml may have moved models or receivers")
            yield Delivery(ONCALL + team, f"moved:{head.seq}", again)


def halts(loop: Loop, model: str, head: Head) -> tuple[Delivery, ...]:
    """Return the notices of a model's halt, for the team that it has now.

    They have the id that they have for as long as the halt lasts.
    """
    if not head.halted or head.halted_at is None:
        return ()
    return loop.domain.halted(model, head.halted, head.halted_at)
