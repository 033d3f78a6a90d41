"""Open, read and upload the document of a fleet in Azure, by the settings of this process."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.clock import Clock
from engine.errors import Refused
from fleet.document.config import Config
from hosts.azure.cloud import Cloud
from hosts.azure.host import STORAGE, AzureHost
from hosts.azure.opening import identity
from hosts.azure.storage.connection import Connection
from hosts.clock import SystemClock
from hosts.contained.container import Beside
from hosts.contained.documents import Documents
from hosts.contained.following import Following
from hosts.contained.kept import Kept
from hosts.contained.place import SETTING, Place
from hosts.contained.push import push
from hosts.runnable import Found


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
        following = Following(
            found,
            clock,
            first,
            host.service,
            lambda taken: host.use(taken.config, taken.file.parent),
        )
        host.follow_with(following.follow, stack.pop_all())
    return host


@contextmanager
def documents(place: Place, settings: Mapping[str, str], cloud: Cloud) -> Iterator[Documents]:
    """Open the versions of a document, in the storage account that the Functions host uses."""
    storage = Connection.read(STORAGE, settings)
    with storage.blobs(cloud.credential) as service, TemporaryDirectory(prefix="fleet-") as folder:
        yield Documents(Beside(service, place), Kept(service, place), Path(folder))


def push_document(file: Path, found: Found, settings: Mapping[str, str], cloud: Cloud) -> list[str]:
    """Upload a document to the place that the setting names; see `hosts.contained.push`."""
    if SETTING not in settings:
        raise Refused(f"{SETTING} is not set; give it the app's value, azure:CONTAINER/PATH")
    place, storage = Place.read(settings[SETTING]), Connection.read(STORAGE, settings)
    if place.name != file.name:
        raise Refused(f"{file}: {SETTING} names {place.name}; call both the same")
    with storage.blobs(cloud.credential) as service:
        return push(service, place, file, found)
