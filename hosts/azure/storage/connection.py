"""The connection to a storage account, in the settings that the Functions host uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.blob import LinearRetry as BlobRetry
from azure.storage.queue import LinearRetry as QueueRetry
from azure.storage.queue import QueueServiceClient

from engine.errors import Refused
from hosts.azure.storage.storage_errors import give_way

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_Client = TypeVar("_Client")

SERVICES = ("blob", "queue", "table")
#: Two quick retries; after them the outbox or the queue waits.
RETRIES = 2
CONNECT_SECONDS = 5
#: The service cuts off a table request after 30 s; later answers are treated as none.
READ_SECONDS = 40


@dataclass(frozen=True)
class Connection:
    """A storage account by connection string, or by addresses and an identity.

    The settings are those of Microsoft Learn, "Azure Functions: app settings reference" (identity-
    based connections): NAME is a connection string; else NAME__accountName, or
    NAME__blobServiceUri, NAME__queueServiceUri and NAME__tableServiceUri; NAME__clientId names a
    user-assigned identity.

    Attributes
    ----------
    name : the setting's name.
    secret : the connection string, or empty.
    addresses : the services' addresses by kind, where there is no connection string.
    client_id : the client id of the user-assigned identity, or empty for the system's.
    """

    name: str
    secret: str = field(default="", repr=False)
    addresses: Mapping[str, str] = field(default_factory=dict)
    client_id: str = ""

    @classmethod
    def read(cls, name: str, settings: Mapping[str, str]) -> Connection:
        """Read one connection; Refused where none of its settings is set."""
        if secret := settings.get(name, ""):
            return cls(name, secret)
        account = settings.get(f"{name}__accountName", "")
        found = {
            kind: settings.get(f"{name}__{kind}ServiceUri", "")
            or (f"https://{account}.{kind}.core.windows.net" if account else "")
            for kind in SERVICES
        }
        addresses = {kind: address.rstrip("/") for kind, address in found.items() if address}
        if not addresses:
            raise Refused(
                f"app settings: no storage; set {name} (a connection string) or "
                f"{name}__accountName (with a managed identity)"
            )
        return cls(name, "", addresses, settings.get(f"{name}__clientId", ""))

    def tables(self, credential: TokenCredential | None = None) -> TableServiceClient:
        """Return the client of the Tables service; `credential` counts without a secret only."""
        options: dict[str, Any] = {
            "retry_total": RETRIES,
            "retry_backoff_factor": 0.2,
            "raw_response_hook": give_way,
            "connection_timeout": CONNECT_SECONDS,
            "read_timeout": READ_SECONDS,
        }
        if self.secret:
            return self._opened(TableServiceClient, options)
        asked = self._identity(credential)
        return TableServiceClient(self._address("table"), credential=asked, **options)

    def blobs(self, credential: TokenCredential | None = None) -> BlobServiceClient:
        """Return the client of the Blob service; `credential` counts without a secret only."""
        retry = BlobRetry(backoff=1, retry_total=RETRIES, random_jitter_range=1)
        options = _timeouts(retry)
        if self.secret:
            return self._opened(BlobServiceClient, options)
        asked = self._identity(credential)
        return BlobServiceClient(self._address("blob"), credential=asked, **options)

    def queues(self, credential: TokenCredential | None = None) -> QueueServiceClient:
        """Return the client of the Queue service; `credential` counts without a secret only."""
        retry = QueueRetry(backoff=1, retry_total=RETRIES, random_jitter_range=1)
        options = _timeouts(retry)
        if self.secret:
            return self._opened(QueueServiceClient, options)
        asked = self._identity(credential)
        return QueueServiceClient(self._address("queue"), credential=asked, **options)

    def _opened(self, client: type[_Client], options: dict[str, Any]) -> _Client:
        try:
            opened: _Client = cast(Any, client).from_connection_string(self.secret, **options)
            return opened
        except ValueError:
            # The SDK's message could quote the connection string with its key.
            raise Refused(f"{self.name}: not a storage connection string") from None

    def _identity(self, credential: TokenCredential | None) -> TokenCredential:
        if credential is None:
            raise Refused(f"{self.name}: no connection string, so an identity is needed")
        return credential

    def _address(self, kind: str) -> str:
        if kind not in self.addresses:
            raise Refused(f"app settings: {self.name}__{kind}ServiceUri not set")
        return self.addresses[kind]


def _timeouts(retry: BlobRetry | QueueRetry) -> dict[str, Any]:
    return {
        "retry_policy": retry,
        "connection_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
    }
