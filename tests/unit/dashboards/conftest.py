"""A journal written by hand, and services that have one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from engine import journal
from engine.blobs import MemoryBlobs
from engine.chain import Place
from engine.clock import SetClock
from engine.head import Head
from engine.journal import Record
from engine.loop import Loop
from engine.memory import MemoryStore
from engine.store import instant
from fleet.document.config import load
from fleet.domain import FleetDomain
from fleet.model.lines.line import read_line
from fleet.model.slices.windows import Past, Windows
from fleet.model.state import Model
from fleet.model.upgrade import FORMAT
from fleet.service import Service
from monitoring.drift.verdict import Verdict

Line = dict[str, Any]
Told = tuple[datetime, Line]

YAML = """
version: 1
models:
  flights:
    team: crew
    logs: {endpoint: flights}
    reference: {data: reference.parquet}
    serving: {champion: q1, baseline: q1}
teams:
  crew: {page: [phone]}
receivers:
  phone: {kind: terminal}
"""


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def records() -> Callable[[Sequence[Told]], list[Record]]:
    """Records of these lines, one unit each."""

    def make(told: Sequence[Told]) -> list[Record]:
        return [Record(n + 1, instant(at), (line,), "") for n, (at, line) in enumerate(told)]

    return make


@pytest.fixture
def line() -> Callable[..., Line]:
    """A journal line with every field that lines of its kind have."""
    kinds: dict[str, Line] = {
        "assessed": {
            "window": "2013-04-01", "rows": 900, "verdict": "stable", "stream": {}, "psi": {},
            "score_psi": None, "event": None, "quality": [], "report": "r",
        },
        "joined": {
            "window": "2013-04-01", "labelled": 880, "expected": 900, "contradictions": 0,
            "health": "healthy", "reason": "as usual", "scores": {}, "rolling": {}, "rows": "j",
        },
        "alert": {
            "alert": "drift-1", "phase": "firing", "kind": "drift", "severity": "ticket",
            "reason": "drifted", "features": ["temp"], "explained_by": None,
        },
        "trigger": {
            "fire": True, "kind": "performance", "reason": "degraded", "run": "m-run-1",
            "days": ["2013-04-01", "2013-04-02"], "holdout": [], "left_out": ["2013-04-03: event"],
        },
        "run": {"run": "m-run-1", "phase": "succeeded", "version": "v2", "reason": "done"},
        "gate": {
            "id": "m-run-1", "version": "v2", "trigger": "performance", "verdict": "passed",
            "reason": "better",
        },
        "registered": {"version": "leaky", "waived_by": None, "reason": ""},
        "rollout": {
            "id": "m-rollout-1", "challenger": "v2", "champion": "q1", "phase": "shadow",
            "stage": 0, "reason": "shadow; plan", "waived_by": None, "guards": {},
        },
        "reference": {"version": "q1", "reference": "r", "days": 89, "rows": 74321},
        "traffic": {"weights": {"q1": 100}, "shadow": []},
        "event": {
            "event": "strike", "first": "2013-04-01", "last": "2013-04-02", "category": "other",
            "source": "a.ics", "outcome": "harmless",
            "reason": "harmless: no drift in its 2 windows", "windows": 2, "alerts": 0,
        },
        "command": {"verb": "retrain", "by": "ada", "reason": "why", "target": "m"},
        "report": {"window": "2013-04-01", "of": "drift-1", "report": "r"},
    }  # fmt: skip

    def make(what: str, **fields: Any) -> Line:
        assert set(fields) <= set(kinds[what])
        return {"what": what, **kinds[what], **fields}

    return make


@pytest.fixture
def said(line: Callable[..., Line]) -> Callable[..., Any]:
    """The same as `line`, read."""

    def make(what: str, **fields: Any) -> Any:
        return read_line(line(what, **fields))

    return make


@pytest.fixture
def service() -> Callable[..., Service]:
    """A service on a store in memory whose only model has this journal."""

    def make(told: Sequence[Told] = (), champion: str = "q1") -> Service:
        fleet = load(YAML, "fleet.yaml", lambda _: "").fleet
        store = MemoryStore()
        last, previous = moment("2013-04-01"), ""
        days = {}
        for seq, (at, said) in enumerate(told, 1):
            place = Place("flights", previous, seq, instant(at))
            row, previous = journal.record(place, (said,))
            store.commit("flights", [row])
            last = at
            if said["what"] == "assessed":
                days[said["window"]] = Past(said["rows"], verdict=Verdict(said["verdict"]))
        state = Model(
            champion=champion, champion_since=moment("2013-03-30"), windows=Windows(past=days)
        )
        if told:
            head = Head(state, seq=len(told), hash=previous)
            store.commit("flights", [head.write("flights", FORMAT)])
        loop = Loop(store, FleetDomain(fleet, None), lambda _: None)
        return Service(fleet, loop, SetClock(last), MemoryBlobs())

    return make


EVENTS = {
    "2013-05-25": "Memorial Day", "2013-05-26": "Memorial Day", "2013-05-27": "Memorial Day",
    "2013-07-03": "Independence Day", "2013-07-04": "Independence Day",
    "2013-07-05": "Independence Day", "2013-11-27": "Thanksgiving", "2013-11-28": "Thanksgiving",
    "2013-11-29": "Thanksgiving", "2013-12-24": "Christmas", "2013-12-25": "Christmas",
}  # fmt: skip
WEATHER = ("temp", "dewp", "humid", "pressure", "wind_speed", "precip", "precip_3h", "visib")
SCHEDULE = (
    "carrier", "origin", "destination", "minute", "weekday", "distance", "duration", "plane_age",
    "seats", "departures",
)  # fmt: skip


@pytest.fixture
def year(line: Callable[..., Line]) -> list[Told]:
    """Nine months of 18 features, with everything that a page can show."""
    rng = np.random.default_rng(20130330)
    told: list[Told] = [
        (moment("2013-03-30"), line("traffic")),
        (moment("2013-03-30"), line("reference")),
    ]
    for n in range(277):
        told += _day(date(2013, 3, 30) + timedelta(days=n), n, rng, line)
    told += _alerts(line)
    told += _promotions(line)
    return sorted(told, key=lambda entry: entry[0])


def _day(day: date, n: int, rng: np.random.Generator, line: Callable[..., Line]) -> list[Told]:
    name = day.isoformat()
    season = math.sin(math.pi * n / 277)
    psi: dict[str, float] = {f: float(rng.exponential(0.01)) for f in SCHEDULE}
    psi |= {f: float(rng.gamma(1.2, 0.1 + 0.5 * season / (i + 1))) for i, f in enumerate(WEATHER)}
    psi["temp"] += 2 * season
    event = EVENTS.get(name)
    if event:
        psi |= {"departures": 0.4, "carrier": 0.14, "destination": 0.2}
    stream = {f: "drifted" if v > 0.5 else "drifting" for f, v in psi.items() if v > 0.13}
    words = sorted(set(stream.values()))
    verdict = "drifted" if "drifted" in words else "drifting" if words else "stable"
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    served, frozen = rng.normal(0.166, 0.02), rng.normal(0.172 + 0.03 * season, 0.02)
    scores = {
        "served": {"auc": rng.normal(0.68, 0.02), "brier": served},
        "baseline": {"auc": rng.normal(0.66 - 0.03 * season, 0.02), "brier": frozen},
    }
    rows = int(rng.normal(930, 40))
    assessed = line(
        "assessed", window=name, rows=rows, psi=psi, stream=stream, verdict=verdict, event=event,
        score_psi=float(0.05 + season * rng.gamma(2, 0.3)),
        quality=["temp is missing in 100 % of rows"] if n == 276 else [],
    )  # fmt: skip
    joined = line(
        "joined", window=name, labelled=rows - 30, expected=rows, scores=scores,
        health="degraded" if 60 < n < 95 else "healthy",
    )  # fmt: skip
    read = {"what": "read", "blob": "b", "start": 0, "end": 1, "rows": rows}
    return [
        (begin + timedelta(hours=20), read),
        (begin + timedelta(hours=26), assessed),
        (begin + timedelta(hours=38), joined),
    ]


def _alerts(line: Callable[..., Line]) -> list[Told]:
    gap = (
        "calibration gap -0.081 (mean score below mean label; 99 % interval over days -0.110 … "
        "-0.052; limit 0.05)"
    )
    perf = {"alert": "performance-1", "kind": "performance", "severity": "page", "reason": gap}
    moved = "the scores drifted: psi 0.81 over the 7 days up to 2013-06-01 (limit 0.25)"
    score = {"alert": "score-1", "reason": moved}
    missing = {"alert": "quality-1", "kind": "quality", "severity": "page"}
    held = {"alert": "drift-1", "phase": "pending", "explained_by": "Independence Day"}
    return [
        (moment("2013-05-02T02:00"), line("alert")),
        (moment("2013-10-20T02:00"), line("alert", phase="resolved")),
        (moment("2013-06-04T14:00"), line("alert", **perf)),
        (moment("2013-06-05T09:00"), line("alert", **perf | {"phase": "acknowledged"})),
        (moment("2013-07-20T14:00"), line("alert", **perf | {"phase": "resolved"})),
        (moment("2013-06-02T02:00"), line("alert", **score)),
        (moment("2013-09-20T02:00"), line("alert", **score | {"phase": "resolved"})),
        (moment("2013-11-27T02:00"), line("alert", **held | {"explained_by": "Thanksgiving"})),
        (moment("2013-11-30T02:00"), line("alert", **held | {"phase": "inactive"})),
        (moment("2014-01-01T02:00"), line("alert", **missing, reason="temp is missing: 100 %")),
    ]


def _promotions(line: Callable[..., Line]) -> list[Told]:
    told: list[Told] = [
        (moment("2013-06-04T14:00"), line("trigger")),
        (moment("2013-06-04T15:00"), line("run")),
        (moment("2013-06-04T15:01"), line("gate")),
        (moment("2013-07-22T12:00"), line("registered", version="leaky", waived_by="ada")),
        (moment("2013-07-22T12:05"), line("gate", id="m-leaky", version="leaky")),
        (moment("2013-09-30T12:00"), line("trigger", run="m-run-2", kind="drift")),
        (moment("2013-09-30T13:00"), line("run", run="m-run-2", version="v3")),
        (
            moment("2013-09-30T13:01"),
            line("gate", id="m-run-2", version="v3", verdict="failed", reason="no better"),
        ),
        (moment("2013-12-02T12:00"), line("registered", version="thanksgiving")),
        (moment("2013-12-02T12:05"), line("gate", id="m-th", version="thanksgiving")),
    ]
    guards = {"errors": "unpowered", "latency": "inconclusive", "large_loss": "cleared"}
    told += _way(line, 1, "v2", "q1", "2013-06-04T16:00", (7, 2, 2, 1), "promoted", guards)
    bad = {**guards, "large_loss": "rejected"}
    told += _way(line, 2, "leaky", "v2", "2013-07-22T13:00", (0, 1), "rolled_back", bad)
    told += _way(line, 3, "thanksgiving", "v2", "2013-12-02T13:00", (10,), "stopped", {})
    return told


def _way(
    line: Callable[..., Line], number: int, challenger: str, champion: str, begin: str,
    lasts: tuple[int, ...], outcome: str, guards: dict[str, str],
) -> list[Told]:  # fmt: skip
    steps = [("shadow", 0, 0), ("canary", 0, 10), ("canary", 1, 50), ("bake", 2, 100)]
    at = moment(begin)
    told: list[Told] = []
    fields = {
        "id": f"m-rollout-{number}", "challenger": challenger, "champion": champion,
        "guards": guards,
    }  # fmt: skip
    for (phase, stage, weight), days in zip(steps, lasts, strict=False):
        if not days:
            continue
        weights = {champion: 100 - weight, challenger: weight} if weight else {champion: 100}
        shadow = [] if weight else [challenger]
        told.append((at, line("rollout", **fields, phase=phase, stage=stage)))
        told.append((at, line("traffic", weights=weights, shadow=shadow)))
        at += timedelta(days=days)
    reason = f"{outcome}: shadow loss -0.012 (90 %: -0.015 … -0.009), large_loss cleared"
    told.append((at, line("rollout", **fields, phase=outcome, stage=3, reason=reason)))
    winner = challenger if outcome == "promoted" else champion
    told.append((at, line("traffic", weights={winner: 100})))
    return told
