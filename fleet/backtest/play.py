"""A model's history replayed: the alerts that would have fired, day by day and by threshold.

Every day runs the code of a live one: `fleet.work` assesses it, and the parts of the model's step
rule on persistence, calendar and alerts. The clock is set, and no page is sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from engine.blobs import Blobs
from fleet.document.policies import Watched
from fleet.model.effects import Tell
from fleet.model.parts import alerts, windows
from fleet.model.records import Batch, Collection
from fleet.model.results import Assessed
from fleet.model.signals import drift
from fleet.model.slices.windows import Window, Windows
from fleet.model.state import Model
from fleet.model.tasks import Assess
from fleet.model.turn import Turn
from fleet.ports import World
from fleet.work import rows
from fleet.work.assess.assessing import assess_window
from fleet.work.assess.comparing import against
from fleet.work.refer.referencing import load
from monitoring.alerts.lifecycle import Notify, Severity, Status
from monitoring.calendars import bounds
from monitoring.drift.assessment import assess
from monitoring.drift.columns import finite_numbers
from monitoring.drift.ruler import Ruler
from monitoring.drift.rules import Floats, Rule, fired, ks_p
from monitoring.drift.sketch import Sketch, merge
from monitoring.drift.verdict import Verdict
from monitoring.schema import Kind, kind_of

DRIFT = "drift"
Told = Callable[[int], None]


@dataclass(frozen=True)
class Day:
    """One day of the history: its sketch, and its rows where they are kept."""

    name: str
    rows: int
    sketch: str
    kept: str = ""


@dataclass(frozen=True)
class History:
    """The `days` to play, in order, compared with `reference`, whose rows are `held`."""

    reference: str
    days: tuple[Day, ...]
    held: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """One feature on one day.

    `alone` is the day's own verdict, `stream` that with persistence, `merged` the effect behind the
    latter. `rules` are the fixed rules that fire.
    """

    psi: float | None
    js: float | None
    ks: float | None
    effect: float | None
    alone: Verdict
    merged: float | None
    stream: Verdict
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Played:
    """One day after it was played: its assessment, and each feature."""

    day: Day
    fact: Assessed
    event: str | None
    features: dict[str, Found]


def play(blobs: Blobs, watched: Watched, history: History, told: Told) -> tuple[Played, ...]:
    """Assess every day of a history in order; `told` is called with the number done."""
    absent: Any = None  # An assessment uses blobs and no other port.
    world = World(blobs, *[absent] * 9)
    ruler = load(blobs, history.reference).ruler
    numbers = _sorted(blobs, history.held, ruler)
    model = Model(champion="champion", windows=Windows(reference=history.reference))
    played = []
    for done, day in enumerate(history.days):
        batch = Batch(day.name, day.rows, "", day.sketch)
        ends, closes = _ends(watched, day), _closes(watched, day)
        turn = Turn(watched, closes, model)
        window = Window(closes, ends).add(batch, Collection.inputs, "")
        turn.windows = turn.windows.put(day.name, window)
        windows.follow(turn)
        (asked,) = (effect for effect in turn.effects if isinstance(effect, Assess))
        fact = assess_window(world, watched, asked)
        windows.assessed(turn, fact)
        model = turn.model
        features = _found(blobs, watched, asked, fact, _values(blobs, day.kept, ruler), numbers)
        played.append(Played(day, fact, asked.event, features))
        told(done + 1)
    return tuple(played)


def replayed_alerts(
    watched: Watched, played: Sequence[Played], thresholds: Mapping[str, float] | None = None
) -> tuple[Notify, ...]:
    """Return the notifications of drift: each firing once per severity, without reminders.

    thresholds: by feature; the policy's where absent.
    """
    model, told = Model(champion="champion"), dict[tuple[str, Severity], Notify]()
    moments = [_closes(watched, one.day) for one in played]
    for one, now, after in zip(played, moments, [*moments[1:], None], strict=True):
        turn = Turn(watched, now, model)
        drift.assessed(turn, _drift_only(one, thresholds or {}))
        alerts.follow(turn)
        _note(turn, told)
        while after is not None and (wake := min(turn.wakes, default=after)) < after:
            turn = Turn(watched, wake, turn.model)
            alerts.follow(turn)
            _note(turn, told)
        model = turn.model
    return tuple(told.values())


def pages(found: Sequence[Notify]) -> int:
    """Return how many of them page."""
    return sum(one.severity is Severity.PAGE for one in found)


def _ends(watched: Watched, day: Day) -> datetime:
    return bounds(date.fromisoformat(day.name), watched.zone)[1]


def _closes(watched: Watched, day: Day) -> datetime:
    return _ends(watched, day) + watched.policy.logs.grace


def _drift_only(one: Played, thresholds: Mapping[str, float]) -> Assessed:
    stream = {
        name: _against(one.features[name].merged, thresholds[name])
        if name in thresholds
        else verdict
        for name, verdict in one.fact.stream.items()
    }
    return replace(one.fact, stream=stream, quality=(), score=Verdict.INSUFFICIENT)


def _against(effect: float | None, threshold: float) -> Verdict:
    over = effect is not None and effect >= threshold
    return Verdict.DRIFTED if over else Verdict.DRIFTING


def _note(turn: Turn, told: dict[tuple[str, Severity], Notify]) -> None:
    for effect in turn.effects:
        if isinstance(effect, Tell) and effect.notice.status is Status.FIRING:
            notice = effect.notice
            if notice.alert.startswith(f"{DRIFT}-"):
                told.setdefault((notice.alert, notice.severity), notice)


def _found(
    blobs: Blobs,
    watched: Watched,
    asked: Assess,
    fact: Assessed,
    values: Mapping[str, Floats],
    numbers: Mapping[str, Floats],
) -> dict[str, Found]:
    """Return the numbers of the assessment with the fixed rules that fire on them."""
    merged, found = _merged(blobs, watched, asked), {}
    document = json.loads(blobs.get(fact.report))
    for feature in document["features"]:
        if feature["segment"] is not None:
            continue
        name = feature["name"]
        known = name in numbers and name in values
        ks = ks_p(numbers[name], values[name]) if known else None
        found[name] = Found(
            psi=feature["psi"],
            js=feature["js"],
            ks=ks,
            effect=feature["effect"],
            alone=Verdict(feature["verdict"]),
            merged=merged[name],
            stream=Verdict(document["stream"][name]),
            rules=fired(feature["psi"], feature["js"], ks),
        )
    return found


def _merged(blobs: Blobs, watched: Watched, asked: Assess) -> dict[str, float | None]:
    """Return the effects of the window merged with those before it: these meet the thresholds."""
    reference = load(blobs, asked.reference)
    ruler = reference.ruler
    current = merge(ruler, (Sketch.from_bytes(blobs.get(name)) for name in asked.sketches))
    before = [Sketch.from_bytes(blobs.get(name)) for name in asked.before]
    side = against(watched, asked, reference, current, before)
    policy = watched.policy.drift
    together = assess(ruler, side.together, merge(ruler, [current, *before]), policy)
    return {feature.name: feature.effect for feature in together.features}


def _values(blobs: Blobs, name: str, ruler: Ruler) -> dict[str, Floats]:
    return _numbers(rows.get(blobs, name), ruler) if name else {}


def _sorted(blobs: Blobs, names: Sequence[str], ruler: Ruler) -> dict[str, Floats]:
    table = rows.get_all(blobs, names)
    found = _numbers(table, ruler) if table is not None else {}
    for values in found.values():
        values.sort()
    return found


def _numbers(table: pa.Table, ruler: Ruler) -> dict[str, Floats]:
    return {
        name: finite_numbers(table[name])
        for name, bins in ruler.features.items()
        if bins.kind is Kind.NUMERIC
        and name in table.column_names
        and kind_of(table.schema.field(name).type) is Kind.NUMERIC
    }
