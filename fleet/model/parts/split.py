"""The live traffic: compared with the split that was set, and reverted where the policy says so.

The services that split traffic let the last writer win, so that what was set once need not hold. A
look compares what holds with what was wanted; the policy says what follows from a difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.codec import kind_of
from fleet.model import live
from fleet.model.effects import Look
from fleet.model.facts import (
    Adopted,
    Configured,
    Declined,
    Registered,
    TrafficSeen,
    TrafficSet,
)
from fleet.model.lines import serving
from fleet.model.part import Part, take
from fleet.model.signals.catalogue import REFUSED_SPLIT, TRAFFIC, UNREADY
from fleet.model.slices.traffic import Foreign, Wanted
from fleet.model.turn import Turn
from monitoring.alerts.lifecycle import Severity
from monitoring.finding import Finding

ADOPT, REVERT = "adopt", "revert"
#: The kind of effect that a refused look is.
LOOK = kind_of(Look)
#: Foreign stretches that are remembered; evidence is never older.
KEPT = 5


#: What is compared with what was wanted: a split that was set, or one that a look found.
Found = TrafficSet | TrafficSeen


def was_set(turn: Turn, fact: TrafficSet) -> Adopted | None:
    """Take over what holds after a split was set; it may be somebody else's all the same."""
    turn.traffic = replace(
        turn.traffic, weights=fact.weights, names={**turn.traffic.names, **fact.names}
    )
    turn.say(serving.Traffic(fact.weights, fact.shadow, fact.unready))
    wanted = turn.traffic.wanted
    if wanted is None or wanted.key != fact.key:
        return None
    if wanted.retreat and fact.unready:
        reason = f"the traffic is back at the champion, although {fact.unready}"
        turn.signal(Finding(UNREADY, True, reason, Severity.PAGE))
    known = replace(wanted, owed=False, declined=False)
    turn.traffic = replace(turn.traffic, wanted=known)
    if fact.foreign and _live(fact.weights) == _live(wanted.weights):
        # The foreign split equals the wanted one: report it, and the next look ends the alert.
        turn.say(serving.Foreign(fact.weights, wanted.weights, reason=fact.foreign))
        _tell(turn, f"the live traffic was changed outside Driftwarden: {fact.foreign}")
        turn.traffic = replace(turn.traffic, wanted=replace(known, good_at=turn.now))
        return None
    return _compare(turn, known, fact)


def seen(turn: Turn, fact: TrafficSeen) -> Adopted | None:
    """Compare what a look found with what was wanted, unless that is still on its way."""
    turn.traffic = replace(turn.traffic, names={**turn.traffic.names, **fact.names})
    wanted = turn.traffic.wanted
    if wanted is None or wanted.owed or _older(fact, wanted):
        return None
    if not fact.unready:
        turn.settle(UNREADY)
    return _compare(turn, wanted, fact)


def _older(fact: TrafficSeen, wanted: Wanted) -> bool:
    """Tell whether a look was asked for before the split was set: it may have found the one before.

    Facts of one unit are taken in the order of their ids, not in that in which they came about.
    """
    return fact.at < wanted.good_at or (fact.at == wanted.good_at and not wanted.declined)


def declined(turn: Turn, fact: Declined) -> Declined:
    """A split that was refused does not hold; what does is looked up at once, the first time.

    Where the look is refused, too, the split is set again without it.
    """
    wanted = turn.traffic.wanted
    if wanted is not None and fact.effect == LOOK:
        _retry(turn, wanted)
    if wanted is None or fact.key != wanted.key:
        return fact
    looked_at = turn.now if wanted.times else None
    turn.traffic = replace(
        turn.traffic, wanted=replace(wanted, owed=False, declined=True), looked_at=looked_at
    )
    return fact


def registered(turn: Turn, fact: Registered) -> Registered:
    """Set a refused split again when a version of it was registered."""
    wanted = turn.traffic.wanted
    if wanted is not None and fact.version in (*wanted.weights, *wanted.shadow):
        _retry(turn, wanted)
    return fact


def configured(turn: Turn, fact: Configured) -> Configured:
    """Set a refused split again under a changed policy."""
    wanted = turn.traffic.wanted
    if wanted is not None and fact.policy:
        _retry(turn, wanted)
    return fact


def _retry(turn: Turn, wanted: Wanted) -> None:
    """Set the split again if it was refused and is not on its way again."""
    if wanted.declined and not wanted.owed:
        _again(turn, wanted)


