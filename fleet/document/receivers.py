"""Where pages can go: one policy for each kind of receiver, told apart by `kind`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from engine.policy import Policy
from fleet.document.addresses import (
    Address,
    Channel,
    HeaderName,
    HeaderValue,
    Mailbox,
    MailServer,
    SecretAddress,
    Setting,
    is_secret,
)
from fleet.document.limits import Limit

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
#: The domains that Azure Communication Services makes for its users.
MANAGED = ".azurecomm.net"

Recipients = Annotated[tuple[Mailbox, ...], Field(min_length=1, max_length=50)]


class _Receiver(Policy):
    """What all kinds have in common."""

    def limits(self) -> tuple[Limit, ...]:
        """How many messages the vendor takes; empty where it does not say."""
        return ()


class Delegating(_Receiver):
    """A receiver behind which a vendor can escalate."""

    delegate: bool = Field(
        False,
        description="If yes, the other side escalates: a page that reached it goes no further in "
        "`page`, unless it cannot be delivered.",
    )


class TerminalReceiver(_Receiver):
    """Pages as text on standard error; in Azure, as log records."""

    kind: Literal["terminal"] = Field(description="Prints the page; in Azure, logs it.")


class FileReceiver(_Receiver):
    """Pages as lines of a JSON Lines file."""

    kind: Literal["file"] = Field(description="Appends one JSON line a page.")
    path: Annotated[str, StringConstraints(min_length=1, max_length=1024)] = Field(
        description="The file, relative to the folder of `store`."
    )


class AlertmanagerReceiver(Delegating):
    """Pages in the body of Alertmanager's webhook, version 4, which most tools can parse."""

    kind: Literal["alertmanager"] = Field(description="Posts Alertmanager's webhook, version 4.")
    url: Address = Field(description="The address; `env:NAME` takes it from a setting.")
    token: Setting | None = Field(
        None, description="The setting (`env:NAME`) of a bearer token, which incident.io wants."
    )


class WebhookReceiver(Delegating):
    """Pages as JSON, posted to an address: Alertmanager's fields, and the page's own."""

    kind: Literal["webhook"] = Field(description="Posts one JSON object a page.")
    url: Address = Field(description="The address; `env:NAME` takes it from a setting.")
    secret: Setting | None = Field(
        None,
        description="The setting (`env:NAME`) of a secret that signs each body "
        "(Standard Webhooks: HMAC-SHA256 in the header `webhook-signature`).",
    )
    headers: dict[HeaderName, HeaderValue] = Field(
        default_factory=dict,
        max_length=20,
        description="Headers of your own; `env:NAME` takes a value from a setting.",
    )


class PagerDutyReceiver(Delegating):
    """Events v2 of PagerDuty: one incident there for each incident here."""

    kind: Literal["pagerduty"] = Field(description="Sends events to a service of PagerDuty.")
    routing_key: Setting = Field(
        description="The setting (`env:NAME`) of the integration key, 32 characters."
    )
    url: Address = Field(
        "https://events.pagerduty.com",
        description="Where events are taken; `https://events.eu.pagerduty.com` in the EU.",
    )


