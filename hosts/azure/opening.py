"""Open a fleet in Azure by the app's settings and its identity."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fleet.document.config import Config
from hosts.azure import receivers
from hosts.azure.cloud import Cloud
from hosts.azure.host import STORAGE, AzureHost
from hosts.clock import SystemClock
from hosts.receivers.paging import Surroundings

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


def open_azure(config: Config, beside: Path) -> AzureHost:
    """Open a document's fleet in Azure, by the app's settings and its identity."""
    settings = dict(os.environ)
    return AzureHost(config, beside, settings, Cloud(identity(settings)), SystemClock())


def surroundings(config: Config, beside: Path) -> Surroundings:
    """Return what openers of receivers find there, with the identity of this process."""
    settings = dict(os.environ)
    return receivers.surroundings(config, beside, settings, Cloud(identity(settings)))


def identity(settings: Mapping[str, str]) -> TokenCredential:
    """Return the identity that the settings name, else the system's."""
    from azure.identity import DefaultAzureCredential

    # A user-assigned identity has to be named; the system's needs no name.
    client = settings.get(f"{STORAGE}__clientId") or None
    return DefaultAzureCredential(managed_identity_client_id=client)
