"""The drill command: play faults against a scratch fleet, and show who was told of each."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from commands.app import App
from commands.drill.faults import FAULTS, Fault
from commands.drill.scratch import DAY, scratch
from engine.errors import Refused
from fleet.document.config import Config

#: Whoever was not told by then was not told.
PATIENCE = 2 * DAY


@dataclass(frozen=True)
class Outcome:
    """What came of one fault; `after` is None where nobody was told by a message."""

    fault: str
    about: str
    seen: str
    told: tuple[str, ...]
    after: timedelta | None


def drill(app: App, config: Config, model: str | None, chosen: str | None) -> list[Outcome]:
    """Play a fault, or all, with the team and the alert rules of a model.

    Raises
    ------
    Refused
        There is no such fault, or no such model.
    """
    if chosen is not None and chosen not in FAULTS:
        raise Refused(f"no fault {chosen!r}; there are {', '.join(FAULTS)}")
    known = list(config.fleet.models)
    name = model or next(iter(known), "")
    if name not in known:
        raise Refused(f"no model {name!r} in fleet.yaml; known are {', '.join(known) or 'none'}")
    # Faults are played on purpose: the host's own messages about them would only frighten.
    logging.getLogger("driftwarden.host").setLevel(logging.CRITICAL)
    faults = FAULTS if chosen is None else {chosen: FAULTS[chosen]}
    return [_played(app, config, name, one, fault) for one, fault in faults.items()]


def _played(app: App, config: Config, model: str, name: str, fault: Fault) -> Outcome:
    team = config.document.teams[config.fleet.models[model].policy.team]
    with scratch(app, config, model, fault.changes(team.page)) as played:
        begun = fault.play(played)
        played.play(max(played.clock.moment, begun.at) + PATIENCE)
        heard = [one for one in played.messages(_receivers(config)) if one.at >= begun.at]
        first = heard[:1]
        told = [*dict.fromkeys(one.receiver for one in heard), *begun.told]
        after = first[0].at - begun.at if first else None
        return Outcome(name, fault.about, begun.seen, tuple(told), after)


def _receivers(config: Config) -> Sequence[str]:
    return tuple(config.document.receivers)
