"""The kinds of receiver that every host has, each with what opens it."""

from __future__ import annotations

from collections.abc import Mapping

from engine.policy import Policy
from fleet.document.receivers import (
    AcsReceiver,
    AlertmanagerReceiver,
    AzureMonitorReceiver,
    EmailReceiver,
    PagerDutyReceiver,
    SlackReceiver,
    TeamsReceiver,
    WebhookReceiver,
)
from hosts.receivers.acs import open_acs
from hosts.receivers.alertmanager import open_alertmanager
from hosts.receivers.azure_monitor import open_azure_monitor
from hosts.receivers.email import open_email
from hosts.receivers.pagerduty import open_pagerduty
from hosts.receivers.paging import Opener
from hosts.receivers.slack import open_slack
from hosts.receivers.teams import open_teams
from hosts.receivers.webhook import open_webhook

EVERYWHERE: Mapping[type[Policy], Opener] = {
    PagerDutyReceiver: open_pagerduty,
    TeamsReceiver: open_teams,
    SlackReceiver: open_slack,
    EmailReceiver: open_email,
    AcsReceiver: open_acs,
    AzureMonitorReceiver: open_azure_monitor,
    AlertmanagerReceiver: open_alertmanager,
    WebhookReceiver: open_webhook,
}
