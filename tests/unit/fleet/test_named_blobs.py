"""Names of blobs in states and lines, told from hashes of other things."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.blobs import Blobs, MemoryBlobs
from engine.seal import PLAIN
from fleet.document.policies import Fleet
from fleet.named_blobs import named
from fleet.ports import World
from fleet.proof import Evidence, prove
from fleet.work import rows
from tests.unit.fleet.shop import MONDAY, ROWS, Shop, rows_of

A, B, C = "a" * 64, "b" * 64, "c" * 64

VALUES: list[tuple[object, list[str]]] = [
    ({"what": "joined", "rows": A}, [A]),
    ({"windows": {"past": {"2026-03-01": {"sketch": A, "joined": B, "rows": 5}}}}, [A, B]),
    ({"run": {"job": {"inputs": {"2026-03-01": A}, "tags": {"dataset_hash": C}}}}, [A]),
    ({"promotion": {"scores": {C: A}}}, [A]),
    ({"format": 1, "ruler": A, "slices": [["2026-03-01", B, C, 5]]}, [A, B, C]),
    ({"champion": A, "version": B, "policy": C}, []),
    ({"rows": 5, "report": "", "reference": None, "labels": [A.upper(), A[:-1]]}, []),
    ([{"what": "reference", "reference": A}, {"what": "assessed", "report": B}], [A, B]),
    (None, []),
]  # fmt: skip


class Read(MemoryBlobs):
    """The blobs of a world, and the names of those that were read."""

    def __init__(self, blobs: Blobs) -> None:
        super().__init__()
        self.blobs = blobs
        self.seen: set[str] = set()

    def get(self, name: str) -> bytes:
        self.seen.add(name)
        return self.blobs.get(name)


@pytest.mark.parametrize(("value", "names"), VALUES)
def test_only_fields_of_blobs_name_blobs(value: object, names: list[str]) -> None:
    assert list(named(value)) == names


def test_a_played_store_names_every_blob_that_is_still_needed(fleet: Fleet, world: World) -> None:
    shop = Shop(fleet, world)
    for number in range(2):
        shop.log(number, rows_of(number))
        shop.log(number, [{"score": 0.5}] * ROWS, "model_outputs", name="scores")
        shop.play(MONDAY + timedelta(days=number, hours=12))
        shop.label(number, [(f"{number}-log-{i}", 1.0) for i in range(100)])
        shop.play(MONDAY + timedelta(days=number + 1, hours=8))
    blobs = Read(world.blobs)
    assert prove(Evidence(shop.store, blobs, PLAIN), fleet.models).verified
    rest = [rows.get(world.blobs, name) for name in set(world.blobs.names()) - blobs.seen]
    # The rows of labels are needed until they are joined.
    assert [part.column_names for part in rest] == [["correlationid", "index", "label", "time"]] * 2
