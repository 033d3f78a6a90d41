"""The alerts that Azure Monitor keeps: what its webhook could not deliver is found here.

An action group calls again on 408, 429, 503 and 504, five times at most, and then not at all for 15
minutes ("Action groups", Microsoft Learn). The list: azure-rest-api-specs, alertsmanagement,
`AlertsManagement.json` of 2019-03-01; `scope` is a resource or one that it lies in.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from azure.core import PipelineClient
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.rest import HttpRequest, HttpResponse

from engine.errors import Refused, Unavailable
from hosts.azure.cloud import Cloud
from hosts.azure.ml.arm_errors import translated
from hosts.azure.settings import RESOURCE_GROUP, SUBSCRIPTION, Settings

VERSION = "2019-03-01"
PUBLIC = "https://management.azure.com"
ROLE = "Monitoring Reader"
#: Alerts a page, the most that the service allows, and pages that are read.
PAGE, PAGES = 250, 40
CONNECT_SECONDS, ANSWER_SECONDS = 10, 60


class AzureAlerts:
    """Lists the alerts of the last 30 days around the workspace, the last changed first.

    The app's identity needs the role Monitoring Reader on the workspace's resource group.
    """

    def __init__(self, cloud: Cloud, settings: Settings) -> None:
        self._host = (cloud.metadata or {}).get("resource_manager", PUBLIC).rstrip("/")
        self._settings = settings
        self._verify = cloud.verify
        token = BearerTokenCredentialPolicy(cloud.credential, f"{self._host}/.default")
        # No retry policy: the next hour asks again.
        self._client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(
            self._host, policies=[token]
        )

    def listed(self) -> Iterator[object]:
        """Yield each alert as the service writes it.

        Raises
        ------
        Refused
            The identity may not read alerts.
        Unavailable
            The service answers late, not at all or with something else than a list, or a
            setting is missing.
        """
        self._settings.needs(SUBSCRIPTION, RESOURCE_GROUP)
        address = (
            f"{self._host}{self._settings.group_id}/providers/Microsoft.AlertsManagement/alerts"
            f"?api-version={VERSION}&timeRange=30d&pageCount={PAGE}"
        )
        for _ in range(PAGES):
            found, address = self._page(address)
            yield from found
            if not address:
                return

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _page(self, address: str) -> tuple[list[object], str]:
        with translated(f"alerts of {self._settings.group_id} (role {ROLE})"):
            answer = self._client.send_request(
                HttpRequest("GET", address),
                connection_timeout=CONNECT_SECONDS,
                read_timeout=ANSWER_SECONDS,
                connection_verify=self._verify,
            )
            answer.raise_for_status()
        return self._read(answer)

    def _read(self, answer: HttpResponse) -> tuple[list[object], str]:
        try:
            body = answer.json()
        except ValueError:
            body = None
        found = body.get("value") if isinstance(body, dict) else None
        if not isinstance(found, list):
            raise Unavailable(f"alerts of {self._settings.group_id}: the answer is no list")
        return found, self._next(body.get("nextLink"))

    def _next(self, link: object) -> str:
        """Return the address of the next page; the token goes to Resource Manager alone."""
        if not isinstance(link, str) or not link:
            return ""
        told, own = urlsplit(link), urlsplit(self._host)
        if (told.scheme, told.hostname) != (own.scheme, own.hostname):
            raise Refused(
                f"alerts of {self._settings.group_id}: the next page is on {told.hostname}"
            )
        return link
