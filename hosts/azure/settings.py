"""The Azure resources in the app's settings: read once, every name is defined here.

A setting that only one part needs stops that part alone: its work waits until the setting is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.errors import Unavailable
from hosts import keys, linked
from hosts.setting import setting_fault

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
LINK_KEY = linked.SETTING
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
    LINK_KEY,
)


#: The settings without which a part cannot work, each with the name of its field.
NEEDED = {
    SUBSCRIPTION: "subscription",
    RESOURCE_GROUP: "resource_group",
    WORKSPACE: "workspace",
    TOPIC: "topic",
    LOGS_CONTAINER: "logs_container",
}


@dataclass(frozen=True)
class Settings:
    """The resources by name; a field is empty where its setting is not there or of no use."""

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
        """Read the app's settings."""
        optional = {ANALYTICS: "analytics", TELEMETRY: "telemetry"}
        return cls(
            **{
                field: "" if setting_fault(name, settings) else settings[name]
                for name, field in {**NEEDED, **optional}.items()
            }
        )

    def container_of_logs(self) -> str:
        """Return the container; Unavailable where its setting is of no use."""
        self.needs(LOGS_CONTAINER)
        return self.logs_container

    def needs(self, *names: str) -> None:
        """Raise Unavailable with one line where a part lacks settings that it needs."""
        if absent := [name for name in names if not getattr(self, NEEDED[name])]:
            raise Unavailable(lacking(absent))


def lacking(names: Iterable[str]) -> str:
    """Return what to do about settings that are not there or of no use."""
    return f"app settings: {', '.join(names)} not set; see docs/azure.md"
