"""Archives of cursors: what was put into one comes out again, the newest first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from engine.errors import Broken
from fleet.model.records import Collection
from fleet.model.slices.logs import Cursor
from fleet.model.tasks import Archive, Recall
from fleet.ports import World
from fleet.work.read.archiving import archive, recall

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)
ONE = Cursor(10, Collection.inputs, "v1", NOW, 10, told=7, rest=3)


def test_the_newest_archive_that_holds_a_file_says_how_far_it_was_read(world: World) -> None:
    grown = replace(ONE, read=25, size=25)
    old = archive(world, Archive(NOW, {"a": ONE, "b": ONE})).archive
    new = archive(world, Archive(NOW, {"a": grown, "c": ONE}))
    assert (new.at, new.read) == (NOW, {"a": 25, "c": 10})
    said = recall(world, Recall(("a", "b", "x"), (new.archive, old)))
    assert said.blobs == ("a", "b", "x")
    assert said.cursors == {"a": grown, "b": ONE}


def test_a_damaged_archive_is_broken(world: World) -> None:
    name = world.blobs.put(b"no archive")
    with pytest.raises(Broken, match="damaged"):
        recall(world, Recall(("a",), (name,)))


def test_archives_behind_the_last_file_are_not_read(world: World) -> None:
    name = archive(world, Archive(NOW, {"a": ONE})).archive
    assert recall(world, Recall(("a",), (name, "not there"))).cursors == {"a": ONE}
