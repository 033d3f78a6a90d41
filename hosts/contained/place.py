"""The place of a fleet.yaml in a container: `azure:CONTAINER/PATH`."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from engine.errors import Refused
from fleet.document.config import Config

SCHEME = "azure:"
SETTING = "DRIFTWARDEN_FLEET"
#: The only store of such a fleet: its reference tables lie in the same account as its document.
STORE = "azure:"


@dataclass(frozen=True)
class Place:
    """A document in a container of the app's storage account, with its files beside it.

    >>> Place.read("azure:config/prod/fleet.yaml").blob("holidays.ics")
    'prod/holidays.ics'
    """

    container: str
    path: str

    @classmethod
    def read(cls, text: str) -> Place:
        """Read a place; Refused where it names no blob."""
        container, _, path = text.removeprefix(SCHEME).partition("/")
        if not text.startswith(SCHEME) or not container or not path or path != _clean(path):
            form = "azure:CONTAINER/PATH is expected, such as azure:config/fleet.yaml"
            raise Refused(f"{SETTING}: {text!r}: {form}")
        return cls(container, path)

    def __str__(self) -> str:
        """Format it as the setting has it."""
        return f"{SCHEME}{self.container}/{self.path}"

    @property
    def name(self) -> str:
        """The document's own name, as messages have it."""
        return posixpath.basename(self.path)

    @property
    def prefix(self) -> str:
        """What the names of all blobs beside the document begin with."""
        return self.path.removesuffix(self.name)

    @property
    def home(self) -> str:
        """The folder of the document, as the path of a table in a container."""
        return f"az://{self.container}/{self.prefix}"

    def blob(self, file: str) -> str:
        """Return the name of the blob of a file that the document names.

        Refused where the file does not lie beside it or below.
        """
        if not (cleaned := _clean(file)):
            raise Refused(f"{file}: lies outside of the folder of {self.name}; put it beside it")
        return self.prefix + cleaned


def check_store(config: Config, name: str) -> None:
    """Refuse a document that keeps its state elsewhere than in the account that it lies in."""
    if config.document.store != STORE:
        told = f'a {name} in a container keeps its state in the same account; write "{STORE}"'
        raise Refused(f"{name}: store: {config.document.store!r}: {told}")


def _clean(path: str) -> str:
    """Return a relative path without needless segments; empty where it leads outside."""
    found = posixpath.normpath(path) if path else "."
    outside = found.split("/")[0] in ("", ".", "..") or "\\" in found
    return "" if outside else found
