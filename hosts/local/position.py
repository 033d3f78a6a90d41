"""How far a replay has come, as its own store says: a live host opens no store in mid-replay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.store import Insert, Replace, Store, Value, instant, parse_instant
from fleet.partitions import FLEET

POSITION = "replay"


@dataclass(frozen=True)
class Position:
    """How far a replay has come: the moment, whether it was fed, and whether nothing is left."""

    at: datetime
    fed: bool = False
    finished: bool = False


def position(store: Store) -> Position | None:
    """Return where a store's replay stands; None where there was none."""
    row = store.get(FLEET, POSITION)
    if row is None:
        return None
    return Position(
        parse_instant(str(row.props["at"])),
        bool(row.props["fed"]),
        bool(row.props["finished"]),
    )


def keep(store: Store, position: Position) -> None:
    """Write into a store where its replay stands."""
    row = store.get(FLEET, POSITION)
    props: dict[str, Value] = {
        "at": instant(position.at),
        "fed": position.fed,
        "finished": position.finished,
    }
    operation = Insert(POSITION, props) if row is None else Replace(POSITION, props, row.etag)
    store.commit(FLEET, [operation])
