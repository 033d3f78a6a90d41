"""The hosts of the domain, and the way to open the one that a fleet.yaml names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fleet.document.config import Config
    from hosts.host import Host


def read_config(path: Path) -> Config:
    """Read fleet.yaml; the files it names are found beside it.

    Raises
    ------
    Refused
        The file cannot be read, or one line for each thing wrong with it.
    """
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
    from hosts.kinds import HOSTS

    config = read_config(path)
    return HOSTS[config.document.store.partition(":")[0]].open(config, path.parent)
