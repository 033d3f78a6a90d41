"""The evidence that `verify` judges of a store on one machine, read without writing to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import Refused
from engine.memory import MemoryStore
from fleet import anchors
from fleet.document.config import Config
from fleet.proof import Evidence
from hosts.local import journal_key
from hosts.local.anchors import ANCHORS_FILE
from hosts.local.files import Blobs
from hosts.local.host import STORE_FILE
from hosts.local.readonly import ReadOnlyStore


@contextmanager
def local_evidence(config: Config, beside: Path) -> Iterator[Evidence]:
    """Open the files of a document's store; a store that is not there is empty."""
    root = beside / config.document.store.partition(":")[2]
    blobs, seal = Blobs(root / "blobs"), journal_key.known(root, os.environ)
    exposed = journal_key.exposed(root, os.environ)
    findings = [exposed] if exposed else []
    kept: list[anchors.Anchor] = []
    if (root / ANCHORS_FILE).exists():
        try:
            kept = read_anchors(root / ANCHORS_FILE)
        except Refused as error:
            findings.append(str(error))
    if not (root / STORE_FILE).exists():
        yield Evidence(MemoryStore(), blobs, seal, kept, findings)
        return
    store = ReadOnlyStore(root / STORE_FILE)
    try:
        yield Evidence(store, blobs, seal, kept, [*findings, *store.faults()])
    finally:
        store.close()


def read_anchors(path: Path) -> list[anchors.Anchor]:
    """Read a file of anchors.

    Raises
    ------
    Refused
        It cannot be read, or a line of it holds no anchors.
    """
    try:
        return anchors.parse(path.read_text(encoding="utf-8").splitlines(), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise Refused(f"{path}: cannot be read: {reason}") from error
