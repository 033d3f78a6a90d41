"""The hosts of the domain, and the way to open the one that a fleet.yaml names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import Refused, Unavailable

if TYPE_CHECKING:
    from fleet.document.config import Config
    from fleet.proof import Evidence
    from hosts.host import Host
    from hosts.kinds import HostKind


def read_config(path: Path) -> Config:
    """Read fleet.yaml; the files it names are found beside it.

    Raises
    ------
    Refused
        The file cannot be read, or one line for each thing wrong with it.
    """
    if _in_container(path):
        from hosts.contained.opening import read_contained

        return read_contained(str(path))
    # Late: this import takes a second, and not every command reads fleet.yaml.
    from hosts.clock import SystemClock
    from hosts.runnable import document

    return document(path, SystemClock().now()).usable()


def open_host(path: Path) -> Host:
    """Open the host that the document's `store` names.

    Raises
    ------
    Refused
        The document is invalid, or its store's scheme is unknown.
    """
    if _in_container(path):
        from hosts.contained.opening import open_contained

        return open_contained(str(path))
    config = read_config(path)
    return _kind(config).open(config, path.parent)


def begin_host(settings: Mapping[str, str]) -> Host:
    """Open the host of the document that a setting names, and let its models begin.

    Raises
    ------
    Unavailable
        It cannot be opened: to the sender of a request this is no fault of the request.
    """
    try:
        opened = open_host(Path(settings.get("DRIFTWARDEN_FLEET", "fleet.yaml")))
    except Refused as error:
        raise Unavailable(str(error)) from error
    opened.service.begin()
    return opened


def _in_container(path: Path) -> bool:
    """Whether a path is the place of a document in a container, `azure:CONTAINER/PATH`."""
    return str(path).startswith("azure:")


@contextmanager
def open_evidence(path: Path) -> Iterator[tuple[Config, Evidence]]:
    """Open the store that the document names to be verified, and to be read only.

    Raises
    ------
    Refused
        The document or a key is invalid, or no setting leads to the store.
    """
    config = read_config(path)
    with _kind(config).evidence(config, path.parent) as found:
        yield config, found


def _kind(config: Config) -> HostKind:
    from hosts.kinds import HOSTS

    return HOSTS[config.document.store.partition(":")[0]]
