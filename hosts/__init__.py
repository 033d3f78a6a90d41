"""The hosts of the domain: the scheme of the store in fleet.yaml chooses one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from engine.errors import Refused

if TYPE_CHECKING:
    from engine.clock import Clock
    from fleet.document.config import Config
    from fleet.service import Service


class Host(Protocol):
    """The domain with its ports open."""

    service: Service
    clock: Clock

    def measure(self) -> None:
        """Report the gauges, once a tick."""
        ...

    def close(self) -> None:
        """Close every connection, file and process."""
        ...


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
    match config.document.store.partition(":")[0]:
        case "local":
            from hosts.local.receivers import OPENERS
        case "azure":
            from hosts.azure.receivers import OPENERS
        case _:
            return []
    return list(OPENERS.lacks(config.document.receivers))


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
    scheme, _, _ = config.document.store.partition(":")
    match scheme:
        case "local":
            from hosts.local.opening import open_local

            return open_local(config, path.parent)
        case "azure":
            from hosts.azure.host import open_azure

            return open_azure(config, path.parent)
        case _:
            raise Refused(
                f"{path.name}: store {config.document.store!r}: known are local:FOLDER and "
                "azure:CONNECTION"
            )
