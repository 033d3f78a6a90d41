"""The hosts of the domain: the scheme of the store in fleet.yaml chooses one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import Refused

if TYPE_CHECKING:
    from fleet.document.config import Config
    from fleet.proof import Evidence
    from hosts.host import Host
    from hosts.receivers.paging import Openers


@dataclass(frozen=True)
class HostKind:
    """A kind of host: how fleet.yaml spells its store, its receivers, its opening, its evidence."""

    store: str
    openers: Callable[[], Openers]
    open: Callable[[Config, Path], Host]
    evidence: Callable[[Config, Path], AbstractContextManager[Evidence]]


def _local_openers() -> Openers:
    from hosts.local.receivers import OPENERS

    return OPENERS


def _open_local(config: Config, beside: Path) -> Host:
    from hosts.local.opening import open_local

    return open_local(config, beside)


def _local_evidence(config: Config, beside: Path) -> AbstractContextManager[Evidence]:
    from hosts.local.evidence import local_evidence

    return local_evidence(config, beside)


def _azure_openers() -> Openers:
    from hosts.azure.receivers import OPENERS

    return OPENERS


def _open_azure(config: Config, beside: Path) -> Host:
    from hosts.azure.host import open_azure

    return open_azure(config, beside)


def _azure_evidence(config: Config, beside: Path) -> AbstractContextManager[Evidence]:
    from hosts.azure.evidence import azure_evidence

    return azure_evidence(config, beside)


#: By the scheme of `store`. The functions import late: importing this package must stay light.
HOSTS = {
    "local": HostKind("local:FOLDER", _local_openers, _open_local, _local_evidence),
    "azure": HostKind("azure:CONNECTION", _azure_openers, _open_azure, _azure_evidence),
}


def read_config(path: Path) -> Config:
    """Read fleet.yaml; the files it names are found beside it.

    Raises
    ------
    Refused
        The file cannot be read, or one line for each thing wrong with it.
    """

    # Late: this import takes a second, and not every command reads fleet.yaml.
    from fleet.document.config import load
    from fleet.document.text import parse

    def beside(name: str) -> str:
        return _text(path.parent / name, name)

    content = _text(path, str(path))
    config = load(content, path.name, beside)
    lacking = _lacking(config)
    if lacking:
        text, _ = parse(content, path.name)
        told = (text.problem(("receivers", name), reason) for name, reason in lacking)
        raise Refused("\n".join(str(problem) for problem in told))
    return config


def _lacking(config: Config) -> list[tuple[str, str]]:
    """Return the receivers that the document's host has no kind for, each with the reason."""
    kind = HOSTS.get(_scheme(config))
    return list(kind.openers().lacks(config.document.receivers)) if kind else []


def _scheme(config: Config) -> str:
    return config.document.store.partition(":")[0]


def _text(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise Refused(f"{name}: cannot be read: {reason}") from error


def open_host(path: Path) -> Host:
    """Open the host that the document's `store` names.

    Raises
    ------
    Refused
        The document is invalid, or its store's scheme is unknown.
    """
    config = read_config(path)
    return _kind(config, path).open(config, path.parent)


def begin_host(path: Path) -> Host:
    """Open the host that the document's `store` names, and let its models begin."""
    opened = open_host(path)
    opened.service.begin()
    return opened


@contextmanager
def open_evidence(path: Path) -> Iterator[tuple[Config, Evidence]]:
    """Open the store that the document names to be verified, and to be read only.

    Raises
    ------
    Refused
        The document is invalid, its store's scheme is unknown, or there is no such store.
    """
    config = read_config(path)
    with _kind(config, path).evidence(config, path.parent) as found:
        yield config, found


def _kind(config: Config, path: Path) -> HostKind:
    kind = HOSTS.get(_scheme(config))
    if kind is None:
        known = " and ".join(one.store for one in HOSTS.values())
        raise Refused(f"{path.name}: store {config.document.store!r}: known are {known}")
    return kind
