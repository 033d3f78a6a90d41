"""The kinds of receiver that Azure has; an instance of the app would lose a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engine.errors import Unavailable
from fleet.document.config import Config
from fleet.document.receivers import TerminalReceiver
from hosts.azure.cloud import Cloud
from hosts.receivers.openers import EVERYWHERE
from hosts.receivers.paging import Openers, Surroundings
from hosts.receivers.record import open_record

OPENERS = Openers(
    "in Azure",
    {**EVERYWHERE, TerminalReceiver: open_record},
)


def surroundings(
    config: Config, beside: Path, settings: Mapping[str, str], cloud: Cloud
) -> Surroundings:
    """Return what openers find in Azure: the app's settings, and tokens of its identity."""

    def token(scope: str) -> str:
        # Late: importing the SDK takes a second.
        from azure.core.exceptions import ClientAuthenticationError

        try:
            return cloud.credential.get_token(scope).token
        except ClientAuthenticationError as error:
            told = f"the app's identity gets no token ({type(error).__name__})"
            raise Unavailable(told) from None

    return Surroundings(beside, settings, config.document.base_url, token)
