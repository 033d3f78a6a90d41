"""Whether a command names an object that is there: a model, or one of its features."""

from __future__ import annotations

from contextlib import suppress

from engine.blobs import Blobs
from engine.errors import Broken, Refused, Unavailable
from engine.loop import Loop
from engine.texts import cut
from fleet.commands import EVERY_MODEL, MODEL_VERBS, Command
from fleet.document.policies import Fleet
from fleet.model.state import Model
from fleet.partitions import ONCALL
from fleet.work.refer.referencing import SCORE, load_ruler
from monitoring.alerts.routing import OnCall

#: A rollout is named by its own name, too; the model's partition judges it.
ROLLOUT_VERBS = ("approve", "rollback")
SHOWN = 200


def check_target(command: Command, fleet: Fleet, loop: Loop, blobs: Blobs) -> None:
    """Refuse a command on a model that names something else or more, or an unknown feature."""
    if command.verb not in (*MODEL_VERBS, "silence") or command.verb in ROLLOUT_VERBS:
        return
    model, slash, feature = command.target.partition("/")
    if model in fleet.models and command.matchers.feature:
        slash, feature = "/", command.matchers.feature
    named = command.verb == "silence" or not slash
    if named and (model in fleet.models or command.target == EVERY_MODEL):
        if slash:
            _check_feature(command, model, feature, _features(model, fleet, loop, blobs))
        return
    form = "MODEL or MODEL/FEATURE" if command.verb == "silence" else "MODEL"
    raise Refused(f"{command.verb} {command.target}: write {form}, of {', '.join(fleet.models)}")


def _check_feature(command: Command, model: str, feature: str, known: set[str]) -> None:
    if known and feature not in known:
        told = cut(", ".join(sorted(known)), SHOWN)
        raise Refused(
            f"{command.verb} {command.target}: {model} has no such feature; known: {told}"
        )


def _features(model: str, fleet: Fleet, loop: Loop, blobs: Blobs) -> set[str]:
    """Return the features of the reference and of remembered alerts; empty where none is known."""
    state: Model = loop.head(model).state
    known: set[str] = set()
    # Alerts can be silenced although the reference cannot be read.
    with suppress(Broken, Refused, Unavailable):
        if state.windows.reference:
            ruler = load_ruler(blobs, state.windows.reference)
            known = {SCORE, *ruler.features, *(one.name for one in ruler.ignored)}
    if not known:
        return known
    team: OnCall = loop.head(ONCALL + fleet.models[model].policy.team).state
    notices = [entry.notice for entry in team.alerts.values()]
    return known.union(*(notice.features for notice in notices if notice.model == model))
