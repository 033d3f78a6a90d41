"""The usual scores of a version: kept with its reference or its gate, compared with later ones.

The table has score, label and time of every row, and the features that are segments of performance.
Its metadata hold the association of each feature with the score, and the importance of features
from the version's card.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.blobs import Blobs
from engine.codec import to_json
from fleet.document.policies import Watched
from fleet.ports import World
from fleet.work import rows
from monitoring.calendars import days_of
from monitoring.schema import Kind
from monitoring.score_sums import Sums, summed

SCORE = "score"
#: Columns of a table that are not features.
OWN = (
    "day",
    "correlationid",
    "index",
    "time",
    "label",
    "deployment",
    "served",
    "baseline",
    "challenger",
    SCORE,
)
ASSOCIATION, IMPORTANCE = b"driftwarden.association", b"driftwarden.importance"


def put(
    world: World,
    watched: Watched,
    version: str,
    scores: npt.NDArray[np.float64],
    table: pa.Table,
) -> str:
    """Keep a version's usual scores of a table's rows and return the blob's name."""
    card = world.registry.card(watched.name, version)
    parts = [name for name in watched.policy.performance.segments if name in table.column_names]
    known = {SCORE: pa.array(scores), "label": table["label"], "time": table["time"]}
    kept = pa.table({**{name: table[name] for name in parts}, **known})
    features = [name for name in table.column_names if name not in OWN]
    if card.features:
        features = [name for name in features if name in card.features]
    times = table["time"].cast(pa.timestamp("us")).to_numpy()
    days = days_of(times, watched.zone)
    sums = summed(table.select(features), scores, days, salts(watched), kinds(watched))
    told = {ASSOCIATION: sums.to_bytes()} if sums is not None else {}
    if card.importance:
        told[IMPORTANCE] = to_json(card.importance)
    return rows.put(world.blobs, kept.replace_schema_metadata(told))


def association(blobs: Blobs, name: str) -> Sums | None:
    """Return the association of the features with the usual scores, where it was kept."""
    return _association(blobs.get(name)) if name else None


@lru_cache(maxsize=16)
def _association(content: bytes) -> Sums | None:
    # Cached by content: the same bytes give the same result in every store.
    said = _told(content).get(ASSOCIATION)
    return Sums.from_bytes(said) if said is not None else None


def shares(blobs: Blobs, name: str) -> dict[str, float]:
    """Return each feature's share of the total importance, as the version's card has it."""
    said = _told(blobs.get(name)).get(IMPORTANCE) if name else None
    weights = {feature: abs(weight) for feature, weight in json.loads(said or b"{}").items()}
    total = sum(weights.values())
    return {feature: weight / total for feature, weight in weights.items()} if total else {}


def negligible(blobs: Blobs, name: str, moved: Mapping[str, str], least: float) -> dict[str, float]:
    """Return the shares of importance below `least` by what moved.

    `moved` names the feature of each stream that moved. A feature without a weight in the card may
    be important and is left out.
    """
    known = shares(blobs, name) if moved and name else {}
    return {
        where: known[feature]
        for where, feature in moved.items()
        if feature in known and known[feature] < least
    }


def _told(content: bytes) -> dict[bytes, bytes]:
    return dict(pa.ipc.open_stream(content).schema.metadata or {})


def kinds(watched: Watched) -> dict[str, Kind]:
    """Return the declared kind of each feature whose column type is misleading."""
    declared = watched.policy.drift.features.items()
    return {name: own.kind for name, own in declared if own.kind is not None}


def salts(watched: Watched) -> dict[str, str]:
    """Return the salt of each redacted feature, whose levels are stored as keyed hashes."""
    redacted = (name for name, own in watched.policy.drift.features.items() if own.redact)
    return {name: f"{watched.name}/{name}" for name in redacted}
