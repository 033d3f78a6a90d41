"""The drill command: play faults against a scratch fleet, and show who was told of each."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from commands.app import App
from commands.drill.faults import FAULTS, Fault
from commands.drill.scratch import DAY, scratch
from engine.errors import Refused
from fleet.document.config import Config

#: How long a drill waits for a message after a fault.
PATIENCE = 2 * DAY


@dataclass(frozen=True)
class Outcome:
    """The outcome of one fault; `after` is None where nobody was told by a message."""

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
    faults = FAULTS if chosen is None else {chosen: FAULTS[chosen]}
    with _host_muted():
        return [_played(app, config, name, one, fault) for one, fault in faults.items()]


@contextmanager
def _host_muted() -> Iterator[None]:
    """Leave out the host's messages: a drill makes the faults that they are about."""
    logger = logging.getLogger("driftwarden.host")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _played(app: App, config: Config, model: str, name: str, fault: Fault) -> Outcome:
    team = config.document.teams[config.fleet.models[model].policy.team]
    with scratch(app, config, model, fault.changes(team.page)) as played:
        begun = fault.play(played)
        played.play(max(played.clock.moment, begun.at) + PATIENCE)
        messages = played.messages(tuple(config.document.receivers))
        heard = [one for one in messages if one.at >= begun.at]
        told = (*dict.fromkeys(one.receiver for one in heard), *begun.told)
        after = heard[0].at - begun.at if heard else None
        return Outcome(name, fault.about, begun.seen, told, after)
