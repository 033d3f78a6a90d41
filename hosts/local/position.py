"""The position of a replay in its store: a live host refuses a store with an unfinished replay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.store import Insert, Replace, Store, Value, instant, parse_instant
from fleet.partitions import FLEET

POSITION = "replay"


@dataclass(frozen=True)
class Position:
    """The position of a replay: the moment, whether its events were delivered, whether it ended."""

    at: datetime
    fed: bool = False
    finished: bool = False


def position(store: Store) -> Position | None:
    """Return the position of a store's replay; None where there was none."""
    row = store.get(FLEET, POSITION)
    if row is None:
        return None
    return Position(
        parse_instant(str(row.props["at"])),
        bool(row.props["fed"]),
        bool(row.props["finished"]),
    )


def keep(store: Store, position: Position) -> None:
    """Write the position of a replay into its store."""
    row = store.get(FLEET, POSITION)
    props: dict[str, Value] = {
        "at": instant(position.at),
        "fed": position.fed,
        "finished": position.finished,
    }
    operation = Insert(POSITION, props) if row is None else Replace(POSITION, props, row.etag)
    store.commit(FLEET, [operation])
