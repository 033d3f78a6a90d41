"""The evidence that `verify` judges of a store in Azure, read without writing to it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from engine.errors import Refused
from fleet.anchors import Anchor
from fleet.document.config import Config
from fleet.proof import Evidence
from hosts.azure import journal_key
from hosts.azure.cloud import Cloud
from hosts.azure.host import STORAGE
from hosts.azure.opening import identity
from hosts.azure.storage.anchors import AnchorBlobs
from hosts.azure.storage.connection import Connection
from hosts.azure.storage.readonly import ReadOnlyBlobs, ReadOnlyTables


@contextmanager
def azure_evidence(config: Config, beside: Path) -> Iterator[Evidence]:
    """Open a document's store by the app's settings and its identity."""
    del beside
    settings = dict(os.environ)
    with opened(config, settings, Cloud(identity(settings))) as found:
        yield found


@contextmanager
def opened(config: Config, settings: Mapping[str, str], cloud: Cloud) -> Iterator[Evidence]:
    """Open a document's store in a storage account.

    Raises
    ------
    Refused
        No setting leads to the storage account, or the kept key is none.
    """
    storage = Connection.read(config.document.store.partition(":")[2] or STORAGE, settings)
    with ExitStack() as stack:
        store = ReadOnlyTables(stack.enter_context(storage.tables(cloud.credential)))
        blobs = stack.enter_context(storage.blobs(cloud.credential))
        seal, findings = journal_key.known(blobs, settings), store.faults()
        kept: list[Anchor] = []
        try:
            kept.extend(AnchorBlobs(blobs).read())
        except Refused as error:
            findings.append(str(error))
        yield Evidence(store, ReadOnlyBlobs(blobs), seal, kept, findings)
