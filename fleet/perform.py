"""Pay effects: each kind by the port or the work it needs, each result as a fact."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

import pyarrow as pa
import pyarrow.parquet as pq

from engine.step import Delivery
from fleet.changes import change
from fleet.document.policies import Fleet, Watched
from fleet.model.effects import (
    AckModel,
    Cancel,
    KeepAnchors,
    Look,
    OnCallEffect,
    Outside,
    Poll,
    Publish,
    SetTraffic,
    Submit,
    Tag,
    Tell,
)
from fleet.model.facts import LAPSED, Asked, Fact, Notified, RunChanged, TrafficSeen, TrafficSet
from fleet.model.tasks import (
    Archive,
    Assess,
    BuildReference,
    BuildReport,
    Count,
    CountTraffic,
    Gate,
    Join,
    Measure,
    Merge,
    ReadLabels,
    ReadLog,
    Recall,
    Work,
)
from fleet.partitions import ONCALL
from fleet.ports import World
from fleet.work import gating, measuring, reporting, rows
from fleet.work.assess import assessing
from fleet.work.join import joining
from fleet.work.read import archiving, counting, merging, reading
from fleet.work.refer import rebuild_reference, referencing, renewing
from monitoring.alerts.reach import Delivered
from retrain.ports import Traffic, TrainingJob


def perform(
    world: World, fleet: Fleet, partition: str, effect: Work | Outside | OnCallEffect, now: datetime
) -> tuple[Delivery, ...]:
    """Pay one effect of a partition and return what came of it."""
    if isinstance(effect, OnCallEffect):
        return _oncall(world, partition, effect, now)
    if isinstance(effect, Outside):
        told = _changed(fleet, partition, effect)
        return (*_outside(world, partition, effect, now), *told)
    return (Delivery(partition, effect.key, work(world, fleet.models[partition], effect)),)


def work(world: World, watched: Watched, effect: Work) -> Fact:
    """Compute what a work effect asks for."""
    match effect:
        case ReadLog():
            return reading.read_log(world, watched, effect)
        case ReadLabels():
            return reading.read_labels(world, watched, effect)
        case Archive():
            return archiving.archive(world, effect)
        case Recall():
            return archiving.recall(world, effect)
        case Merge():
            return merging.merge(world, watched, effect)
        case Count():
            return counting.count_window(world, watched, effect)
        case CountTraffic():
            return counting.count_traffic(world, watched, effect)
        case Assess():
            return assessing.assess_window(world, watched, effect)
        case Join():
            return joining.join_window(world, watched, effect)
        case Measure():
            return measuring.measure(world, watched, effect)
        case BuildReference(renew=True):
            return renewing.renew(world, watched, effect)
        case BuildReference() if effect.reason:
            return rebuild_reference.rebuild(world, watched, effect)
        case BuildReference():
            return referencing.build(world, watched, effect)
        case BuildReport():
            return reporting.build_report(world, watched, effect)
        case Gate():
            return gating.gate_version(world, watched, effect)
        case _:
            assert_never(effect)


def _outside(world: World, model: str, effect: Outside, now: datetime) -> tuple[Delivery, ...]:
    match effect:
        case Submit(job=job):
            world.trainer.submit(_with_rows(world, job))
        case Cancel(run=run):
            world.trainer.cancel(run)
        case Poll(run=run):
            said = world.trainer.poll(run, now)
            changed = RunChanged(
                run, said.phase, said.version, said.reason, said.infrastructure, said.cost
            )
            return (Delivery(model, effect.key, changed),)
        case SetTraffic():
            return (Delivery(model, f"set:{effect.key}", _set_traffic(world, model, effect)),)
        case Look(at=at):
            held = world.serving.traffic(model)
            found = TrafficSeen(at, {})
            if held is not None:
                found = TrafficSeen(at, held.weights, held.shadow, held.names, held.unready)
            return (Delivery(model, effect.key, found),)
        case Tag(version=version, tags=tags, stage=stage):
            world.registry.tag(model, version, tags, stage)
        case Tell(team=team, notice=notice, again=again):
            return (Delivery(ONCALL + team, notice.key + again, Notified(notice)),)
        case Publish(key=key, type=kind, fields=fields, at=at):
            world.publisher.publish(f"{model}:{key}", kind, model, dict(fields), at)
        case KeepAnchors(key=key, hour=hour, anchors=anchors):
            world.anchors.keep(key, hour, anchors)
        case _:
            assert_never(effect)
    return ()


def _changed(fleet: Fleet, model: str, effect: Outside) -> tuple[Delivery, ...]:
    """Return what a published event tells the model's team, where that wants to hear of changes."""
    if not isinstance(effect, Publish) or model not in fleet.models:
        return ()
    team = fleet.models[model].policy.team
    found = change(model, effect.key, effect.type, effect.fields, effect.at)
    if found is None or team not in fleet.teams or not fleet.teams[team].changes:
        return ()
    return (Delivery(ONCALL + team, f"changed:{model}:{effect.key}", found),)


def _set_traffic(world: World, model: str, effect: SetTraffic) -> TrafficSet:
    """Set a split and return the one that is read back."""
    split = Traffic(effect.weights, effect.shadow, retreat=effect.retreat)
    world.serving.set_traffic(model, split, effect.key, effect.replaces)
    held = world.serving.traffic(model)
    if held is None:
        return TrafficSet(effect.key, {})
    return TrafficSet(effect.key, held.weights, held.shadow, held.names, held.foreign, held.unready)


def _oncall(
    world: World, partition: str, effect: OnCallEffect, now: datetime
) -> tuple[Delivery, ...]:
    if isinstance(effect, AckModel):
        verb = LAPSED if effect.lapsed else "ack"
        told = Asked(verb, effect.by, "", effect.key, effect.alert)
        return (Delivery(effect.model, effect.key, told),)
    page = effect.page
    handle = world.pager.page(page, effect.at, now)
    if handle is None or handle == page.handle:
        return ()
    known = Delivered(page.receiver, page.incident, handle)
    return (Delivery(partition, f"handle:{page.key}", known),)


def _with_rows(world: World, job: TrainingJob) -> TrainingJob:
    """Put the chosen days' rows into one Parquet blob: the data set, named by its content."""
    parts = []
    for day in job.days:
        part = rows.get(world.blobs, job.inputs[day])
        if "day" not in part.column_names:
            part = part.append_column("day", pa.array([day] * part.num_rows))
        else:
            part = part.set_column(
                part.column_names.index("day"), "day", part["day"].cast(pa.string())
            )
        parts.append(part)
    sink = pa.BufferOutputStream()
    pq.write_table(rows.concatenate(parts), sink, compression="zstd")
    name = world.blobs.put(sink.getvalue().to_pybytes())
    return replace(job, inputs={"data": name}, tags={**job.tags, "dataset_hash": name})
