"""A local fleet opened for the command line, live or after a replay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.errors import Refused
from engine.store import Insert, Value, instant
from fleet.partitions import FLEET
from hosts import read_config
from hosts.local.host import STORE_FILE
from hosts.local.opening import open_local
from hosts.local.position import POSITION
from hosts.local.sqlite import SqliteStore

END = datetime(2024, 3, 7, 9, tzinfo=UTC)


def replayed(folder: Path, *, finished: bool) -> None:
    """Leave the mark of a replay in a store."""
    store = SqliteStore(folder / "var" / STORE_FILE)
    props: dict[str, Value] = {"at": instant(END), "fed": True, "over": True, "finished": finished}
    store.commit(FLEET, [Insert(POSITION, props)])
    store.close()


def test_a_live_fleet_lives_now(tiny: Path) -> None:
    host = open_local(read_config(tiny / "fleet.yaml"), tiny)
    assert abs(host.clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    host.close()


def test_a_replayed_fleet_goes_on_from_the_replays_end(tiny: Path) -> None:
    replayed(tiny, finished=True)
    host = open_local(read_config(tiny / "fleet.yaml"), tiny)
    assert timedelta(0) <= host.clock.now() - END < timedelta(seconds=5)
    host.close()


def test_an_interrupted_replay_is_left_to_be_resumed(tiny: Path) -> None:
    replayed(tiny, finished=False)
    with pytest.raises(Refused) as refused:
        open_local(read_config(tiny / "fleet.yaml"), tiny)
    assert str(refused.value).endswith(f"a replay was interrupted at {END}; `replay` resumes it")
