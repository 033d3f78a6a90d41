"""Which cloud the SDKs talk to: the public one, another, or one on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


@dataclass(frozen=True)
class Cloud:
    """Credential and addresses.

    Attributes
    ----------
    credential : the source of every token.
    name, metadata : the cloud as azure-ai-ml names it, and its addresses where it is not built in.
    logs, metrics : the endpoints of the log and of the metrics query service, the latter by region.
    trusted : a file of certificate authorities that the clients trust; the system's where None.
    """

    credential: TokenCredential
    name: str = "AzureCloud"
    metadata: Mapping[str, str] | None = None
    logs: str = "https://api.loganalytics.io"
    metrics: str = "https://{region}.metrics.monitor.azure.com"
    trusted: str | None = None

    @property
    def verify(self) -> bool | str:
        """What the SDKs take as `connection_verify`."""
        return self.trusted or True
