"""Open fleets in Azure by the app's settings and its identity."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from engine.clock import Clock
from engine.errors import Refused
from fleet.document.config import Config
from hosts.azure.cloud import Cloud
from hosts.azure.document.container import Beside
from hosts.azure.document.documents import Documents
from hosts.azure.document.kept import Kept
from hosts.azure.document.place import SETTING, Place
from hosts.azure.document.push import push
from hosts.azure.host import STORAGE, AzureHost
from hosts.azure.storage.connection import Connection
from hosts.clock import SystemClock
from hosts.runnable import Found

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


def open_azure(config: Config, beside: Path) -> AzureHost:
    """Open a document's fleet in Azure, by the app's settings and its identity."""
    settings = dict(os.environ)
    return AzureHost(config, beside, settings, Cloud(identity(settings)), SystemClock())


def open_contained(place: str) -> AzureHost:
    """Open the fleet of a document in a container, and follow it; see `open_followed`."""
    settings = dict(os.environ)
    return open_followed(Place.read(place), settings, Cloud(identity(settings)), SystemClock())


def read_contained(place: str) -> Config:
    """Read a document in a container: the version that holds; Unavailable where none does."""
    settings = dict(os.environ)
    with documents(Place.read(place), settings, Cloud(identity(settings))) as found:
        return found.first(SystemClock().now()).config


def open_followed(
    place: Place, settings: Mapping[str, str], cloud: Cloud, clock: Clock
) -> AzureHost:
    """Open the fleet of a document in a container, and follow it.

    Raises
    ------
    Unavailable
        The document cannot be used, and none was before.
    """
    with ExitStack() as stack:
        found = stack.enter_context(documents(place, settings, cloud))
        first = found.first(clock.now())
        host = AzureHost(first.config, first.file.parent, settings, cloud, clock, place.home)
        host.follow_with(found, first, stack.pop_all())
    return host


@contextmanager
def documents(place: Place, settings: Mapping[str, str], cloud: Cloud) -> Iterator[Documents]:
    """Open the versions of a document, in the storage account that the Functions host uses."""
    storage = Connection.read(STORAGE, settings)
    with storage.blobs(cloud.credential) as service, TemporaryDirectory(prefix="fleet-") as folder:
        yield Documents(Beside(service, place), Kept(service, place), Path(folder))


def identity(settings: Mapping[str, str]) -> TokenCredential:
    """Return the identity that the settings name, else the system's."""
    from azure.identity import DefaultAzureCredential

    # A user-assigned identity has to be named; the system's needs no name.
    client = settings.get(f"{STORAGE}__clientId") or None
    return DefaultAzureCredential(managed_identity_client_id=client)


def push_document(file: Path, found: Found, settings: Mapping[str, str], cloud: Cloud) -> list[str]:
    """Upload a document to the place that the setting names; see `hosts.azure.document.push`."""
    if SETTING not in settings:
        raise Refused(f"{SETTING} is not set; give it the app's value, azure:CONTAINER/PATH")
    place, storage = Place.read(settings[SETTING]), Connection.read(STORAGE, settings)
    if place.name != file.name:
        raise Refused(f"{file}: {SETTING} names {place.name}; call both the same")
    with storage.blobs(cloud.credential) as service:
        return push(service, place, file, found)
