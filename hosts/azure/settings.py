"""The Azure resources in the app's settings: read once, every name is defined here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.errors import Refused
from hosts import keys

SUBSCRIPTION = "AZURE_SUBSCRIPTION_ID"
RESOURCE_GROUP = "AZURE_RESOURCE_GROUP"
WORKSPACE = "AZUREML_WORKSPACE_NAME"
TOPIC = "EVENTGRID_TOPIC_ENDPOINT"
LOGS = "DRIFTWARDEN_LOGS"
LOGS_CONTAINER = "DRIFTWARDEN_LOGS_CONTAINER"
ANALYTICS = "DRIFTWARDEN_LOG_ANALYTICS_WORKSPACE_ID"
TELEMETRY = "APPLICATIONINSIGHTS_CONNECTION_STRING"
WEBHOOK_TENANT = "DRIFTWARDEN_WEBHOOK_TENANT"
WEBHOOK_AUDIENCE = "DRIFTWARDEN_WEBHOOK_AUDIENCE"
JOURNAL_KEY = keys.SETTING
#: azure-identity's own, for clouds other than the public one; no template sets it.
AUTHORITY = "AZURE_AUTHORITY_HOST"

#: Every setting that is read by its name; connections have suffixes.
SETTINGS = (
    SUBSCRIPTION,
    RESOURCE_GROUP,
    WORKSPACE,
    TOPIC,
    LOGS_CONTAINER,
    ANALYTICS,
    TELEMETRY,
    WEBHOOK_TENANT,
    WEBHOOK_AUDIENCE,
    JOURNAL_KEY,
)


@dataclass(frozen=True)
class Settings:
    """The resources by name; `analytics` and `telemetry` are empty where there are none."""

    subscription: str
    resource_group: str
    workspace: str
    topic: str
    logs_container: str
    analytics: str = ""
    telemetry: str = ""

    @property
    def group_id(self) -> str:
        """The id of the workspace's resource group."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"

    @property
    def workspace_id(self) -> str:
        """The id of the workspace."""
        provider = "Microsoft.MachineLearningServices"
        return f"{self.group_id}/providers/{provider}/workspaces/{self.workspace}"

    @classmethod
    def read(cls, settings: Mapping[str, str]) -> Settings:
        """Read the app's settings; Refused with one line that names all missing ones."""
        needed = (SUBSCRIPTION, RESOURCE_GROUP, WORKSPACE, TOPIC, LOGS_CONTAINER)
        if absent := [name for name in needed if not settings.get(name)]:
            raise Refused(f"app settings: {', '.join(absent)} not set; see docs/azure.md")
        return cls(
            settings[SUBSCRIPTION],
            settings[RESOURCE_GROUP],
            settings[WORKSPACE],
            settings[TOPIC],
            settings[LOGS_CONTAINER],
            settings.get(ANALYTICS, ""),
            settings.get(TELEMETRY, ""),
        )
