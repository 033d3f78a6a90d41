"""The catalogue of signals: the properties of a signal's alerts, one row a signal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from monitoring.alerts.lifecycle import Kind


class Asks(StrEnum):
    """What a signal asks of retraining; `retrain.trigger` decides."""

    PERFORMANCE = "performance"
    SCORE = "score"
    DRIFT = "drift"


@dataclass(frozen=True)
class Signal:
    """One signal, or a family of them whose keys begin with `key`.

    Attributes
    ----------
    explained : an announced event may explain it, and holds its alert.
    rare : few models ever have it; while it is calm it is noted only after it was active.
    report : a page of it draws the report of the window.
    asks : what it asks of retraining while it is active and no event explains it.
    news_for : how long an alert of it lasts that nothing ends.

    The kind decides what a firing page inhibits (`monitoring.alerts.muting.INHIBITS`).
    """

    key: str
    kind: Kind
    family: bool = False
    explained: bool = False
    rare: bool = False
    report: bool = False
    asks: Asks | None = None
    news_for: timedelta | None = None


DRIFT, SCORE, QUALITY, PERFORMANCE = "drift", "score", "quality", "performance"
SILENCE, TRAFFIC, RUN, ROLLOUT = "silence", "traffic", "run", "rollout"
UNREADY, UNCOLLECTED, UNREAD = "unready", "uncollected", "unread"
CAPACITY, COLLECTOR = "capacity", "collector"
#: Families: an objective's name, an effect's kind or the name of an alert rule follows.
OBJECTIVE, REFUSED, DELAYED, AZURE = "slo-", "refused-", "delayed-", "azure-"
REFUSED_SPLIT = f"{REFUSED}set-traffic"
DAY = timedelta(days=1)

SIGNALS = (
    Signal(DRIFT, Kind.DRIFT, explained=True, report=True, asks=Asks.DRIFT),
    Signal(SCORE, Kind.DRIFT, explained=True, report=True, asks=Asks.SCORE),
    Signal("association", Kind.DRIFT, explained=True, rare=True, report=True),
    Signal(QUALITY, Kind.QUALITY, report=True),
    Signal("labels", Kind.QUALITY, report=True),
    Signal("repeated", Kind.QUALITY, rare=True, report=True),
    Signal(PERFORMANCE, Kind.PERFORMANCE, explained=True, report=True, asks=Asks.PERFORMANCE),
    Signal("segments", Kind.PERFORMANCE, rare=True, report=True),
    Signal(OBJECTIVE, Kind.SLO, family=True),
    Signal(SILENCE, Kind.TRAFFIC),
    Signal(TRAFFIC, Kind.TRAFFIC),
    Signal(UNREADY, Kind.TRAFFIC, rare=True),
    Signal(UNCOLLECTED, Kind.QUALITY, rare=True),
    Signal(UNREAD, Kind.QUALITY, rare=True, news_for=DAY),
    Signal(CAPACITY, Kind.CAPACITY),
    Signal(COLLECTOR, Kind.QUALITY),
    # `fleet.model.parts.split` ends it where the split holds again.
    Signal(REFUSED_SPLIT, Kind.TRAFFIC),
    Signal(REFUSED, Kind.RUN, family=True, news_for=DAY),
    Signal(DELAYED, Kind.RUN, family=True, rare=True),
    Signal(RUN, Kind.RUN),
    Signal(ROLLOUT, Kind.ROLLOUT),
    Signal(AZURE, Kind.AZURE, family=True, rare=True),
)


def of_effect(family: str, effect: str) -> str:
    """Return the key of a kind of effect in a family.

    >>> of_effect(REFUSED, "set_traffic") == REFUSED_SPLIT
    True
    """
    return family + effect.replace("_", "-")


def signal_of(key: str) -> Signal:
    """Return the row of a signal; KeyError where the catalogue has none.

    >>> signal_of("slo-fast").kind
    <Kind.SLO: 'slo'>
    """
    for row in SIGNALS:
        if row.key == key or (row.family and key.startswith(row.key)):
            return row
    raise KeyError(f"signal {key!r} is not in the catalogue")
