"""The container that Azure Machine Learning's data collector writes to where it is told no other.

"Collect production data from models deployed for real-time inferencing" (Microsoft Learn): rows lie
in the datastore `workspaceblobstore`, unless a deployment's `data.path` names another one.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from engine.clock import Clock
from engine.errors import Broken, Refused, Unavailable
from hosts.azure.ml.arm_errors import translated
from hosts.azure.ml.workspace import Workspace
from hosts.azure.settings import LOGS, LOGS_CONTAINER

DATASTORE = "workspaceblobstore"
#: After a failure the workspace is asked again later each time.
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(minutes=30)


class CollectorContainer:
    """Asks the workspace where its data collector writes, once.

    Parameters
    ----------
    account : the storage account that the logs are read from; empty where its address has no name
        of an account.
    """

    def __init__(self, workspace: Workspace, account: str, clock: Clock) -> None:
        self._workspace, self._account, self._clock = workspace, account, clock
        self._lock = threading.Lock()
        self._place: tuple[str, str] | None = None
        self._fault, self._asked, self._wait = "", datetime.min, timedelta(0)

    def name(self) -> str:
        """Return the container.

        Raises
        ------
        Unavailable
            The workspace did not tell it, or it lies in another account than the logs are read
            from.
        """
        with self._lock:
            if self._place is None:
                self._place = self._remembered()
            account, container = self._place
        if self._account and account != self._account:
            raise Unavailable(
                f"datastore {DATASTORE}: the data collector writes to the account {account}, "
                f"container {container}, and the logs are read from the account {self._account}: "
                f"set {LOGS}__blobServiceUri to the former, or {LOGS_CONTAINER}",
                LONGEST_WAIT,
            )
        return container

    def _remembered(self) -> tuple[str, str]:
        """Ask, unless it failed a moment ago."""
        now = self._clock.now()
        if self._fault and self._asked <= now < self._asked + self._wait:
            raise Unavailable(self._fault, self._asked + self._wait - now)
        try:
            return self._told()
        except (Refused, Unavailable, Broken) as error:
            late = error.delay if isinstance(error, Unavailable) else FIRST_WAIT
            self._wait = max(min(max(FIRST_WAIT, 2 * self._wait), LONGEST_WAIT), late)
            self._fault, self._asked = f"{error}; or set {LOGS_CONTAINER}", now
            raise Unavailable(self._fault, self._wait) from error

    def _told(self) -> tuple[str, str]:
        with translated(f"datastore {DATASTORE}", "datastores/read"):
            found = self._workspace.client.datastores.get(DATASTORE)
        account, container = (
            getattr(found, name, None) for name in ("account_name", "container_name")
        )
        if not account or not container:
            raise Refused(f"datastore {DATASTORE}: {found.type}, not a container of blobs")
        return str(account), str(container)
