"""Archives of cursors: how far the files were read that the state does not name any more."""

from __future__ import annotations

from engine import codec
from fleet.model.results import Archived, Recalled
from fleet.model.slices.logs import Cursor, Cursors
from fleet.model.tasks import Archive, Recall
from fleet.ports import World


def archive(world: World, effect: Archive) -> Archived:
    """Keep cursors in a blob."""
    name = world.blobs.put(codec.pack(codec.encode(Cursors(effect.cursors))))
    read = {blob: cursor.read for blob, cursor in effect.cursors.items()}
    return Archived(effect.at, name, read)


def recall(world: World, effect: Recall) -> Recalled:
    """Return the newest cursor of each file that an archive holds."""
    found: dict[str, Cursor] = {}
    wanted = set(effect.blobs)
    for name in effect.archives:
        if not wanted:
            break
        held = codec.decode(Cursors, codec.unpack(world.blobs.get(name))).cursors
        found |= {blob: held[blob] for blob in wanted & held.keys()}
        wanted -= held.keys()
    return Recalled(effect.blobs, found)
