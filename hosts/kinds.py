"""The kinds of host: the scheme of the store in fleet.yaml chooses one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fleet.document.config import Config
    from fleet.document.policies import Watched
    from fleet.document.text import Path as Place
    from fleet.proof import Evidence
    from hosts.host import Host
    from hosts.receivers.paging import Openers, Surroundings


@dataclass(frozen=True)
class HostKind:
    """A kind of host.

    store : how fleet.yaml spells its store.
    openers : its kinds of receiver.
    surroundings : what their openers find there.
    lacks : the fields of models that it cannot fulfil, each with the reason.
    missing : the files that a model needs there and that are not there, with the reason.
    open : opens it.
    evidence : lays its store open to be verified, and to be read only.
    """

    store: str
    openers: Callable[[], Openers]
    surroundings: Callable[[Config, Path], Surroundings]
    lacks: Callable[[Mapping[str, Watched]], Iterable[tuple[Place, str]]]
    missing: Callable[[Watched, Path], Iterable[tuple[Place, str]]]
    open: Callable[[Config, Path], Host]
    evidence: Callable[[Config, Path], AbstractContextManager[Evidence]]


def _local_openers() -> Openers:
    from hosts.local.receivers import OPENERS

    return OPENERS


def _local_surroundings(config: Config, beside: Path) -> Surroundings:
    from hosts.local.receivers import surroundings

    return surroundings(config, beside)


def _local_lacks(models: Mapping[str, Watched]) -> Iterable[tuple[Place, str]]:
    from hosts.local.features import lacks

    return lacks(models)


def _local_missing(watched: Watched, beside: Path) -> Iterable[tuple[Place, str]]:
    from hosts.local.features import missing

    return missing(watched, beside)


def _open_local(config: Config, beside: Path) -> Host:
    from hosts.local.opening import open_local

    return open_local(config, beside)


def _local_evidence(config: Config, beside: Path) -> AbstractContextManager[Evidence]:
    from hosts.local.evidence import local_evidence

    return local_evidence(config, beside)


def _azure_openers() -> Openers:
    from hosts.azure.receivers import OPENERS

    return OPENERS


def _azure_surroundings(config: Config, beside: Path) -> Surroundings:
    from hosts.azure.opening import surroundings

    return surroundings(config, beside)


def _azure_lacks(models: Mapping[str, Watched]) -> Iterable[tuple[Place, str]]:
    from hosts.azure.features import lacks

    return lacks(models)


def _azure_missing(watched: Watched, beside: Path) -> Iterable[tuple[Place, str]]:
    from hosts.azure.features import missing

    return missing(watched, beside)


def _open_azure(config: Config, beside: Path) -> Host:
    from hosts.azure.opening import open_azure

    return open_azure(config, beside)


def _azure_evidence(config: Config, beside: Path) -> AbstractContextManager[Evidence]:
    from hosts.azure.evidence import azure_evidence

    return azure_evidence(config, beside)


#: By the scheme of `store`. The functions import late: importing this package must stay light.
HOSTS = {
    "local": HostKind(
        "local:FOLDER",
        _local_openers,
        _local_surroundings,
        _local_lacks,
        _local_missing,
        _open_local,
        _local_evidence,
    ),
    "azure": HostKind(
        "azure:CONNECTION",
        _azure_openers,
        _azure_surroundings,
        _azure_lacks,
        _azure_missing,
        _open_azure,
        _azure_evidence,
    ),
}