class SlackReceiver(_Receiver):
    """Messages in a channel of Slack, by a bot's token or by an incoming webhook."""

    kind: Literal["slack"] = Field(description="Posts to a channel of Slack.")
    token: Setting | None = Field(
        None,
        description="The setting (`env:NAME`) of a bot's token with `chat:write`, and "
        "`channels:history` or `groups:history`, by which a message is found after a restart. An "
        "incident is then one message, changed in place, with a thread.",
    )
    channel: Channel | None = Field(
        None, description="The id of the channel, as `C0123456789`; with `token`."
    )
    url: Address | None = Field(
        None,
        description="Without a token the incoming webhook (`env:NAME`), which gets a new message "
        "each time; with one the API, by default `https://slack.com/api`.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.token is None:
            if self.url is None:
                raise ValueError("kind slack needs a token and a channel, or the url of a webhook")
            if self.channel is not None:
                raise ValueError("a webhook has its own channel; leave channel out, or add a token")
            if is_secret(self.url):
                raise ValueError("the url of a webhook is a secret; write env:NAME")
        elif self.channel is None:
            raise ValueError("a token needs a channel, by its id")
        return self


class TeamsReceiver(_Receiver):
    """Adaptive cards in a channel or chat of Microsoft Teams, by a workflow's webhook."""

    kind: Literal["teams"] = Field(description="Posts a card to a workflow of Microsoft Teams.")
    url: SecretAddress = Field(description="The setting (`env:NAME`) of the workflow's address.")

    def limits(self) -> tuple[Limit, ...]:
        """Those of Microsoft's connectors; of Workflows none are documented."""
        return (
            Limit(60, timedelta(seconds=30)),
            Limit(100, HOUR),
            Limit(150, 2 * HOUR),
            Limit(1800, 24 * HOUR),
        )


class EmailReceiver(_Receiver):
    """E-mail over SMTP."""

    kind: Literal["email"] = Field(description="Sends an e-mail over SMTP.")
    url: MailServer = Field(
        description="The server, as `smtp://mail.example.com:587`; `env:NAME` takes it from a "
        "setting."
    )
    sender: Mailbox = Field(description="The address it is sent from.")
    to: Recipients = Field(description="The addresses it is sent to, at most 50.")
    tls: Literal["starttls", "implicit", "none"] = Field(
        "starttls",
        description="Encryption: `starttls` (refused where the server lacks it), `implicit` (from "
        "the first byte, port 465) or `none`.",
    )
    username: Annotated[str, StringConstraints(min_length=1, max_length=256)] | None = Field(
        None, description="The user to log in as; empty: without a login."
    )
    password: Setting | None = Field(None, description="The setting (`env:NAME`) of the password.")

    @model_validator(mode="after")
    def _whole_login(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together")
        if self.password is not None and self.tls == "none" and is_secret(self.url):
            raise ValueError("tls: none would send the password in the clear")
        return self


class AcsReceiver(_Receiver):
    """E-mail over Azure Communication Services."""

    kind: Literal["acs"] = Field(description="Sends an e-mail by Azure Communication Services.")
    url: Address = Field(
        description="The resource's endpoint, as `https://NAME.communication.azure.com`."
    )
    sender: Mailbox = Field(description="The address it is sent from, of a verified domain.")
    to: Recipients = Field(description="The addresses it is sent to, at most 50.")
    key: Setting | None = Field(
        None,
        description="The setting (`env:NAME`) of an access key; without one the app's identity "
        "asks for a token, in Azure only.",
    )

    def limits(self) -> tuple[Limit, ...]:
        """Those of a domain of Azure's own are lower; refused requests count."""
        if self.sender.casefold().endswith(MANAGED):
            return Limit(5, MINUTE), Limit(10, HOUR)
        return Limit(30, MINUTE), Limit(100, HOUR)


class AzureMonitorReceiver(Delegating):
    """Pages in Azure Monitor's common alert schema."""

    kind: Literal["azure-monitor"] = Field(description="Posts the common alert schema.")
    url: SecretAddress = Field(
        description="The setting (`env:NAME`) of the address, such as a logic app's or a "
        "function's."
    )


Receiver = Annotated[
    PagerDutyReceiver
    | TeamsReceiver
    | SlackReceiver
    | EmailReceiver
    | AcsReceiver
    | AzureMonitorReceiver
    | AlertmanagerReceiver
    | WebhookReceiver
    | TerminalReceiver
    | FileReceiver,
    Field(discriminator="kind", description="A receiver of pages and tickets."),
]


def settings(receiver: Receiver) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the settings that a receiver reads: the field of each, and its name."""
    for field, value in receiver:
        found = (
            {(field, name): one for name, one in value.items()}
            if isinstance(value, dict)
            else {(field,): value}
        )
        for path, text in found.items():
            if isinstance(text, str) and text.startswith("env:"):
                yield path, text.removeprefix("env:")
