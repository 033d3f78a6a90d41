"""The modes of the deployment, each with an environment that has everything set."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from tests.docs.deployment import Plan, deployed

MODES = ("public-events", "poll-only", "private", "private-events")
EVENTS = ("public-events", "private-events")
PRIVATE = ("private", "private-events")
#: What an operator sets.
ENVIRONMENT = {
    "AZURE_ENV_NAME": "prod",
    "AZURE_LOCATION": "eastus2",
    "AZUREML_RESOURCE_GROUP": "rg-ml",
    "AZUREML_WORKSPACE_NAME": "shop",
    "DRIFTWARDEN_BUDGET": "100",
    "DRIFTWARDEN_BUDGET_START": "2026-11-01",
    "DRIFTWARDEN_COST_CENTRE": "4711",
    "DRIFTWARDEN_LOGS_ACCOUNT": "shoplogs",
    "DRIFTWARDEN_LOGS_CONTAINER": "collected",
    "DRIFTWARDEN_LOGS_RESOURCE_GROUP": "rg-logs",
    "DRIFTWARDEN_OPERATORS_EMAIL": "oncall@example.com",
    "DRIFTWARDEN_OWNER": "shop",
    "DRIFTWARDEN_SIGN_IN_CLIENT_ID": "11111111-1111-1111-1111-111111111111",
}
#: The groups of the workspace and of the logs, which are not ours.
FOREIGN = ("rg-ml", "rg-logs")


@cache
def plan(mode: str) -> Plan:
    """What a mode makes."""
    return deployed(mode, ENVIRONMENT)


def with_changes(mode: str, changes: Mapping[str, str]) -> Plan:
    """What a mode makes where some variables differ."""
    return deployed(mode, {**ENVIRONMENT, **changes})


def subscriptions(made: Plan, changes: Mapping[str, str] | None = None) -> Plan:
    """What follows the code, from the outputs of what was made before."""
    outputs = {name: str(value) for name, value in made.outputs.items()}
    return deployed("subscriptions", {**ENVIRONMENT, **(changes or {}), **outputs})