def _compare(turn: Turn, wanted: Wanted, found: Found) -> Adopted | None:
    if _live(found.weights) != _live(wanted.weights):
        return _foreign(turn, wanted, found)
    _restored(turn, wanted)
    if set(found.shadow) != set(wanted.shadow) and _may_repeat(found):
        # Older tools drop the mirror when they write an endpoint; that is not a foreign split.
        reason = "the mirror to the shadow was removed, so the split is set again"
        turn.say(serving.Mirror(found.shadow, wanted.shadow, reason))
        _again(turn, wanted)
    return None


def _may_repeat(found: Found) -> bool:
    """Tell whether the split may be set again: only after a look, not right after it was set."""
    return isinstance(found, TrafficSeen)


def _restored(turn: Turn, wanted: Wanted) -> None:
    turn.traffic = replace(turn.traffic, wanted=replace(wanted, good_at=turn.now, declined=False))
    for key in (TRAFFIC, REFUSED_SPLIT):
        turn.settle(key)
    if not live.held(turn):
        return
    *before, last = turn.traffic.foreign
    turn.traffic = replace(turn.traffic, foreign=(*before, replace(last, until=turn.now)))
    turn.say(serving.Restored(wanted.weights))


def _foreign(turn: Turn, wanted: Wanted, found: Found) -> Adopted | None:
    weights = dict(found.weights)
    policy = turn.watched.policy.serving.foreign
    reason = _difference(weights, wanted, policy)
    new = not live.held(turn) or turn.traffic.foreign[-1].weights != weights
    if not live.held(turn):
        stretch = Foreign(wanted.good_at, weights)
        turn.traffic = replace(turn.traffic, foreign=(*turn.traffic.foreign, stretch)[-KEPT:])
    elif new:
        *before, last = turn.traffic.foreign
        turn.traffic = replace(turn.traffic, foreign=(*before, replace(last, weights=weights)))
    turn.traffic = replace(turn.traffic, weights=weights)
    if new:
        turn.say(serving.Foreign(weights, wanted.weights, found.shadow, policy))
    _tell(turn, reason)
    if policy == ADOPT and _live(weights):
        return _adopt(turn, wanted, found, reason)
    if _may_repeat(found) and (policy == REVERT or wanted.declined):
        # A refused split is set again: the operation that blocked it may be over.
        _again(turn, wanted)
    return None


def _difference(weights: Mapping[str, int], wanted: Wanted, policy: str) -> str:
    """Return what differs; without traffic nothing can be adopted, and nothing answers."""
    if _live(weights):
        return (
            f"live traffic is {_text(weights)}, but {_text(wanted.weights)} was set; "
            f"it was changed outside Driftwarden, and serving.foreign is {policy}"
        )
    return (
        f"no version gets live traffic, so that no request is answered; "
        f"{_text(wanted.weights)} was to be set, and serving.foreign is {policy}"
    )


def _adopt(turn: Turn, wanted: Wanted, found: Found, reason: str) -> Adopted:
    weights = dict(found.weights)
    *before, last = turn.traffic.foreign
    turn.traffic = replace(turn.traffic, foreign=(*before, replace(last, until=turn.now)))
    # Set as our own, so that the record beside the split says so too.
    root = wanted.key.partition(":adopted:")[0]
    key = f"{root}:adopted:{wanted.times + 1}"
    times = wanted.times + 1
    live.ask(
        turn,
        Wanted(key, weights, found.shadow, turn.now, times=times, replaces=wanted.replaces),
    )
    # Ties go to the first name, so that the choice is deterministic.
    most = min(weights, key=lambda version: (-weights[version], version))
    return Adopted(most, reason)


def _tell(turn: Turn, reason: str) -> None:
    turn.signal(Finding(TRAFFIC, True, reason, Severity.PAGE))


def _again(turn: Turn, wanted: Wanted) -> None:
    times = wanted.times + 1
    root = wanted.key.rpartition(":again:")[0] or wanted.key
    live.ask(turn, replace(wanted, key=f"{root}:again:{times}", times=times, owed=True))


def _live(weights: Mapping[str, int]) -> dict[str, int]:
    return {version: weight for version, weight in weights.items() if weight}


def _text(weights: Mapping[str, int]) -> str:
    return ", ".join(f"{version} {weight} %" for version, weight in sorted(_live(weights).items()))


PART = Part(
    "split",
    (
        take(Configured, configured),
        take(Registered, registered),
        take(TrafficSet, was_set),
        take(TrafficSeen, seen),
        take(Declined, declined),
    ),
)
