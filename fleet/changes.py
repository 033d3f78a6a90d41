"""Published events that are a change of a model: what on-call engineers ask about first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from fleet.published import CATALOGUE, Event
from monitoring.alerts.changes import ModelChanged

CHANGES = (
    Event.RETRAIN_STARTED,
    Event.RETRAIN_ENDED,
    Event.ROLLOUT_STARTED,
    Event.ROLLOUT_ADVANCED,
    Event.ROLLOUT_PROMOTED,
    Event.ROLLOUT_ROLLED_BACK,
    Event.ROLLOUT_STOPPED,
)


def change(
    model: str, key: str, kind: Event, fields: Mapping[str, object], at: datetime
) -> ModelChanged | None:
    """Return the change that an event tells of; None where it is none.

    >>> from datetime import UTC
    >>> fields = {"run": "r1", "trigger": "drift", "reason": "temp moved", "days": 7}
    >>> told = change("m", "k", Event.RETRAIN_STARTED, fields, datetime(2024, 3, 4, tzinfo=UTC))
    >>> told.title, told.lines[:2]
    ('A training started: temp moved', ('run: r1', 'trigger: drift'))
    """
    if kind not in CHANGES:
        return None
    shape = CATALOGUE[kind]
    said = {one.name: fields.get(one.name) for one in shape.fields}
    lines = tuple(f"{name}: {value}" for name, value in said.items() if value is not None)
    what = shape.description.rstrip(".")
    return ModelChanged(key, model, f"{what}: {said['reason']}", lines, at)
